"""The pitch track of a clip, from which every other voice feature starts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.errors import AudioError
from fvx.signal import frames
from fvx_voice.autocorrelation import TAPS, autocorrelate, hann, sharpen

PERIODS_PER_WINDOW = 3
MAX_CANDIDATES = 15  # one of them unvoiced
_BLOCK_FRAMES = 256  # bounds memory on long clips, and keeps the spectra in cache

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class PitchSettings:
    """What decides a pitch track; the names and defaults are those of the Praat manual.

    Parameters
    ----------
    floor_hz, ceiling_hz : float
        Range in which a pitch is looked for. The window is three longest periods long.
    hop_s : float
        Step between frames, in seconds.
    silence_threshold : float
        Frames whose peak is below this share of the clip's peak tend to be unvoiced.
    voicing_threshold : float
        Autocorrelation that a voiced frame has to reach.
    octave_cost : float
        Preference for high pitches, per octave, in autocorrelation.
    octave_jump_cost, voiced_unvoiced_cost : float
        Price of a jump by one octave, and of a change of voicing, per 10 ms.
    """

    floor_hz: float = 75.0
    ceiling_hz: float = 600.0
    hop_s: float = 0.010
    silence_threshold: float = 0.03
    voicing_threshold: float = 0.45
    octave_cost: float = 0.01
    octave_jump_cost: float = 0.35
    voiced_unvoiced_cost: float = 0.14


@dataclass(frozen=True, eq=False)
class PitchTrack:
    """Pitch over time: frame *k* is centred at ``k * hop_s``.

    Attributes
    ----------
    f0_hz : float32 array, shape (n_frames,)
        Fundamental frequency, in hertz; 0 where unvoiced.
    hop_s : float
        Step between frames, in seconds.
    """

    f0_hz: NDArray[np.float32]
    hop_s: float

    @property
    def voiced(self) -> NDArray[np.bool_]:
        """Where there is a pitch, shape (n_frames,)."""
        return self.f0_hz > 0


def pitch_track(audio: Audio, settings: PitchSettings) -> PitchTrack:
    """Find the pitch by autocorrelation; ask for it through ``audio.shared``.

    Each frame proposes periods, the peaks of its window-corrected autocorrelation; the path
    through them that is strongest and jumps least is the track.

    Raises
    ------
    AudioError
        If the clip is shorter than one window of three longest periods, or the ceiling lies
        above a quarter of the sampling rate.

    References
    ----------
    Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the
    harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17, 97-110.
    """
    if settings.ceiling_hz > audio.rate_hz / 4:
        raise AudioError(
            f"a pitch ceiling of {settings.ceiling_hz} Hz needs a sampling rate of at least "
            f"{4 * settings.ceiling_hz:.0f} Hz, got {audio.rate_hz}"
        )
    cut = frames(audio, PERIODS_PER_WINDOW / settings.floor_hz, settings.hop_s)
    level = float(np.abs(audio.samples - audio.samples.mean()).max())
    if level == 0:
        return PitchTrack(np.zeros(len(cut), np.float32), settings.hop_s)
    blocks = [
        _candidates(cut[first : first + _BLOCK_FRAMES], audio.rate_hz, level, settings)
        for first in range(0, len(cut), _BLOCK_FRAMES)
    ]
    f0_hz = np.concatenate([block[0] for block in blocks])
    strength = np.concatenate([block[1] for block in blocks])
    path = _strongest_path(f0_hz, strength, settings)
    return PitchTrack(f0_hz[np.arange(len(path)), path].astype(np.float32), settings.hop_s)


def _candidates(
    cut: NDArray[np.float32], rate_hz: int, level: float, settings: PitchSettings
) -> tuple[Doubles, Doubles]:
    """Pitches that each frame proposes and their strengths, shape (n_frames, MAX_CANDIDATES).

    Column 0 is the unvoiced candidate, of frequency 0; missing ones have strength -inf.
    """
    centred = cut - cut.mean(axis=1, keepdims=True)
    lowest, highest = rate_hz / settings.ceiling_hz, rate_hz / settings.floor_hz
    first, last = int(lowest), int(np.ceil(highest))
    correlation = autocorrelate(centred, last + TAPS + 2)
    middle = correlation[:, first : last + 1]
    is_peak = middle > 0.5 * settings.voicing_threshold
    is_peak &= middle > correlation[:, first - 1 : last]
    is_peak &= middle >= correlation[:, first + 1 : last + 2]
    frame, lag = np.nonzero(is_peak)
    period, height = sharpen(correlation, frame, lag + first)
    inside = (period >= lowest) & (period <= highest)
    frame, period, height = frame[inside], period[inside], height[inside]
    # The paper counts octaves up from the floor; Praat, and so its users' threshold, down
    # from the ceiling: a constant, but one that decides about voicing.
    local = height - settings.octave_cost * np.log2(period / lowest)

    f0_hz = np.zeros((len(cut), MAX_CANDIDATES))
    strength = np.full((len(cut), MAX_CANDIDATES), -np.inf)
    order = np.lexsort((-local, frame))
    frame = frame[order]
    rank = 1 + np.arange(len(frame)) - np.searchsorted(frame, frame)
    kept = rank < MAX_CANDIDATES
    f0_hz[frame[kept], rank[kept]] = rate_hz / period[order][kept]
    strength[frame[kept], rank[kept]] = local[order][kept]

    # The paper leaves open what a frame's peak is taken over; Praat's values are those of the
    # windowed frame within half a longest period of its centre.
    size, half = cut.shape[1], round(highest / 2)
    heart = slice(size // 2 - half, size // 2 + half)
    peak = np.abs(centred[:, heart] * hann(size)[heart]).max(axis=1) / level
    silence = peak * (1 + settings.voicing_threshold) / settings.silence_threshold
    strength[:, 0] = settings.voicing_threshold + np.maximum(0, 2 - silence)
    return f0_hz, strength


def _strongest_path(f0_hz: Doubles, strength: Doubles, settings: PitchSettings) -> NDArray[np.intp]:
    """Index of the candidate in each frame on the best path (Viterbi), shape (n_frames,)."""
    n_used = max(1, int(np.isfinite(strength).sum(axis=1).max()))
    f0_hz, strength = f0_hz[:, :n_used], strength[:, :n_used]
    octave = np.log2(np.where(f0_hz > 0, f0_hz, 1.0))
    per_step = 0.010 / settings.hop_s
    score = strength[0].copy()
    came_from = np.zeros(f0_hz.shape, np.int8)
    for first in range(1, len(f0_hz), _BLOCK_FRAMES):
        now = octave[first : first + _BLOCK_FRAMES]
        before = octave[first - 1 : first - 1 + len(now)]
        gain = np.abs(now[:, :, None] - before[:, None, :])  # (frame, to, from)
        gain *= -per_step * settings.octave_jump_cost
        gain[:, 0, :] = gain[:, :, 0] = -per_step * settings.voiced_unvoiced_cost
        gain[:, 0, 0] = 0
        for step, own in zip(gain, strength[first : first + _BLOCK_FRAMES], strict=True):
            step += score
            np.maximum.reduce(step, axis=1, out=score)
            score += own
        came_from[first : first + len(now)] = gain.argmax(axis=2)
    path = np.empty(len(f0_hz), np.intp)
    path[-1] = score.argmax()
    for frame in range(len(path) - 1, 0, -1):
        path[frame - 1] = came_from[frame, path[frame]]
    return path
