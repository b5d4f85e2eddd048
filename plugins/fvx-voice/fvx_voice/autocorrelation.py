"""Window-corrected autocorrelation of frames, and its peaks between the samples."""

from __future__ import annotations

import functools

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

TAPS = 16  # samples on either side that a peak is interpolated from
_STEPS = 128  # resolution of the kernel table: a peak is first placed to 1/128 of a sample
_PROBE = 8  # then a parabola through three sinc-interpolated points 1/16 of a sample apart

Floats = NDArray[np.float32]


def autocorrelate(frames: Floats, n_lags: int) -> Floats:
    """Estimate the normalised autocorrelation of the signal under each frame.

    The autocorrelation of the Hann-windowed frame is divided by that of the window, which
    undoes the taper (Boersma 1993, equation 9).

    Parameters
    ----------
    frames : float32 array, shape (n_frames, n_samples)
        Consecutive samples, not windowed, in a mean-free frame.
    n_lags : int
        Lags wanted, from 0; well below ``n_samples``, where the window leaves nothing.

    Returns
    -------
    float32 array, shape (n_frames, n_lags)
        1 at lag 0; all zero for a frame of zeros.
    """
    size = frames.shape[1]
    length = scipy.fft.next_fast_len(size + n_lags, real=True)
    spectrum = scipy.fft.rfft(frames * hann(size), n=length, axis=1)
    return from_power(spectrum.real**2 + spectrum.imag**2, size, length, n_lags)


def from_power(power: Floats, size: int, length: int, n_lags: int) -> Floats:
    """The same from the power spectra of Hann-windowed frames.

    Parameters
    ----------
    power : float32 array, shape (n_frames, length // 2 + 1)
        Squared magnitudes.
    size, length : int
        Samples in the window, and points in the transform: ``size + n_lags`` at least, or the
        autocorrelation would run into its own end.
    n_lags : int
        Lags wanted, from 0.
    """
    raw = scipy.fft.irfft(power, n=length, axis=1)[:, :n_lags]
    energy = raw[:, :1]
    # Below, the reciprocal would overflow: as good as zeros.
    scale = np.divide(1, energy, out=np.zeros_like(energy), where=energy > 1e-30)
    corrected: Floats = raw * scale
    corrected *= _undo(size, n_lags, length)
    return corrected


@functools.lru_cache(maxsize=8)
def hann(size: int) -> Floats:
    """Hann window whose top is the sample that a frame is centred at, shape (size,)."""
    window: Floats = scipy.signal.get_window("hann", size).astype(np.float32)
    window.flags.writeable = False
    return window


@functools.lru_cache(maxsize=8)
def _undo(size: int, n_lags: int, length: int) -> Floats:
    """Reciprocal of the window's own normalised autocorrelation, shape (n_lags,)."""
    spectrum = np.abs(scipy.fft.rfft(hann(size).astype(np.float64), length))
    own = scipy.fft.irfft(spectrum**2, length)[:n_lags]
    reciprocal: Floats = (own[0] / own).astype(np.float32)
    return reciprocal


def sharpen(
    correlation: Floats, frame: NDArray[np.intp], lag: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Place peaks between the lags, and read their height there, by sinc interpolation.

    Parameters
    ----------
    correlation : float32 array, shape (n_frames, n_lags)
        At least ``TAPS`` lags beyond the greatest lag asked for.
    frame, lag : int array, shape (n_peaks,)
        Where ``correlation`` has a local maximum.

    Returns
    -------
    lag, height : float32 array, shape (n_peaks,)
        Lag in samples, with fraction; correlation there.
    """
    below, at, above = (correlation[frame, lag + step] for step in (-1, 0, 1))
    curve = below - 2 * at + above
    shift = np.divide(below - above, 2 * curve, out=np.zeros_like(curve), where=curve < 0)
    nearest = np.rint(np.clip(shift, -0.5, 0.5) * _STEPS).astype(np.intp)
    around = correlation[frame[:, None], np.abs(lag[:, None] + np.arange(-TAPS, TAPS + 1))]
    kernels, origin = _kernels()
    left, mid, right = (
        np.einsum("ij,ij->i", around, kernels[origin + nearest + step])
        for step in (-_PROBE, 0, _PROBE)
    )
    curve = left - 2 * mid + right
    fine = np.divide(left - right, 2 * curve, out=np.zeros_like(curve), where=curve < 0)
    fine = np.clip(fine, -2, 2)
    height = mid - 0.25 * (left - right) * fine
    height = np.where(height > 1, 1 / height, height)  # window and interpolation may overshoot
    return (lag + (nearest + _PROBE * fine) / _STEPS).astype(np.float32), height


@functools.cache
def _kernels() -> tuple[Floats, int]:
    """Tapered sinc kernels, one per fraction of a sample, and the row of fraction zero."""
    origin = _STEPS // 2 + _PROBE
    offset = np.arange(-origin, origin + 1)[:, None] / _STEPS - np.arange(-TAPS, TAPS + 1)
    taper = 0.5 + 0.5 * np.cos(np.pi * offset / (TAPS + 1))
    return (np.sinc(offset) * taper).astype(np.float32), origin
