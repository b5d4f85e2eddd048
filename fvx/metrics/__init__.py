"""Error rates, costs, calibration and intervals from two arrays of scores: pure functions.

Everywhere the positive class is bona fide, a higher score means bona fide, a clip is accepted
when ``score >= threshold``, a *miss* is a bona fide clip rejected and a *false alarm* a spoof
accepted. Rates are fractions. Every function raises `ScoreError` when a class is empty or a
score is NaN or infinite. An EER above 50 % is reported as it is.
"""

from fvx.metrics.calibration import (
    Reliability,
    brier,
    calibration_loss,
    cllr,
    cllr_min,
    fit_calibration,
    reliability,
)
from fvx.metrics.costs import (
    COST_FALSE_ALARM,
    COST_MISS,
    P_SPOOF,
    AsvRates,
    a_dcf,
    act_dcf,
    asv_rates,
    min_dcf,
    min_tdcf,
    min_tdcf_2019,
)
from fvx.metrics.decisions import Confusion, confusion
from fvx.metrics.figures import resampled_figures
from fvx.metrics.intervals import bootstrap_ci, percentile_ci95
from fvx.metrics.pairs import Difference, mcnemar, paired_difference
from fvx.metrics.rates import auc, eer, eer_asvspoof, eer_hull, tpr_at_fpr
from fvx.metrics.roc import Floats, Integers, hull, roc

__all__ = [
    "COST_FALSE_ALARM",
    "COST_MISS",
    "P_SPOOF",
    "AsvRates",
    "Confusion",
    "Difference",
    "Floats",
    "Integers",
    "Reliability",
    "a_dcf",
    "act_dcf",
    "asv_rates",
    "auc",
    "bootstrap_ci",
    "brier",
    "calibration_loss",
    "cllr",
    "cllr_min",
    "confusion",
    "eer",
    "eer_asvspoof",
    "eer_hull",
    "fit_calibration",
    "hull",
    "mcnemar",
    "min_dcf",
    "min_tdcf",
    "min_tdcf_2019",
    "paired_difference",
    "percentile_ci95",
    "reliability",
    "resampled_figures",
    "roc",
    "tpr_at_fpr",
]
