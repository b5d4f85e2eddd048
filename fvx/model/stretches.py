"""Stretches of clips of which only spans are synthetic: what is true of each of their moments."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fvx.datasets import Label
from fvx.datasets.spans import COLUMN, Spans, parse_spans
from fvx.model.part import Part
from fvx.windows import Geometry

GEOMETRY = Geometry(length_s=2.5, hop_s=1.25)


@dataclass(frozen=True, eq=False)
class Stretches(Part):
    """Long windows of a part's clips, with a target for each moment.

    Attributes
    ----------
    spoof : tuple of (start, end)
        By clip, in seconds, what of it is a spoof.
    n_moments : int
        Moments of a stretch, evenly laid.
    """

    spoof: tuple[Spans, ...] = ()
    n_moments: int = 1

    @classmethod
    def of(cls, part: Part, n_moments: int) -> Stretches:
        """Lay stretches over the clips of a part."""
        clips = list(part.windows.clips)
        bare = cls.over(part.store, part.features, GEOMETRY, clips, held_bytes=part.held_bytes)
        table = part.store.clips.loc[clips]
        rows = zip(clips, table[COLUMN].fillna("").astype(str), table["label"], strict=True)
        spoof = tuple(
            tuple(parse_spans(text, str(clip), Label(label)))
            or (((0.0, np.inf),) if label == Label.SPOOF else ())
            for clip, text, label in rows
        )
        # Classes weigh by their moments, in the loss; no stretch is unclear.
        weights = np.ones(len(bare), np.float32)
        return dataclasses.replace(bare, weights=weights, spoof=spoof, n_moments=n_moments)

    def targets(self, which: NDArray[np.int64]) -> NDArray[np.float32]:
        """1 for a bona fide moment, 0 for a spoof, shape (n, n_moments, 1)."""
        clip = self.windows.clip[which]
        within_s = np.arange(self.n_moments) * self.windows.geometry.length_s / self.n_moments
        times_s = self.windows.start_s[which][:, np.newaxis] + within_s
        # A clip shorter than a stretch is repeated to fill it.
        times_s %= self._durations_s[clip][:, np.newaxis]
        targets = np.ones(times_s.shape, np.float32)
        for row, one in enumerate(clip):
            for start_s, end_s in self.spoof[one]:
                targets[row, (times_s[row] >= start_s) & (times_s[row] < end_s)] = 0
        return targets[..., np.newaxis]

    @property
    def spoof_weight(self) -> float:
        """What a spoof moment must count for both classes to count the same."""
        bonafide = self.targets(np.arange(len(self)))
        n_bonafide = int(bonafide.sum())
        return max(1, n_bonafide) / max(1, bonafide.size - n_bonafide)

    @cached_property
    def _durations_s(self) -> NDArray[np.float64]:
        durations_s = self.store.clips["duration_s"].loc[list(self.windows.clips)]
        return durations_s.to_numpy(np.float64)
