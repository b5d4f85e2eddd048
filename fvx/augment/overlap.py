"""Frames of a wave, and a wave of frames."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)


def frames(wave: NDArray[Real], size: int, hop: int) -> NDArray[Real]:
    """Frames centred at multiples of the hop, zeros beyond the ends."""
    padded = np.pad(wave, (size // 2, size))
    n_frames = 1 + len(wave) // hop
    return np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:n_frames]


def overlap_add(cut: NDArray[Real], hop: int) -> NDArray[Real]:
    """Sum of frames, each a hop after the one before it."""
    n_frames, size = cut.shape
    n_parts = -(-size // hop)
    padded = np.pad(cut, ((0, 0), (0, n_parts * hop - size))).reshape(n_frames, n_parts, hop)
    total = np.zeros((n_frames + n_parts, hop), cut.dtype)
    for part in range(n_parts):
        total[part : part + n_frames] += padded[:, part]
    return total.ravel()[: (n_frames - 1) * hop + size]
