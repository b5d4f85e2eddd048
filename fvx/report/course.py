"""Course: a measure over time, to be drawn beside what is usual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Course:
    """One column of a feature over a clip.

    Attributes
    ----------
    quantity, unit : str
    times_s, values : float64 arrays, shape (n_frames,)
        NaN where it does not exist.
    windows : tuple of (start in seconds, average or None)
    window_s : float
    usual : tuple of float
        Percentiles 5 and 95 of windows of bona fide training speech.
    """

    quantity: str
    unit: str
    times_s: NDArray[np.float64]
    values: NDArray[np.float64]
    windows: tuple[tuple[float, float | None], ...]
    window_s: float
    usual: tuple[float, float]
