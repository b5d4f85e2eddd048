"""How cepstra move: slopes over neighbouring frames, and names for their columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def slope(values: NDArray[Any], reach: int) -> NDArray[Any]:
    """Slope of the straight line fitted over ``reach`` frames to each side, per frame.

    Parameters
    ----------
    values : array, shape (n_frames, n_columns)
        The first and last frame are repeated beyond the ends.
    reach : int
        Number of frames to each side.

    Returns
    -------
    array, shape (n_frames, n_columns)
        ``sum(n * (c[t + n] - c[t - n])) / (2 * sum(n ** 2))``, n from 1 to ``reach``.

    References
    ----------
    Furui (1986), "Speaker-independent isolated word recognition using dynamic features of
    speech spectrum", IEEE Transactions on Acoustics, Speech, and Signal Processing 34(1).
    """
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    n_frames = len(values)
    total = np.zeros_like(values)
    for n in range(1, reach + 1):
        ahead, behind = padded[reach + n :][:n_frames], padded[reach - n :][:n_frames]
        total += n * (ahead - behind)
    total /= 2 * sum(n * n for n in range(1, reach + 1))
    return total


def with_slopes(static: NDArray[Any], reach: int, scale: float = 1.0) -> NDArray[np.float32]:
    """Static values, their slopes and the slopes' slopes, side by side.

    Parameters
    ----------
    static : array, shape (n_frames, n_columns)
    reach : int
        Number of frames to each side that a slope takes in.
    scale : float
        Factor on each slope; 2 with a reach of 1 gives the plain ``c[t + 1] - c[t - 1]``.

    Returns
    -------
    float32 array, shape (n_frames, 3 * n_columns)
    """
    first = scale * slope(static, reach)
    second = scale * slope(first, reach)
    return np.concatenate([static, first, second], axis=1).astype(np.float32, copy=False)


def cepstral_columns(stem: str, n_coefficients: int) -> tuple[str, ...]:
    """``stem_0`` and so on, then the same with ``_delta``, then with ``_delta2``."""
    return tuple(
        f"{stem}_{index}{suffix}"
        for suffix in ("", "_delta", "_delta2")
        for index in range(n_coefficients)
    )
