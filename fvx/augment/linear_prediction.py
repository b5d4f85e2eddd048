"""Copy-synthesis by linear prediction."""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.linalg
import scipy.signal
from numpy.typing import NDArray

from fvx.augment.overlap import frames, overlap_add

Wave = NDArray[np.float64]


def lpc(wave: Wave, rate_hz: int, rng: np.random.Generator) -> Wave:
    """Pulses at the pitch, and noise where there is none, through linear prediction filters."""
    size, hop = round(0.032 * rate_hz) // 4 * 4, round(0.032 * rate_hz) // 4
    order = 2 + round(rate_hz / 1000)
    emphasised = scipy.signal.lfilter([1.0, -0.9], [1.0], wave)
    cut = frames(emphasised, size, hop)
    taper = scipy.signal.get_window("hann", size)
    filters, gains = _prediction(cut * taper, order)
    voicing, f0_hz = _pitch(frames(wave, 2 * size, hop)[: len(cut)], rate_hz)
    n_padded = (len(cut) - 1) * hop + size
    buzz = _pulses(np.repeat(f0_hz, hop)[:n_padded], n_padded, rate_hz)
    buzz = scipy.signal.fftconvolve(buzz, _spread(rate_hz, rng), "same")
    hiss = rng.standard_normal(n_padded)
    # No voice is all pulses: above its periodicity, breath.
    share = np.repeat(np.clip(1.4 * voicing - 0.2, 0.0, 0.95) * (f0_hz > 0), hop)
    share = np.pad(share, (0, max(0, n_padded - len(share))))[:n_padded]
    excitation = np.sqrt(share) * buzz + np.sqrt(1 - share) * hiss
    excited = np.lib.stride_tricks.sliding_window_view(excitation, size)[::hop] * taper
    excited *= (
        gains[:, None] / np.maximum(1e-9, np.sqrt(np.sum(np.square(excited), axis=1)))[:, None]
    )
    n_fft = scipy.fft.next_fast_len(4 * size, real=True)
    shaped = np.fft.irfft(np.fft.rfft(excited, n_fft) / np.fft.rfft(filters, n_fft), n_fft)
    made = overlap_add(shaped, hop)[size // 2 :]
    result: Wave = scipy.signal.lfilter([1.0], [1.0, -0.9], made)[: len(wave)]
    return result


def _prediction(
    cut: NDArray[np.float64], order: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Prediction error filters (n_frames, order + 1), by autocorrelation; norms of the errors."""
    n_fft = scipy.fft.next_fast_len(2 * cut.shape[1], real=True)
    power = np.square(np.abs(scipy.fft.rfft(cut, n_fft, axis=1)))
    lags = scipy.fft.irfft(power, n_fft, axis=1)[:, : order + 1]
    lags[:, 0] = lags[:, 0] * (1 + 1e-5) + 1e-9  # a floor, at -50 dB, keeps silence solvable
    filters = np.empty((len(cut), order + 1))
    for frame, row in enumerate(lags):
        filters[frame] = 1.0, *-scipy.linalg.solve_toeplitz(row[:-1], row[1:])
    gains = np.sqrt(np.maximum(0.0, np.sum(filters * lags, axis=1)))
    return filters, gains


def _pitch(
    cut: NDArray[np.float64], rate_hz: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Periodicity from 0 to 1, and F0 in hertz, 0 where there is none; by autocorrelation."""
    size = cut.shape[1]
    low = scipy.signal.butter(4, min(900.0, 0.4 * rate_hz), "lowpass", fs=rate_hz, output="sos")
    taper = scipy.signal.get_window("hann", size)
    n_fft = scipy.fft.next_fast_len(2 * size, real=True)

    def lags(frames: NDArray[np.float64]) -> NDArray[np.float64]:
        power = np.square(np.abs(scipy.fft.rfft(frames, n_fft, axis=-1)))
        return np.asarray(scipy.fft.irfft(power, n_fft, axis=-1)[..., :size])

    smooth = scipy.signal.sosfilt(low, cut - cut.mean(axis=1, keepdims=True), axis=1) * taper
    found = lags(smooth)
    # Divided by the window's own, whose fall with the lag would favour short periods.
    own = lags(taper)
    shape = found / np.maximum(1e-12, found[:, :1]) / (own / own[0] + 1e-3)
    first, last = int(rate_hz / 400), int(rate_hz / 60)
    where = first + np.argmax(shape[:, first:last], axis=1)
    before, height, after = (
        np.take_along_axis(shape, where[:, None] + step, axis=1)[:, 0] for step in (-1, 0, 1)
    )
    curve = before - 2 * height + after  # a parabola through the three finds the peak between
    period = where + np.where(curve < 0, 0.5 * (before - after) / np.minimum(curve, -1e-9), 0.0)
    loud = found[:, 0] > 1e-4 * found[:, 0].max()
    voiced = loud & (height > 0.4)
    f0_hz = np.where(voiced, rate_hz / np.clip(period, first - 1, last), 0.0)
    return np.clip(height, 0.0, 1.0), scipy.signal.medfilt(f0_hz, 5)


def _spread(rate_hz: int, rng: np.random.Generator) -> Wave:
    """A pulse spread over some 4 ms, of unit energy: no throat closes within one sample."""
    size = 2 * round(0.004 * rate_hz)
    shape = scipy.signal.get_window("hann", size) ** 2
    spread: Wave = rng.standard_normal(size) * shape
    spread[size // 2] += 3.0
    spread /= np.sqrt(np.sum(np.square(spread)))
    return spread


def _pulses(f0_hz: NDArray[np.float64], n_samples: int, rate_hz: int) -> Wave:
    """A pulse of the period's energy whenever the phase of F0 comes round."""
    track = np.pad(f0_hz, (0, max(0, n_samples - len(f0_hz))))[:n_samples]
    turns = np.floor(np.cumsum(track) / rate_hz)
    at = np.flatnonzero(np.diff(turns, prepend=0.0) > 0)
    pulses = np.zeros(n_samples)
    pulses[at] = np.sqrt(rate_hz / np.maximum(track[at], 1.0))
    return pulses
