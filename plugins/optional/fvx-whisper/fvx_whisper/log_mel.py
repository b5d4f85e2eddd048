"""Whisper's spectrogram: 80 mel bands every 10 ms, on a logarithmic scale."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

RATE_HZ = 16_000
HOP = 160
N_BANDS = 80

_N_FFT = 400
_BLOCK_FRAMES = 256  # what lies between stays in the processor's cache
_FLOOR, _RANGE = 1e-10, 8.0  # of power; and below the loudest, in powers of ten
# Slaney's mel scale: 15 bands to the first kilohertz, then 27 to a factor of 6.4.
_LINEAR_HZ, _BEND_HZ = 200.0 / 3, 1000.0
_LOG_STEP = np.log(6.4) / 27


def log_mel(samples: NDArray[np.float32], n_frames: int) -> NDArray[np.float32]:
    """Log-mel spectrogram as Whisper wants it.

    Parameters
    ----------
    samples : float32 array, shape (n_samples,)
        At 16 kHz, more than 200 of them. They are mirrored before the first; zeros follow the last.
    n_frames : int
        Frame *k* is centred at sample ``160 * k``.

    Returns
    -------
    float32 array, shape (n_frames, 80)
        ``(log10(power) + 4) / 4``, no more than 2 below the largest.

    References
    ----------
    Radford et al. (2023), "Robust speech recognition via large-scale weak supervision", ICML.
    Slaney (1998), "Auditory toolbox", Interval Research technical report 1998-010.
    """
    half = _N_FFT // 2
    right = max(0, (n_frames - 1) * HOP + half - len(samples))
    padded = np.concatenate([samples[half:0:-1], samples, np.zeros(right, np.float32)])
    cut = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT)[::HOP]
    window, bank = _window(), _bank()
    found = np.empty((n_frames, N_BANDS), np.float32)
    for start in range(0, n_frames, _BLOCK_FRAMES):
        rows = slice(start, min(start + _BLOCK_FRAMES, n_frames))
        spectrum = scipy.fft.rfft(cut[rows] * window, axis=1)
        np.matmul(np.square(spectrum.real) + np.square(spectrum.imag), bank, out=found[rows])
    np.log10(np.maximum(found, np.float32(_FLOOR), out=found), out=found)
    np.maximum(found, found.max() - np.float32(_RANGE), out=found)
    found += 4
    found /= 4
    return found


@lru_cache(maxsize=1)
def _window() -> NDArray[np.float32]:
    """Hann, periodic."""
    phase = 2 * np.pi * np.arange(_N_FFT) / _N_FFT
    return (0.5 - 0.5 * np.cos(phase)).astype(np.float32)


@lru_cache(maxsize=1)
def _bank() -> NDArray[np.float32]:
    """Triangles of equal area that reach from centre to centre, shape (n_bins, n_bands)."""
    top = 15 + np.log(RATE_HZ / 2 / _BEND_HZ) / _LOG_STEP
    mel = np.linspace(0, top, N_BANDS + 2)
    edges_hz = np.where(
        mel < 15, mel * _LINEAR_HZ, _BEND_HZ * np.exp(_LOG_STEP * np.maximum(mel - 15, 0))
    )
    bins_hz = np.arange(_N_FFT // 2 + 1)[:, np.newaxis] * (RATE_HZ / _N_FFT)
    width_hz = np.diff(edges_hz)
    rising = (bins_hz - edges_hz[:-2]) / width_hz[:-1]
    falling = (edges_hz[2:] - bins_hz) / width_hz[1:]
    triangles = np.maximum(0, np.minimum(rising, falling)) * 2 / (edges_hz[2:] - edges_hz[:-2])
    return triangles.astype(np.float32)
