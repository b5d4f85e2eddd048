"""Linear prediction: its gain, and what it leaves over."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.signal import power

_BLOCK_FRAMES = 128  # what stays in the processor's cache
_WHITE = 1e-9  # of the power, as white noise: keeps a pure tone's equations solvable
_FLOOR = np.float32(1e-12)  # of the frame's mean power: the logarithm of nothing

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class LpResidual(Feature):
    """How well each sample follows from those before it, and how pulse-like the rest is.

    A predictor of each windowed frame (autocorrelation method) models the vocal tract; what it
    cannot predict, the residual, is near to what the vocal folds or a vocoder put in. Each
    frame's predictor filters the one hop of the clip around the frame's centre, and statistics
    are taken over three hops: the frame's own and its neighbours.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a Hann-windowed frame, and step between frames, in seconds.
    order : int
        Number of past samples that a sample is predicted from.

    Returns
    -------
    float32 array, shape (n_frames, 5)
        ``lp_gain_db``: energy of the frame over that of the prediction error, at least 0.
        ``lp_residual_kurtosis``: fourth moment about zero over the squared second; 3 for
        Gaussian noise, more the more the residual is made of pulses.
        ``lp_residual_crest_db``: peak over root mean square, at least 0.
        ``lp_residual_flatness_db``: geometric over arithmetic mean of the residual's power
        spectrum, -2.5 for white noise, lower for a periodic residual. (The logarithm of a
        predictor's gain has a mean of zero over frequency, so this is the geometric mean of the
        frame's own spectrum over the energy of the prediction error.)
        ``defined``: 1, or 0 in digital silence, where all the others are 0 too.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.

    References
    ----------
    Makhoul (1975), "Linear prediction: a tutorial review", Proceedings of the IEEE 63(4).
    Janicki (2015), "Spoofing countermeasure based on analysis of linear prediction error",
    Interspeech.
    """

    name = "lp_residual"
    columns = (
        "lp_gain_db",
        "lp_residual_kurtosis",
        "lp_residual_crest_db",
        "lp_residual_flatness_db",
        "defined",
    )
    kind = "matrix"
    perceptible = False

    window_s: float = 0.025
    hop_s: float = 0.010
    order: int = 18

    def extract(self, audio: Audio) -> Floats:
        spectrum = self._spectrum(audio)
        hop, n_frames = max(1, round(self.hop_s * audio.rate_hz)), len(spectrum)
        before = hop // 2  # how much of its hop lies before a frame's centre
        padded = np.pad(audio.samples, (before + self.order, hop))
        cut = np.lib.stride_tricks.sliding_window_view(padded, hop + self.order)[::hop][:n_frames]
        lengths = np.full(n_frames, hop)
        lengths[0] -= before
        beyond_the_end = max(0, n_frames * hop - before - len(audio.samples))
        lengths[-1] -= beyond_the_end

        energy, error, log_energy, second, fourth, peak = np.zeros((6, n_frames))
        for first in range(0, n_frames, _BLOCK_FRAMES):
            rows = slice(first, first + _BLOCK_FRAMES)
            lags = autocorrelation(spectrum[rows], self.order)
            predictor, error[rows] = linear_predictor(lags)
            residual = filtered(cut[rows], predictor.astype(np.float32))
            if first + len(residual) == n_frames:
                residual[-1, hop - beyond_the_end :] = 0  # the filter's ringing is no speech
            squared = residual.astype(np.float64)
            squared *= squared
            energy[rows], log_energy[rows] = lags[:, 0], _mean_log(spectrum[rows])
            second[rows], peak[rows] = squared.sum(axis=1), squared.max(axis=1)
            fourth[rows] = np.einsum("ij,ij->i", squared, squared)
        second, fourth, count = (_three(each) for each in (second, fourth, lengths))
        peak = np.maximum(peak, np.maximum(np.append(peak[1:], 0), np.insert(peak[:-1], 0, 0)))

        values = np.zeros((n_frames, len(self.columns)), np.float32)
        heard = (error > 0) & (second > 0)
        energy, error, log_energy, second, fourth, peak, count = (
            each[heard] for each in (energy, error, log_energy, second, fourth, peak, count)
        )
        values[heard, 0] = 10 * np.log10(energy / error)
        values[heard, 1] = count * fourth / second**2
        values[heard, 2] = 10 * np.log10(count * peak / second)
        values[heard, 3] = 10 * np.log10(np.e) * (log_energy - np.log(error))
        values[heard, 4] = 1
        return values

    def _spectrum(self, audio: Audio) -> Floats:
        """Power spectrum, long enough that the autocorrelation does not wrap around."""
        size = round(self.window_s * audio.rate_hz)
        usual = 1 << (size - 1).bit_length()
        if size + self.order <= usual:
            return audio.shared(power, self.window_s, self.hop_s)
        return audio.shared(power, self.window_s, self.hop_s, 2 * usual)


def autocorrelation(spectrum: Floats, order: int) -> Doubles:
    """Autocorrelation at lags 0 to ``order`` from power spectra, shape (n_frames, order + 1)."""
    return spectrum.astype(np.float64) @ _waves(spectrum.shape[1], order)


def linear_predictor(lags: Doubles) -> tuple[Doubles, Doubles]:
    """Solve for each frame's predictor by the recursion of Levinson and Durbin.

    Parameters
    ----------
    lags : float64 array, shape (n_frames, order + 1)
        Autocorrelation at lags 0 to ``order``.

    Returns
    -------
    predictor : float64 array, shape (n_frames, order + 1)
        Coefficients, 1 first, of the filter that turns the signal into the prediction error;
        all others 0 where there is no signal.
    error : float64 array, shape (n_frames,)
        Energy of the prediction error, on the scale of ``lags[:, 0]``.
    """
    predictor = np.zeros_like(lags)
    predictor[:, 0] = 1
    error = lags[:, 0] * (1 + _WHITE)
    for step in range(1, lags.shape[1]):
        missed = np.einsum("ij,ij->i", predictor[:, :step], lags[:, step:0:-1])
        reflection = np.divide(-missed, error, out=np.zeros_like(error), where=error > 0)
        predictor[:, 1 : step + 1] += (
            reflection[:, np.newaxis] * predictor[:, step - 1 :: -1][:, :step]
        )
        error *= 1 - reflection**2
    return predictor, error


def filtered(cut: Floats, coefficients: Floats) -> Floats:
    """Filter each row with its own coefficients.

    Parameters
    ----------
    cut : float32 array, shape (n_frames, n_samples + n_coefficients - 1)
        Samples, with those before them that the filter reaches back to.
    coefficients : float32 array, shape (n_frames, n_coefficients)
        The first weighs the sample itself.

    Returns
    -------
    float32 array, shape (n_frames, n_samples)
    """
    order = coefficients.shape[1] - 1
    n_samples = cut.shape[1] - order
    total = np.zeros((len(cut), n_samples), np.float32)
    for lag in range(order + 1):
        earlier = cut[:, order - lag :][:, :n_samples]
        total += coefficients[:, lag, np.newaxis] * earlier
    return total


@lru_cache(maxsize=8)
def _waves(n_bins: int, order: int) -> Doubles:
    """Inverse transform of a real even spectrum at lags 0 to ``order``."""
    n_fft = 2 * (n_bins - 1)
    lags, bins = np.arange(order + 1), np.arange(n_bins)[:, np.newaxis]
    waves: Doubles = np.cos(2 * np.pi * bins * lags / n_fft) / n_fft
    waves[1:-1] *= 2
    waves.flags.writeable = False
    return waves


def _mean_log(spectrum: Floats) -> Doubles:
    """Mean natural logarithm over all bins, negative frequencies included; (n_frames,)."""
    mean = spectrum.mean(axis=1, keepdims=True)
    logs = np.log(np.maximum(spectrum, np.maximum(_FLOOR * mean, np.finfo(np.float32).tiny)))
    both = 2 * logs.sum(axis=1, dtype=np.float64) - logs[:, 0] - logs[:, -1]
    total: Doubles = both / (2 * (spectrum.shape[1] - 1))
    return total


def _three(values: Doubles) -> Doubles:
    """Sum over each value and its neighbours."""
    total: Doubles = np.convolve(values, np.ones(3), "same")
    return total
