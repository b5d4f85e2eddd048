"""Levels in decibels, with the floor that all spectral features have in common."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Just under what the quantisation noise of 16-bit audio gives, so that digital silence stands
# out and rounding errors do not.
FLOOR_DB = -100.0
FLOOR_POWER = 10 ** (FLOOR_DB / 10)


def level_db(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Ten times the decimal logarithm, at least -100, of an array of any shape."""
    values = np.maximum(power, np.float32(FLOOR_POWER))
    np.log10(values, out=values)
    values *= np.float32(10)
    return np.maximum(values, np.float32(FLOOR_DB), out=values)  # rounding may undercut it
