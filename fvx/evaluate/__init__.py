"""The verb evaluate: scores of runs or of score files, their metrics, pictures and page."""

from fvx.evaluate.evaluation import (
    Evaluation,
    evaluate,
    evaluate_files,
    evaluate_runs,
)
from fvx.evaluate.judging import Options
from fvx.evaluate.scoring import PARTS_AND_ALL, Subset
from fvx.evaluate.writing import METRICS, SCORES

__all__ = [
    "METRICS",
    "PARTS_AND_ALL",
    "SCORES",
    "Evaluation",
    "Options",
    "Subset",
    "evaluate",
    "evaluate_files",
    "evaluate_runs",
]
