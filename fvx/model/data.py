"""Features of some clips in memory, cut into windows batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from fvx.store import FeatureRecord, Store
from fvx.windows import Windows

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Track:
    """One feature of some clips, and where their windows lie in it.

    Attributes
    ----------
    values : float32 array, shape (n_rows, n_columns)
        The clips' rows one after another; a clip shorter than a window is repeated to fill one.
    offsets : int64 array, shape (n_clips,)
        First row of each clip.
    n_stored : int64 array, shape (n_clips,)
        Rows of each clip before it was repeated.
    first : int64 array, shape (n_windows,)
        First row of each window.
    n_frames : int or None
        Rows of a window; None for a per-clip feature, which has one for all its windows.
    """

    values: NDArray[np.float32]
    offsets: NDArray[np.int64]
    n_stored: NDArray[np.int64]
    first: NDArray[np.int64]
    n_frames: int | None

    @classmethod
    def load(cls, store: Store, feature: FeatureRecord, windows: Windows) -> Track:
        """Read one feature of the windows' clips from the store, each clip once."""
        geometry, hop_s = windows.geometry, feature.hop_s
        values, bounds = store[feature.name].gather(list(windows.clips))
        n_stored, offsets = np.diff(bounds), bounds[:-1]
        n_frames = None if hop_s is None else geometry.n_frames(hop_s)
        if n_frames is not None and (n_stored < n_frames).any():
            values, offsets = _repeated(values, bounds, n_frames)
        first = geometry.first_rows(windows.start_s, n_stored[windows.clip], hop_s)
        return cls(values, offsets, n_stored, offsets[windows.clip] + first, n_frames)

    def cut(self, which: NDArray[np.int64] | slice) -> NDArray[np.float32]:
        """Cut the chosen windows: (n, n_frames, n_columns); (n, n_columns) per clip."""
        if self.n_frames is None:
            return self.values[self.first[which]]
        n_columns = self.values.shape[1]
        # A window's rows lie together, so each is one piece of memory to copy.
        pieces = as_strided(
            self.values,
            (len(self.values) - self.n_frames + 1, self.n_frames * n_columns),
            (self.values.strides[0], self.values.itemsize),
            writeable=False,
        )
        return pieces[self.first[which]].reshape(-1, self.n_frames, n_columns)

    def rows(self, clip: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which of ``values`` each window holds, repeats left out: (n_windows, n_frames)."""
        offset = self.offsets[clip][:, np.newaxis]
        within = self.first[:, np.newaxis] - offset + np.arange(self.n_frames or 1)
        rows: NDArray[np.int64] = offset + within % self.n_stored[clip][:, np.newaxis]
        return rows


@dataclass(frozen=True, eq=False)
class WindowData:
    """Features of some clips in memory, and which of their rows each window takes.

    Windows overlap, so they are cut batch by batch and never held all at once.

    Attributes
    ----------
    windows : Windows
    tracks : mapping of str to Track
        By feature.
    """

    windows: Windows
    tracks: Mapping[str, Track]

    @classmethod
    def load(cls, store: Store, features: Sequence[FeatureRecord], windows: Windows) -> WindowData:
        """Read the windows' clips from the store, each clip once."""
        return cls(windows, {one.name: Track.load(store, one, windows) for one in features})

    @classmethod
    def lazy(cls, store: Store, features: Sequence[FeatureRecord], windows: Windows) -> WindowData:
        """Read a feature when it is asked for, and hold one at a time."""
        records = {one.name: one for one in features}
        load = lru_cache(maxsize=1)(lambda name: Track.load(store, records[name], windows))
        return cls(windows, _ByName(tuple(records), load))

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def values(self) -> Mapping[str, NDArray[np.float32]]:
        """By feature, the clips' rows: float32 arrays, shape (n_rows, n_columns)."""
        return _ByName(tuple(self.tracks), lambda name: self.tracks[name].values)

    @property
    def rows(self) -> Mapping[str, NDArray[np.int64]]:
        """By feature, which rows each window takes: int64 arrays, shape (n_windows, n_frames)."""
        clip = self.windows.clip
        return _ByName(tuple(self.tracks), lambda name: self.tracks[name].rows(clip))

    def batch(self, which: NDArray[np.int64] | slice) -> dict[str, NDArray[np.float32]]:
        """Cut the chosen windows: by feature, (n, n_frames, n_columns); (n, n_columns) per clip."""
        return {name: track.cut(which) for name, track in self.tracks.items()}

    def batches(self, size: int) -> Iterator[dict[str, NDArray[np.float32]]]:
        """All windows in order, ``size`` at a time."""
        for first in range(0, len(self), size):
            yield self.batch(slice(first, first + size))


class _ByName(Mapping[str, T]):
    """A mapping whose values are made when they are asked for."""

    def __init__(self, names: tuple[str, ...], make: Callable[[str], T]) -> None:
        self._names, self._make = names, make

    def __getitem__(self, name: str) -> T:
        if name not in self._names:
            raise KeyError(name)
        return self._make(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _repeated(
    values: NDArray[np.float32], bounds: NDArray[np.int64], n_frames: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Repeat each clip shorter than ``n_frames`` from its beginning; return rows and offsets."""
    n_stored = np.diff(bounds)
    offsets = np.concatenate([[0], np.cumsum(np.maximum(n_stored, n_frames))])
    longer = np.empty((offsets[-1], values.shape[1]), np.float32)
    for clip, n_rows in enumerate(n_stored):
        own = values[bounds[clip] : bounds[clip + 1]]
        if n_rows < n_frames:
            own = own[np.arange(n_frames) % n_rows]
        longer[offsets[clip] : offsets[clip + 1]] = own
    return longer, offsets[:-1]
