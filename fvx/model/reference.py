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


class Reference:
    """Percentiles of each column's clip average over bona fide training clips."""

    def __init__(self, n_clips: int, table: dict[str, list[list[float]]]) -> None:
        self.n_clips = n_clips
        self._table = table

    @classmethod
    def measure(
        cls,
        features: Sequence[FeatureRecord],
        data: WindowData,
        bonafide: NDArray[np.bool_],
    ) -> Reference:
        """Measure on the bona fide clips of the training part."""
        table = {}
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
        return cls(int(bonafide.sum()), table)

    def percentile(self, feature: str, column: int, value: float) -> float:
        """Share of reference clips below ``value``, in percent, to the table's resolution."""
        levels = np.asarray(self._table[feature][column])
        # Many columns have ties at an end (a count of zero): take the middle of the tie.
        low = np.searchsorted(levels, value, "left")
        high = np.searchsorted(levels, value, "right")
        if low == high:
            return float(np.interp(value, levels, _PERCENTILES, left=0.0, right=100.0))
        return float((_PERCENTILES[low] + _PERCENTILES[high - 1]) / 2)

    def usual(self, feature: str, column: int) -> tuple[float, float]:
        """The middle 90 % of the reference clips: 5th and 95th percentile."""
        low, high = np.interp([5, 95], _PERCENTILES, self._table[feature][column])
        return float(low), float(high)

    def save(self, run: Path) -> None:
        """Write ``reference.json`` into a run directory."""
        rounded = {
            name: [[float(f"{level:.6g}") for level in column] for column in columns]
            for name, columns in self._table.items()
        }
        write_json(run / REFERENCE, {"n_clips": self.n_clips, "percentiles": rounded})

    @classmethod
    def load(cls, run: Path) -> Reference:
        """Read a run's reference.

        Raises
        ------
        ModelError
            If it is missing or malformed.
        """
        try:
            raw = json.loads((run / REFERENCE).read_text())
            return cls(int(raw["n_clips"]), dict(raw["percentiles"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{run / REFERENCE}: cannot be read ({error})") from error


def clip_average(feature: FeatureRecord, values: NDArray[np.float32]) -> NDArray[np.float64]:
    """A clip's average of each column, shape (n_columns,).

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
