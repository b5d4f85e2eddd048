"""The clip at about 11 kHz, where formants and glottal noise are looked for."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, gcd

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from fvx.audio import Audio

MARGIN_S = 0.05  # silence put after the clip, as what leaves its end comes in at its start

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Lowered:
    """A waveform at a rate that makes a hop a whole number of its samples.

    Attributes
    ----------
    samples : float32 array, shape (n_samples,)
    hop : int
        Step between frames, in samples: frame *k* is centred at sample ``k * hop``.
    rate_hz : float
        Sampling rate in hertz, not always a whole number.
    """

    samples: Floats
    hop: int
    rate_hz: float


def lowered(audio: Audio, highest_hz: float, hop_s: float) -> Lowered:
    """Resample to twice ``highest_hz``, or nearly; ask for it through ``audio.shared``.

    Nothing above remains. A clip of a lower rate stays as it is.
    """
    hop_in = max(1, round(hop_s * audio.rate_hz))
    hop = min(hop_in, max(1, round(2 * highest_hz * hop_in / audio.rate_hz)))
    if hop == hop_in:
        return Lowered(audio.samples, hop_in, audio.rate_hz)
    shared = gcd(hop, hop_in)
    up, down = hop // shared, hop_in // shared
    # Cut off in the spectrum of the whole clip: a filter's slope below the highest frequency
    # would draw a pole to itself and shift all formants.
    n_blocks = ceil((len(audio.samples) + MARGIN_S * audio.rate_hz) / down)
    n_blocks = scipy.fft.next_fast_len(n_blocks, real=True)
    spectrum = scipy.fft.rfft(audio.samples, n_blocks * down)[: (n_blocks * up + 1) // 2]
    spectrum *= np.float32(up / down)
    samples: Floats = scipy.fft.irfft(spectrum, n_blocks * up)
    return Lowered(
        samples[: ceil(len(audio.samples) * up / down)].copy(), hop, audio.rate_hz * up / down
    )
