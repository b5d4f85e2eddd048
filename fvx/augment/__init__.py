"""Augmentation: copies of clips as another room, channel, codec or vocoder would have left them."""

from fvx.augment.copies import COPY, ORIGINAL, VOCODED_BY, add_copies, copy_audio, is_copy
from fvx.augment.recipe import Recipe, augment
from fvx.augment.vocoders import METHODS, vocode

__all__ = [
    "COPY",
    "METHODS",
    "ORIGINAL",
    "VOCODED_BY",
    "Recipe",
    "add_copies",
    "augment",
    "copy_audio",
    "is_copy",
    "vocode",
]
