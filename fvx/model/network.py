"""The network: one branch per feature, joined by the terminus. Needs TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fvx.store import FeatureRecord
from fvx.windows import Geometry

EMBEDDING_SIZE = 16
_FILTERS = {"matrix": (32, 48, 64), "contour": (16, 24, 32)}
_KERNEL_FRAMES = 5
_NORM_MOMENTUM = 0.9  # small corpora have few steps an epoch: older averages would lag behind


@keras.saving.register_keras_serializable("fvx")
class BranchDropout(keras.layers.Layer):  # type: ignore[misc]
    """Withholds whole branches at random in training, so that a withheld branch is known.

    A withheld branch is replaced by ``withheld``: what it gives on average for bona fide
    training speech, kept up to date by whoever trains.
    """

    def __init__(self, rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator()

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the stand-in embeddings, zero until they are first measured."""
        self.withheld = self.add_weight(
            shape=input_shape[1:], initializer="zeros", trainable=False, name="withheld"
        )

    def call(self, embeddings: Any, training: bool | None = None) -> Any:
        """Embeddings in and out: (n, n_features, size)."""
        if not training:
            return embeddings
        shape = (keras.ops.shape(embeddings)[0], embeddings.shape[1], 1)
        kept = keras.random.uniform(shape, seed=self.seed_generator) >= self.rate
        return keras.ops.where(kept, embeddings, self.withheld[None])

    def get_config(self) -> dict[str, Any]:
        """Settings that rebuild the layer."""
        return {**super().get_config(), "rate": self.rate}


def build(
    features: Sequence[FeatureRecord],
    geometry: Geometry,
    statistics: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    *,
    branch_dropout: float,
) -> tuple[keras.Model, keras.Model, keras.Model]:
    """Build branches, terminus, and both joined.

    Parameters
    ----------
    statistics : mapping of str to (mean, standard deviation), each shape (n_columns,)
        Of the training part; standardisation is the first layer of each branch.

    Returns
    -------
    branches : windows by feature -> (n, n_features, EMBEDDING_SIZE)
    terminus : (n, n_features, EMBEDDING_SIZE) -> logit (n, 1), higher means bona fide
    joint : windows by feature -> logit; shares the layers of the other two
    """
    inputs, embeddings = {}, []
    for feature in features:
        frames = () if feature.hop_s is None else (geometry.n_frames(feature.hop_s),)
        inputs[feature.name] = keras.Input((*frames, len(feature.columns)), name=feature.name)
        mean, deviation = statistics[feature.name]
        standardised = keras.layers.Normalization(
            axis=-1, mean=mean, variance=deviation**2, name=f"{feature.name}_standardise"
        )(inputs[feature.name])
        if feature.kind == "per_clip":
            embeddings.append(_dense(standardised, feature.name))
        else:
            filters = _FILTERS[feature.kind]
            embeddings.append(_convolutional(standardised, feature.name, filters))
    stacked = keras.ops.stack(embeddings, axis=1)
    branches = keras.Model(inputs, stacked, name="branches")

    joined = keras.Input((len(features), EMBEDDING_SIZE), name="embeddings")
    hidden = keras.layers.Dense(32, activation="relu", name="terminus_hidden")(
        keras.layers.Flatten()(joined)
    )
    hidden = keras.layers.Dropout(0.3)(hidden)
    terminus = keras.Model(
        joined,
        keras.layers.Dense(1, dtype="float32", name="terminus_logit")(hidden),
        name="terminus",
    )
    kept = BranchDropout(branch_dropout, name="branch_dropout")(branches(inputs))
    return branches, terminus, keras.Model(inputs, terminus(kept), name="fvx")


def _convolutional(values: Any, name: str, depths: tuple[int, ...]) -> Any:
    """Convolutions over time, coefficients as channels; mean and deviation over time."""
    hidden = values
    for depth, filters in enumerate(depths):
        hidden = keras.layers.Conv1D(
            filters, _KERNEL_FRAMES, padding="same", use_bias=False, name=f"{name}_conv{depth}"
        )(hidden)
        hidden = keras.layers.BatchNormalization(
            momentum=_NORM_MOMENTUM, name=f"{name}_norm{depth}"
        )(hidden)
        hidden = keras.layers.ReLU()(hidden)
        if hidden.shape[1] >= 2:
            hidden = keras.layers.MaxPooling1D(2)(hidden)
    mean = keras.ops.mean(hidden, axis=1)
    # The square root has no slope at zero; the small term keeps the gradient finite.
    deviation = keras.ops.sqrt(keras.ops.var(hidden, axis=1) + 1e-5)
    return _embedding(keras.ops.concatenate([mean, deviation], axis=-1), name)


def _dense(values: Any, name: str) -> Any:
    hidden = keras.layers.Dense(32, activation="relu", name=f"{name}_dense")(values)
    return _embedding(hidden, name)


def _embedding(hidden: Any, name: str) -> Any:
    hidden = keras.layers.Dropout(0.3)(hidden)
    return keras.layers.Dense(EMBEDDING_SIZE, activation="tanh", name=f"{name}_embedding")(hidden)
