"""Two systems on the same clips: does one really do better?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from fvx.errors import ScoreError
from fvx.metrics.figures import resampled_figures
from fvx.metrics.intervals import percentile_ci95
from fvx.metrics.rates import eer
from fvx.metrics.roc import checked


@dataclass(frozen=True)
class Difference:
    """Figure of the second system less that of the first.

    Attributes
    ----------
    value : float
    ci95 : (float, float)
        Over the same redrawn speakers or clips for both.
    p_value : float
        Two-sided: twice the share of resamples on the rarer side of no difference.
    """

    value: float
    ci95: tuple[float, float]
    p_value: float


def paired_difference(
    first: tuple[ArrayLike, ArrayLike],
    second: tuple[ArrayLike, ArrayLike],
    groups_bonafide: Sequence[str] | None = None,
    groups_spoof: Sequence[str] | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
) -> Difference:
    """Difference of the equal error rates of two systems on the same clips.

    Parameters
    ----------
    first, second : pairs of arrays
        Bona fide and spoof scores of each system, clip by clip in the same order.

    Raises
    ------
    ScoreError
        If the systems have scored different numbers of clips, or a class has one unit.
    """
    one, other = checked(*first), checked(*second)
    if [len(scores) for scores in one] != [len(scores) for scores in other]:
        raise ScoreError(
            f"the same clips are needed: {len(one[0])} and {len(other[0])} bona fide, "
            f"{len(one[1])} and {len(other[1])} spoof"
        )
    # A unit for each clip, where there are no speakers: so that it is drawn alike for both.
    groups = (
        groups_bonafide or [f"\0bona fide {i}" for i in range(len(one[0]))],
        groups_spoof or [f"\0spoof {i}" for i in range(len(one[1]))],
    )
    first_rates, second_rates = (
        resampled_figures(*scores, *groups, figures=("eer",), n_resamples=n_resamples, seed=seed)[
            "eer"
        ]
        for scores in (one, other)
    )
    differences = second_rates - first_rates
    rarer = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    p_value = min(1.0, 2 * (rarer + 1) / (n_resamples + 1))
    return Difference(eer(*other)[0] - eer(*one)[0], percentile_ci95(differences), p_value)


def mcnemar(only_first_right: int, only_second_right: int) -> float:
    """Chance of decisions so uneven, were both systems equally often right; exact, two-sided.

    Parameters
    ----------
    only_first_right, only_second_right : int
        Clips that one system decides rightly and the other does not.

    Raises
    ------
    ScoreError
        If a count is negative.

    References
    ----------
    McNemar (1947), "Note on the sampling error of the difference between correlated
    proportions or percentages", Psychometrika 12.
    """
    n, rarer = only_first_right + only_second_right, min(only_first_right, only_second_right)
    if rarer < 0:
        raise ScoreError(f"counts are not negative: {only_first_right}, {only_second_right}")
    # By logarithms: the binomial coefficients of a million clips are no floats.
    terms = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2)
        for k in range(rarer + 1)
    ]
    return min(1.0, 2 * math.fsum(map(math.exp, terms)))
