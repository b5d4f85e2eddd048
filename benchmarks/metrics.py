"""How long the metrics of a million scores take, and their intervals; scikit-learn beside it."""

from __future__ import annotations

import argparse
import resource
import time
import timeit
from collections.abc import Callable

import numpy as np
from sklearn.isotonic import isotonic_regression
from sklearn.metrics import roc_auc_score, roc_curve

from fvx import metrics

N_SPEAKERS = 1_000
METRICS_TARGET_S, BOOTSTRAP_TARGET_S, MEMORY_TARGET_MB = 2.0, 60.0, 1_000.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=int, default=1_000_000)
    parser.add_argument("--resamples", type=int, default=1_000)
    options = parser.parse_args()
    half = options.scores // 2
    rng = np.random.default_rng(0)
    bonafide, spoof = rng.normal(1, 1, half), rng.normal(-1, 1, half)
    truth, pooled = np.repeat([1, 0], half), np.concatenate((bonafide, spoof))
    print(f"{2 * half:,} scores, best of three")

    total_s = 0.0
    for name, function in {
        "EER": metrics.eer,
        "EER, ASVspoof": metrics.eer_asvspoof,
        "EER, convex hull": metrics.eer_hull,
        "AUC": metrics.auc,
        "min DCF": metrics.min_dcf,
        "actual DCF": metrics.act_dcf,
        "Cllr": metrics.cllr,
        "Cllr min": metrics.cllr_min,
        "Brier score": metrics.brier,
        "reliability": metrics.reliability,
        "TPR at FPR 1 %": lambda b, s: metrics.tpr_at_fpr(b, s, 0.01),
        "TPR at FPR 0.1 %": lambda b, s: metrics.tpr_at_fpr(b, s, 0.001),
        "confusion": lambda b, s: metrics.confusion(b, s, 0.0),
    }.items():
        total_s += _time_s(name, lambda function=function: function(bonafide, spoof))  # type: ignore[misc]
    _target("all metrics", total_s, METRICS_TARGET_S)

    print("\nscikit-learn, for the same")
    _time_s("roc_curve", lambda: roc_curve(truth, pooled, drop_intermediate=False))
    _time_s("roc_auc_score", lambda: roc_auc_score(truth, pooled))
    order = np.argsort(pooled)
    _time_s("isotonic_regression, sorted", lambda: isotonic_regression(truth[order].astype(float)))

    print(f"\n{options.resamples:,} resamples")
    speakers = [f"s{i}" for i in rng.integers(N_SPEAKERS, size=half)]
    for name, groups, figures in (
        ("clips, EER", None, ("eer",)),
        ("clips, all figures", None, None),
        (f"{N_SPEAKERS} speakers, all figures", speakers, None),
    ):
        begun_s = time.perf_counter()
        metrics.resampled_figures(
            bonafide, spoof, groups, groups, threshold=0.0, figures=figures,
            n_resamples=options.resamples,
        )  # fmt: skip
        _target(name, time.perf_counter() - begun_s, BOOTSTRAP_TARGET_S)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    verdict = "met" if peak_mb < MEMORY_TARGET_MB else "MISSED"
    print(f"peak memory {peak_mb:.0f} MB, target {MEMORY_TARGET_MB:.0f} MB: {verdict}")


def _time_s(name: str, function: Callable[[], object]) -> float:
    took_s = min(timeit.repeat(function, number=1, repeat=3))
    print(f"  {name:<28} {1000 * took_s:7.0f} ms")
    return took_s


def _target(name: str, took_s: float, target_s: float) -> None:
    verdict = "met" if took_s < target_s else "MISSED"
    print(f"  {name:<28} {took_s:7.2f} s, target {target_s:g} s: {verdict}")


if __name__ == "__main__":
    main()
