"""The modulation_spectrum feature."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from fvx.audio import MIN_DURATION_S, Audio
from fvx.errors import AudioError
from fvx.feature import Feature

_BAND_EDGES_HZ = tuple(round(100 * 76 ** (edge / 16)) for edge in range(17))  # up to 7.6 kHz
_MODULATION_EDGES_HZ = (4, 8, 16, 32, 64, 110, 160, 220, 300, 420, 700, 1000)

# Of the envelope. The analytic signal then holds all below 8 kHz, and the logarithm's overtones
# do not fold back to where modulation is looked at.
_ENVELOPE_RATE_HZ = 8000
_LOWEST_HZ = 20  # audible; below it the filter's formula gets too large for float32
_SEGMENT = 2048  # points, 0.256 s
_PAUSE_S = 0.1  # of zeros, so that the end of the clip does not ring into its beginning
_FAINTEST = 1e-4  # amplitude over the clip's RMS, added to every envelope
_FLOOR = 1e-9  # added to every density: -90 dB

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ModulationSpectrum(Feature):
    """How strongly, and how fast, the sound of each frequency band fluctuates.

    Slow modulation (a few hertz, the rate of syllables) is heard as fluctuation; from 20 to 300 Hz,
    where the pulses of a low or creaky voice lie, as roughness. The clip is divided into
    16 bands, geometrically spaced from 100 to 7,600 Hz, by Butterworth filters of third order run
    forwards and backwards: they multiply the spectrum with 1 / (1 + q^6), where q = (f^2 - lo hi)
    / (f (hi - lo)), nothing being left from 8 kHz up. Of each band's Hilbert envelope a, the power
    spectral density of ln(a / RMS of the clip + 0.0001) is estimated by Welch's method, with
    Hann-windowed, half overlapping segments of 0.256 s without their mean.

    Returns
    -------
    float32 array, shape (1, 176)
        ``modulation_100_131_hz_at_4_8_hz_db`` and so on: 16 bands, each with 11 ranges of
        modulation between 4, 8, 16, 32, 64, 110, 160, 220, 300, 420, 700 and 1,000 Hz. Mean
        density in the range, plus a floor of 1e-9, in decibels re 1 neper squared per hertz:
        ln(a) that swings as a sine by one neper either way has 0.5 neper squared, -19.7 dB if it
        is the only modulation from 64 to 110 Hz. Gain does not move it. -90 where nothing
        fluctuates, as in digital silence; 0 in bands that end above half the sampling rate.

    Raises
    ------
    AudioError
        If the clip is shorter than 0.2 s.

    Notes
    -----
    A clip shorter than 0.256 s is one segment, with zeros to its full length. Levels of the bands
    do not count, hence what the filters leave of a strong tone also shows in its neighbours.

    References
    ----------
    Houtgast and Steeneken (1985), "A review of the MTF concept in room acoustics and its use for
    estimating speech intelligibility in auditoria", Journal of the Acoustical Society of
    America 77(3).
    Wu, Xiao, Chng and Li (2013), "Synthetic speech detection using temporal modulation feature",
    ICASSP.
    Fastl and Zwicker (2007), "Psychoacoustics: facts and models", chapters 10 and 11.
    Daniel and Weber (1997), "Psychoacoustical roughness: implementation of an optimized model",
    Acustica 83.
    """

    name = "modulation_spectrum"
    columns = tuple(
        f"modulation_{low_hz}_{high_hz}_hz_at_{slow_hz}_{fast_hz}_hz_db"
        for low_hz, high_hz in pairwise(_BAND_EDGES_HZ)
        for slow_hz, fast_hz in pairwise(_MODULATION_EDGES_HZ)
    )
    kind = "per_clip"
    perceptible = True
    hop_s = None

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        if audio.duration_s < MIN_DURATION_S:
            raise AudioError(
                f"{audio.duration_s:.3f} s is shorter than the {MIN_DURATION_S} s in which "
                f"modulation is looked for"
            )
        spectrum, n_points = _spectrum(audio)
        values = np.zeros((len(_BAND_EDGES_HZ) - 1, len(_MODULATION_EDGES_HZ) - 1))
        for band, (low_hz, high_hz) in enumerate(pairwise(_BAND_EDGES_HZ)):
            if 2 * high_hz > audio.rate_hz:
                break
            values[band] = _density(_log_envelope(spectrum, low_hz, high_hz)[:n_points])
        return values.reshape(1, -1).astype(np.float32)


def _spectrum(audio: Audio) -> tuple[NDArray[np.complex64], int]:
    """Analytic spectrum up to 8 kHz re the clip's RMS, and how many points of envelope it has.

    Its inverse transform is the clip at the envelope's rate, with zeros after it.
    """
    rate_hz, samples = audio.rate_hz, audio.samples
    n_points = len(samples) * _ENVELOPE_RATE_HZ // rate_hz
    # A length that is a whole number of samples at either rate.
    common = math.gcd(rate_hz, _ENVELOPE_RATE_HZ)
    per_unit = rate_hz // common
    least = math.ceil((len(samples) + _PAUSE_S * rate_hz) / per_unit)
    n_units = scipy.fft.next_fast_len(least)
    spectrum = np.zeros(n_units * (_ENVELOPE_RATE_HZ // common), np.complex64)
    rms = math.sqrt(np.square(samples, dtype=np.float64).mean())
    if rms > np.finfo(np.float32).tiny:  # else silence, as far as can be computed with
        half = scipy.fft.rfft(samples / np.float32(rms), n_units * per_unit)[: len(spectrum)]
        half *= np.float32(2 * len(spectrum) / (n_units * per_unit))
        spectrum[: len(half)] = half
    return spectrum, n_points


def _log_envelope(spectrum: NDArray[np.complex64], low_hz: int, high_hz: int) -> Floats:
    """Logarithm of the band's envelope at 8 kHz, as long as the spectrum."""
    first = math.ceil(_LOWEST_HZ * len(spectrum) / _ENVELOPE_RATE_HZ)
    hz = np.arange(first, len(spectrum), dtype=np.float32)
    hz *= np.float32(_ENVELOPE_RATE_HZ / len(spectrum))
    width_hz = high_hz - low_hz
    response = hz / np.float32(width_hz)
    response -= np.float32(low_hz * high_hz / width_hz) / hz
    response *= response
    response *= response * response
    response += 1
    filtered = np.zeros_like(spectrum)
    np.divide(spectrum[first:], response, out=filtered[first:])
    envelope: Floats = np.abs(scipy.fft.ifft(filtered, overwrite_x=True))
    envelope += np.float32(_FAINTEST)
    return np.log(envelope, out=envelope)


def _density(log_envelope: Floats) -> NDArray[np.float64]:
    """Mean power spectral density in each range of modulation, in decibels, shape (11,)."""
    size = min(_SEGMENT, len(log_envelope))
    segments = np.lib.stride_tricks.sliding_window_view(log_envelope, size)[:: _SEGMENT // 2]
    taper = scipy.signal.get_window("hann", size).astype(np.float32)
    # Without decimation: what lies above the highest range is just not looked at.
    step_hz = _ENVELOPE_RATE_HZ / _SEGMENT
    edges = np.ceil(np.array(_MODULATION_EDGES_HZ) / step_hz).astype(int)
    tapered = segments - segments.mean(axis=1, keepdims=True)
    tapered *= taper
    heard = scipy.fft.rfft(tapered, _SEGMENT)[:, edges[0] : edges[-1]]
    mean_power = np.square(np.abs(heard)).mean(axis=0, dtype=np.float64)
    sums = np.add.reduceat(mean_power, edges[:-1] - edges[0])
    density = sums / np.diff(edges) * (2 / (_ENVELOPE_RATE_HZ * float((taper**2).sum())))
    decibels: NDArray[np.float64] = 10 * np.log10(density + _FLOOR)
    return decibels
