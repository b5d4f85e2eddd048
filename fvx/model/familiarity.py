"""Familiarity: how far a clip lies from everything that a model was trained on."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvx.errors import ModelError
from fvx.model.arrays import load_arrays, save_arrays

FAMILIARITY = "familiarity.npz"
_N_AXES = 16
_USUAL = 0.99  # of the development clips are nearer than the limit
_OUTLIER = 8.0  # deviations: farther is not stranger
_DIMENSIONS = {"mean": 1, "deviation": 1, "axes": 2, "spread": 1, "usual_rest": 1, "limit": 1}


class Familiarity:
    """Distance of a clip's averages of all features from those of the training clips.

    Mahalanobis distance along the axes in which training clips differ most, with what lies
    outside of them as one more coordinate: what is strange in a way that no training clip was
    shows there. The features themselves are looked at and not what the branches make of them:
    a branch gives bounded numbers, and white noise comes out as ordinary as speech.

    Attributes
    ----------
    limit : float
        Distance within which 99 % of development clips lie, which are of other speakers.
    """

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        self._arrays = {name: array.astype(np.float64) for name, array in arrays.items()}
        self.limit = float(arrays["limit"][0])

    @classmethod
    def measure(
        cls, training: NDArray[np.float64], development: NDArray[np.float64]
    ) -> Familiarity:
        """Measure on clips' averages, each (n_clips, n_columns): of all features' columns."""
        deviation = training.std(axis=0)
        arrays = {
            "mean": training.mean(axis=0),
            # A column that never varies must not be blown up by a tiny divisor.
            "deviation": np.where(deviation > 1e-6, deviation, 1.0),
            "usual_rest": np.zeros(1),
            "limit": np.ones(1),
        }
        standard = _standard(training, arrays)
        _, _, directions = np.linalg.svd(standard, full_matrices=False)
        arrays["axes"] = directions[: max(1, min(_N_AXES, len(training) - 1))]
        arrays["spread"] = np.ones(len(arrays["axes"]) + 1)
        coordinates = _coordinates(training, arrays)
        arrays["usual_rest"] = coordinates[:, -1:].mean(axis=0)
        coordinates = _coordinates(training, arrays)
        arrays["spread"] = np.maximum(np.sqrt((coordinates**2).mean(axis=0)), 1e-3)
        kept = {name: array.astype(np.float32) for name, array in arrays.items()}
        distances = cls(kept).distance(development)
        kept["limit"] = np.array([max(1e-3, np.quantile(distances, _USUAL))], np.float32)
        return cls(kept)

    def distance(self, averages: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance of clips from the training clips, (n_clips, n_columns) -> (n_clips,)."""
        coordinates = _coordinates(averages, self._arrays)
        distances: NDArray[np.float64] = np.sqrt((coordinates**2).sum(axis=1))
        return distances

    def words(self, averages: NDArray[np.float64]) -> tuple[str, ...]:
        """What to tell of one clip, of its averages (n_columns,); nothing if it is familiar."""
        (distance,) = self.distance(averages[np.newaxis])
        if distance <= self.limit:
            return ()
        return (
            "unlike the speech that the model was trained on "
            f"({distance / self.limit:.1f} times as far from it as 99 % of like speech): "
            "do not rely on the verdict",
        )

    def save(self, run: Path) -> str:
        """Write into a run directory; returns the file's SHA-256."""
        kept = {name: array.astype(np.float32) for name, array in self._arrays.items()}
        save_arrays(run / FAMILIARITY, **kept)
        return hashlib.sha256((run / FAMILIARITY).read_bytes()).hexdigest()

    @classmethod
    def load(cls, run: Path, checksum: str, n_columns: int) -> Familiarity:
        """Read a run's familiarity, of features of ``n_columns`` columns together.

        Raises
        ------
        ModelError
            If it is missing, changed, or does not fit.
        """
        path = run / FAMILIARITY
        arrays = load_arrays(path, _DIMENSIONS)
        if hashlib.sha256(path.read_bytes()).hexdigest() != checksum:
            raise ModelError(f"{path}: is not the file its card was written for (checksum differs)")
        n_axes = len(arrays["axes"])
        shapes = {
            "mean": (n_columns,), "deviation": (n_columns,), "axes": (n_axes, n_columns),
            "spread": (n_axes + 1,), "usual_rest": (1,), "limit": (1,),
        }  # fmt: skip
        if {name: array.shape for name, array in arrays.items()} != shapes:
            raise ModelError(f"{path}: does not fit the card")
        if any((arrays[name] <= 0).any() for name in ("deviation", "spread", "limit")):
            raise ModelError(f"{path}: has a deviation or a limit that is not positive")
        return cls(arrays)


def _standard(
    averages: NDArray[np.float64], arrays: dict[str, NDArray[Any]]
) -> NDArray[np.float64]:
    standard = (np.asarray(averages, np.float64) - arrays["mean"]) / arrays["deviation"]
    clipped: NDArray[np.float64] = np.clip(standard, -_OUTLIER, _OUTLIER)
    return clipped


def _coordinates(
    averages: NDArray[np.float64], arrays: dict[str, NDArray[Any]]
) -> NDArray[np.float64]:
    """Place along each axis, and how much farther than usual from the space they span."""
    standard = _standard(averages, arrays)
    along = standard @ arrays["axes"].T
    rest = np.sqrt(np.maximum((standard**2).sum(axis=1) - (along**2).sum(axis=1), 0))
    coordinates: NDArray[np.float64] = (
        np.column_stack([along, rest - arrays["usual_rest"]]) / arrays["spread"]
    )
    return coordinates
