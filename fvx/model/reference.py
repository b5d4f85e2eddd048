"""Reference: what bona fide training speech shows, so that a value can be called unusual."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fvx.atomic import write_json
from fvx.errors import ModelError
from fvx.model.data import WindowData
from fvx.store import FeatureRecord

REFERENCE = "reference.json"
COMPANIONS = ("voiced", "defined")
_PERCENTILES = np.concatenate([[0.5, 1, 2, 3], np.arange(5, 100, 5), [97, 98, 99, 99.5]])
_LIMIT_BYTES = 64 << 20
_STILL = 0.05  # of what windows differ by: no more than comes of what windows leave out
_MAX_WINDOWS = 2000  # of the training part: enough for percentiles, whatever the corpus

Table = dict[str, list[list[float]]]


class Reference:
    """Percentiles of each column over bona fide training speech: of clips, and of windows.

    The average over one window strays further than the average over a clip, so each has its own
    table. A per-clip feature has none for windows: it is the same in all of them.

    Attributes
    ----------
    n_clips : int
    has_windows : bool
        Whether there is a table for windows; runs of before it was added have none.
    """

    def __init__(self, n_clips: int, table: Table, windows: Table | None = None) -> None:
        self.n_clips = n_clips
        self.has_windows = windows is not None
        self._table = table
        self._windows = windows or {}

    @classmethod
    def measure(
        cls,
        features: Sequence[FeatureRecord],
        data: WindowData,
        bonafide: NDArray[np.bool_],
    ) -> Reference:
        """Measure on the bona fide clips of the training part."""
        table, windows = {}, {}
        chosen = np.flatnonzero(bonafide[data.windows.clip])
        if len(chosen) > _MAX_WINDOWS:
            chosen = chosen[np.linspace(0, len(chosen) - 1, _MAX_WINDOWS).astype(int)]
        for feature in features:
            rows = data.rows[feature.name]
            values = data.values[feature.name]
            bounds = np.searchsorted(data.windows.clip, np.arange(len(bonafide) + 1))
            averages = np.stack(
                [
                    clip_average(feature, values[np.unique(rows[bounds[i] : bounds[i + 1]])])
                    for i in np.flatnonzero(bonafide)
                ]
            )
            table[feature.name] = np.percentile(averages, _PERCENTILES, axis=0).T.tolist()
            if feature.hop_s is not None:
                averages = np.stack([clip_average(feature, values[rows[i]]) for i in chosen])
                windows[feature.name] = np.percentile(averages, _PERCENTILES, axis=0).T.tolist()
        return cls(int(bonafide.sum()), table, windows)

    def percentile(self, feature: str, column: int, value: float, *, window: bool = False) -> float:
        """Share of reference clips below ``value``, in percent, to the table's resolution.

        With ``window``, share of reference windows, if the feature has frames.
        """
        levels = self._levels(feature, column, window)
        # Many columns have ties at an end (a count of zero): take the middle of the tie.
        low = np.searchsorted(levels, value, "left")
        high = np.searchsorted(levels, value, "right")
        if low == high:
            return float(np.interp(value, levels, _PERCENTILES, left=0.0, right=100.0))
        return float((_PERCENTILES[low] + _PERCENTILES[high - 1]) / 2)

    def usual(self, feature: str, column: int, *, window: bool = False) -> tuple[float, float]:
        """The middle 90 % of the reference clips, or windows: 5th and 95th percentile."""
        low, high = np.interp([5, 95], _PERCENTILES, self._levels(feature, column, window))
        return float(low), float(high)

    def median(self, feature: str) -> NDArray[np.float64]:
        """What is in the middle of the reference clips, shape (n_columns,)."""
        levels = np.asarray(self._table[feature], np.float64)
        middle: NDArray[np.float64] = levels[:, np.searchsorted(_PERCENTILES, 50)]
        return middle

    def varies(self, feature: str) -> NDArray[np.bool_]:
        """Whether clips differ at all in a column, which may be measured against their averages.

        Returns
        -------
        bool array, shape (n_columns,)
        """
        places = np.searchsorted(_PERCENTILES, [5, 95])
        tables = (self._table[feature], self._windows.get(feature, self._table[feature]))
        clips, windows = (np.ptp(np.asarray(table)[:, places], axis=1) for table in tables)
        varied: NDArray[np.bool_] = clips >= _STILL * windows
        return varied

    def z_score(
        self, feature: str, column: int, value: float, *, window: bool = False
    ) -> float | None:
        """Distance from the reference's median, in deviations; None where it never varies.

        A deviation is half the distance between the percentiles 15.9 and 84.1, which is the
        standard deviation of a normal distribution, and which outliers leave as it is.
        """
        levels = self._levels(feature, column, window)
        low, middle, high = np.interp([15.865, 50, 84.135], _PERCENTILES, levels)
        return float(2 * (value - middle) / (high - low)) if high > low else None

    def _levels(self, feature: str, column: int, window: bool) -> NDArray[np.float64]:
        table = self._windows if window and feature in self._windows else self._table
        return np.asarray(table[feature][column], np.float64)

    def save(self, run: Path) -> None:
        """Write ``reference.json`` into a run directory."""
        record: dict[str, object] = {"n_clips": self.n_clips, "percentiles": _rounded(self._table)}
        if self.has_windows:
            record["window_percentiles"] = _rounded(self._windows)
        write_json(run / REFERENCE, record)

    @classmethod
    def load(cls, run: Path, features: Sequence[FeatureRecord]) -> Reference:
        """Read a run's reference.

        Parameters
        ----------
        features : sequence of FeatureRecord
            Of the run, whose columns it has to know.

        Raises
        ------
        ModelError
            If it is missing or malformed.
        """
        path = run / REFERENCE
        try:
            if path.stat().st_size > _LIMIT_BYTES:
                raise ValueError(f"larger than {_LIMIT_BYTES >> 20} MB")
            raw = json.loads(path.read_text(encoding="utf-8"))
            table, windows = dict(raw["percentiles"]), raw.get("window_percentiles")
            _check(table, features)
            if windows is not None:
                windows = dict(windows)
                _check(windows, [one for one in features if one.hop_s is not None])
            return cls(int(raw["n_clips"]), table, windows)
        except (
            OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError
        ) as error:  # fmt: skip
            reason = " ".join(str(error).split())[:200]
            raise ModelError(f"{path}: cannot be read ({reason})") from error


def _check(table: Table, features: Sequence[FeatureRecord]) -> None:
    """Refuse what no training writes: each column has its percentiles, numbers that rise."""
    for feature in features:
        levels = np.asarray(table[feature.name], np.float64)
        if levels.shape != (len(feature.columns), len(_PERCENTILES)):
            raise ValueError(f"{feature.name} has other columns or percentiles")
        if not np.isfinite(levels).all() or (np.diff(levels, axis=1) < 0).any():
            raise ValueError(f"percentiles of {feature.name} are no numbers that rise")


def _rounded(table: Table) -> Table:
    return {
        name: [[float(f"{level:.6g}") for level in column] for column in columns]
        for name, columns in table.items()
    }


def clip_average(feature: FeatureRecord, values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Average of each column over a clip, or over a window of it, shape (n_columns,).

    Over the frames where its companion column, ``voiced`` or ``defined``, says that the
    feature exists; the companion itself over all of them.
    """
    average: NDArray[np.float64] = values.mean(axis=0, dtype=np.float64)
    for companion in COMPANIONS:
        if companion in feature.columns:
            column = feature.columns.index(companion)
            exists = values[:, column] > 0.5
            if exists.any():
                share = average[column]
                average = values[exists].mean(axis=0, dtype=np.float64)
                average[column] = share
    return average
