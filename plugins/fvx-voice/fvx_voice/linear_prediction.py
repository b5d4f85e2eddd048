"""Linear prediction of many frames at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

WHITE_NOISE = 1e-9  # added to the energy, relative to it: keeps silence and pure tones solvable
_BLOCK_FRAMES = 4096


def frame_autocorrelation(
    samples: NDArray[np.float32], hop: int, n_frames: int, window: Doubles, n_lags: int
) -> Doubles:
    """Autocorrelation of windowed frames at the shortest lags.

    Parameters
    ----------
    samples : float32 array, shape (n_samples,)
        Zeros are assumed beyond its ends.
    hop : int
        Frame *k* is centred at sample ``k * hop``.
    window : float64 array, shape (n_window,)
        Its sample ``n_window // 2`` comes to lie on the centre.
    n_lags : int
        Lags wanted, from 0.

    Returns
    -------
    float64 array, shape (n_frames, n_lags)

    Notes
    -----
    At lag *l* it is the sum of ``x[t] x[t + l]`` under the weights ``w[t] w[t + l]``: with the
    products cut into hops, a matrix product that every frame over the same hop shares.
    """
    n_hops = -(-len(window) // hop)
    result = np.empty((n_frames, n_lags))
    weights = np.zeros((n_lags, n_hops * hop))
    for lag in range(n_lags):
        weights[lag, : len(window) - lag] = window[: len(window) - lag] * window[lag:]
    left = len(window) // 2
    for first in range(0, n_frames, _BLOCK_FRAMES):
        count = min(_BLOCK_FRAMES, n_frames - first)
        start, size = first * hop - left, (count + n_hops - 1) * hop
        piece = _stretch(samples, start, size + n_lags)
        for lag in range(n_lags):
            product = (piece[:size] * piece[lag : size + lag]).reshape(-1, hop)
            parts = product @ weights[lag].reshape(n_hops, hop).T
            total = parts[:count, 0].copy()
            for step in range(1, n_hops):
                total += parts[step : step + count, step]
            result[first : first + count, lag] = total
    return result


def _stretch(samples: NDArray[np.float32], start: int, size: int) -> Doubles:
    """Samples from ``start`` on, zeros beyond the ends, shape (size,)."""
    piece = np.zeros(size)
    inside = samples[max(start, 0) : max(start + size, 0)]
    piece[max(-start, 0) :][: len(inside)] = inside
    return piece


def predictors(autocorrelation: Doubles) -> Doubles:
    """Prediction-error filters, by the Levinson-Durbin recursion.

    Parameters
    ----------
    autocorrelation : float64 array, shape (n_frames, order + 1)

    Returns
    -------
    float64 array, shape (n_frames, order + 1)
        Column 0 is 1: the error is the sum of ``filter[j] * x[t - j]``. All roots lie within the
        unit circle. A frame of zeros has the filter 1, 0, 0, …
    """
    lags = autocorrelation.T
    order = len(lags) - 1
    error = np.where(lags[0] > 0, lags[0] * (1 + WHITE_NOISE), 1)
    filters = np.zeros((order + 1, lags.shape[1]))
    filters[0] = 1
    for m in range(1, order + 1):
        reflection = -np.einsum("kn,kn->n", filters[:m], lags[m:0:-1]) / error
        filters[1 : m + 1] += reflection * filters[m - 1 :: -1][:m]
        error *= 1 - reflection**2
    return filters.T


def residual(samples: NDArray[np.float32], hop: int, filters: Doubles) -> NDArray[np.float32]:
    """What the prediction leaves, each sample under the filter of the nearest frame.

    Parameters
    ----------
    filters : float64 array, shape (n_frames, order + 1)
        Of frames centred at ``k * hop``; enough of them to cover the samples.

    Returns
    -------
    float32 array, shape (n_samples,)
    """
    n_frames, n_taps = filters.shape
    before = hop // 2 + n_taps - 1
    padded = np.zeros(before + n_frames * hop, np.float32)
    inside = samples[: n_frames * hop - hop // 2]
    padded[before : before + len(inside)] = inside
    taps = filters.astype(np.float32)
    error = np.zeros((n_frames, hop), np.float32)
    for j in range(n_taps):
        start = n_taps - 1 - j
        error += taps[:, j : j + 1] * padded[start : start + n_frames * hop].reshape(-1, hop)
    left: NDArray[np.float32] = error.ravel()[hop // 2 :][: len(samples)]
    return left
