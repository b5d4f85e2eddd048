"""The gne feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.errors import AudioError
from fvx.feature import Feature
from fvx_voice.linear_prediction import frame_autocorrelation, predictors, residual
from fvx_voice.resampling import lowered

HIGHEST_HZ = 5_500.0  # as for the formants, so that one resampled clip serves both
FRAME_S, HOP_S = 0.030, 0.010
ORDER = 13
FARTHEST_S = 0.0003  # shift of one envelope against the other, to either side
_LAGS = np.arange(-6, 7)  # samples of the envelopes that a finer shift is interpolated from
_FINE = 7  # shifts tried

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Gne(Feature):
    """How much of the voice is beaten by the vocal folds rather than hissed.

    Glottal-to-noise excitation: inverse filtering (linear prediction of order 13, frames of 30
    ms) leaves the excitation; a clap of the vocal folds excites all frequencies at once, noise
    each on its own. So the envelopes of bands of it (Hann-shaped in frequency, Hilbert
    transform) are correlated, for all pairs at least half a bandwidth apart and shifts of up to
    0.3 ms; the greatest correlation is the ratio. The measure is made for vowels held still. The
    whole clip counts, as in Praat, and what rises and falls with the syllables in all bands
    raises the ratio: white noise has 0.1, the same noise in the rhythm of syllables 0.7.

    Parameters
    ----------
    lowest_hz, highest_hz, step_hz : float
        Centres of the bands; those that reach beyond half the sampling rate are left out.
    bandwidth_hz : float
        Width of a band.

    Returns
    -------
    float32 array, shape (1, 2)
        ``gne_ratio`` within [0, 1], near 1 for a clear voice, lower for noise; ``defined``, 1
        or 0. Both are 0 in digital silence.

    Raises
    ------
    AudioError
        If the clip is shorter than one frame of 30 ms, or its sampling rate leaves no two
        bands far enough apart.

    References
    ----------
    Michaelis, Gramss and Strube (1997), "Glottal-to-noise excitation ratio: a new measure for
    describing pathological voices", Acustica united with Acta Acustica 83, 700-706.
    """

    name = "gne"
    columns = ("gne_ratio", "defined")
    kind = "per_clip"
    perceptible = True
    hop_s = None

    lowest_hz: float = 500.0
    highest_hz: float = 4_500.0
    step_hz: float = 300.0
    bandwidth_hz: float = 1_000.0

    def extract(self, audio: Audio) -> Floats:
        if audio.duration_s < FRAME_S:
            raise AudioError(f"{audio.duration_s:.3f} s is shorter than one frame of {FRAME_S} s")
        low = audio.shared(lowered, HIGHEST_HZ, HOP_S)
        centres_hz = np.arange(self.lowest_hz, self.highest_hz + 1e-6, self.step_hz)
        centres_hz = centres_hz[centres_hz + self.bandwidth_hz / 2 <= low.rate_hz / 2]
        apart = np.abs(centres_hz[:, None] - centres_hz) >= self.bandwidth_hz / 2
        if not apart.any():
            raise AudioError(
                f"a sampling rate of {audio.rate_hz} Hz leaves no two bands of "
                f"{self.bandwidth_hz} Hz that are half of that apart"
            )
        envelopes, rate_hz = self._envelopes(
            excitation(low.samples, low.hop, low.rate_hz), low.rate_hz, centres_hz
        )
        envelopes -= envelopes.mean(axis=1, keepdims=True)
        norm = np.sqrt(np.einsum("ij,ij->i", envelopes, envelopes))[:, None]
        if not norm.all():
            return np.zeros((1, 2), np.float32)
        greatest = _correlations(envelopes / norm, FARTHEST_S * rate_hz)[:, apart].max()
        return np.array([[np.clip(greatest, 0, 1), 1]], np.float32)

    def _envelopes(
        self, signal: Floats, rate_hz: float, centres_hz: NDArray[np.float64]
    ) -> tuple[Floats, float]:
        """Envelope of each band, shape (n_bands, n_samples), and its sampling rate in hertz.

        Half a spectrum is that of the analytic signal; a band of it moved down to 0 Hz has the
        same envelope, and two bandwidths are sampling rate enough for that.
        """
        length = scipy.fft.next_fast_len(len(signal), real=True)
        spectrum = scipy.fft.rfft(signal, length)
        bin_hz = rate_hz / length
        n_band = max(1, int(self.bandwidth_hz / bin_hz))
        n_samples = scipy.fft.next_fast_len(2 * n_band)
        taper = scipy.signal.get_window("hann", n_band).astype(np.float32)
        bands = np.zeros((len(centres_hz), n_samples), np.complex64)
        for band, centre_hz in zip(bands, centres_hz, strict=True):
            first = max(0, round((centre_hz - self.bandwidth_hz / 2) / bin_hz))
            piece = spectrum[first : first + n_band]
            band[: len(piece)] = piece * taper[: len(piece)]
        envelopes: Floats = np.abs(scipy.fft.ifft(bands, axis=1, overwrite_x=True))
        return envelopes, n_samples * bin_hz


def excitation(samples: Floats, hop: int, rate_hz: float) -> Floats:
    """What is left of a voice when the resonances of mouth and throat are taken off."""
    window = scipy.signal.get_window("hann", round(FRAME_S * rate_hz))
    n_frames = 1 + -(-len(samples) // hop)
    lags = frame_autocorrelation(samples, hop, n_frames, window, ORDER + 1)
    return residual(samples, hop, predictors(lags))


def _correlations(envelopes: Floats, farthest: float) -> Floats:
    """Correlation of every two envelopes at shifts up to ``farthest`` samples.

    Shape (n_shifts, n_bands, n_bands). The shifts are fractions of a sample: correlations at
    whole samples are interpolated by a sinc, which band-limited envelopes allow.
    """
    n_samples = envelopes.shape[1]
    whole = np.stack(
        [
            envelopes[:, max(0, lag) : n_samples + min(0, lag)]
            @ envelopes[:, max(0, -lag) : n_samples + min(0, -lag)].T
            for lag in _LAGS
        ]
    )
    shifts = np.linspace(-farthest, farthest, _FINE)
    kernel = np.sinc(shifts[:, None] - _LAGS).astype(np.float32)
    return np.tensordot(kernel, whole, 1)
