"""Explanation: what moved a clip's score, by feature, by window, and by both."""

from fvx.explanation.attribution import METHODS, Method
from fvx.explanation.explanation import Explanation, explain_analysis

__all__ = ["METHODS", "Explanation", "Method", "explain_analysis"]
