"""Scorer: a trained model in its portable form, run by LiteRT."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fvx.errors import ModelError, ModelMismatch
from fvx.model import litert
from fvx.model.card import NETWORK, Card

BRANCHES, TERMINUS = "branches.tflite", "terminus.tflite"
_BATCH_WINDOWS = 64  # what lies between two layers stays in the processor's cache
_BATCH_EMBEDDINGS = 8192


class Scorer:
    """Branches and terminus of a run, run separately: the terminus alone costs next to nothing.

    Attributes
    ----------
    card : Card
    """

    def __init__(
        self, card: Card, branches: litert.Network, terminus: litert.Network, n_threads: int = 1
    ) -> None:
        self.card = card
        self._branches = [branches]  # one for each thread, made when there is work for it
        self._terminus = terminus
        self._n_threads = n_threads

    @classmethod
    def load(cls, run: Path, n_threads: int = 2) -> Scorer:
        """Load a run directory.

        Raises
        ------
        ModelError
            If a file is missing, changed, does not fit the card, or is not as fvx writes them.
        """
        card = Card.load(run)
        if card.kind != NETWORK:
            raise ModelError(f"{run}: a baseline ({card.kind}), which has no branches")
        branches, terminus = (
            litert.load(run / name, card.checksums.get(name)) for name in (BRANCHES, TERMINUS)
        )
        if branches.inputs != card.input_shapes:
            raise ModelError(f"{run}: the model's inputs do not fit its card")
        if terminus.inputs != {"embeddings": (len(card.features), card.embedding_size)}:
            raise ModelError(f"{run}: the terminus does not fit the card")
        return cls(card, branches, terminus, n_threads)

    def score(self, windows: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float64]:
        """Calibrated score of each window, shape (n,); takes what `embed` takes."""
        return self.llr(self.embed(windows))

    def embed(self, windows: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Run each branch.

        Parameters
        ----------
        windows : mapping of str to float32 array
            By feature, (n_windows, n_frames, n_columns); (n_windows, n_columns) per clip.

        Returns
        -------
        float32 array, shape (n_windows, n_features, embedding_size)

        Raises
        ------
        ModelMismatch
            If the features are not the card's.
        """
        check_windows(self.card, windows)
        n_windows = len(next(iter(windows.values())))
        spans = [slice(i, i + _BATCH_WINDOWS) for i in range(0, n_windows, _BATCH_WINDOWS)]
        result = np.empty(
            (n_windows, len(self.card.features), self.card.embedding_size), np.float32
        )

        def run(branches: litert.Network, mine: list[slice]) -> None:
            for span in mine:
                output = branches(**{name: values[span] for name, values in windows.items()})
                if output.shape != result[span].shape:
                    raise ModelError(f"the branches give {output.shape[1:]} for each window")
                result[span] = output

        n_threads = min(self._n_threads, len(spans))
        while len(self._branches) < n_threads:
            self._branches.append(self._branches[0].twin())
        if n_threads <= 1:
            run(self._branches[0], spans)
            return result
        # Batches side by side use two cores better than layers cut in two.
        with ThreadPoolExecutor(n_threads) as pool:
            shares = [spans[i::n_threads] for i in range(n_threads)]
            list(pool.map(run, self._branches, shares))
        return result

    def logits(self, embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
        """Run the terminus on embeddings (n, n_features, embedding_size); returns (n,)."""
        parts = [
            self._terminus(embeddings=embeddings[first : first + _BATCH_EMBEDDINGS])
            for first in range(0, len(embeddings), _BATCH_EMBEDDINGS)
        ]
        logits: NDArray[np.float64] = np.concatenate(parts).reshape(-1).astype(np.float64)
        if len(logits) != len(embeddings):
            raise ModelError("the terminus does not give one number for each window")
        return logits

    def llr(self, embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated score of each window from its embeddings, shape (n,)."""
        return self.card.scale * self.logits(embeddings) + self.card.offset

    @property
    def withheld(self) -> NDArray[np.float32]:
        """Stand-in of each branch when its feature is withheld, (n_features, size)."""
        return np.asarray(self.card.withheld, np.float32)


def check_windows(card: Card, windows: Mapping[str, NDArray[np.float32]]) -> None:
    """Refuse windows of other features than the card's.

    Raises
    ------
    ModelMismatch
    """
    expected = [feature.name for feature in card.features]
    if sorted(windows) != sorted(expected):
        raise ModelMismatch(
            f"the model reads {', '.join(expected)}; given {', '.join(sorted(windows))}"
        )
