"""Instantaneous frequency, as cosine coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.errors import AudioError
from fvx_spectral.group_delay import cosines

_BLOCK_FRAMES = 48  # what stays in the processor's cache

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class InstantaneousFrequency(Feature):
    """How fast the phase turns at each frequency: detail that a spectrum's levels do not show.

    Each bin of a Hann-windowed transform X is a narrow filter. How fast the phase of its
    output turns is known without unwrapping: with X' the transform under the derivative of the
    window, and f the frequency of the bin, it is ``f - Im(X' / X) / 2 pi``. Of its deviation
    from f, the mean over three windows half a hop apart is taken, weighted with ``|X|^2``, and
    limited to the half-width of the window's main lobe; a cosine transform over frequency gives
    the columns.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a Hann window, and step between frames, in seconds. The bins are
        ``1 / window_s`` apart.
    n_coefficients : int
        Number of cosine coefficients, the mean over frequency included.

    Returns
    -------
    float32 array, shape (n_frames, n_coefficients)
        ``instantaneous_frequency_0_hz``, the mean deviation in hertz, and so on: a cosine of
        amplitude 1 Hz gives √½. 0 in digital silence. Independent of the level.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.

    References
    ----------
    Vijayan, Raghavendra Reddy and Murty (2016), "Significance of analytic phase of speech signals
    in speaker verification", Speech Communication 81.
    Stark and Paliwal (2008), "Speech analysis using instantaneous frequency deviation",
    Interspeech.
    Auger and Flandrin (1995), "Improving the readability of time-frequency and time-scale
    representations by the reassignment method", IEEE Transactions on Signal Processing 43(5).
    """

    name = "instantaneous_frequency"
    kind = "matrix"
    perceptible = False

    window_s: float = 0.020
    hop_s: float = 0.010
    n_coefficients: int = 20

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # they follow a setting
        return tuple(f"instantaneous_frequency_{i}_hz" for i in range(self.n_coefficients))

    def extract(self, audio: Audio) -> Floats:
        deviation_hz = frequency_deviation_hz(audio, self.window_s, self.hop_s)
        n_bins = deviation_hz.shape[1]
        basis = cosines(n_bins, self.n_coefficients) / np.float32(np.sqrt(n_bins))
        coefficients: Floats = deviation_hz @ basis
        return coefficients


def frequency_deviation_hz(audio: Audio, window_s: float, hop_s: float) -> Floats:
    """Instantaneous frequency less the frequency of the bin.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a Hann window, and step between frames, in seconds.

    Returns
    -------
    float32 array, shape (n_frames, window_s * rate_hz // 2 + 1)
        In hertz, within ±2 / window_s. Bin *b* lies at ``b / window_s``.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.
    """
    size, hop = round(window_s * audio.rate_hz), max(1, round(hop_s * audio.rate_hz))
    if len(audio.samples) < size:
        raise AudioError(f"{audio.duration_s:.3f} s is shorter than one window of {window_s} s")
    n_frames = audio.n_frames(hop_s)
    padded = np.pad(audio.samples, size + hop)
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)
    limit_hz = np.float32(2 * audio.rate_hz / size)
    deviation_hz = np.empty((n_frames, size // 2 + 1), np.float32)
    for first in range(0, n_frames, _BLOCK_FRAMES):
        last = min(first + _BLOCK_FRAMES, n_frames)
        halves = np.arange(2 * first - 1, 2 * last)  # half a hop before the first frame, and on
        starts = halves * hop // 2 + hop + size - size // 2
        turning, energy = _turning(windows[starts])
        out = deviation_hz[first:last]
        out[energy == 0] = 0
        np.divide(turning, energy, out=out, where=energy > 0)
        out *= np.float32(audio.rate_hz / size)
        np.clip(out, -limit_hz, limit_hz, out=out)
    return deviation_hz


def _turning(cut: Floats) -> tuple[Floats, Floats]:
    """Deviation times power, in units of rate_hz / size, and power.

    Both are summed over the windows before, at and after each frame: from (2 * n_frames + 1,
    size) to (n_frames, n_bins).
    """
    plain = scipy.fft.rfft(cut, axis=1)
    beyond = cut.shape[1] - plain.shape[1]  # the bin after the last is the mirror image of this
    extended = np.concatenate([plain[:, 1:2].conj(), plain, plain[:, beyond, None].conj()], axis=1)
    # A periodic Hann window is a sum of three harmonics of its length: the transform under it is
    # a second difference over the bins of the one without a window, and that under its
    # derivative the difference of the bins to either side. With d the first difference, their
    # product is (d[k] - d[k + 1]) conj(d[k] + d[k + 1]), whose real part needs |d|^2 only.
    first = np.diff(extended, axis=1)
    turning = np.diff(_three(first.real**2 + first.imag**2), axis=1)
    second = np.diff(first, axis=1)
    return turning, _three(second.real**2 + second.imag**2)


def _three(values: Floats) -> Floats:
    """Sum over the window before, at and after each frame, from (2 * n_frames + 1, n_bins)."""
    total: Floats = values[:-2:2] + values[1::2]
    total += values[2::2]
    return total
