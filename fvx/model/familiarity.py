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
_N_AXES = 24
_N_POINTS = 1024
_N_NEIGHBOURS = 5
_USUAL = 0.99  # of the development clips are nearer than the limit
_DIMENSIONS = {"centre": 1, "spread": 1, "axes": 2, "points": 2, "limit": 1}


class Familiarity:
    """Distance of a clip's mean embedding from those of training clips.

    Both are seen along the axes in which training clips differ most, each in units of its
    deviation, with what lies outside of them as one more coordinate: what is strange in a way
    that no training clip was shows there. The distance is the mean over the nearest five.

    Attributes
    ----------
    limit : float
        Distance within which 99 % of development clips lie, which are of other speakers.
    """

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        self._arrays = arrays
        self.limit = float(arrays["limit"][0])

    @classmethod
    def measure(
        cls, training: NDArray[np.float32], development: NDArray[np.float32]
    ) -> Familiarity:
        """Measure on mean embeddings of clips, each (n_clips, n_features * embedding_size)."""
        points = np.asarray(training, np.float64)
        centre = points.mean(axis=0)
        _, _, directions = np.linalg.svd(points - centre, full_matrices=False)
        axes = directions[: min(_N_AXES, len(points) - 1)]
        arrays = {"centre": centre, "axes": axes, "spread": np.ones(len(axes) + 1)}
        coordinates = _coordinates(points, arrays)
        arrays["spread"] = np.maximum(np.sqrt((coordinates**2).mean(axis=0)), 1e-9)
        coordinates = coordinates / arrays["spread"]
        if len(coordinates) > _N_POINTS:
            some = np.linspace(0, len(coordinates) - 1, _N_POINTS).astype(np.int64)
            coordinates = coordinates[some]
        arrays |= {"points": coordinates, "limit": np.ones(1)}
        arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
        distances = cls(arrays).distance(development)
        arrays["limit"] = np.array([np.quantile(distances, _USUAL)], np.float32)
        return cls(arrays)

    def distance(self, embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
        """Distance of clips from the training clips, (n_clips, size) -> (n_clips,)."""
        at = _coordinates(np.asarray(embeddings, np.float64), self._arrays)
        at = at / self._arrays["spread"]
        points = self._arrays["points"].astype(np.float64)
        squares = (at**2).sum(axis=1)[:, None] + (points**2).sum(axis=1) - 2 * at @ points.T
        n_nearest = min(_N_NEIGHBOURS, len(points))
        nearest = np.sort(np.sqrt(np.maximum(squares, 0)), axis=1)[:, :n_nearest]
        distances: NDArray[np.float64] = nearest.mean(axis=1)
        return distances

    def words(self, embedding: NDArray[np.float32]) -> tuple[str, ...]:
        """What to tell of one clip, of its mean embedding (size,); nothing if it is familiar."""
        (distance,) = self.distance(embedding[np.newaxis])
        if distance <= self.limit:
            return ()
        return (
            f"unlike the speech that the model was trained on ({distance / self.limit:.1f} times "
            "the distance within which 99 % of like speech lies): do not rely on the verdict",
        )

    def save(self, run: Path) -> str:
        """Write into a run directory; returns the file's SHA-256."""
        save_arrays(run / FAMILIARITY, **self._arrays)
        return hashlib.sha256((run / FAMILIARITY).read_bytes()).hexdigest()

    @classmethod
    def load(cls, run: Path, checksum: str, size: int) -> Familiarity:
        """Read a run's familiarity, of embeddings of ``size`` numbers.

        Raises
        ------
        ModelError
            If it is missing, changed, or does not fit.
        """
        path = run / FAMILIARITY
        arrays = load_arrays(path, _DIMENSIONS)
        if hashlib.sha256(path.read_bytes()).hexdigest() != checksum:
            raise ModelError(f"{path}: is not the file its card was written for (checksum differs)")
        n_axes, n_points = len(arrays["axes"]), len(arrays["points"])
        shapes = {
            "centre": (size,), "axes": (n_axes, size), "spread": (n_axes + 1,),
            "points": (n_points, n_axes + 1), "limit": (1,),
        }  # fmt: skip
        if {name: array.shape for name, array in arrays.items()} != shapes:
            raise ModelError(f"{path}: does not fit the card")
        if (arrays["spread"] <= 0).any() or arrays["limit"][0] <= 0:
            raise ModelError(f"{path}: has a spread or a limit that is not positive")
        return cls(arrays)


def _coordinates(
    embeddings: NDArray[np.float64], arrays: dict[str, NDArray[Any]]
) -> NDArray[np.float64]:
    """Place along each axis, and distance from the space they span."""
    offset = embeddings - arrays["centre"]
    along = offset @ arrays["axes"].T
    rest = np.maximum((offset**2).sum(axis=1) - (along**2).sum(axis=1), 0)
    return np.column_stack([along, np.sqrt(rest)])
