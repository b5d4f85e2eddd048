"""Intervals by redrawing: whole speakers, where they are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fvx.errors import ScoreError
from fvx.metrics.roc import Floats, Integers, checked

_COUNTS_AT_ONCE = 1 << 19  # a few arrays of so many numbers are held, however many resamples


def bootstrap_ci(
    bonafide: ArrayLike,
    spoof: ArrayLike,
    statistic: Callable[[Floats, Floats], float],
    groups_bonafide: Sequence[str] | None = None,
    groups_spoof: Sequence[str] | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % percentile interval of a statistic, resampling whole speakers.

    Parameters
    ----------
    statistic : callable
        Takes bona fide and spoof scores, each sorted upwards, and returns a number.
    groups_bonafide, groups_spoof : sequence of str, one per score, or None
        The speaker of each clip. One that speaks in both classes is drawn as one unit. None:
        each clip of that class is a unit of its own.

    Returns
    -------
    low, high : float

    Raises
    ------
    ScoreError
        If a class has fewer than two units: nothing can be learnt from redrawing one.

    Notes
    -----
    Speakers of bona fide clips only, of spoofs only and of both are redrawn each among
    themselves, so every resample has both classes. Where no clip is mistaken, no resample
    has an error either and the interval of an error rate is [0, 0]: too narrow, as any
    bootstrap then is. `resampled_figures` is faster for the figures it knows.
    """
    positive, negative = checked(bonafide, spoof)
    draws = Draws.of(positive, negative, groups_bonafide, groups_spoof, seed)
    positive, negative = positive[draws.order[0]], negative[draws.order[1]]
    values = [
        # Repeating sorted scores keeps them sorted, and a stable sort of two sorted runs is
        # a merge: the statistic never sorts afresh.
        statistic(np.repeat(positive, times[0]), np.repeat(negative, times[1]))
        for block in draws.blocks(n_resamples)
        for times in zip(*block, strict=True)
    ]
    return percentile_ci95(np.array(values))


def percentile_ci95(values: Floats) -> tuple[float, float]:
    """What lies between 2.5 and 97.5 % of the values."""
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


@dataclass(frozen=True, eq=False)
class Draws:
    """How often each score is drawn in each resample.

    Attributes
    ----------
    order : pair of int64 arrays
        What sorts the scores of each class upwards: counts come in this order.
    """

    order: tuple[Integers, Integers]
    _units: tuple[Integers, Integers]
    _strata: tuple[Integers, ...]
    _n_units: int
    _seed: int

    @classmethod
    def of(
        cls,
        positive: Floats,
        negative: Floats,
        groups_bonafide: Sequence[str] | None,
        groups_spoof: Sequence[str] | None,
        seed: int,
    ) -> Draws:
        """Number the units; `ScoreError` if a class has fewer than two."""
        order = np.argsort(positive, kind="stable"), np.argsort(negative, kind="stable")
        of_positive = _names(groups_bonafide, len(positive), "bona fide")
        of_negative = _names(groups_spoof, len(negative), "spoof")
        if of_positive is None and of_negative is None:  # numbered as sorted: nothing to look up
            n_positive, n_units = len(positive), len(positive) + len(negative)
            units = np.arange(n_positive), np.arange(n_positive, n_units)
            return cls(order, units, units, n_units, seed)
        # Numbered as they come, so that another system's scores of the same clips, sorted
        # otherwise, are drawn alike.
        ours = of_positive or [("bona fide", i) for i in range(len(positive))]
        theirs = of_negative or [("spoof", i) for i in range(len(negative))]
        number = {unit: i for i, unit in enumerate(dict.fromkeys([*ours, *theirs]))}
        units = (
            np.array([number[unit] for unit in ours])[order[0]],
            np.array([number[unit] for unit in theirs])[order[1]],
        )
        stratum = np.zeros(len(number), np.int64)
        for kind, of_class in enumerate(units, 1):
            stratum[of_class] |= kind
        strata = [found for kind in (1, 2, 3) if (found := np.flatnonzero(stratum == kind)).size]
        return cls(order, units, tuple(strata), len(number), seed)

    def blocks(self, n_resamples: int) -> Iterator[tuple[Integers, Integers]]:
        """Counts of both classes' scores, some resamples at a time.

        Yields
        ------
        pair of int64 arrays, shapes (n, n_bonafide) and (n, n_spoof)
        """
        rng = np.random.default_rng(self._seed)
        n_scores = sum(map(len, self._units))
        at_once = max(1, _COUNTS_AT_ONCE // max(n_scores, self._n_units))
        alone = self._strata is self._units
        for first in range(0, n_resamples, at_once):
            n_rows = min(at_once, n_resamples - first)
            times = [self._times(units, n_rows, rng) for units in self._strata]
            if alone:
                yield times[0], times[1]
                continue
            counts = np.empty((n_rows, self._n_units), np.int64)
            for units, drawn in zip(self._strata, times, strict=True):
                counts[:, units] = drawn
            yield counts[:, self._units[0]], counts[:, self._units[1]]

    @staticmethod
    def _times(units: Integers, n_rows: int, rng: np.random.Generator) -> Integers:
        """How often each unit of a stratum is drawn, shape (n_rows, n_units)."""
        size = len(units)
        drawn = rng.integers(size, size=(n_rows, size))
        if n_rows > 1:
            drawn += np.arange(n_rows)[:, None] * size
        return np.bincount(drawn.ravel(), minlength=n_rows * size).reshape(n_rows, size)


def _names(
    groups: Sequence[str] | None, n_scores: int, name: str
) -> list[tuple[str, object]] | None:
    """A key per score, shared by a speaker's clips in both classes; None: each is alone."""
    if groups is not None and len(groups) != n_scores:
        raise ScoreError(f"{n_scores} {name} scores but {len(groups)} groups for them")
    n_units = n_scores if groups is None else len(set(groups))
    if n_units < 2:
        raise ScoreError(f"an interval needs two {name} clips or speakers at least, got one")
    return None if groups is None else [("", group) for group in groups]
