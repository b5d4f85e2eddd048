"""Banks of overlapping triangular filters over the bins of a power spectrum."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fvx.errors import FeatureError

_HZ_PER_MEL = 200 / 3
_KNEE_HZ = 1000.0  # Slaney's scale is linear below and logarithmic above
_KNEE_MEL = _KNEE_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27


def hz_to_mel(hz: float) -> float:
    """Slaney's mel of a frequency: 15 at 1000 Hz, 27 more at 6400 Hz."""
    if hz < _KNEE_HZ:
        return hz / _HZ_PER_MEL
    return float(_KNEE_MEL + np.log(hz / _KNEE_HZ) / _LOG_STEP)


def mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of ``hz_to_mel``, for an array of any shape."""
    above = _KNEE_HZ * np.exp(_LOG_STEP * (mel - _KNEE_MEL))
    return np.where(mel < _KNEE_MEL, mel * _HZ_PER_MEL, above)


def mel_edges_hz(n_bands: int, rate_hz: int) -> tuple[float, ...]:
    """Edges of bands equally wide in mel from 0 to rate_hz / 2, ``n_bands + 2`` of them.

    Band *b* rises from edge *b*, peaks at *b + 1* and is back to nothing at *b + 2*.
    """
    return tuple(mel_to_hz(np.linspace(0.0, hz_to_mel(rate_hz / 2), n_bands + 2)).tolist())


def linear_edges_hz(n_bands: int, rate_hz: int) -> tuple[float, ...]:
    """Edges of bands equally wide in hertz, otherwise as ``mel_edges_hz``."""
    return tuple(np.linspace(0.0, rate_hz / 2, n_bands + 2).tolist())


@lru_cache(maxsize=32)
def triangles(
    edges_hz: tuple[float, ...], n_fft: int, rate_hz: int, unit_area: bool = False
) -> NDArray[np.float32]:
    """Weight of each spectral bin in each band.

    Parameters
    ----------
    edges_hz : tuple of float, n_bands + 2 of them
        As ``mel_edges_hz`` gives them.
    n_fft, rate_hz : int
        Transform length in samples, and sampling rate: bin *i* is at ``i * rate_hz / n_fft``.
    unit_area : bool
        Each triangle's area over hertz is 1; otherwise its height is 1.

    Returns
    -------
    float32 array, shape (n_fft // 2 + 1, n_bands)
        Read-only; multiply a power spectrum of shape (n_frames, n_bins) with it.

    Raises
    ------
    FeatureError
        If a band is so narrow that no bin lies in it.
    """
    edges = np.asarray(edges_hz)
    lower, peak, upper = edges[:-2], edges[1:-1], edges[2:]
    bins_hz = (np.arange(n_fft // 2 + 1) * (rate_hz / n_fft))[:, np.newaxis]
    rising, falling = (bins_hz - lower) / (peak - lower), (upper - bins_hz) / (upper - peak)
    weights = np.maximum(0.0, np.minimum(rising, falling))
    empty = np.flatnonzero(weights.max(axis=0) == 0)
    if len(empty):
        raise FeatureError(
            f"band {empty[0]} of {len(peak)}, {lower[empty[0]]:.1f} to {upper[empty[0]]:.1f} Hz, "
            f"lies between two bins of a {n_fft}-point transform at {rate_hz} Hz: "
            "ask for fewer bands or a longer window"
        )
    if unit_area:
        weights *= 2 / (upper - lower)
    narrowed: NDArray[np.float32] = weights.astype(np.float32)
    narrowed.flags.writeable = False
    return narrowed
