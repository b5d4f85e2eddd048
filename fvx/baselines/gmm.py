"""LFCC-GMM: one Gaussian mixture for each class, over single frames."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvx.baselines.scoring import BaselineScorer
from fvx.errors import ModelError
from fvx.model import Card
from fvx.model.arrays import load_arrays, save_arrays
from fvx.model.part import Part

MIXTURES = "mixtures.npz"
N_COMPONENTS = 512
_N_ITERATIONS = 30
_MAX_FRAMES = 500_000  # of each class, drawn from all clips: 80 minutes of speech
_VARIANCE_FLOOR = 1e-4
_FRAMES_AT_ONCE = 4096
_SHAPES = {
    f"{label}_{what}": n
    for label in ("bonafide", "spoof")
    for what, n in (("weights", 1), ("means", 2), ("variances", 2))
}


@dataclass(frozen=True)
class Mixture:
    """Gaussian mixture with diagonal covariances.

    Attributes
    ----------
    weights : float64 array, shape (n_components,)
    means, variances : float64 arrays, shape (n_components, n_columns)
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    variances: NDArray[np.float64]

    def shares(self, frames: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Share of each component in each frame, (n_frames, n_components), and its log density."""
        precisions = 1 / self.variances
        spread = np.log(2 * np.pi * self.variances) + self.means**2 * precisions
        constant = np.log(self.weights) - 0.5 * spread.sum(axis=1)
        terms = frames @ (self.means * precisions).T + frames**2 @ (-0.5 * precisions).T + constant
        highest = terms.max(axis=1, keepdims=True)
        terms -= highest
        np.exp(terms, out=terms)
        total = terms.sum(axis=1, keepdims=True)
        density = (np.log(total) + highest)[:, 0]
        terms /= total
        return terms, density

    def log_density(self, frames: NDArray[np.float32]) -> NDArray[np.float64]:
        """Log density of each frame, (n_frames, n_columns) -> (n_frames,)."""
        density = np.empty(len(frames))
        for first in range(0, len(frames), _FRAMES_AT_ONCE):
            some = frames[first : first + _FRAMES_AT_ONCE].astype(np.float64)
            _, density[first : first + _FRAMES_AT_ONCE] = self.shares(some)
        return density


class FittedMixtures:
    """Both mixtures, and what they say of the development part."""

    def __init__(
        self,
        mixtures: dict[str, Mixture],
        development_logits: NDArray[np.float64],
        training: dict[str, Any],
    ) -> None:
        self.mixtures = mixtures
        self.development_logits = development_logits
        self.training = training

    def save(self, run: Path) -> dict[str, str]:
        """Write the mixtures into a run directory; return the file's SHA-256."""
        arrays = {
            f"{label}_{what}": getattr(mixture, what)
            for label, mixture in self.mixtures.items()
            for what in ("weights", "means", "variances")
        }
        save_arrays(run / MIXTURES, **arrays)
        return {MIXTURES: _sha256(run / MIXTURES)}


def fit(
    train: Part,
    development: Part,
    *,
    epochs: int,
    seed: int,
    on_epoch: Callable[[Any], None],
    n_components: int = N_COMPONENTS,
) -> FittedMixtures:
    """Fit a mixture to the frames of each class by expectation and maximisation.

    Begun from k-means on a share of the frames. ``epochs`` and ``on_epoch`` are not used: the
    iterations are too few and too different from epochs.

    References
    ----------
    Sahidullah, Kinnunen and Hanilçi (2015), "A comparison of features for synthetic speech
    detection", Interspeech. Delgado et al. (2021), "ASVspoof 2021: evaluation plan" (the
    baseline with 512 components).
    """
    mixtures, n_frames = {}, {}
    for label, wanted in (("bonafide", True), ("spoof", False)):
        frames = _frames(train, wanted, seed)
        n_frames[label] = len(frames)
        if len(frames) < n_components:
            raise ModelError(
                f"{len(frames)} frames of {label} speech are too few for {n_components} components"
            )
        mixtures[label] = _mixture(frames, n_components, seed)
    logits = development.map(lambda windows: _ratio(mixtures, windows["lfcc"]))
    settings = {
        "n_components": n_components,
        "n_iterations": _N_ITERATIONS,
        "n_frames": n_frames,
        "seed": seed,
    }
    return FittedMixtures(mixtures, logits, {"settings": settings, "history": []})


class GmmScorer(BaselineScorer):
    """Scores windows by two mixtures."""

    def __init__(self, card: Card, mixtures: dict[str, Mixture]) -> None:
        super().__init__(card)
        self._mixtures = mixtures

    @classmethod
    def load(cls, run: Path, card: Card) -> GmmScorer:
        """Load a run whose card is known.

        Raises
        ------
        ModelError
            If its file is missing, changed, or does not fit the card.
        """
        path = run / MIXTURES
        if not path.is_file() or _sha256(path) != card.checksums.get(MIXTURES):
            raise ModelError(f"{path}: is not the file its card was written for")
        arrays = load_arrays(path, _SHAPES)
        mixtures = {}
        for label in ("bonafide", "spoof"):
            weights, means, variances = (
                arrays[f"{label}_{what}"].astype(np.float64)
                for what in ("weights", "means", "variances")
            )
            shape = (len(weights), len(card.features[0].columns))
            if means.shape != shape or variances.shape != shape or len(card.features) != 1:
                raise ModelError(f"{path}: the mixtures do not fit the card")
            if (weights <= 0).any() or (variances <= 0).any():
                raise ModelError(f"{path}: the mixtures are no densities")
            mixtures[label] = Mixture(weights, means, variances)
        return cls(card, mixtures)

    def raw(self, windows: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float64]:
        """Mean log-likelihood ratio of each window's frames, shape (n_windows,)."""
        (values,) = windows.values()
        return _ratio(self._mixtures, values)


def _ratio(mixtures: dict[str, Mixture], windows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean log-likelihood ratio of each window's frames: (n, n_frames, n_columns) -> (n,)."""
    frames = windows.reshape(-1, windows.shape[-1])
    ratio = mixtures["bonafide"].log_density(frames) - mixtures["spoof"].log_density(frames)
    means: NDArray[np.float64] = ratio.reshape(windows.shape[:2]).mean(axis=1)
    return means


def _frames(part: Part, bonafide: bool, seed: int) -> NDArray[np.float32]:
    """Frames of one class; of each clip the same share, so many that all have room."""
    rng = np.random.default_rng(seed)
    wanted = part.bonafide == bonafide
    durations_s = part.store.clips["duration_s"].loc[list(part.windows.clips)].to_numpy(float)
    (feature,) = part.features
    share = min(1.0, _MAX_FRAMES * (feature.hop_s or 1.0) / durations_s[wanted].sum())
    drawn = []
    first_clip = 0
    for _, data in part.blocks():
        track = data.tracks[feature.name]
        for i, (offset, n_stored) in enumerate(zip(track.offsets, track.n_stored, strict=True)):
            if wanted[first_clip + i]:
                chosen = np.flatnonzero(rng.random(n_stored) < share)
                drawn.append(track.values[offset + chosen])
        first_clip += len(track.offsets)
    return np.concatenate(drawn)


def _mixture(frames: NDArray[np.float32], n_components: int, seed: int) -> Mixture:
    from sklearn.cluster import MiniBatchKMeans

    clusters = MiniBatchKMeans(
        n_components, random_state=seed, n_init=1, max_iter=20, batch_size=4096,
        reassignment_ratio=0.0,
    ).fit(frames)  # fmt: skip
    counts = np.bincount(clusters.labels_, minlength=n_components) + 1.0
    variance = frames.var(axis=0, dtype=np.float64) + _VARIANCE_FLOOR
    mixture = Mixture(
        counts / counts.sum(),
        np.asarray(clusters.cluster_centers_, np.float64),
        np.tile(variance, (n_components, 1)),
    )
    for _ in range(_N_ITERATIONS):
        mixture = _improved(mixture, frames)
    return mixture


def _improved(mixture: Mixture, frames: NDArray[np.float32]) -> Mixture:
    """One iteration over all frames, some at a time: scikit-learn's holds them all, times 512."""
    counts = np.full(len(mixture.weights), 10 * np.finfo(np.float64).eps)
    sums, squares = np.zeros_like(mixture.means), np.zeros_like(mixture.means)
    for first in range(0, len(frames), _FRAMES_AT_ONCE):
        some = frames[first : first + _FRAMES_AT_ONCE].astype(np.float64)
        shares, _ = mixture.shares(some)
        counts += shares.sum(axis=0)
        sums += shares.T @ some
        squares += shares.T @ some**2
    means = sums / counts[:, np.newaxis]
    variances = squares / counts[:, np.newaxis] - means**2 + _VARIANCE_FLOOR
    return Mixture(counts / counts.sum(), means, np.maximum(variances, _VARIANCE_FLOOR))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
