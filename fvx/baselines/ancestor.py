"""The ancestor: the network of the research prototype that fvx comes from. Needs TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fvx.baselines.networks import FittedNetwork, fit_network
from fvx.model.descent import TrainingSettings, keras
from fvx.model.part import Part
from fvx.store import FeatureRecord

_SIDE = 30  # frames of a window, and columns of a patch
_FRAME_STEP = 3  # its frames were 32 ms apart, fvx's are 10
_PATCH_STEP = 16
_EMBEDDING = 30
_SINGLE = {
    "jitter": ("local_percent", "rap_percent", "ppq5_percent", "ppq55_percent"),
    "shimmer": ("local_percent", "apq3_percent", "apq5_percent", "apq55_percent"),
}
_COLUMNS = {"mfcc": 20}  # without the slopes, which it had not


def fit(
    train: Part,
    development: Part,
    *,
    epochs: int,
    seed: int,
    on_epoch: Callable[[Any], None],
) -> FittedNetwork:
    """Fit as it was fitted: Adam on the squared error of 1 for bona fide and 0 for spoof.

    Its layers, sizes and features are as published; the measurements are fvx's, without its
    errors, and windows of all features are of the same time, which they were not.

    References
    ----------
    ``fake_voices_xai`` (2025), the model with three hidden layers in its terminus.
    """
    settings = TrainingSettings(epochs=epochs, seed=seed, batch_size=32, weight_decay=0.0)
    statistics = train.statistics()
    return fit_network(
        lambda _: _network(train, statistics), train, development, settings,
        loss=keras.losses.MeanSquaredError(), on_epoch=on_epoch,
    )  # fmt: skip


def _network(part: Part, statistics: Any) -> tuple[keras.Model, keras.Model]:
    """A number for each patch of the spectrum, to train; their mean, to judge by."""
    layers = keras.layers
    inputs, whole, patched = {}, [], []
    for feature in part.features:
        n_frames = () if feature.hop_s is None else (_SIDE * _FRAME_STEP,)
        inputs[feature.name] = keras.Input((*n_frames, len(feature.columns)), name=feature.name)
        mean, deviation = statistics[feature.name]
        values = layers.Normalization(axis=-1, mean=mean, variance=deviation**2)(
            inputs[feature.name]
        )
        if feature.kind == "per_clip":
            whole += _single(values, feature)
        elif feature.kind == "matrix":
            n_columns = _COLUMNS.get(feature.name, len(feature.columns))
            patched.append(_patches(values[:, ::_FRAME_STEP, :n_columns]))
        else:
            hidden = values[:, ::_FRAME_STEP, :1]
            for _ in range(3):
                hidden = layers.Conv1D(32, 3, activation="relu")(hidden)
            whole.append(layers.Dense(_EMBEDDING)(layers.Flatten()(hidden)))
    n_patches = max(one.shape[1] for one in patched)
    together = [
        *(keras.ops.tile(one[:, None], (1, n_patches, 1)) for one in whole),
        *(_cycled(one, n_patches) for one in patched),
    ]
    hidden = layers.Concatenate()(together)
    size = hidden.shape[-1]
    for depth in range(3):
        hidden = layers.Dense(size // (2 * (depth + 1)))(hidden)  # linear, as it was
    scores = keras.ops.squeeze(layers.Dense(1, dtype="float32")(hidden), axis=-1)
    network = keras.Model(inputs, scores, name="ancestor")
    mean_score = keras.ops.mean(scores, axis=-1, keepdims=True)
    return network, keras.Model(inputs, mean_score, name="ancestor_mean")


def _single(values: Any, feature: FeatureRecord) -> list[Any]:
    """Each of some values by itself, through one linear unit."""
    places = [feature.columns.index(f"{feature.name}_{name}") for name in _SINGLE[feature.name]]
    return [keras.layers.Dense(1)(values[:, place : place + 1]) for place in places]


def _patches(values: Any) -> Any:
    """Patches of 30 frames by 30 columns through one network: (n, n_patches, 30)."""
    layers = keras.layers
    n_columns = values.shape[-1]
    if n_columns < _SIDE:
        values = keras.ops.pad(values, ((0, 0), (0, 0), (0, _SIDE - n_columns)))
    last = max(0, n_columns - _SIDE)
    starts = [*range(0, last, _PATCH_STEP), last]
    patches = keras.ops.stack([values[:, :, at : at + _SIDE] for at in starts], axis=1)
    hidden = keras.ops.reshape(patches, (-1, _SIDE, _SIDE, 1))
    for depth in range(3):
        hidden = layers.Conv2D(32, 3, activation="relu")(hidden)
        if depth < 2:
            hidden = layers.MaxPooling2D(2)(hidden)
    hidden = layers.Dense(_EMBEDDING)(layers.Flatten()(hidden))
    return keras.ops.reshape(hidden, (-1, len(starts), _EMBEDDING))


def _cycled(patches: Any, n: int) -> Any:
    """Repeat patches until there are ``n``, as rows of the shorter feature were."""
    which = [i % patches.shape[1] for i in range(n)]
    return keras.ops.stack([patches[:, i] for i in which], axis=1)
