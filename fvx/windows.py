"""Windows: spans in seconds, the same span for every feature of a clip."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.errors import WindowError
from fvx.store import Store

_GRID_S = 0.01
_TABLE = "windows"


@dataclass(frozen=True)
class Geometry:
    """Length of a window and step between windows, in seconds; multiples of 10 ms.

    Raises
    ------
    WindowError
        If a length is not a positive multiple of 10 ms, or the step exceeds the length.
    """

    length_s: float = 1.0
    hop_s: float = 0.5

    def __post_init__(self) -> None:
        for name, value in (("length", self.length_s), ("hop", self.hop_s)):
            steps = value / _GRID_S
            if not math.isfinite(steps) or round(steps) < 1 or abs(steps - round(steps)) > 1e-6:
                raise WindowError(f"window {name} {value} s is not a positive multiple of 10 ms")
        if self.hop_s > self.length_s:
            raise WindowError(
                f"window hop {self.hop_s} s exceeds the length {self.length_s} s: "
                "some of the clip would be in no window"
            )

    def starts_s(self, duration_s: float) -> NDArray[np.float64]:
        """Start of each window of a clip, shape (n_windows,), seconds.

        Windows begin every ``hop_s``; one more, flush with the end of the clip, covers what
        the last of them leaves. A clip shorter than a window has one window, at 0.
        """
        last_s = max(0.0, np.floor((duration_s - self.length_s) / _GRID_S + 1e-6) * _GRID_S)
        n_regular = int(last_s / self.hop_s + 1e-6) + 1
        starts = np.arange(n_regular) * self.hop_s
        if last_s - starts[-1] > _GRID_S / 2:
            starts = np.append(starts, last_s)
        rounded: NDArray[np.float64] = np.round(starts, 6)
        return rounded

    def n_frames(self, hop_s: float) -> int:
        """Frames of a feature with the given hop in one window.

        Raises
        ------
        WindowError
            If the window is shorter than half a hop, so that no frame need lie near it.
        """
        n_frames = round(self.length_s / hop_s)
        if n_frames < 1:
            raise WindowError(
                f"a window of {self.length_s} s is too short for frames {hop_s} s apart"
            )
        return n_frames

    def rows(
        self, starts_s: NDArray[np.float64], n_stored: int, hop_s: float | None
    ) -> NDArray[np.int64]:
        """Which of a clip's frames each window holds.

        Parameters
        ----------
        starts_s : float64 array, shape (n_windows,)
        n_stored : int
            Frames the clip has.
        hop_s : float or None
            The feature's; None for a per-clip feature, whose one row every window gets.

        Returns
        -------
        int64 array, shape (n_windows, n_frames)
            Frames whose centres lie in the window, to within half a hop where that does not
            divide its start. A clip shorter than the window is repeated from its beginning, as
            the field's baselines do.
        """
        first = self.first_rows(starts_s, n_stored, hop_s)
        n_frames = 1 if hop_s is None else self.n_frames(hop_s)
        rows: NDArray[np.int64] = (first[:, np.newaxis] + np.arange(n_frames)) % n_stored
        return rows

    def first_rows(
        self, starts_s: NDArray[np.float64], n_stored: int | NDArray[np.int64], hop_s: float | None
    ) -> NDArray[np.int64]:
        """First of the frames that `rows` gives each window, shape (n_windows,).

        Parameters
        ----------
        n_stored : int, or int64 array of shape (n_windows,)
            Frames of the clip that each window is of.
        """
        if hop_s is None:
            return np.zeros(len(starts_s), np.int64)
        first = np.round(starts_s / hop_s).astype(np.int64)
        last = np.maximum(0, np.asarray(n_stored) - self.n_frames(hop_s))
        clipped: NDArray[np.int64] = np.clip(first, 0, last)
        return clipped


def cut(
    values: NDArray[np.float32],
    geometry: Geometry,
    starts_s: NDArray[np.float64],
    hop_s: float | None,
) -> NDArray[np.float32]:
    """Cut one clip's feature into windows.

    Returns
    -------
    float32 array, shape (n_windows, n_frames, n_columns); (n_windows, n_columns) per clip.
    """
    windows = values[geometry.rows(starts_s, len(values), hop_s)]
    return windows[:, 0] if hop_s is None else windows


@dataclass(frozen=True)
class Windows:
    """The windows of the clips of a store: an index, not a copy.

    Attributes
    ----------
    geometry : Geometry
    clips : tuple of str
        Ids of the clips that have windows.
    clip : int64 array, shape (n_windows,)
        Position in ``clips`` of each window's clip.
    start_s : float64 array, shape (n_windows,)
    """

    geometry: Geometry
    clips: tuple[str, ...]
    clip: NDArray[np.int64]
    start_s: NDArray[np.float64]

    @classmethod
    def over(cls, store: Store, geometry: Geometry, clips: Sequence[str]) -> Windows:
        """Lay windows over the named clips of a store.

        Raises
        ------
        WindowError
            If the store does not hold one of them, or could not read it.
        """
        durations = store.clips["duration_s"].reindex(list(clips)).to_numpy(float)
        if not (durations > 0).all():
            lost = clips[int(np.flatnonzero(~(durations > 0))[0])]
            raise WindowError(f"{store.path}: no clip {lost!r} with audio")
        starts = [geometry.starts_s(duration) for duration in durations]
        counts = [len(one) for one in starts]
        return cls(
            geometry,
            tuple(clips),
            np.repeat(np.arange(len(clips)), counts),
            np.concatenate([np.empty(0), *starts]),
        )

    def __len__(self) -> int:
        return len(self.clip)

    def save(self, store: Store) -> None:
        """Keep the index in the store, as ``windows.h5``."""
        store.save_table(
            _TABLE,
            {"clip": self.clip, "start_s": self.start_s, "clip_id": list(self.clips)},
            {"length_s": self.geometry.length_s, "hop_s": self.geometry.hop_s},
        )


def saved_geometry(store: Store) -> Geometry | None:
    """The geometry that ``fvx window`` last chose for the store, if any.

    Raises
    ------
    WindowError, StoreError
        If the table is damaged.
    """
    attributes = store.table_attributes(_TABLE)
    if not attributes:
        return None
    if not {"length_s", "hop_s"} <= attributes.keys():
        raise WindowError(f"{store.path}: its windows are damaged; give `fvx window` again")
    return Geometry(attributes["length_s"], attributes["hop_s"])
