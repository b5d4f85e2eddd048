"""Chroma: which notes of the octave sound."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.signal import power_alone

_NOTES = ("c", "c_sharp", "d", "d_sharp", "e", "f", "f_sharp", "g", "g_sharp", "a", "a_sharp", "b")
_A0_HZ = 27.5
_CENTRE_OCTAVE, _CENTRE_WIDTH = 5.0, 2.0  # above A0: what chroma mostly listens to


@dataclass(frozen=True)
class Chroma(Feature):
    """Which of the twelve notes of the scale sound, whatever their octave.

    Each bin of the power spectrum counts for the notes nearest to it (a Gaussian of a semitone,
    or of the distance of bins where that is more), and counts more the nearer it is to A5,
    880 Hz (a Gaussian of two octaves).

    Parameters
    ----------
    window_s, hop_s : float
        Length of a Hann-windowed frame, and step between frames, in seconds.

    Returns
    -------
    float32 array, shape (n_frames, 12)
        ``chroma_c`` to ``chroma_b``: energy of the note over that of the strongest note in the
        frame, 0 to 1; all 0 in digital silence. The A above middle C is taken to be 440 Hz.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.

    References
    ----------
    Bartsch and Wakefield (2001), "To catch a chorus: using chroma-based representations for
    audio thumbnailing", WASPAA.
    Ellis (2007), "Chroma feature analysis and synthesis", LabROSA, Columbia University.
    """

    name = "chroma"
    columns = tuple(f"chroma_{note}" for note in _NOTES)
    kind = "matrix"
    perceptible = False

    window_s: float = 0.064
    hop_s: float = 0.010

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        spectrum = audio.shared(power_alone, self.window_s, self.hop_s)
        energy = spectrum @ chroma_weights(2 * (spectrum.shape[1] - 1), audio.rate_hz)
        strongest = energy.max(axis=1, keepdims=True)
        np.divide(energy, strongest, out=energy, where=strongest >= np.finfo(np.float32).tiny)
        energy[strongest[:, 0] < np.finfo(np.float32).tiny] = 0
        return energy


@lru_cache(maxsize=8)
def chroma_weights(n_fft: int, rate_hz: int) -> NDArray[np.float32]:
    """How much each spectral bin says of each note, shape (n_fft // 2 + 1, 12), C first."""
    bins_hz = np.arange(1, n_fft) * (rate_hz / n_fft)
    semitone = 12 * np.log2(bins_hz / _A0_HZ)
    # 0 Hz has no place on this scale: an octave and a half below the first bin.
    semitone = np.concatenate([[semitone[0] - 18], semitone])
    spacing = np.append(np.maximum(np.diff(semitone), 1), 1)
    from_c = semitone[:, np.newaxis] + 9 - np.arange(12)  # A is nine semitones above C
    away = np.remainder(from_c + 6, 12) - 6
    weights = np.exp(-0.5 * (2 * away / spacing[:, np.newaxis]) ** 2)
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    octaves_away = (semitone / 12 - _CENTRE_OCTAVE) / _CENTRE_WIDTH
    weights *= np.exp(-0.5 * octaves_away**2)[:, np.newaxis]
    narrowed: NDArray[np.float32] = weights[: n_fft // 2 + 1].astype(np.float32)
    narrowed.flags.writeable = False
    return narrowed
