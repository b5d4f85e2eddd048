"""Explanation: what moved a clip's score, by feature, by window, and by both."""

from fvx.explanation.attribution import METHODS, Method, Settings
from fvx.explanation.explanation import Explanation, cells_csv, explain_analysis

__all__ = ["METHODS", "Explanation", "Method", "Settings", "cells_csv", "explain_analysis"]
