"""Mean and deviation of columns that come in pieces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Moments:
    """Mean and deviation of columns, from one piece of their rows after another.

    Attributes
    ----------
    mean : float64 array, shape (n_columns,)
    """

    def __init__(self) -> None:
        self._n = 0
        self.mean: NDArray[np.float64] = np.zeros(0)
        self._squares: NDArray[np.float64] = np.zeros(0)

    def add(self, values: NDArray[np.float32]) -> None:
        """Take in rows, shape (n, n_columns)."""
        n, mean = len(values), values.mean(axis=0, dtype=np.float64)
        squares = n * values.var(axis=0, dtype=np.float64)
        if self._n == 0:
            self._n, self.mean, self._squares = n, mean, squares
            return
        total, step = self._n + n, mean - self.mean
        self._squares += squares + step**2 * self._n * n / total
        self.mean = self.mean + step * n / total
        self._n = total

    @property
    def deviation(self) -> NDArray[np.float64]:
        """Standard deviation, shape (n_columns,)."""
        deviation: NDArray[np.float64] = np.sqrt(self._squares / self._n)
        return deviation
