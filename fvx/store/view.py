"""FeatureView: one feature of a store, whichever shards its clips lie in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.errors import StoreError
from fvx.store.record import FeatureRecord
from fvx.store.shard import Shard

_NOWHERE = -1


@dataclass(frozen=True)
class Places:
    """Where each clip's rows of one feature lie; arrays, since a corpus may have a million clips.

    Attributes
    ----------
    shard : int32 array, shape (n_clips,)
        Position of the shard; -1 for a clip without values.
    first, last : int64 array, shape (n_clips,)
        Rows ``first:last`` of it.
    """

    shard: NDArray[np.int32]
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    @classmethod
    def find(
        cls, feature: str, shards: tuple[Shard, ...], members: tuple[NDArray[np.int64], ...], n: int
    ) -> Places:
        """Go through the shards; ``members`` are the numbers of the clips in each, of ``n``."""
        places = cls(np.full(n, _NOWHERE, np.int32), np.zeros(n, np.int64), np.zeros(n, np.int64))
        for index, (shard, clips) in enumerate(zip(shards, members, strict=True)):
            if feature in shard.offsets:
                first, last = shard.offsets[feature][:-1], shard.offsets[feature][1:]
                there = last > first
                places.shard[clips[there]] = index
                places.first[clips[there]] = first[there]
                places.last[clips[there]] = last[there]
        return places

    @property
    def found(self) -> NDArray[np.bool_]:
        """Whether each clip has values, shape (n_clips,)."""
        found: NDArray[np.bool_] = self.shard != _NOWHERE
        return found


class FeatureView:
    """One feature of a store: ``view[clip_id]`` is its array, shape (n_rows, n_columns)."""

    def __init__(
        self,
        record: FeatureRecord,
        shards: tuple[Shard, ...],
        numbers: Mapping[str, int],
        places: Places,
    ) -> None:
        self.record = record
        self._shards = shards
        self._numbers = numbers
        self._places = places

    def __contains__(self, clip: object) -> bool:
        number = self._numbers.get(clip, _NOWHERE)  # type: ignore[call-overload]
        return number != _NOWHERE and bool(self._places.shard[number] != _NOWHERE)

    def __len__(self) -> int:
        return int(self._places.found.sum())

    def __iter__(self) -> Iterator[str]:
        found = self._places.found
        return (clip for clip, number in self._numbers.items() if found[number])

    def __getitem__(self, clip: str) -> NDArray[np.float32]:
        number = self._number(clip)
        shard = self._shards[int(self._places.shard[number])]
        first, last = int(self._places.first[number]), int(self._places.last[number])
        return shard.values(self.record.name, first, last)

    def n_rows(self, clip: str) -> int:
        """Number of frames stored for a clip."""
        number = self._number(clip)
        return int(self._places.last[number] - self._places.first[number])

    def gather(self, clips: list[str]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Read many clips at once.

        Returns
        -------
        values : float32 array, shape (n_rows, n_columns)
            The clips' rows one after another, in the order asked for.
        offsets : int64 array, shape (n_clips + 1,)
            Clip *i* is ``values[offsets[i]:offsets[i + 1]]``.
        """
        numbers = np.asarray([self._number(clip) for clip in clips], np.int64)
        shard = self._places.shard[numbers]
        first, last = self._places.first[numbers], self._places.last[numbers]
        offsets = np.concatenate([[0], np.cumsum(last - first, dtype=np.int64)])
        values = np.empty((offsets[-1], len(self.record.columns)), np.float32)
        for index in np.unique(shard):
            here = np.flatnonzero(shard == index)
            low, high = int(first[here].min()), int(last[here].max())
            rows = self._shards[index].values(self.record.name, low, high)
            for i in here:
                values[offsets[i] : offsets[i + 1]] = rows[first[i] - low : last[i] - low]
        return values, offsets

    def _number(self, clip: str) -> int:
        if clip not in self:
            raise StoreError(f"no {self.record.name} stored for clip {clip!r}")
        return self._numbers[clip]
