"""What the samples of a file say about how it was made: its levels, zeros and clipping."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK_S = 0.010
LOWEST_DB = -120.0  # stands for digital silence
SPEECH_QUANTILE, NOISE_QUANTILE = 0.95, 0.05  # of the blocks' levels
# A block is silent that far below the speech, or this close above the noise: whichever is less,
# but never closer to the speech than the last.
_FAR_DB, _NEAR_NOISE_DB, _NEAR_SPEECH_DB = 40.0, 6.0, 20.0
_STEP = 2.0**-15  # of 16-bit samples
_LEAST_CLIP = 0.1  # lower peaks are no limit that anyone recorded against
_CLIP_RUN = 3  # samples in a row at the very peak

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Levels:
    """Levels in decibels re full scale, and silence at the ends in seconds."""

    speech_db: float
    noise_db: float
    leading_s: float
    trailing_s: float


def levels(samples: Floats, rate_hz: int) -> Levels:
    """Measure blocks of 10 ms; the whole clip is silent if it holds nothing but zeros.

    Silence ends where two blocks in a row are above the threshold, so a click does not end it.
    """
    size = max(1, round(BLOCK_S * rate_hz))
    blocks = samples[: len(samples) // size * size].reshape(-1, size)
    square = np.einsum("ij,ij->i", blocks, blocks).astype(np.float64) / size
    level_db = 10 * np.log10(np.maximum(square, 10 ** (LOWEST_DB / 10)))
    noise_db, speech_db = np.quantile(level_db, [NOISE_QUANTILE, SPEECH_QUANTILE]).tolist()
    threshold_db = max(speech_db - _FAR_DB, noise_db + _NEAR_NOISE_DB)
    loud = level_db > max(LOWEST_DB, min(threshold_db, speech_db - _NEAR_SPEECH_DB))
    lasting = np.flatnonzero(loud[1:] & loud[:-1])
    if not len(lasting):
        return Levels(speech_db, noise_db, len(samples) / rate_hz, 0.0)
    after = len(samples) - (int(lasting[-1]) + 2) * size
    return Levels(speech_db, noise_db, int(lasting[0]) * size / rate_hz, after / rate_hz)


def zero_runs(samples: Floats) -> tuple[int, int, int, int]:
    """Exact zeros, in samples: at the start, at the end, longest run anywhere, and in all."""
    sounding = np.flatnonzero(samples)
    n_samples = len(samples)
    if not len(sounding):
        return n_samples, n_samples, n_samples, n_samples
    first, last = int(sounding[0]), n_samples - 1 - int(sounding[-1])
    inner = int(np.diff(sounding).max()) - 1 if len(sounding) > 1 else 0
    return first, last, max(first, last, inner), n_samples - len(sounding)


def clipped(samples: Floats) -> int:
    """Number of samples that stay at the clip's own highest or lowest value, in runs of three.

    Only what was clipped last shows: resampling or a codec rounds the corners off.
    """
    return _at_the_limit(samples, float(samples.max())) + _at_the_limit(
        -samples, -float(samples.min())
    )


def _at_the_limit(samples: Floats, limit: float) -> int:
    if limit < _LEAST_CLIP:
        return 0
    at = np.flatnonzero(samples >= np.float32(limit - _STEP))
    begins = np.flatnonzero(at[_CLIP_RUN - 1 :] - at[: 1 - _CLIP_RUN] == _CLIP_RUN - 1)
    return len(np.unique(begins[:, None] + np.arange(_CLIP_RUN)))
