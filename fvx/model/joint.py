"""The joint network: a branch for each feature, and a head that judges all of them together.

It learns from summaries, in one graph that is built and compiled once: which branches have a say
is a variable of it, so folds, candidates and members only begin again with other weights. Needs
TensorFlow.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np
from numpy.typing import NDArray

from fvx.model.descent import inference, keras, tf
from fvx.model.optimizer import FlatAdamW
from fvx.model.summaries import LAGS_FRAMES, QUIET, Statistics, Summaries
from fvx.quiet import quiet
from fvx.store import FeatureRecord
from fvx.windows import Geometry

EMBEDDING_SIZE = 24
_HIDDEN = 128
_OUTLIER = 4.0  # deviations
_INPUT_DROPOUT, _BRANCH_DROPOUT, _HEAD_DROPOUT = 0.3, 0.15, 0.5
_BATCH, _RATE, _DECAY = 256, 4e-3, 1e-2
_WARM = 0.2  # of the steps, in which the rate rises

Models = tuple[keras.Model, keras.Model, keras.Model]
Weights = list[NDArray[Any]]


@keras.saving.register_keras_serializable("fvx")
class Say(keras.layers.Layer):  # type: ignore[misc]
    """Gives each branch a say or none: embeddings (n, n_features, size), times 1 or 0 each."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Let all have a say at first."""
        self.kept = self.add_weight(
            shape=(input_shape[1], 1), initializer="ones", trainable=False, name="kept"
        )

    def call(self, embeddings: Any) -> Any:
        """Silence those that have none."""
        return embeddings * self.kept


@dataclass(frozen=True)
class Learnt:
    """Weights of one network, and the mean loss of each epoch."""

    weights: Weights
    losses: tuple[float, ...]


class Joint:
    """Branches and head over summaries, to be trained again and again.

    Parameters
    ----------
    moments : mapping of str to (mean, deviation)
        Of each column of the summaries, by feature; standardisation is part of each branch.
    """

    def __init__(
        self, moments: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
    ) -> None:
        self.names = tuple(moments)
        self._moments = dict(moments)
        self.embedder, self.head = _embedder(moments), _head(len(moments))
        inputs = self.embedder.input
        self.network = keras.Model(inputs, self.head(self.embedder(inputs)), name="joint")
        self._judge = inference(self.network)
        self._embed = inference(self.embedder)
        self._head = tf.function(
            lambda x: self.head(x, training=False),
            input_signature=[tf.TensorSpec((None, *self.head.input.shape[1:]), tf.float32)],
        )
        self._step: Any = None

    def learn(
        self,
        data: Summaries,
        *,
        epochs: int,
        seed: int,
        kept: NDArray[np.bool_] | None = None,
        on_epoch: Callable[[int, float], None] = lambda *_: None,
    ) -> Learnt:
        """Begin from weights drawn by ``seed``, and go over the data ``epochs`` times.

        Parameters
        ----------
        kept : bool array, shape (n_features,), or None
            Which branches have a say; None: all.
        """
        keras.utils.set_random_seed(seed)
        _draw_again(self.network, seed)
        say = np.ones(len(self.names), bool) if kept is None else kept
        self.embedder.get_layer("say").set_weights([say.astype(np.float32)[:, np.newaxis]])
        n_steps = epochs * -(-len(data) // _BATCH)
        optimizer = self._ready()
        losses = []
        done = 0
        for epoch in range(1, epochs + 1):
            self.network.reset_metrics()
            mean_loss = np.nan
            for batch in data.shuffled(_BATCH, (seed, epoch)):
                optimizer.learning_rate = _rate(done / n_steps)
                mean_loss = float(self._step(tuple(batch))["loss"])
                done += 1
            losses.append(mean_loss)
            on_epoch(epoch, mean_loss)
        return Learnt(self.network.get_weights(), tuple(losses))

    def take(self, weights: Weights) -> None:
        """Put weights in place that `learn` gave."""
        self.network.set_weights(weights)

    def logits(self, data: Summaries) -> NDArray[np.float64]:
        """What the network says of each window, shape (n_windows,)."""
        return data.map(self._judge).reshape(-1)

    def embeddings(self, data: Summaries) -> NDArray[np.float64]:
        """What the branches give, shape (n_windows, n_features, size)."""
        return data.map(self._embed)

    def judge(self, embeddings: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the head says of embeddings, shape (n,)."""
        parts = [
            np.asarray(self._head(embeddings[first : first + 4096].astype(np.float32)))
            for first in range(0, len(embeddings), 4096)
        ]
        return np.concatenate(parts).reshape(-1).astype(np.float64)

    def models(
        self,
        features: Sequence[FeatureRecord],
        geometry: Geometry,
        statistics: Statistics,
        kept: NDArray[np.bool_],
    ) -> Models:
        """The network with the weights that are in place, over windows, without the silent.

        Returns
        -------
        branches : windows by feature -> (n, n_kept, EMBEDDING_SIZE)
        terminus : (n, n_kept, EMBEDDING_SIZE) -> logit (n, 1), higher means bona fide
        joint : windows by feature -> logit
        """
        inputs, embeddings = {}, []
        for feature, says in zip(features, kept, strict=True):
            if not says:
                continue
            name = feature.name
            frames = () if feature.hop_s is None else (geometry.n_frames(feature.hop_s),)
            inputs[name] = keras.Input((*frames, len(feature.columns)), name=name)
            hidden = _summary(inputs[name], *statistics[name], name)
            embeddings.append(_branch(hidden, *self._moments[name], name, dropout=False))
        branches = keras.Model(inputs, keras.ops.stack(embeddings, axis=1), name="branches")
        for name in inputs:  # layers of their own, since those of the embedder go on learning
            theirs = self.embedder.get_layer(f"{name}_dense").get_weights()
            branches.get_layer(f"{name}_dense").set_weights(theirs)
        terminus = _head(len(embeddings))
        theirs = self.head.get_weights()
        first = theirs[0].reshape(len(self.names), EMBEDDING_SIZE, -1)[kept]
        terminus.set_weights([first.reshape(-1, first.shape[-1]), *theirs[1:]])
        joint = keras.Model(inputs, terminus(branches(inputs)), name="fvx")
        return branches, terminus, joint

    def _ready(self) -> Any:
        """An optimiser that has seen nothing; the step is compiled once."""
        if self._step is None:
            loss = keras.losses.BinaryCrossentropy(from_logits=True)
            self.network.compile(FlatAdamW(_RATE, _DECAY), loss=loss, jit_compile=False)
            self.network.optimizer.build(self.network.trainable_variables)
            windows = {
                name: tf.TensorSpec(one.shape, tf.float32)
                for name, one in self.network.input.items()
            }
            signature = [(windows, tf.TensorSpec((None, 1)), tf.TensorSpec((None,)))]
            with quiet():
                self._step = tf.function(self.network.train_step, input_signature=signature)
        for variable in self.network.optimizer.variables:
            if "learning_rate" not in variable.path:
                variable.assign(keras.ops.zeros_like(variable))
        return self.network.optimizer


def _embedder(
    moments: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> keras.Model:
    inputs, embeddings = {}, []
    for name, (mean, deviation) in moments.items():
        inputs[name] = keras.Input((len(mean),), name=name)
        embeddings.append(_branch(inputs[name], mean, deviation, name, dropout=True))
    every = Say(name="say")(keras.ops.stack(embeddings, axis=1))
    # Whole branches are left out at random: "this feature withheld" is something it has seen.
    every = keras.layers.Dropout(_BRANCH_DROPOUT, noise_shape=(None, len(moments), 1))(every)
    return keras.Model(inputs, every, name="embedder")


def _branch(
    summary: Any,
    mean: NDArray[np.float64],
    deviation: NDArray[np.float64],
    name: str,
    *,
    dropout: bool,
) -> Any:
    """A feature's embedding from its summary."""
    hidden = keras.layers.Normalization(
        axis=-1, mean=mean, variance=deviation**2, name=f"{name}_standardise"
    )(summary)
    hidden = keras.ops.clip(hidden, -_OUTLIER, _OUTLIER)
    if dropout:
        hidden = keras.layers.Dropout(_INPUT_DROPOUT)(hidden)
    return keras.layers.Dense(EMBEDDING_SIZE, name=f"{name}_dense")(hidden)


def _head(n_features: int) -> keras.Model:
    embeddings = keras.Input((n_features, EMBEDDING_SIZE), name="embeddings")
    hidden = keras.layers.Reshape((n_features * EMBEDDING_SIZE,))(embeddings)
    hidden = keras.layers.Dense(_HIDDEN, activation="relu", name="hidden")(hidden)
    hidden = keras.layers.Dropout(_HEAD_DROPOUT)(hidden)
    return keras.Model(embeddings, keras.layers.Dense(1, name="logit")(hidden), name="terminus")


def _summary(
    values: Any, mean: NDArray[np.float64], deviation: NDArray[np.float64], name: str
) -> Any:
    """What `fvx.model.summaries.summarise` does, as layers."""
    ops = keras.ops
    values = keras.layers.Normalization(
        axis=-1, mean=mean, variance=deviation**2, name=f"{name}_columns"
    )(values)
    if len(values.shape) == 2:
        return values
    average = ops.mean(values, axis=1, keepdims=True)
    spans = [values - average]
    spans += [values[:, lag:] - values[:, :-lag] for lag in LAGS_FRAMES if lag < values.shape[1]]
    moves = [ops.log(ops.sqrt(ops.mean(ops.square(one), axis=1)) + QUIET) for one in spans]
    return ops.concatenate([ops.squeeze(average, 1), *moves], axis=-1)


def _rate(share: float) -> float:
    """Rises, then falls along a cosine to nothing: `share` of the way."""
    if share < _WARM:
        return _RATE * (0.04 + 0.96 * share / _WARM)
    return float(_RATE * 0.5 * (1 + np.cos(np.pi * (share - _WARM) / (1 - _WARM))) + 1e-6)


def _draw_again(network: keras.Model, seed: int) -> None:
    """Fresh weights for all that is learnt, and dropout from its beginning."""
    rng = np.random.default_rng(seed)
    for variable in network.variables:
        if "seed_generator" in variable.path:
            variable.assign(rng.integers(1 << 31, size=2).astype(np.uint32))
    for variable in network.trainable_variables:
        shape = tuple(variable.shape)
        if len(shape) < 2:
            variable.assign(np.zeros(shape, np.float32))
        else:
            limit = np.sqrt(6 / (shape[0] + shape[1]))
            variable.assign(rng.uniform(-limit, limit, shape).astype(np.float32))
