"""Bands side by side over the bins of a power spectrum, and their names."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


@lru_cache(maxsize=32)
def band_weights(edges_hz: tuple[int, ...], n_fft: int, rate_hz: int) -> NDArray[np.float32]:
    """Weight of each spectral bin in each band.

    A bin stands for the frequencies nearest to it, and counts in a band by the part of these
    that lies in the band. What lies above half the sampling rate is no band's.

    Parameters
    ----------
    edges_hz : tuple of int, n_bands + 1 of them, rising
    n_fft, rate_hz : int
        Transform length in samples, and sampling rate: bin *i* is at ``i * rate_hz / n_fft``.

    Returns
    -------
    float32 array, shape (n_fft // 2 + 1, n_bands)
        Read-only. 2 within a band, for the negative frequencies' sake, and 1 at 0 and at half
        the sampling rate: by Parseval's theorem a power spectrum times this, over ``n_fft`` and
        the window's energy, is a mean square.
    """
    bin_hz = rate_hz / n_fft
    middle_hz = np.arange(n_fft // 2 + 1)[:, np.newaxis] * bin_hz
    lowest_hz = np.maximum(middle_hz - bin_hz / 2, 0)
    highest_hz = np.minimum(middle_hz + bin_hz / 2, rate_hz / 2)
    within_hz = np.minimum(highest_hz, edges_hz[1:]) - np.maximum(lowest_hz, edges_hz[:-1])
    weights: NDArray[np.float32] = (2 * np.maximum(within_hz, 0) / bin_hz).astype(np.float32)
    weights.flags.writeable = False
    return weights


def band_columns(stem: str, edges_hz: tuple[int, ...], unit: str) -> tuple[str, ...]:
    """``stem_0_500_hz`` and so on, ``unit`` after them (``"_db"``, say)."""
    return tuple(f"{stem}_{lower}_{upper}_hz{unit}" for lower, upper in pairwise(edges_hz))
