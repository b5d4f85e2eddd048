"""Summary: every metric of labelled scores, as metrics.json records them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fvx import metrics
from fvx.scores import groups
from fvx.scores.scores import Scores

SPEAKER, SYSTEM = "speaker", "system"


def summarise(
    scores: Scores,
    threshold: float,
    protocol: str,
    seed: int = 0,
    *,
    by: Sequence[str] = (),
    within: str | None = None,
) -> dict[str, Any]:
    """All metrics of labelled scores, as `metrics.json` records them.

    Parameters
    ----------
    threshold : float
        Where decisions are made: bona fide at or above it. Chosen on development data.
    protocol : str
        What was evaluated, in words.
    seed : int
        For the bootstrap.
    by : sequence of str
        Columns whose values get figures of their own, besides system and speaker.
    within : str or None
        Column that says where a clip is from: the error rates inside each source are averaged.

    Returns
    -------
    dict
        JSON-serialisable. Rates are fractions. ``interval`` says what was resampled for
        ``eer_ci95`` and ``ci95``, which are None where a class has a single clip.
        ``by_system``: each spoof system against all bona fide clips. ``by_speaker``: an EER
        where a speaker has clips of both classes, else their mean score; what is undefined is
        None. Speakers named "-" or "unknown…" are nobody: their clips are resampled one by
        one.

    Raises
    ------
    ScoreError
        If labels are missing, a class is empty, or there is no such column.
    """
    bonafide, spoof = scores.bonafide, scores.spoof
    decisions = metrics.confusion(bonafide, spoof, threshold)
    interval, of_bonafide, of_spoof = groups.units(scores)
    ci95: dict[str, list[float]] | None = None
    if min(len(bonafide), len(spoof)) > 1:  # else there is nothing to redraw
        resampled = metrics.resampled_figures(
            bonafide, spoof, of_bonafide, of_spoof, threshold=threshold, seed=seed
        )
        ci95 = {name: list(metrics.percentile_ci95(v)) for name, v in resampled.items()}
    stated = metrics.reliability(bonafide, spoof)
    cllr, cllr_min = metrics.cllr(bonafide, spoof), metrics.cllr_min(bonafide, spoof)
    record: dict[str, Any] = {
        "protocol": protocol,
        "n_bonafide": len(bonafide),
        "n_spoof": len(spoof),
        "eer": metrics.eer(bonafide, spoof)[0],
        "eer_ci95": ci95 and ci95["eer"],
        "interval": interval,
        "eer_asvspoof": metrics.eer_asvspoof(bonafide, spoof)[0],
        "eer_hull": metrics.eer_hull(bonafide, spoof),
        "auc": metrics.auc(bonafide, spoof),
        "tpr_at_fpr_1pct": metrics.tpr_at_fpr(bonafide, spoof, 0.01),
        "tpr_at_fpr_0.1pct": metrics.tpr_at_fpr(bonafide, spoof, 0.001),
        "min_dcf": metrics.min_dcf(bonafide, spoof),
        "act_dcf": metrics.act_dcf(bonafide, spoof),
        "cllr": cllr,
        "cllr_min": cllr_min,
        "calibration_loss": cllr - cllr_min,
        "brier": metrics.brier(bonafide, spoof),
        "reliability": {
            "stated": stated.stated.tolist(),
            "found": stated.found.tolist(),
            "n": stated.n.tolist(),
            "error": stated.error,
        },
        "accuracy": decisions.accuracy,
        "balanced_accuracy": decisions.balanced_accuracy,
        "f1": decisions.f1,
        "confusion": asdict(decisions),
        "threshold": float(threshold),
        "ci95": ci95,
        "by_system": groups.by_system(scores, seed),
        "by_speaker": groups.by_speaker(scores),
        "by": {
            column: groups.by_column(scores, column, seed)
            for column in dict.fromkeys(by)
            if column not in (SPEAKER, SYSTEM)
        },
    }
    if within is not None:
        record["within"] = groups.within(scores, within, seed)
        record["within_source_eer"] = record["within"]["eer"]
        record["by_source"] = record["by"].get(within) or groups.by_column(scores, within, seed)
    return record
