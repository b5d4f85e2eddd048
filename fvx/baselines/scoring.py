"""Score windows with a run, whatever kind of model it holds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fvx.baselines.baseline import BASELINES
from fvx.errors import ModelError
from fvx.model import Card, Scorer, litert
from fvx.model.card import NETWORK
from fvx.model.scorer import check_windows

NETWORK_FILE = "network.tflite"
_BATCH_WINDOWS = 64

Windows = Mapping[str, NDArray[np.float32]]


class BaselineScorer(ABC):
    """A baseline, used as fvx's own `Scorer` is: one branch, whose embedding is the logit.

    Attributes
    ----------
    card : Card
    """

    def __init__(self, card: Card) -> None:
        self.card = card

    @abstractmethod
    def raw(self, windows: Windows) -> NDArray[np.float64]:
        """Uncalibrated score of each window, shape (n_windows,)."""

    def embed(self, windows: Windows) -> NDArray[np.float32]:
        """Uncalibrated score of each window, shape (n_windows, 1, 1).

        Raises
        ------
        ModelMismatch
            If the features are not the card's.
        """
        check_windows(self.card, windows)
        return self.raw(windows).astype(np.float32)[:, np.newaxis, np.newaxis]

    def llr(self, embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated score of each window, from what `embed` gave, shape (n_windows,)."""
        logits: NDArray[np.float64] = embeddings.reshape(-1).astype(np.float64)
        return self.card.scale * logits + self.card.offset

    def score(self, windows: Windows) -> NDArray[np.float64]:
        """Calibrated score of each window, shape (n_windows,)."""
        return self.llr(self.embed(windows))

    @property
    def withheld(self) -> NDArray[np.float32]:
        """Nothing: there is no feature to withhold."""
        return np.zeros((0, 0), np.float32)


class NetworkScorer(BaselineScorer):
    """A baseline that is one network, run by LiteRT."""

    def __init__(self, card: Card, network: litert.Network) -> None:
        super().__init__(card)
        self._network = network

    @classmethod
    def load(cls, run: Path, card: Card) -> NetworkScorer:
        """Load a run whose card is known.

        Raises
        ------
        ModelError
            If its file is missing, changed, does not fit the card, or is not as fvx writes it.
        """
        network = litert.load(run / NETWORK_FILE, card.checksums.get(NETWORK_FILE))
        if network.inputs != card.input_shapes:
            raise ModelError(f"{run}: the model's inputs do not fit its card")
        return cls(card, network)

    def raw(self, windows: Windows) -> NDArray[np.float64]:
        """Uncalibrated score of each window, shape (n_windows,)."""
        n_windows = len(next(iter(windows.values())))
        logits = np.empty(n_windows)
        for first in range(0, n_windows, _BATCH_WINDOWS):
            span = slice(first, first + _BATCH_WINDOWS)
            output = self._network(**{name: values[span] for name, values in windows.items()})
            if output.size != len(logits[span]):
                raise ModelError("the network does not give one number for each window")
            logits[span] = output.reshape(-1)
        return logits


def open_scorer(run: Path) -> Scorer | BaselineScorer:
    """Load a run directory, of fvx's own network or of a baseline.

    Raises
    ------
    ModelError
        If it is missing, damaged, or of a kind that this fvx does not know.
    """
    card = Card.load(run)
    if card.kind == NETWORK:
        return Scorer.load(run)
    if card.kind == "lfcc-gmm":
        from fvx.baselines.gmm import GmmScorer

        return GmmScorer.load(run, card)
    if card.kind in BASELINES:
        return NetworkScorer.load(run, card)
    raise ModelError(f"{run}: holds a model of the kind {card.kind!r:.50}, unknown to this fvx")
