"""Batches of windows from a store, for training and for scoring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.store import FeatureRecord, Store
from fvx.windows import Windows


@dataclass(frozen=True)
class WindowData:
    """Features of some clips in memory, and which rows each window takes from them.

    Windows overlap, so they are cut batch by batch and never held all at once.

    Attributes
    ----------
    windows : Windows
    values : dict of str to float32 array, shape (n_rows, n_columns)
    rows : dict of str to int64 array, shape (n_windows, n_frames)
    """

    windows: Windows
    per_clip: frozenset[str]
    values: dict[str, NDArray[np.float32]]
    rows: dict[str, NDArray[np.int64]]

    @classmethod
    def load(cls, store: Store, features: Sequence[FeatureRecord], windows: Windows) -> WindowData:
        """Read the windows' clips from the store, each clip once."""
        values, rows = {}, {}
        bounds = np.searchsorted(windows.clip, np.arange(len(windows.clips) + 1))
        for feature in features:
            values[feature.name], offsets = store[feature.name].gather(list(windows.clips))
            parts = []
            for clip, first in enumerate(offsets[:-1]):
                starts = windows.start_s[bounds[clip] : bounds[clip + 1]]
                n_stored = int(offsets[clip + 1] - first)
                parts.append(first + windows.geometry.rows(starts, n_stored, feature.hop_s))
            rows[feature.name] = np.concatenate(parts)
        per_clip = frozenset(feature.name for feature in features if feature.hop_s is None)
        return cls(windows, per_clip, values, rows)

    def __len__(self) -> int:
        return len(self.windows)

    def batch(self, which: NDArray[np.int64] | slice) -> dict[str, NDArray[np.float32]]:
        """Cut the chosen windows: by feature, (n, n_frames, n_columns); (n, n_columns) per clip."""
        return {
            name: values[
                self.rows[name][which, 0] if name in self.per_clip else self.rows[name][which]
            ]
            for name, values in self.values.items()
        }

    def batches(self, size: int) -> Iterator[dict[str, NDArray[np.float32]]]:
        """All windows in order, ``size`` at a time."""
        for first in range(0, len(self), size):
            yield self.batch(slice(first, first + size))

    def statistics(self) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Mean and standard deviation of each column, by feature, each shape (n_columns,)."""
        result = {}
        for name, values in self.values.items():
            mean = values.mean(axis=0, dtype=np.float64)
            deviation = values.std(axis=0, dtype=np.float64)
            # A column that never varies must not be blown up by a tiny divisor.
            result[name] = (mean, np.where(deviation > 1e-6, deviation, 1.0))
        return result

    def clip_means(self, window_values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Average a value of each window over each clip's windows, shape (n_clips,)."""
        n_clips = len(self.windows.clips)
        totals = np.bincount(self.windows.clip, window_values, minlength=n_clips)
        return totals / np.bincount(self.windows.clip, minlength=n_clips)
