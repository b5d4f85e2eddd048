"""The way to openSMILE: what it is given, and what its numbers are called."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fvx import Audio
from fvx.errors import AudioError

MIN_DURATION_S = 0.1  # below, its feature sets come back empty
_FULL_SCALE = np.float32(32767 / 32768)

Level = Literal["Functionals", "LowLevelDescriptors"]


@lru_cache(maxsize=8)
def smile(feature_set: str, level: Level) -> Any:
    """Return ``opensmile.Smile`` with a feature set and level by their names, made once.

    openSMILE is imported here, when it is first used, since that takes a second.
    """
    import opensmile  # type: ignore[import-not-found,import-untyped,unused-ignore]

    return opensmile.Smile(
        feature_set=getattr(opensmile.FeatureSet, feature_set),
        feature_level=getattr(opensmile.FeatureLevel, level),
    )


@lru_cache(maxsize=8)
def columns(feature_set: str, level: Level) -> tuple[str, ...]:
    """openSMILE's names of a set's numbers, as ``column_name`` turns them."""
    return tuple(column_name(name) for name in smile(feature_set, level).feature_names)


def column_name(name: str) -> str:
    """In lower case, each run of anything but letters and digits an underscore, none at the ends.

    ``F0semitoneFrom27.5Hz_sma3nz_amean`` is ``f0semitonefrom27_5hz_sma3nz_amean``.
    """
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def process(
    audio: Audio, feature_set: str, level: Level, before_s: float = 0.0, after_s: float = 0.0
) -> NDArray[np.float32]:
    """Run openSMILE over a clip, with so much silence before and after it.

    Returns
    -------
    float32 array, shape (n_rows, n_columns)
        One row of functionals; or a row each 10 ms, the first of the frame that begins with
        the silence. 0 where openSMILE has no number.

    Raises
    ------
    AudioError
        If the clip is shorter than 0.1 s.
    """
    if audio.duration_s < MIN_DURATION_S:
        raise AudioError(
            f"{audio.duration_s:.3f} s is too short for openSMILE, "
            f"which needs at least {MIN_DURATION_S} s"
        )
    padded = np.pad(
        audio.samples, (round(before_s * audio.rate_hz), round(after_s * audio.rate_hz))
    )
    # openSMILE's Python package makes 16-bit integers of the samples without a check: full scale
    # would come out as its opposite.
    limited = np.clip(padded, -1.0, _FULL_SCALE)
    table = smile(feature_set, level).process_signal(limited, audio.rate_hz)
    values = table.to_numpy(np.float32)
    return np.where(np.isfinite(values), values, np.float32(0))
