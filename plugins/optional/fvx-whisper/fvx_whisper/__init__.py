"""What the first blocks of Whisper's encoder make of each moment, in NumPy alone.

The weights come from a package or a file (``FVX_WHISPER_WEIGHTS``); none come with the plugin.
``FVX_WHISPER_MODEL`` names another model than ``tiny.en``, ``FVX_WHISPER_BLOCKS`` another number
of blocks than two, ``FVX_WHISPER_COLUMNS`` a smaller number of columns than the model's.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from fvx import Feature, hookimpl
from fvx_whisper.weights import BLOCKS, COLUMNS, MODEL, WEIGHTS
from fvx_whisper.whisper import Whisper

__all__ = ["BLOCKS", "COLUMNS", "MODEL", "WEIGHTS", "Whisper"]


@hookimpl
def fvx_features() -> Iterable[Feature]:
    return [Whisper.of(*(os.environ.get(name, "") for name in (MODEL, BLOCKS, COLUMNS)))]
