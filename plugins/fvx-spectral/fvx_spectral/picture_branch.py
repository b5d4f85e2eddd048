"""Branches that look at a feature as at a picture: two-dimensional convolutions."""

from __future__ import annotations

from typing import Any

from fvx.hookspecs import Branch

_FILTERS = (16, 24, 32, 48)
_TIME_STRIDES = (1, 2, 1, 1)
_HEIGHTS = (5, 3, 3, 3)  # bands
_N_HIDDEN = 64
_N_LOOKS = 3
_NORM_MOMENTUM = 0.95
_DROPOUT = 0.3


def picture_branch(n_pictures: int = 1) -> Branch:
    """A branch that leaves time in: (n, n_frames, n_columns) -> (n, n_frames / 2, 64).

    Four convolutions halve the picture's height each, one of them its width; what is left of a
    moment becomes 64 numbers, which look at their neighbours in time, up to an eighth of a second
    away. The shape is that of a network that found replaced spans (docs/explanation.md).

    Parameters
    ----------
    n_pictures : int
        How many pictures of one height the columns are, one after the other: the colours of one.
    """

    def build(values: Any) -> Any:
        from keras import layers

        n_frames, n_columns = values.shape[1:]
        hidden = layers.Reshape((n_frames, n_pictures, n_columns // n_pictures))(values)
        hidden = layers.Permute((1, 3, 2))(hidden)
        for n_filters, height, stride in zip(_FILTERS, _HEIGHTS, _TIME_STRIDES, strict=True):
            hidden = layers.Conv2D(
                n_filters, (3, height), strides=(stride, 2), padding="same", use_bias=False
            )(hidden)
            hidden = layers.BatchNormalization(momentum=_NORM_MOMENTUM)(hidden)
            hidden = layers.ReLU()(hidden)
        n_moments, n_bands, n_filters = hidden.shape[1:]
        hidden = layers.Reshape((n_moments, n_bands * n_filters))(hidden)
        hidden = layers.Dense(_N_HIDDEN, activation="relu")(hidden)
        hidden = layers.Dropout(_DROPOUT)(hidden)
        for _ in range(_N_LOOKS):
            around = layers.Conv1D(_N_HIDDEN, 5, padding="same", activation="relu")
            hidden = hidden + around(hidden)
        return hidden

    return build
