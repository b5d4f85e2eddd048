"""What is known of each baseline before its libraries are loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from fvx.errors import ModelError
from fvx.windows import Geometry

if TYPE_CHECKING:
    from fvx.model.part import Part

BaselineName = Literal["lfcc-gmm", "lfcc-lcnn", "ancestor"]
BASELINES: tuple[BaselineName, ...] = get_args(BaselineName)


class Fitted(Protocol):
    """A fitted baseline.

    Attributes
    ----------
    development_logits : float64 array, shape (n_windows,)
        Uncalibrated scores of the development part's windows, higher means bona fide.
    training : mapping
        Settings and history, for the card.
    """

    development_logits: NDArray[np.float64]
    training: dict[str, Any]

    def save(self, run: Path) -> dict[str, str]:
        """Write the model's files into a run directory; return each file's SHA-256."""


@dataclass(frozen=True)
class Baseline:
    """A baseline as it was published, as far as that is possible on fvx's features.

    Attributes
    ----------
    name : str
    features : tuple of str
        Names of the features it reads.
    geometry : Geometry
        Its windows.
    words : str
        What it is, for the card.
    module : str
        Where its ``fit`` is.
    """

    name: BaselineName
    features: tuple[str, ...]
    geometry: Geometry
    words: str
    module: str

    def fit(
        self,
        train: Part,
        development: Part,
        *,
        epochs: int,
        seed: int,
        on_epoch: Callable[[Any], None] = lambda _: None,
    ) -> Fitted:
        """Fit to the training part; only the development part chooses.

        Raises
        ------
        ModelError
            If what it is trained with is not installed.
        """
        try:
            module = import_module(self.module)
        except ImportError as error:
            raise ModelError(
                f"training {self.name} needs TensorFlow ({error}); "
                "install it with: pip install 'fvx[train]'"
            ) from error
        fitted: Fitted = module.fit(train, development, epochs=epochs, seed=seed, on_epoch=on_epoch)
        return fitted


def find(name: str) -> Baseline:
    """The baseline of that name.

    Raises
    ------
    ModelError
        If there is none.
    """
    for baseline in _KNOWN:
        if baseline.name == name:
            return baseline
    raise ModelError(f"no baseline {name!r}; known: {', '.join(BASELINES)}")


_KNOWN = (
    Baseline(
        "lfcc-gmm",
        ("lfcc",),
        Geometry(1.0, 1.0),
        "Two Gaussian mixtures of 512 components with diagonal covariance over LFCC frames, one "
        "for each class; the score is the mean log-likelihood ratio of the frames. A baseline "
        "to compare with.",
        "fvx.baselines.gmm",
    ),
    Baseline(
        "lfcc-lcnn",
        ("lfcc",),
        Geometry(2.0, 1.0),
        "Light convolutional network with max-feature-map activations and two bidirectional "
        "recurrent layers over LFCC. A baseline to compare with.",
        "fvx.baselines.lcnn",
    ),
    Baseline(
        "ancestor",
        (
            "f0", "hnr_contour", "intensity", "jitter", "log_mel", "mfcc", "onset_strength",
            "pitch_fluctuation", "shimmer",
        ),
        Geometry(0.9, 0.48),
        "The research prototype before fvx: small convolutional networks over windows of 30 by "
        "30, joined by linear layers, trained on squared error, over its features as fvx "
        "measures them. A baseline to compare with.",
        "fvx.baselines.ancestor",
    ),
)  # fmt: skip
