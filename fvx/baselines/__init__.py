"""Baselines: the field's detectors, trained on the same parts and judged by the same figures.

A baseline makes a run like any other: ``fvx evaluate`` and ``fvx predict`` take it. It has no
branches, so ``fvx explain`` does not. scikit-learn, Keras and LiteRT load when they are used.
"""

from fvx.baselines.baseline import BASELINES, BaselineName, Fitted, find
from fvx.baselines.scoring import BaselineScorer, open_scorer

__all__ = ["BASELINES", "BaselineName", "BaselineScorer", "Fitted", "find", "open_scorer"]
