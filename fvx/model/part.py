"""Part: the clips of one part of a split, read from the store as training goes through them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fvx.model.background import Ahead
from fvx.model.data import WindowData
from fvx.model.moments import Moments
from fvx.model.pooling import pool
from fvx.model.window_labels import WindowLabels
from fvx.store import FeatureRecord, Store
from fvx.windows import Geometry, Windows

Features = dict[str, NDArray[np.float32]]

_HELD_BYTES = 1 << 28  # a part that is smaller is read once and kept
_BLOCK_BYTES = 1 << 24  # clips read together
_MIXED_BYTES = 3 << 25  # blocks whose windows are shuffled together; as much again is being read
_LONGEST_BATCH = 128
_SAMPLE_WINDOWS = 2048
_SAMPLE_BYTES = 1 << 26
_SAMPLE_BLOCKS = 16


class Batch(NamedTuple):
    """Windows by feature, their targets (n, …, 1): 1 for bona fide, and their weights (n,)."""

    windows: Features
    target: NDArray[np.float32]
    weight: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Part:
    """Windows of some clips of a store; held in memory only if they are few.

    Attributes
    ----------
    store : Store
    features : tuple of FeatureRecord
    windows : Windows
        Of all the clips, which are best given in the store's order.
    bonafide : bool array, shape (n_clips,)
    labels : WindowLabels
        Each window's own, which is its clip's unless the clip table names spans.
    weights : float32 array, shape (n_windows,)
        What each window counts in training: 0 if its label is not clear; mean over the others 1.
    held_bytes : int
        Up to what size the part is held in memory.
    """

    store: Store
    features: tuple[FeatureRecord, ...]
    windows: Windows
    bonafide: NDArray[np.bool_]
    labels: WindowLabels
    weights: NDArray[np.float32]
    held_bytes: int = _HELD_BYTES

    @classmethod
    def over(
        cls,
        store: Store,
        features: Sequence[FeatureRecord],
        geometry: Geometry,
        clips: Sequence[str],
        *,
        balance: Sequence[str] = (),
        held_bytes: int = _HELD_BYTES,
    ) -> Self:
        """Lay windows over the named clips.

        Parameters
        ----------
        balance : sequence of str
            Columns of the clip table. Within each class, windows of clips of each combination
            of their values weigh together as the square root of their number; both classes
            weigh the same in any case.

        Raises
        ------
        DatasetError
            If the spans that the table names for a clip cannot be read.
        """
        table = store.clips.loc[list(clips)]
        bonafide = (table["label"] == "bonafide").to_numpy()
        windows = Windows.over(store, geometry, clips)
        labels = WindowLabels.of(windows, table)
        weights = _weights(windows, labels, table, balance)
        return cls(store, tuple(features), windows, bonafide, labels, weights, held_bytes)

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def window_bonafide(self) -> NDArray[np.bool_]:
        """Whether each window is bona fide for certain."""
        return self.labels.bonafide

    def targets(self, which: NDArray[np.int64]) -> NDArray[np.float32]:
        """What some windows are to be taken for, shape (n, 1): 1 for bona fide."""
        return self.window_bonafide[which].astype(np.float32)[:, np.newaxis]

    def judged(self, logits: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """What a network is judged by, given its logits of all windows.

        Returns
        -------
        values : float64 array, shape (n,)
            The mean of each clip's windows; where windows have labels of their own, the logits
            of those whose label is clear.
        bonafide : bool array, shape (n,)
        """
        if not self.labels.of_their_own:
            return pool(logits, self.windows.clip, len(self.bonafide), "mean"), self.bonafide
        clear = self.labels.clear
        return logits[clear], self.labels.bonafide[clear]

    @property
    def n_bytes(self) -> int:
        """Size of the clips' features in memory, nearly."""
        return int(self._clip_bytes.sum())

    @property
    def is_held(self) -> bool:
        """Whether the part is small enough to be held in memory."""
        return self.n_bytes <= self.held_bytes

    def blocks(self) -> Iterator[tuple[slice, WindowData]]:
        """Some clips after others, in order: which windows they have, and their features."""
        if self.is_held:
            yield slice(0, len(self)), self._held
            return
        for clips in self._blocks:
            yield self._windows_of(clips), self._read(clips)

    def map(
        self, function: Callable[[Features], NDArray[np.float64]], size: int = _LONGEST_BATCH
    ) -> NDArray[np.float64]:
        """Apply a function to all windows in order, some at a time; shape (n_windows, …)."""
        blocks = self.blocks() if self.is_held else Ahead(self.blocks(), 1)
        return np.concatenate([function(x) for _, data in blocks for x in data.batches(size)])

    def shuffled(self, size: int, seed: Sequence[int]) -> Iterator[Batch]:
        """Batches in an order drawn by ``seed``, every window once whose label is clear.

        A part that is not held is gone through some blocks at a time, in random order, and
        their windows are shuffled together: a batch is of many clips from all over the corpus.
        """
        rng = np.random.default_rng(seed)
        if self.is_held:
            yield from self._drawn([(slice(0, len(self)), self._held)], size, rng)
            return
        n_mixed = max(1, _MIXED_BYTES // _BLOCK_BYTES)
        order = rng.permutation(len(self._blocks))
        mixes = (
            [
                (self._windows_of(clips), self._read(clips))
                for clips in (self._blocks[i] for i in order[first : first + n_mixed])
            ]
            for first in range(0, len(order), n_mixed)
        )
        for mixed in Ahead(mixes, 1):
            yield from self._drawn(mixed, size, rng)

    def statistics(self) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Mean and standard deviation of each column, by feature, each shape (n_columns,)."""
        moments = {one.name: Moments() for one in self.features}
        for _, data in self.blocks():
            for name, track in data.tracks.items():
                moments[name].add(track.values)
        # A column that never varies must not be blown up by a tiny divisor.
        return {
            name: (one.mean, np.where(one.deviation > 1e-6, one.deviation, 1.0))
            for name, one in moments.items()
        }

    def bonafide_sample(self) -> Iterator[Features]:
        """Bona fide windows from all over the part, in batches; all, if they are not too many."""
        if self.is_held:
            which = _evenly(np.flatnonzero(self.window_bonafide), _SAMPLE_WINDOWS)
            for first in range(0, len(which), _LONGEST_BATCH):
                yield self._held.batch(which[first : first + _LONGEST_BATCH])
        else:
            yield from self._kept_sample

    def lazy(self) -> WindowData:
        """The features of all clips, one feature in memory at a time."""
        if self.is_held:
            return self._held
        return WindowData.lazy(self.store, self.features, self.windows)

    def some(self, n_clips: int) -> Part:
        """The same with at most so many clips, drawn from all over it."""
        if n_clips >= len(self.bonafide):
            return self
        # By lot: of classes that take turns, every other clip would be of one.
        chosen = np.sort(np.random.default_rng(0).permutation(len(self.bonafide))[:n_clips])
        clips = [self.windows.clips[i] for i in chosen]
        return Part.over(self.store, self.features, self.windows.geometry, clips)

    def averages(self) -> NDArray[np.float64]:
        """Average of each column of all features over each clip, (n_clips, n_columns)."""
        of_blocks = []
        for _, data in self.blocks():
            of_features = [
                np.stack(
                    [
                        track.values[first : first + n_rows].mean(axis=0, dtype=np.float64)
                        for first, n_rows in zip(track.offsets, track.n_stored, strict=True)
                    ]
                )
                for track in data.tracks.values()
            ]
            of_blocks.append(np.concatenate(of_features, axis=1))
        return np.concatenate(of_blocks)

    @cached_property
    def _kept_sample(self) -> list[Features]:
        """Some windows of some blocks: to read the whole part for them would take too long."""
        limit = max(1, _SAMPLE_BYTES // (self.n_bytes // len(self)))
        sample = []
        for clips in _evenly([one for one in self._blocks if self.bonafide[one].any()],
                             _SAMPLE_BLOCKS):  # fmt: skip
            data = self._read(clips)
            which = np.flatnonzero(self.window_bonafide[self._windows_of(clips)])
            if len(which):
                sample.append(data.batch(_evenly(which, max(1, limit // _SAMPLE_BLOCKS))))
        return sample

    @cached_property
    def _held(self) -> WindowData:
        return WindowData.load(self.store, self.features, self.windows)

    @cached_property
    def _clip_bytes(self) -> NDArray[np.int64]:
        duration_s = self.store.clips["duration_s"].loc[list(self.windows.clips)].to_numpy(float)
        n_bytes = np.zeros(len(duration_s))
        for one in self.features:
            n_bytes += 4 * len(one.columns) * (1 if one.hop_s is None else duration_s / one.hop_s)
        return np.ceil(n_bytes).astype(np.int64)

    @cached_property
    def _blocks(self) -> list[slice]:
        """Clips that are read together: neighbours, since they lie in the same shards."""
        block = (np.cumsum(self._clip_bytes) // _BLOCK_BYTES).astype(np.int64)
        edges = [0, *(np.flatnonzero(np.diff(block)) + 1), len(block)]
        return [slice(int(a), int(b)) for a, b in itertools.pairwise(edges) if b > a]

    @cached_property
    def _bounds(self) -> NDArray[np.int64]:
        bounds: NDArray[np.int64] = np.searchsorted(
            self.windows.clip, np.arange(len(self.bonafide) + 1)
        )
        return bounds

    def _windows_of(self, clips: slice) -> slice:
        return slice(int(self._bounds[clips.start]), int(self._bounds[clips.stop]))

    def _read(self, clips: slice) -> WindowData:
        span, every = self._windows_of(clips), self.windows
        windows = Windows(
            every.geometry,
            every.clips[clips],
            every.clip[span] - clips.start,
            every.start_s[span],
        )
        return WindowData.load(self.store, self.features, windows)

    def _drawn(
        self, mixed: list[tuple[slice, WindowData]], size: int, rng: np.random.Generator
    ) -> Iterator[Batch]:
        """Shuffle the windows of some blocks; the last batch has what is left."""
        source = np.repeat(np.arange(len(mixed)), [len(data) for _, data in mixed])
        window = np.concatenate([np.arange(len(data)) for _, data in mixed])
        place = np.concatenate([np.arange(span.start, span.stop) for span, _ in mixed])
        order = rng.permutation(len(source))
        order = order[self.weights[place[order]] > 0]
        for first in range(0, len(order), size):
            chosen = order[first : first + size]
            # Windows of one block next to each other: within a batch the order means nothing.
            chosen = chosen[np.argsort(source[chosen], kind="stable")]
            pieces = [
                mixed[i][1].batch(window[chosen[source[chosen] == i]])
                for i in np.unique(source[chosen])
            ]
            windows = pieces[0]
            if len(pieces) > 1:
                windows = {
                    one.name: np.concatenate([piece[one.name] for piece in pieces])
                    for one in self.features
                }
            yield Batch(windows, self.targets(place[chosen]), self.weights[place[chosen]])


def _weights(
    windows: Windows, labels: WindowLabels, table: pd.DataFrame, balance: Sequence[str]
) -> NDArray[np.float32]:
    """Weight of each window: classes weigh the same, cells as the root of their size.

    That all cells of a class weighed the same would give a source of one clip the say of one of
    hundreds.
    """
    # The windows of one clip that have one label weigh the same.
    both = 2 * windows.clip + labels.bonafide
    kinds, which, n_windows = np.unique(both[labels.clear], return_inverse=True, return_counts=True)
    clip, bonafide = np.divmod(kinds, 2)
    columns = {name: table[name].astype(str).to_numpy()[clip] for name in balance}
    cells = pd.DataFrame({"bonafide": bonafide.astype(str), **columns})
    cell = cells.agg("\0".join, axis=1).factorize()[0] if len(cells) else clip
    totals = np.bincount(cell, n_windows)
    per_window = 1 / np.sqrt(totals[cell])
    of_kind = np.zeros(len(kinds))
    for label in (True, False):
        of_class = bonafide == label
        share = (per_window * n_windows)[of_class].sum()
        of_kind[of_class] = 0.5 * n_windows.sum() * per_window[of_class] / share
    weights = np.zeros(len(windows), np.float32)
    weights[labels.clear] = of_kind.astype(np.float32)[which]
    return weights


def _evenly(items: Any, n: int) -> Any:
    """At most ``n`` of a list or an array, from all over it."""
    if len(items) <= n:
        return items
    chosen = np.linspace(0, len(items) - 1, n).astype(np.int64)
    return items[chosen] if isinstance(items, np.ndarray) else [items[i] for i in chosen]
