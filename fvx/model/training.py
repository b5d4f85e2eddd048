"""Fit the network to windows; keep the epoch that is best on the development part."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from numpy.typing import NDArray

from fvx import metrics
from fvx.quiet import quiet

with quiet():
    import keras
    import tensorflow as tf

    tf.config.list_physical_devices()  # looks for a GPU now, and says so while nobody listens

from fvx.model.data import WindowData
from fvx.model.network import BranchDropout, build
from fvx.model.scorer import BRANCHES, TERMINUS
from fvx.store import FeatureRecord

KERAS_MODEL = "model.keras"
_SCORING_BATCH = 512


@dataclass(frozen=True)
class TrainingSettings:
    """What decides a training run, given its data."""

    epochs: int = 40
    seed: int = 0
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    branch_dropout: float = 0.2
    patience_epochs: int = 10


@dataclass(frozen=True)
class Epoch:
    """What one epoch brought."""

    epoch: int
    loss: float
    development_loss: float
    development_eer: float
    best: bool


@dataclass(frozen=True)
class Part:
    """Windows of one part, with the label of each clip (True: bona fide)."""

    data: WindowData
    bonafide: NDArray[np.bool_]

    @property
    def window_bonafide(self) -> NDArray[np.bool_]:
        """The label of each window's clip."""
        return self.bonafide[self.data.windows.clip]


class Trained:
    """A fitted network.

    Attributes
    ----------
    withheld : float32 array, shape (n_features, embedding_size)
    development_logits : float64 array, shape (n_clips,)
        Mean logit of each development clip.
    history : list of Epoch
    """

    def __init__(
        self,
        models: tuple[keras.Model, keras.Model, keras.Model],
        withheld: NDArray[np.float32],
        development_logits: NDArray[np.float64],
        history: list[Epoch],
    ) -> None:
        self._branches, self._terminus, self._joint = models
        self.withheld = withheld
        self.development_logits = development_logits
        self.history = history

    def save(self, run: Path) -> dict[str, str]:
        """Write the Keras model and its LiteRT form; return each file's SHA-256."""
        with quiet():
            self._joint.save(run / KERAS_MODEL)
            self._branches.export(run / BRANCHES, format="litert", verbose=False)
            self._terminus.export(run / TERMINUS, format="litert", verbose=False)
        return {
            name: hashlib.sha256((run / name).read_bytes()).hexdigest()
            for name in (KERAS_MODEL, BRANCHES, TERMINUS)
        }


def fit(
    features: Sequence[FeatureRecord],
    train: Part,
    development: Part,
    settings: TrainingSettings,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
) -> Trained:
    """Train with logistic loss and class weights; stop early on the development EER.

    The same store, settings and machine give the same numbers.
    """
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    models = build(
        features,
        train.data.windows.geometry,
        train.data.statistics(),
        branch_dropout=settings.branch_dropout,
    )
    branches, _, joint = models
    dropout = next(layer for layer in joint.layers if isinstance(layer, BranchDropout))
    joint.compile(
        optimizer=keras.optimizers.AdamW(settings.learning_rate, settings.weight_decay),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        jit_compile=False,
    )
    joint_logits, embed = _inference(joint), _inference(branches)
    history: list[Epoch] = []
    best_weights, best_logits = joint.get_weights(), np.zeros(len(development.bonafide))
    waited = 0
    rng = np.random.default_rng(settings.seed)
    for number in range(1, settings.epochs + 1):
        losses = [
            float(joint.train_on_batch(x, y, sample_weight=w))
            for x, y, w in _shuffled(train, settings.batch_size, rng)
        ]
        dropout.withheld.assign(_mean_bonafide_embedding(embed, train))
        logits = development.data.clip_means(_window_logits(joint_logits, development.data))
        loss, eer = _clip_loss(logits, development.bonafide), _eer(logits, development.bonafide)
        best = not history or (eer, loss) < min(
            (one.development_eer, one.development_loss) for one in history
        )
        history.append(Epoch(number, float(np.mean(losses)), loss, eer, best))
        if best:
            best_weights, best_logits, waited = joint.get_weights(), logits, 0
        else:
            waited += 1
        on_epoch(history[-1])
        if waited >= settings.patience_epochs:
            break
    joint.set_weights(best_weights)
    withheld = np.asarray(dropout.withheld.numpy(), np.float32)
    return Trained(models, withheld, best_logits, history)


def _shuffled(
    part: Part, size: int, rng: np.random.Generator
) -> Iterator[tuple[dict[str, Any], NDArray[np.float32], NDArray[np.float32]]]:
    """Batches in random order; both classes weigh the same, whatever their numbers."""
    bonafide = part.window_bonafide
    share = bonafide.mean()
    weights = np.where(bonafide, 0.5 / share, 0.5 / (1 - share)).astype(np.float32)
    order = rng.permutation(len(bonafide))
    for first in range(0, len(order), size):
        which = order[first : first + size]
        target = bonafide[which].astype(np.float32)[:, np.newaxis]
        yield part.data.batch(which), target, weights[which]


def _inference(model: keras.Model) -> Callable[[dict[str, Any]], NDArray[np.float64]]:
    """The model without its training behaviour, compiled once for batches of any size."""
    batches = {name: tf.TensorSpec(one.shape, one.dtype) for name, one in model.input.items()}
    compiled = tf.function(lambda x: model(x, training=False), input_signature=[batches])
    return lambda x: np.asarray(compiled(x), np.float64)


def _window_logits(
    logits: Callable[[dict[str, Any]], NDArray[np.float64]], data: WindowData
) -> NDArray[np.float64]:
    return np.concatenate([logits(x) for x in data.batches(_SCORING_BATCH)]).reshape(-1)


def _mean_bonafide_embedding(
    embed: Callable[[dict[str, Any]], NDArray[np.float64]], part: Part
) -> NDArray[np.float32]:
    which = np.flatnonzero(part.window_bonafide)
    total: NDArray[np.float64] | float = 0.0
    for first in range(0, len(which), _SCORING_BATCH):
        x = part.data.batch(which[first : first + _SCORING_BATCH])
        total = total + embed(x).sum(axis=0)
    return np.asarray(total / len(which), np.float32)


def _clip_loss(logits: NDArray[np.float64], bonafide: NDArray[np.bool_]) -> float:
    losses = np.logaddexp(0, np.where(bonafide, -logits, logits))
    return float((losses[bonafide].mean() + losses[~bonafide].mean()) / 2)


def _eer(logits: NDArray[np.float64], bonafide: NDArray[np.bool_]) -> float:
    rate, _ = metrics.eer(logits[bonafide], logits[~bonafide])
    return float(rate)


def describe(settings: TrainingSettings, history: Sequence[Epoch]) -> dict[str, Any]:
    """Settings and history, as a card keeps them."""
    return {"settings": asdict(settings), "history": [asdict(epoch) for epoch in history]}
