"""Shape of the spectrum in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.signal import power
from fvx_spectral.level import FLOOR_POWER

_BLOCK_FRAMES = 128  # what lies between stays in cache


@dataclass(frozen=True)
class SpectralShape(Feature):
    """Where the spectrum lies, how wide, how noisy and how steep it is.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a Hann-windowed frame, and step between frames, in seconds.
    rolloff : float
        Share of the magnitude that lies at or below the roll-off frequency.

    Returns
    -------
    float32 array, shape (n_frames, 8)
        From magnitudes: ``centroid_hz``, their mean frequency, and ``bandwidth_hz``, the
        standard deviation around it; ``rolloff_hz``, the lowest frequency that has ``rolloff``
        of them at or below it; ``crest``, the largest over the mean (at least 1). From powers,
        each at least 1e-10: ``flatness``, geometric over arithmetic mean (0 for a tone, 0.56 for
        white noise on average, 1 for a flat spectrum); ``entropy``, that of their distribution
        over its largest possible value (0 to 1); ``slope_db_per_khz``, that of the straight line
        fitted to their levels. From samples: ``zero_crossing_rate_hz``, changes of sign per
        second. In digital silence the frequencies and the slope are 0, the others 1.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.

    References
    ----------
    Peeters (2004), "A large set of audio features for sound description (similarity and
    classification) in the CUIDADO project", Ircam.
    Johnston (1988), "Transform coding of audio signals using perceptual noise criteria", IEEE
    Journal on Selected Areas in Communications 6(2): flatness.
    Misra, Ikbal, Bourlard and Hermansky (2004), "Spectral entropy based feature for robust
    ASR", ICASSP.
    Eyben et al. (2016), "The Geneva minimalistic acoustic parameter set (GeMAPS) for voice
    research and affective computing", IEEE Transactions on Affective Computing 7(2): slope.
    """

    name = "spectral_shape"
    columns = (
        *("centroid_hz", "bandwidth_hz", "rolloff_hz", "crest", "flatness", "entropy"),
        *("slope_db_per_khz", "zero_crossing_rate_hz"),
    )
    kind = "matrix"
    perceptible = False

    window_s: float = 0.025
    hop_s: float = 0.010
    rolloff: float = 0.85

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        spectrum = audio.shared(power, self.window_s, self.hop_s)
        hz = np.linspace(0.0, audio.rate_hz / 2, spectrum.shape[1], dtype=np.float32)
        values = np.empty((len(spectrum), len(self.columns)), np.float32)
        for start in range(0, len(spectrum), _BLOCK_FRAMES):
            rows = slice(start, start + _BLOCK_FRAMES)
            values[rows, :4] = _of_magnitudes(np.sqrt(spectrum[rows]), hz, self.rolloff)
            values[rows, 4:7] = _of_powers(spectrum[rows], hz)
        values[:, 7] = zero_crossings_hz(audio, self.window_s, self.hop_s)
        return values


def _of_magnitudes(
    magnitude: NDArray[np.float32], hz: NDArray[np.float32], rolloff: float
) -> NDArray[np.float32]:
    total = magnitude.sum(axis=1)
    present = np.where(total > 0, total, np.float32(1))
    centroid = magnitude @ hz / present
    away = hz - centroid[:, np.newaxis]
    away *= away
    bandwidth = np.sqrt(np.einsum("ij,ij->i", magnitude, away) / present)
    up_to = np.cumsum(magnitude, axis=1)
    below = (up_to < np.float32(rolloff) * up_to[:, -1:]).sum(axis=1)
    crest = np.where(total > 0, magnitude.max(axis=1) * len(hz) / present, np.float32(1))
    return np.stack([centroid, bandwidth, hz[below], crest], axis=1)


def _of_powers(spectrum: NDArray[np.float32], hz: NDArray[np.float32]) -> NDArray[np.float32]:
    floored = np.maximum(spectrum, np.float32(FLOOR_POWER))
    total = floored.sum(axis=1)
    log = np.log(floored)
    flatness = np.exp(log.mean(axis=1)) * len(hz) / total
    entropy = np.log(total) - np.einsum("ij,ij->i", floored, log) / total
    entropy /= np.float32(np.log(len(hz)))
    from_middle = (hz - hz.mean()) / 1000
    regression = 10 / np.log(10) * from_middle / (from_middle @ from_middle)
    # All of these lie within [0, 1] but for rounding.
    bounded = np.clip(np.stack([flatness, entropy], axis=1), 0, 1)
    return np.concatenate([bounded, (log @ regression)[:, np.newaxis]], axis=1)


def zero_crossings_hz(audio: Audio, window_s: float, hop_s: float) -> NDArray[np.float64]:
    """Changes of sign per second around each frame, zero counting as positive.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a frame, and step between frames, in seconds.

    Returns
    -------
    float64 array, shape (n_frames,)
        Over what there is of the frame, where a frame reaches beyond the clip.
    """
    negative = audio.samples < 0
    so_far = np.zeros(len(negative), np.int32)
    np.cumsum(negative[1:] != negative[:-1], out=so_far[1:])
    size, hop = round(window_s * audio.rate_hz), max(1, round(hop_s * audio.rate_hz))
    first = np.arange(audio.n_frames(hop_s)) * hop - size // 2
    end = np.minimum(first + size, len(negative))
    first = np.maximum(first, 0)
    crossings: NDArray[np.float64] = so_far[end - 1] - so_far[first]
    return crossings * audio.rate_hz / (end - first)
