"""Gammatone filters, by which the cochlea is modelled, over the bins of a power spectrum."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Equivalent rectangular bandwidth of the ear's filters: 24.7 Hz + frequency / 9.26449
# (Glasberg and Moore 1990).
_MIN_WIDTH_HZ = 24.7
_QUALITY = 9.26449
_ORDER = 4
_DECAY = 1.019  # of the envelope, over the bandwidth, for a filter of this order


def centres_hz(n_bands: int, lowest_hz: float, top_hz: float) -> NDArray[np.float64]:
    """Centres equally far apart by the ear's bandwidths, from ``lowest_hz`` to below ``top_hz``."""
    offset = _MIN_WIDTH_HZ * _QUALITY
    steps = np.arange(n_bands) / n_bands
    ratio = (top_hz + offset) / (lowest_hz + offset)
    centre_hz: NDArray[np.float64] = (lowest_hz + offset) * ratio**steps - offset
    return centre_hz


@lru_cache(maxsize=16)
def gammatone_weights(
    n_bands: int, lowest_hz: float, n_fft: int, rate_hz: int
) -> NDArray[np.float32]:
    """Squared magnitude of each filter's response at each spectral bin.

    The filter's impulse response is ``t**3 * exp(-2 pi b t) * cos(2 pi f t)``, *f* its centre
    and *b* 1.019 times the equivalent rectangular bandwidth there. Its transform is, but for a
    constant, ``(1 + i (x - f) / b) ** -4 + (1 + i (x + f) / b) ** -4`` at a frequency *x*.

    Parameters
    ----------
    n_bands : int
        Number of filters, from ``lowest_hz`` to below ``rate_hz / 2``.
    lowest_hz : float
        Centre of the lowest filter.
    n_fft, rate_hz : int
        Transform length in samples, and sampling rate: bin *i* is at ``i * rate_hz / n_fft``.

    Returns
    -------
    float32 array, shape (n_fft // 2 + 1, n_bands)
        1 at a filter's centre. Read-only.

    References
    ----------
    Patterson, Nimmo-Smith, Holdsworth and Rice (1987), "An efficient auditory filterbank based
    on the gammatone function", MRC Applied Psychology Unit.
    Glasberg and Moore (1990), "Derivation of auditory filter shapes from notched-noise data",
    Hearing Research 47.
    """
    centre_hz = centres_hz(n_bands, lowest_hz, rate_hz / 2)
    decay_hz = _DECAY * (_MIN_WIDTH_HZ + centre_hz / _QUALITY)
    bins_hz = (np.arange(n_fft // 2 + 1) * (rate_hz / n_fft))[:, np.newaxis]

    def response(hz: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        above = (1 + 1j * (hz - centre_hz) / decay_hz) ** -_ORDER
        return np.abs(above + (1 + 1j * (hz + centre_hz) / decay_hz) ** -_ORDER)

    weights = (response(bins_hz) / response(centre_hz)) ** 2
    narrowed: NDArray[np.float32] = weights.astype(np.float32)
    narrowed.flags.writeable = False
    return narrowed
