"""A branch that looks at a spectrogram as at a picture: two-dimensional convolutions."""

from __future__ import annotations

from typing import Any

_FILTERS = (16, 24, 32, 48)
_TIME_STRIDES = (1, 2, 2, 1)
_HEIGHTS = (5, 3, 3, 3)  # bands
_N_HIDDEN = 64
_DILATIONS = (1, 2)
_NORM_MOMENTUM = 0.95
_DROPOUT = 0.3


def picture_branch(values: Any) -> Any:
    """Build it: (n, n_frames, n_columns) -> (n, 2 * 64), what is seen on average and at most.

    Four convolutions halve the picture's height each, two of them its width; what is left of a
    moment becomes 64 numbers, which look at their neighbours in time twice. The shape follows
    what found replaced spans best (docs/explanation.md).
    """
    from keras import layers, ops

    hidden = layers.Reshape((*values.shape[1:], 1))(values)
    for n_filters, height, stride in zip(_FILTERS, _HEIGHTS, _TIME_STRIDES, strict=True):
        hidden = layers.Conv2D(
            n_filters, (3, height), strides=(stride, 2), padding="same", use_bias=False
        )(hidden)
        hidden = layers.BatchNormalization(momentum=_NORM_MOMENTUM)(hidden)
        hidden = layers.ReLU()(hidden)
    n_frames, n_bands, n_filters = hidden.shape[1:]
    hidden = layers.Reshape((n_frames, n_bands * n_filters))(hidden)
    hidden = layers.Dense(_N_HIDDEN, activation="relu")(hidden)
    hidden = layers.Dropout(_DROPOUT)(hidden)
    for dilation in _DILATIONS:
        around = layers.Conv1D(
            _N_HIDDEN, 5, padding="same", dilation_rate=dilation, activation="relu"
        )(hidden)
        hidden = hidden + around
    return ops.concatenate([ops.mean(hidden, axis=1), ops.max(hidden, axis=1)], axis=-1)
