"""Whisper's log-mel spectrogram."""

from __future__ import annotations

from functools import cache

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

RATE_HZ = 16_000
WINDOW, HOP = 400, 160  # samples: 25 and 10 ms
_FLOOR, _RANGE = 1e-10, 8.0  # 80 dB below the clip's loudest spot all is one
_AT_ONCE = 512
_LINEAR_HZ, _HZ_PER_MEL, _LOG_STEP = 1000.0, 200 / 3, np.log(6.4) / 27


def log_mel(samples: NDArray[np.float32], n_mels: int) -> NDArray[np.float32]:
    """Logarithm of the power in mel bands, scaled as Whisper was trained with.

    Parameters
    ----------
    samples : float32 array, shape (n_samples,)
        At 16 kHz, more than 200 of them; continued beyond both ends by their mirror image.
    n_mels : int
        Number of bands.

    Returns
    -------
    float32 array, shape (1 + n_samples // 160, n_mels)
        ``(max(log10 power, largest of the clip - 8) + 4) / 4``. Frame k is centred at sample
        160 k; Whisper's own leaves out the last.
    """
    padded = np.pad(samples, WINDOW // 2, mode="reflect")
    frames = sliding_window_view(padded, WINDOW)[::HOP]
    bands = mel_filters(n_mels)
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    found = np.empty((len(frames), n_mels), np.float32)
    for first in range(0, len(frames), _AT_ONCE):
        spectrum = scipy.fft.rfft(frames[first : first + _AT_ONCE] * window, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        np.matmul(power, bands, out=found[first : first + _AT_ONCE])
    np.log10(np.maximum(found, _FLOOR), out=found)
    np.maximum(found, found.max() - _RANGE, out=found)
    found += 4.0
    found /= 4.0
    return found


@cache
def mel_filters(n_mels: int) -> NDArray[np.float32]:
    """Triangles of equal area on Slaney's mel scale, 0 to 8 kHz, shape (201, n_mels)."""
    top = _LINEAR_HZ / _HZ_PER_MEL + np.log(RATE_HZ / 2 / _LINEAR_HZ) / _LOG_STEP
    mels = np.linspace(0.0, top, n_mels + 2)
    above = _LINEAR_HZ * np.exp(_LOG_STEP * (mels - _LINEAR_HZ / _HZ_PER_MEL))
    edges_hz = np.where(mels < _LINEAR_HZ / _HZ_PER_MEL, mels * _HZ_PER_MEL, above)
    bins_hz = np.fft.rfftfreq(WINDOW, 1 / RATE_HZ)[:, None]
    low, middle, high = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rising, falling = (bins_hz - low) / (middle - low), (high - bins_hz) / (high - middle)
    triangles = np.maximum(0.0, np.minimum(rising, falling)) * (2 / (high - low))
    filters: NDArray[np.float32] = triangles.astype(np.float32)
    filters.flags.writeable = False
    return filters
