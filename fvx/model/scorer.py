"""Scorer: a trained model in its portable form, run by LiteRT."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvx.errors import ModelError, ModelMismatch
from fvx.model.card import Card
from fvx.quiet import quiet

BRANCHES, TERMINUS = "branches.tflite", "terminus.tflite"
_BATCH_WINDOWS = 512
_BATCH_EMBEDDINGS = 8192


class Scorer:
    """Branches and terminus of a run, run separately: the terminus alone costs next to nothing.

    Attributes
    ----------
    card : Card
    """

    def __init__(self, card: Card, branches: Any, terminus: Any) -> None:
        self.card = card
        self._branches = branches
        self._terminus = terminus

    @classmethod
    def load(cls, run: Path, n_threads: int = 2) -> Scorer:
        """Load a run directory.

        Raises
        ------
        ModelError
            If a file is missing, changed, or does not fit the card.
        """
        card = Card.load(run)
        interpreters = [_interpreter(run, name, card, n_threads) for name in (BRANCHES, TERMINUS)]
        branches, terminus = (one.get_signature_runner() for one in interpreters)
        scorer = cls(card, branches, terminus)
        scorer._check_shapes(run)
        # A signature runner does not keep its interpreter alive by itself.
        scorer._interpreters = interpreters  # type: ignore[attr-defined]
        return scorer

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
        expected = [feature.name for feature in self.card.features]
        if sorted(windows) != sorted(expected):
            raise ModelMismatch(
                f"the model reads {', '.join(expected)}; given {', '.join(sorted(windows))}"
            )
        n_windows = len(next(iter(windows.values())))
        parts = []
        for first in range(0, n_windows, _BATCH_WINDOWS):
            batch = {name: w[first : first + _BATCH_WINDOWS] for name, w in windows.items()}
            parts.append(_only(self._branches(**batch)))
        return np.concatenate(parts)

    def logits(self, embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
        """Run the terminus on embeddings (n, n_features, embedding_size); returns (n,)."""
        parts = [
            _only(self._terminus(embeddings=embeddings[first : first + _BATCH_EMBEDDINGS]))
            for first in range(0, len(embeddings), _BATCH_EMBEDDINGS)
        ]
        logits: NDArray[np.float64] = np.concatenate(parts).reshape(-1).astype(np.float64)
        return logits

    def llr(self, embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated score of each window, shape (n,); a clip's score is their mean."""
        return self.card.scale * self.logits(embeddings) + self.card.offset

    @property
    def withheld(self) -> NDArray[np.float32]:
        """Stand-in of each branch when its feature is withheld, (n_features, size)."""
        return np.asarray(self.card.withheld, np.float32)

    def _check_shapes(self, run: Path) -> None:
        card = self.card
        try:
            shapes = {
                name: tuple(detail["shape_signature"][1:])
                for name, detail in self._branches.get_input_details().items()
            }
            (terminus,) = self._terminus.get_input_details().values()
        except (ValueError, KeyError) as error:
            raise ModelError(f"{run}: not a model that fvx wrote ({error})") from error
        for feature in card.features:
            frames = () if feature.hop_s is None else (card.geometry.n_frames(feature.hop_s),)
            if shapes.get(feature.name) != (*frames, len(feature.columns)):
                raise ModelError(f"{run}: the model's input {feature.name} does not fit its card")
        if tuple(terminus["shape_signature"][1:]) != (len(card.features), card.embedding_size):
            raise ModelError(f"{run}: the terminus does not fit the card")


def _interpreter(run: Path, name: str, card: Card, n_threads: int) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    path = run / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    if hashlib.sha256(content).hexdigest() != card.checksums.get(name):
        raise ModelError(f"{path}: is not the file its card was written for (checksum differs)")
    try:
        with quiet():
            interpreter = Interpreter(model_content=content, num_threads=n_threads)
            interpreter.allocate_tensors()
        return interpreter
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{path}: not a LiteRT model ({error})") from error


def _only(outputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    (output,) = outputs.values()
    return output
