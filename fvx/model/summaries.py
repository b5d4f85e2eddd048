"""Summaries: what each window's feature comes to once time is taken out.

Measured once from the store; what learns from them never reads a frame again, so that dozens of
networks (folds, candidates, members) cost less than one that reads windows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fvx.model.part import Batch, Features, Part
from fvx.model.pooling import pool
from fvx.store import FeatureRecord

LAGS_FRAMES = (1, 2, 4, 8, 16)
QUIET = 1e-2  # deviations: below a hundredth of what is usual, all are taken as equally still
_HELD_BYTES = 1 << 31
_BATCH = 512
_BLOCK_VALUES = 1 << 17

Statistics = Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
Reader = Callable[[Features], dict[str, NDArray[np.float32]]]


def summarise(
    windows: NDArray[np.float32], mean: NDArray[np.float64], deviation: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Mean of each standardised column over a window, and how much it moves at six time scales.

    Movement is the logarithm of the column's deviation, and of its root-mean-square difference
    over 1 to 16 frames. A microphone, room or equaliser adds nearly the same to a log-spectral or
    cepstral column all along: it is in the mean, and in none of the others.

    Parameters
    ----------
    windows : float32 array, shape (n, n_frames, n_columns); (n, n_columns) per clip
    mean, deviation : float64 arrays, shape (n_columns,)

    Returns
    -------
    float32 array, shape (n, size)
        Size is n_columns per clip; else n_columns times one more than there are scales.
    """
    middle, scale = mean.astype(np.float32), (1 / deviation).astype(np.float32)
    if windows.ndim == 2:
        values: NDArray[np.float32] = (windows - middle) * scale
        return values
    # A few windows at a time: what lies between stays in the processor's cache.
    step = max(1, _BLOCK_VALUES // max(1, windows[0].size))
    blocks = [
        _moves((windows[first : first + step] - middle) * scale)
        for first in range(0, len(windows), step)
    ]
    return np.concatenate(blocks)


def _moves(values: NDArray[np.float32]) -> NDArray[np.float32]:
    n_frames = values.shape[1]
    average = values.mean(axis=1)
    spans = [values - average[:, np.newaxis]]
    spans += [values[:, lag:] - values[:, :-lag] for lag in LAGS_FRAMES if lag < n_frames]
    squares = [np.einsum("ntc,ntc->nc", one, one) / one.shape[1] for one in spans]
    return np.concatenate([average, *(np.log(np.sqrt(one) + QUIET) for one in squares)], axis=1)


def reader(features: Sequence[FeatureRecord], statistics: Statistics) -> Reader:
    """What turns windows by feature into summaries by feature."""
    return lambda windows: {
        one.name: summarise(windows[one.name], *statistics[one.name]) for one in features
    }


@dataclass(frozen=True, eq=False)
class Summaries:
    """A part as summaries; to a descent it looks like a `Part` whose windows they are.

    Attributes
    ----------
    part : Part
        What it was measured from.
    values : mapping of str to float16 array, shape (n_windows, size)
        By feature.
    rows : int64 array
        Which windows of the part these are; clips are whole.
    """

    part: Part
    values: Mapping[str, NDArray[np.float16]]
    rows: NDArray[np.int64]

    @classmethod
    def measure(cls, part: Part, read: Reader, folder: Path | None = None) -> Self:
        """Go through the part once.

        Parameters
        ----------
        folder : Path or None
            Where what is larger than 2 GB is kept while it is needed.
        """
        values: dict[str, NDArray[np.float16]] = {}
        for span, data in part.blocks():
            for first in range(0, len(data), _BATCH):
                some = slice(first, min(first + _BATCH, len(data)))
                place = slice(span.start + some.start, span.start + some.stop)
                for name, found in read(data.batch(some)).items():
                    if name not in values:
                        values[name] = _room(len(part), found.shape[1], name, folder)
                    # What lies beyond is clipped by every branch, far below this.
                    values[name][place] = np.clip(found, -6e4, 6e4)
        return cls(part, values, np.arange(len(part)))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def clip(self) -> NDArray[np.int64]:
        """Place of each window's clip in the part's clips."""
        return self.part.windows.clip[self.rows]

    @property
    def bonafide(self) -> NDArray[np.bool_]:
        """Whether each window is bona fide."""
        return self.part.window_bonafide[self.rows]

    def of_clips(self, chosen: NDArray[np.bool_]) -> Self:
        """Those of some of the part's clips, by a mask of shape (n_clips,)."""
        return type(self)(self.part, self.values, self.rows[chosen[self.clip]])

    def some_clips(self, n_windows: int, seed: int) -> Self:
        """About so many windows at most, of whole clips drawn by ``seed``."""
        if len(self) <= n_windows:
            return self
        n_clips = len(self.part.bonafide)
        return self.of_clips(np.random.default_rng(seed).random(n_clips) < n_windows / len(self))

    def only(self, names: Sequence[str]) -> Self:
        """Those of some features."""
        return type(self)(self.part, {name: self.values[name] for name in names}, self.rows)

    def some(self, n_windows: int) -> Self:
        """At most so many windows, from all over."""
        chosen = np.linspace(0, len(self) - 1, min(n_windows, len(self))).astype(np.int64)
        return type(self)(self.part, self.values, self.rows[chosen])

    def moments(self) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Mean and deviation of each column of the summaries, by feature."""
        found = {}
        for name, values in self.values.items():
            mine = values[self.rows[:: max(1, len(self) // 20_000)]].astype(np.float64)
            found[name] = mine.mean(axis=0), np.maximum(mine.std(axis=0), 1e-3)
        return found

    def shuffled(self, size: int, seed: Sequence[int]) -> Iterator[Batch]:
        """Batches in an order drawn by ``seed``, every window once whose label is clear."""
        weights = self.part.weights[self.rows]
        order = np.random.default_rng(seed).permutation(len(self))
        order = order[weights[order] > 0]
        for first in range(0, len(order), size):
            chosen = order[first : first + size]
            rows = self.rows[chosen]
            yield Batch(self._batch(rows), self.part.targets(rows), weights[chosen])

    def map(
        self, function: Callable[[Features], NDArray[np.float64]], size: int = _BATCH
    ) -> NDArray[np.float64]:
        """Apply a function to all windows in order, some at a time; shape (n_windows, …)."""
        return np.concatenate(
            [
                function(self._batch(self.rows[first : first + size]))
                for first in range(0, len(self), size)
            ]
        )

    def judged(self, logits: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """What a network is judged by: as `Part.judged`, of these clips."""
        if self.part.labels.of_their_own:
            clear = self.part.labels.clear[self.rows]
            return logits[clear], self.bonafide[clear]
        clips, clip = np.unique(self.clip, return_inverse=True)
        return pool(logits, clip, len(clips), "mean"), self.part.bonafide[clips]

    def _batch(self, rows: NDArray[np.int64]) -> Features:
        return {name: values[rows].astype(np.float32) for name, values in self.values.items()}


def _room(n_rows: int, size: int, name: str, folder: Path | None) -> NDArray[np.float16]:
    if folder is None or 2 * n_rows * size < _HELD_BYTES // 16:
        return np.empty((n_rows, size), np.float16)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.summaries.npy"
    return np.lib.format.open_memmap(path, "w+", np.float16, (n_rows, size))
