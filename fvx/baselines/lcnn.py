"""LFCC-LCNN: a light convolutional network with two recurrent layers. Needs TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fvx.baselines.networks import FittedNetwork, fit_network
from fvx.model.descent import TrainingSettings, keras
from fvx.model.part import Part

_DROPOUT = 0.7


def fit(
    train: Part,
    development: Part,
    *,
    epochs: int,
    seed: int,
    on_epoch: Callable[[Any], None],
) -> FittedNetwork:
    """Fit to windows of two seconds; logistic loss with balanced weights.

    As published, but for standardised inputs, smaller batches (its corpus was forty times the
    size of what it is compared on here), and windows in place of whole utterances: most clips
    are shorter than four seconds, and repeated to fill them it learnt next to nothing.

    References
    ----------
    Lavrentyeva et al. (2019), "STC antispoofing systems for the ASVspoof2019 challenge",
    Interspeech (the convolutional layers). Wang and Yamagishi (2021), "A comparative study on
    recent neural spoofing countermeasures for synthetic speech detection", Interspeech (the
    recurrent layers).
    """
    settings = TrainingSettings(
        epochs=epochs, seed=seed, batch_size=16, learning_rate=3e-4, weight_decay=0.0
    )
    statistics = train.statistics()

    def build(portable: bool) -> tuple[keras.Model, keras.Model]:
        network = _network(train, statistics, unroll=portable)
        return network, network

    return fit_network(build, train, development, settings, on_epoch=on_epoch)


def _network(part: Part, statistics: Any, *, unroll: bool) -> keras.Model:
    layers = keras.layers
    (feature,) = part.features
    n_frames = part.windows.geometry.n_frames(feature.hop_s or 1.0)
    inputs = {feature.name: keras.Input((n_frames, len(feature.columns)), name=feature.name)}
    mean, deviation = statistics[feature.name]
    hidden = layers.Normalization(axis=-1, mean=mean, variance=deviation**2)(inputs[feature.name])
    hidden = layers.Reshape((n_frames, len(feature.columns), 1))(hidden)

    def convolve(hidden: Any, filters: int, kernel: int) -> Any:
        """Convolution, and of each pair of channels the larger: max-feature-map."""
        both = layers.Conv2D(2 * filters, kernel, padding="same")(hidden)
        return keras.ops.maximum(*keras.ops.split(both, 2, axis=-1))

    def norm(hidden: Any) -> Any:
        return layers.BatchNormalization(center=False, scale=False, momentum=0.9)(hidden)

    hidden = layers.MaxPooling2D(2)(convolve(hidden, 32, 5))
    hidden = norm(convolve(hidden, 32, 1))
    hidden = norm(layers.MaxPooling2D(2)(convolve(hidden, 48, 3)))
    hidden = norm(convolve(hidden, 48, 1))
    hidden = layers.MaxPooling2D(2)(convolve(hidden, 64, 3))
    hidden = norm(convolve(hidden, 64, 1))
    hidden = norm(convolve(hidden, 32, 3))
    hidden = norm(convolve(hidden, 32, 1))
    hidden = layers.MaxPooling2D(2)(convolve(hidden, 32, 3))
    hidden = layers.Dropout(_DROPOUT)(hidden)
    hidden = layers.Reshape((hidden.shape[1], hidden.shape[2] * hidden.shape[3]))(hidden)
    recurrent = hidden
    for _ in range(2):
        one = layers.LSTM(hidden.shape[-1] // 2, return_sequences=True, unroll=unroll)
        recurrent = layers.Bidirectional(one)(recurrent)
    pooled = keras.ops.mean(layers.Add()([hidden, recurrent]), axis=1)
    return keras.Model(inputs, layers.Dense(1, dtype="float32", name="logit")(pooled), name="lcnn")
