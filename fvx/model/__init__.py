"""Model: one branch per feature, a small head, and the portable scorer (no TensorFlow here)."""

from fvx.model.card import Card, latest_run
from fvx.model.scorer import Scorer

__all__ = ["Card", "Scorer", "latest_run"]
