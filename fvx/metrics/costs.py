"""Detection costs: of a countermeasure alone, and of one before speaker verification."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fvx.errors import ScoreError
from fvx.metrics.rates import eer_asvspoof
from fvx.metrics.roc import checked, roc

# ASVspoof 5, track 1: prior of a spoof, cost of a miss, cost of a false alarm.
P_SPOOF, COST_MISS, COST_FALSE_ALARM = 0.05, 1.0, 10.0

# ASVspoof 2019 to 5, with speaker verification: of trials that are no spoof, 99 % are targets;
# a miss costs 1, an impostor or a spoof let through 10.
P_TARGET, P_NONTARGET = (1 - P_SPOOF) * 0.99, (1 - P_SPOOF) * 0.01
_COST_IMPOSTOR = 10.0


def min_dcf(
    bonafide: ArrayLike,
    spoof: ArrayLike,
    p_spoof: float = P_SPOOF,
    cost_miss: float = COST_MISS,
    cost_false_alarm: float = COST_FALSE_ALARM,
) -> float:
    """Detection cost at the best threshold, over that of the better constant decision.

    Raises
    ------
    ScoreError
        If the prior is not inside (0, 1) or a cost is not above 0.

    References
    ----------
    Wang et al. (2024), "ASVspoof 5: crowdsourced speech data, deepfakes, and adversarial
    attacks at scale", ASVspoof Workshop.
    """
    miss, alarm = weights(p_spoof, cost_miss, cost_false_alarm)
    false_alarms, hits, _ = roc(bonafide, spoof)
    return float((miss * (1 - hits) + alarm * false_alarms).min() / min(miss, alarm))


def act_dcf(
    bonafide: ArrayLike,
    spoof: ArrayLike,
    p_spoof: float = P_SPOOF,
    cost_miss: float = COST_MISS,
    cost_false_alarm: float = COST_FALSE_ALARM,
) -> float:
    """Detection cost at the threshold that is best for log-likelihood ratios; as `min_dcf`.

    The threshold is ``-ln(cost_miss (1 - p_spoof) / (cost_false_alarm p_spoof))``, -0.642 by
    default; the excess over `min_dcf` is what poor calibration costs.
    """
    positive, negative = checked(bonafide, spoof)
    miss, alarm = weights(p_spoof, cost_miss, cost_false_alarm)
    threshold = -np.log(miss / alarm)
    cost = miss * (positive < threshold).mean() + alarm * (negative >= threshold).mean()
    return float(cost / min(miss, alarm))


@dataclass(frozen=True)
class AsvRates:
    """Errors of a speaker verification system at its own threshold, as fractions.

    Attributes
    ----------
    miss, false_alarm, spoof_false_alarm : float
        Targets rejected; other speakers accepted; spoofs accepted.
    """

    miss: float
    false_alarm: float
    spoof_false_alarm: float


def asv_rates(target: ArrayLike, nontarget: ArrayLike, spoof: ArrayLike) -> AsvRates:
    """Errors of a verification system at its equal error rate, as the challenges set it.

    Their threshold is a trial's own score, which then counts as accepted: with few trials the
    false alarms are one more than the equal error rate says.
    """
    targets, nontargets = checked(target, nontarget, ("target", "nontarget"))
    _, spoofs = checked(target, spoof, ("target", "spoof"))
    _, threshold = eer_asvspoof(targets, nontargets)
    return AsvRates(
        float((targets < threshold).mean()),
        float((nontargets >= threshold).mean()),
        float((spoofs >= threshold).mean()),
    )


def min_tdcf(bonafide: ArrayLike, spoof: ArrayLike, asv: AsvRates) -> float:
    """Tandem detection cost at the best threshold of the countermeasure, as of 2021.

    1 is what the better of no countermeasure and one that rejects all would cost.

    Raises
    ------
    ScoreError
        If the verification system makes a countermeasure pointless or all that counts.

    References
    ----------
    Kinnunen et al. (2020), "Tandem assessment of spoofing countermeasures and automatic
    speaker verification: fundamentals", IEEE/ACM TASLP 28. Liu et al. (2023), "ASVspoof 2021:
    towards spoofed and deepfake speech detection in the wild", IEEE/ACM TASLP 31.
    """
    c0 = P_TARGET * COST_MISS * asv.miss + P_NONTARGET * _COST_IMPOSTOR * asv.false_alarm
    c1 = P_TARGET * COST_MISS - c0
    c2 = P_SPOOF * COST_FALSE_ALARM * asv.spoof_false_alarm
    return _tandem(bonafide, spoof, c0, c1, c2)


def min_tdcf_2019(bonafide: ArrayLike, spoof: ArrayLike, asv: AsvRates) -> float:
    """Tandem detection cost in the form of ASVspoof 2019, at the best threshold.

    Errors that the verification system makes by itself are left out of it.

    Raises
    ------
    ScoreError
        As `min_tdcf`.

    References
    ----------
    Kinnunen et al. (2018), "t-DCF: a detection cost function for the tandem assessment of
    spoofing countermeasures and automatic speaker verification", Odyssey.
    """
    c1 = P_TARGET * (COST_MISS - COST_MISS * asv.miss)
    c1 -= P_NONTARGET * _COST_IMPOSTOR * asv.false_alarm
    c2 = COST_FALSE_ALARM * P_SPOOF * asv.spoof_false_alarm
    return _tandem(bonafide, spoof, 0.0, c1, c2)


def a_dcf(
    target: ArrayLike,
    nontarget: ArrayLike,
    spoof: ArrayLike,
    p_spoof: float = P_SPOOF,
    cost_spoof: float = COST_FALSE_ALARM,
) -> float:
    """Architecture-agnostic cost of one score for all three kinds of trial, at its best.

    Parameters
    ----------
    target, nontarget, spoof : arrays of scores
        Of a system that verifies the speaker and rejects spoofs by one threshold.

    References
    ----------
    Shim et al. (2024), "a-DCF: an architecture agnostic metric with application to
    spoofing-robust speaker verification", Odyssey.
    """
    targets, nontargets = checked(target, nontarget, ("target", "nontarget"))
    _, spoofs = checked(target, spoof, ("target", "spoof"))
    weights(p_spoof, COST_MISS, cost_spoof)
    miss = COST_MISS * (1 - p_spoof) * 0.99
    impostor, spoofed = _COST_IMPOSTOR * (1 - p_spoof) * 0.01, cost_spoof * p_spoof
    thresholds = np.append(np.unique(np.concatenate((targets, nontargets, spoofs))), np.inf)
    below = [np.searchsorted(np.sort(one), thresholds) / len(one) for one in (targets, nontargets)]
    below.append(np.searchsorted(np.sort(spoofs), thresholds) / len(spoofs))
    cost = miss * below[0] + impostor * (1 - below[1]) + spoofed * (1 - below[2])
    return float(cost.min() / min(miss, impostor + spoofed))


def weights(p_spoof: float, cost_miss: float, cost_false_alarm: float) -> tuple[float, float]:
    """What a miss rate and a false alarm rate of 1 cost; `ScoreError` for nonsense."""
    if not 0 < p_spoof < 1 or not cost_miss > 0 or not cost_false_alarm > 0:
        raise ScoreError(
            "a prior lies between 0 and 1 and costs are above 0, got "
            f"{p_spoof}, {cost_miss} and {cost_false_alarm}"
        )
    return cost_miss * (1 - p_spoof), cost_false_alarm * p_spoof


def _tandem(bonafide: ArrayLike, spoof: ArrayLike, c0: float, c1: float, c2: float) -> float:
    if c1 <= 0 or c2 <= 0:
        raise ScoreError(
            "no tandem cost: the verification system "
            + ("errs so often that rejecting all is cheaper" if c1 <= 0 else "accepts no spoof")
        )
    false_alarms, hits, _ = roc(bonafide, spoof)
    return float((c0 + c1 * (1 - hits) + c2 * false_alarms).min() / (c0 + min(c1, c2)))
