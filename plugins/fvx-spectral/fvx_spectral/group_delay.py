"""Modified group delay, as cepstral coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.signal import frames, power, stft

_BLOCK_FRAMES = 128  # what stays in the processor's cache
_FLOOR = np.float32(1e-10)  # of the frame's mean power: the logarithm of nothing

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class GroupDelay(Feature):
    """When within a moment each frequency arrives: the shape of the phase, often lost in synthesis.

    The group delay of a frame is minus the slope of its phase over frequency, without any phase
    being unwrapped: with X the transform of the frame x, and Y that of n x, n the time since the
    frame began, it is ``Re(X conj(Y)) / |X|^2``. Zeros of X make that spiky, so the modified
    group delay puts a smooth spectrum S in place of the magnitude, and compresses:
    ``t = Re(X conj(Y)) / S^(2 rho)``, then ``sign(t) |t|^gamma``. S is the running median of
    five bins of ``log |X|``, of whose cosine transform the first coefficients are kept. A cosine
    transform of the result over frequency gives the columns.

    Pre-emphasis is applied to the windowed frame, and the frame is scaled to a mean power of 1,
    so that neither the level nor the spectrum of other frames matters.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a Hann-windowed frame, and step between frames, in seconds.
    n_coefficients : int
        Number of cosine coefficients; the mean over frequency is not one of them.
    n_smooth : int
        Number of cosine coefficients that make up the smooth spectrum, its mean included.
    rho, gamma : float
        Exponents of the smooth spectrum and of the result.
    preemphasis : float
        ``y[n] = x[n] - preemphasis * x[n - 1]``.

    Returns
    -------
    float32 array, shape (n_frames, n_coefficients)
        ``group_delay_1``, the slowest variation over frequency, and so on, in milliseconds (for
        exponents of 1) to the power of gamma: a cosine of amplitude 1 gives √½. 0 in digital
        silence.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.

    References
    ----------
    Hegde, Murthy and Gadde (2007), "Significance of the modified group delay feature in speech
    recognition", IEEE Transactions on Audio, Speech, and Language Processing 15(1).
    Degottex et al. (2014), "COVAREP: a collaborative voice analysis repository for speech
    technologies", ICASSP: the exponents and the smoothing.
    """

    name = "group_delay"
    kind = "matrix"
    perceptible = False

    window_s: float = 0.025
    hop_s: float = 0.010
    n_coefficients: int = 12
    n_smooth: int = 30
    rho: float = 0.4
    gamma: float = 0.9
    preemphasis: float = 0.97

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # they follow a setting
        return tuple(f"group_delay_{index + 1}" for index in range(self.n_coefficients))

    def extract(self, audio: Audio) -> Floats:
        energy = audio.shared(power, self.window_s, self.hop_s)
        # All the settings written out: the very transform that ``power`` asks for.
        spectrum = audio.shared(stft, self.window_s, self.hop_s, None, "hann", 0.0)
        cut = frames(audio, self.window_s, self.hop_s)
        values = np.empty((len(cut), self.n_coefficients), np.float32)
        for first in range(0, len(cut), _BLOCK_FRAMES):
            rows = slice(first, first + _BLOCK_FRAMES)
            product = delay_product(cut[rows], spectrum[rows], audio.rate_hz)
            values[rows] = self._cepstrum(energy[rows], product, audio.rate_hz)
        return values

    def _cepstrum(self, energy: Floats, product: Floats, rate_hz: int) -> Floats:
        """Coefficients of frames given as power and power times delay, (n_frames, n_bins)."""
        n_bins = energy.shape[1]
        angle, a = np.linspace(0, np.pi, n_bins), self.preemphasis
        # Of the pre-emphasis filter: its power, and its power times its delay in seconds.
        filter_power = (1 - 2 * a * np.cos(angle) + a * a).astype(np.float32)
        filter_product = ((a * a - a * np.cos(angle)) / rate_hz).astype(np.float32)
        product = product * filter_power  # delays add up where spectra multiply
        product += energy * filter_product
        energy = energy * filter_power

        level = energy.mean(axis=1, keepdims=True)
        scale = np.divide(1, level, out=np.zeros_like(level), where=level > 0)
        energy *= scale
        product *= 1000 * scale
        np.maximum(energy, _FLOOR, out=energy)
        log_power = median_of_five(np.log(energy, out=energy))
        basis = cosines(n_bins, self.n_smooth)
        smooth = (log_power @ basis) @ basis.T
        smooth *= np.float32(-self.rho)  # S^2 is a power already
        product *= np.exp(smooth, out=smooth)
        compressed = np.copysign(np.abs(product) ** np.float32(self.gamma), product)
        basis = cosines(n_bins, self.n_coefficients + 1)[:, 1:]
        coefficients: Floats = compressed @ (basis / np.float32(np.sqrt(n_bins)))
        return coefficients


def delay_product(cut: Floats, spectrum: NDArray[np.complex64], rate_hz: int) -> Floats:
    """Group delay times power of Hann-windowed frames.

    Divided by ``fvx.signal.power`` of the same frames it is the group delay.

    Parameters
    ----------
    cut : float32 array, shape (n_frames, n_samples)
        As ``fvx.signal.frames`` gives it.
    spectrum : complex64 array, shape (n_frames, n_bins)
        As ``fvx.signal.stft`` gives it.
    rate_hz : int
        Sampling rate.

    Returns
    -------
    float32 array, shape (n_frames, n_bins)
        The delay is in seconds, counted from the first sample of the frame.
    """
    size = cut.shape[1]
    ramp = scipy.signal.get_window("hann", size) * np.arange(size) / rate_hz
    n_fft = 2 * (spectrum.shape[1] - 1)
    delayed = scipy.fft.rfft(cut * ramp.astype(np.float32), n=n_fft, axis=1)
    product: Floats = spectrum.real * delayed.real
    product += spectrum.imag * delayed.imag
    return product


def median_of_five(values: Floats) -> Floats:
    """Running median over five columns, the outermost repeated; shape as that of ``values``."""
    padded = np.pad(values, ((0, 0), (2, 2)), mode="edge")
    lower = np.minimum(padded[:, :-1], padded[:, 1:])
    upper = np.maximum(padded[:, :-1], padded[:, 1:])
    # Of two pairs, the least and the greatest cannot be the median of all five.
    low = np.maximum(lower[:, :-3], lower[:, 3:])
    high = np.minimum(upper[:, :-3], upper[:, 3:])
    middle: Floats = np.maximum(np.minimum(low, high), np.minimum(np.maximum(low, high), values))
    return middle


@lru_cache(maxsize=32)
def cosines(n_bins: int, n_coefficients: int) -> Floats:
    """First columns of the orthonormal cosine transform (DCT-II), shape (n_bins, n_coefficients).

    Read-only.
    """
    matrix: Floats = scipy.fft.dct(np.eye(n_bins), axis=1, norm="ortho")[:, :n_coefficients]
    matrix = np.ascontiguousarray(matrix, np.float32)
    matrix.flags.writeable = False
    return matrix
