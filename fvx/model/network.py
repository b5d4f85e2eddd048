"""The network: one branch per feature, each judging alone; the terminus adds. Needs TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fvx.hookspecs import Branch
from fvx.store import FeatureRecord
from fvx.windows import Geometry

EMBEDDING_SIZE = 16
_LAGS_FRAMES = (1, 2, 4, 8, 16)
_QUIET = 1e-2  # deviations: below a hundredth of what is usual, all are taken as equally still
_OUTLIER = 4.0  # deviations
_NORM_MOMENTUM = 0.95
_DROPOUT = 0.3
_IMPOSSIBLE = -1e4  # logarithm of a probability
_AMONG_MOMENTS = 0.5  # what the second part of the loss of moments counts
_BRANCH_PENALTY, _HEAD_PENALTY = 0.05, 1e-3

Models = tuple[keras.Model, keras.Model, keras.Model]


@keras.saving.register_keras_serializable("fvx")
class Judgement(keras.layers.Layer):  # type: ignore[misc]
    """What each branch says by itself: a logit from its embedding."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create one set of weights for each branch."""
        self.kernel = self.add_weight(
            shape=input_shape[1:],
            initializer=keras.initializers.VarianceScaling(mode="fan_out"),
            regularizer=keras.regularizers.L2(_HEAD_PENALTY),
            name="kernel",
        )
        self.bias = self.add_weight(shape=input_shape[1:2], initializer="zeros", name="bias")

    def call(self, embeddings: Any) -> Any:
        """Embeddings (n, n_features, size) -> logits (n, n_features)."""
        return keras.ops.sum(embeddings * self.kernel, axis=-1) + self.bias


@keras.saving.register_keras_serializable("fvx")
class WeightedSum(keras.layers.Layer):  # type: ignore[misc]
    """Adds what the branches say, each by a weight that is measured and not descended to."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights: all the same until they are measured."""
        self.shares = self.add_weight(
            shape=input_shape[1:], initializer="ones", trainable=False, name="shares"
        )

    def call(self, logits: Any) -> Any:
        """Logits of the branches (n, n_features) -> of all together (n, 1)."""
        return keras.ops.sum(logits * self.shares, axis=-1, keepdims=True)


def build(
    features: Sequence[FeatureRecord],
    geometry: Geometry,
    statistics: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    own: Mapping[str, Branch] = MappingProxyType({}),
) -> Models:
    """Build branches, terminus, and what is trained.

    Parameters
    ----------
    statistics : mapping of str to (mean, standard deviation), each shape (n_columns,)
        Of the training part; standardisation is the first layer of each branch.
    own : mapping of str to callable
        Branches that plugins supply for their features, in place of what is done by kind.

    Returns
    -------
    branches : windows by feature -> (n, n_features, EMBEDDING_SIZE)
    terminus : (n, n_features, EMBEDDING_SIZE) -> logit (n, 1), higher means bona fide
    apart : windows by feature -> the logit of each branch alone (n, n_features); shares the
        layers of the other two
    """
    inputs, embeddings = _embeddings(features, geometry, statistics, own)
    branches = keras.Model(inputs, keras.ops.stack(embeddings, axis=1), name="branches")

    embedded = keras.Input((len(features), EMBEDDING_SIZE), name="embeddings")
    judgement = Judgement(name="judgement")
    terminus = keras.Model(embedded, WeightedSum(name="sum")(judgement(embedded)), name="terminus")
    apart = keras.Model(inputs, judgement(branches(inputs)), name="apart")
    return branches, terminus, apart


def of_moments(
    features: Sequence[FeatureRecord],
    geometry: Geometry,
    statistics: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    own: Mapping[str, Branch],
) -> keras.Model:
    """Build what judges each moment of a stretch, where all branches leave as many in.

    Its weights are those of `build`'s ``apart``, in the same order, for windows of any length.

    Returns
    -------
    stretches by feature -> the logit of each branch alone at each moment
        (n, n_moments, n_features)
    """
    inputs, embeddings = _embeddings(features, geometry, statistics, own, averaged=False)
    # Nested as `build` nests it, for the order of the weights.
    branches = keras.Model(inputs, keras.ops.stack(embeddings, axis=2), name="branches")
    n_moments = branches.output.shape[1]
    each = keras.ops.reshape(branches(inputs), (-1, len(features), EMBEDDING_SIZE))
    judged = Judgement(name="judgement")(each)
    logits = keras.ops.reshape(judged, (-1, n_moments, len(features)))
    return keras.Model(inputs, logits, name="moments")


def count_moments(branch: Branch, feature: FeatureRecord, geometry: Geometry) -> int:
    """How many moments of a stretch a branch tells apart; 0 if it leaves no time in."""
    if feature.hop_s is None:
        return 0
    shape = branch(keras.Input((geometry.n_frames(feature.hop_s), len(feature.columns)))).shape
    return shape[1] if len(shape) == 3 else 0


def joined(branches: keras.Model, terminus: keras.Model) -> keras.Model:
    """Both in one: windows by feature -> logit."""
    return keras.Model(branches.input, terminus(branches(branches.input)), name="fvx")


def _embeddings(
    features: Sequence[FeatureRecord],
    geometry: Geometry,
    statistics: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    own: Mapping[str, Branch],
    *,
    averaged: bool = True,
) -> tuple[dict[str, Any], list[Any]]:
    """Inputs by feature, and what each branch makes of its own."""
    inputs, embeddings = {}, []
    for feature in features:
        frames = () if feature.hop_s is None else (geometry.n_frames(feature.hop_s),)
        inputs[feature.name] = keras.Input((*frames, len(feature.columns)), name=feature.name)
        mean, deviation = statistics[feature.name]
        hidden = keras.layers.Normalization(
            axis=-1, mean=mean, variance=deviation**2, name=f"{feature.name}_standardise"
        )(inputs[feature.name])
        if feature.name in own:
            hidden = own[feature.name](hidden)
            if len(hidden.shape) == 3 and averaged:
                hidden = keras.ops.mean(hidden, axis=1)
        elif feature.hop_s is not None:
            hidden = _pooled(hidden)
        embeddings.append(_embedding(hidden, feature.name))
    return inputs, embeddings


def _pooled(values: Any) -> Any:
    """Mean of each column over the window, and how much it moves, at six time scales.

    Movement is the logarithm of the column's deviation, and of its root-mean-square difference
    over 1 to 16 frames. A microphone, room or equaliser adds nearly the same to a log-spectral or
    cepstral column all along: it is in the mean, and in none of the others.
    """
    n_frames = values.shape[1]
    mean = keras.ops.mean(values, axis=1, keepdims=True)
    spans = [values - mean]
    spans += [values[:, lag:] - values[:, :-lag] for lag in _LAGS_FRAMES if lag < n_frames]
    moves = [
        keras.ops.log(keras.ops.sqrt(keras.ops.mean(keras.ops.square(one), axis=1)) + _QUIET)
        for one in spans
    ]
    return keras.ops.concatenate([keras.ops.squeeze(mean, 1), *moves], axis=-1)


def _embedding(values: Any, name: str) -> Any:
    """Few numbers out of many; the penalty keeps them from learning the corpus by heart."""
    hidden = keras.layers.BatchNormalization(
        momentum=_NORM_MOMENTUM, center=False, scale=False, name=f"{name}_norm"
    )(values)
    hidden = keras.ops.clip(hidden, -_OUTLIER, _OUTLIER)
    hidden = keras.layers.Dropout(_DROPOUT)(hidden)
    return keras.layers.Dense(
        EMBEDDING_SIZE,
        activation="tanh",
        kernel_regularizer=keras.regularizers.L2(_BRANCH_PENALTY),
        name=f"{name}_embedding",
    )(hidden)


@keras.saving.register_keras_serializable("fvx")
class EachAlone(keras.losses.Loss):  # type: ignore[misc]
    """Logistic loss of every branch by itself, added up: none can lean on another."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Targets (n, 1) and logits (n, n_features) -> (n,)."""
        losses = keras.ops.softplus(y_pred) - y_true * y_pred
        return keras.ops.sum(losses, axis=-1)


class EachMoment(keras.losses.Loss):  # type: ignore[misc]
    """Loss of the moments of stretches, of every branch by itself.

    Two parts: the logistic loss of each moment; and, where a stretch has both, of the spans being
    found among its other moments, as the chance that a moment drawn by a softmax over time is in
    one. The first alone learns what tells clips apart, before what tells moments of one apart.

    Parameters
    ----------
    spoof_weight : float
        What a spoof moment counts, for a bona fide one's 1.
    """

    def __init__(self, spoof_weight: float = 1.0) -> None:
        super().__init__()
        self.spoof_weight = spoof_weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Targets (n, n_moments, 1) and logits (n, n_moments, n_features) -> (n,)."""
        ops = keras.ops
        y_true, y_pred = (ops.cast(one, "float32") for one in (y_true, y_pred))
        weight = y_true + self.spoof_weight * (1 - y_true)
        each = ops.mean(weight * (ops.softplus(y_pred) - y_true * y_pred), axis=1)
        spoof = 1 - y_true
        drawn = ops.log_softmax(-y_pred, axis=1)
        found = ops.logsumexp(ops.where(spoof > 0, drawn, _IMPOSSIBLE), axis=1)
        mixed = ops.max(spoof, axis=1) * ops.max(y_true, axis=1)
        return ops.sum(each - _AMONG_MOMENTS * mixed * found, axis=-1)
