"""Where in a clip there is speech, judged by its level alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx_prosody.intensity import FLOOR_DB, intensity_db

FLOOR_HZ = 100.0  # of the intensity that is judged
HOP_S = 0.010
SPEECH_QUANTILE = 0.99  # of the intensity: what speech reaches, but a click does not set

Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class ActivitySettings:
    """What decides whether a frame is sounding.

    Parameters
    ----------
    range_db : float
        How far below the speech level, the 99th percentile of intensity, sound still counts.
    min_pause_s : float
        Anything silent for less is bridged: the closure of a stop is no pause.
    min_sounding_s : float
        Anything sounding for no longer is silenced, before anything is bridged: a click is no
        speech.
    """

    range_db: float = 25.0
    min_pause_s: float = 0.2
    min_sounding_s: float = 0.05


@dataclass(frozen=True, eq=False)
class Activity:
    """Frames that sound, on the grid of 10 ms.

    Attributes
    ----------
    sounding : bool array, shape (n_frames,)
    level_db : float
        Speech level: the 99th percentile of intensity, in decibels.
    """

    sounding: Mask
    level_db: float

    @property
    def span(self) -> slice:
        """From the first sounding frame to the last, both within; empty in silence."""
        inside = np.flatnonzero(self.sounding)
        return slice(int(inside[0]), int(inside[-1]) + 1) if len(inside) else slice(0, 0)

    @property
    def pauses_s(self) -> NDArray[np.float64]:
        """Lengths of the silences between sounds, in seconds; those at the ends are none."""
        start, stop = runs(~self.sounding[self.span])
        lengths_s: NDArray[np.float64] = HOP_S * (stop - start).astype(np.float64)
        return lengths_s


def activity(audio: Audio, settings: ActivitySettings) -> Activity:
    """Tell sound from silence by level; ask for it through ``audio.shared``.

    Raises
    ------
    AudioError
        If the clip is shorter than a window of the intensity, 64 ms.

    References
    ----------
    Boersma and Weenink, "Praat: doing phonetics by computer", manual page
    "Sound: To TextGrid (silences)...".
    """
    level_db = audio.shared(intensity_db, FLOOR_HZ, HOP_S)
    speech_db = float(np.quantile(level_db, SPEECH_QUANTILE))
    sounding = level_db > max(FLOOR_DB, speech_db - settings.range_db)
    _flip(sounding, True, 1 + round(settings.min_sounding_s / HOP_S))
    _flip(sounding, False, round(settings.min_pause_s / HOP_S))
    return Activity(sounding, speech_db)


def _flip(sounding: Mask, value: bool, n_frames: int) -> None:
    """Turn runs of a value over that are shorter than this many frames."""
    start, stop = runs(sounding == value)
    # A silence at an end may go on beyond it: it is kept, however short.
    inner = (start > 0) & (stop < len(sounding)) | value
    for first, last in zip(start[inner], stop[inner], strict=True):
        if last - first < n_frames:
            sounding[first:last] = not value


def runs(mask: Mask) -> tuple[Indices, Indices]:
    """Where each unbroken run of True begins, and the frame after its last, shape (n_runs,)."""
    edges = np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
