"""What the first two blocks of Whisper's encoder make of each 20 ms."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.errors import AudioError, FeatureError
from fvx_whisper.encoder import MAX_FRAMES, Encoder
from fvx_whisper.log_mel import RATE_HZ, log_mel
from fvx_whisper.weights import TINY_EN, load

MIN_DURATION_S = 0.1
N_DIMS = 384
_CONTEXT = 50  # frames, a second, heard on both sides of a piece


@dataclass(frozen=True)
class WhisperBlocks(Feature):
    """What a network that writes down speech makes of each moment, early on; no ear can follow it.

    Output of the second block of the encoder of Whisper tiny.en: the log-mel spectrogram through
    two convolutions and two blocks of attention, before any last normalisation. Clips are brought
    to 16 kHz. They are not filled up with silence to half a minute, as Whisper's are. Those of
    more than 30 s go through in equal pieces, a second of context on both sides.

    Parameters
    ----------
    weights : str
        First 16 digits of the SHA-256 of the file of weights: other weights make other numbers.

    Returns
    -------
    float32 array, shape (n_frames, 384)
        ``whisper_0``, ``whisper_1``, …: activations, without unit. They depend on the clip's
        level, as Whisper's own do.

    Raises
    ------
    AudioError
        If the clip is shorter than 0.1 s.
    FeatureError
        If the weights are not there, or are others.

    References
    ----------
    Radford et al. (2022), "Robust speech recognition via large-scale weak supervision",
    arXiv:2212.04356. For deepfakes: Kawa et al. (2023), "Improved deepfake detection using Whisper
    features", Interspeech.
    """

    name = "whisper"
    columns = tuple(f"whisper_{number}" for number in range(N_DIMS))
    kind = "matrix"
    perceptible = False
    by_name_only = True
    hop_s = 0.020

    weights: str = TINY_EN

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        if audio.duration_s < MIN_DURATION_S:
            raise AudioError(
                f"{audio.duration_s:.3f} s is too short for Whisper, "
                f"which needs at least {MIN_DURATION_S} s"
            )
        encoder = load(self.weights)
        if encoder.n_dims != N_DIMS:
            raise FeatureError(
                f"the weights {self.weights} are of {encoder.n_dims} dimensions; "
                f"Whisper tiny has {N_DIMS}"
            )
        mels = log_mel(_resampled(audio), encoder.n_mels)
        found = np.concatenate(list(_pieces(mels, encoder)))
        # The law's hop is a whole number of samples at the clip's rate, Whisper's at 16 kHz.
        exact_s = max(1, round(self.hop_s * audio.rate_hz)) / audio.rate_hz
        nearest = np.rint(np.arange(audio.n_frames(self.hop_s)) * (exact_s / self.hop_s))
        picked: NDArray[np.float32] = found[np.minimum(nearest.astype(int), len(found) - 1)]
        return picked


def _pieces(mels: NDArray[np.float32], encoder: Encoder) -> Iterator[NDArray[np.float32]]:
    """Embeddings of all frames, piece by piece."""
    n_frames = (len(mels) - 1) // 2 + 1
    if n_frames <= MAX_FRAMES:
        yield encoder.encode(mels)
        return
    n_pieces = -(-n_frames // (MAX_FRAMES - 2 * _CONTEXT))
    bounds = [n_frames * number // n_pieces for number in range(n_pieces + 1)]
    for first, last in pairwise(bounds):
        start, end = max(0, first - _CONTEXT), min(n_frames, last + _CONTEXT)
        yield encoder.encode(mels[2 * start : 2 * end])[first - start : last - start]


def _resampled(audio: Audio) -> NDArray[np.float32]:
    if audio.rate_hz == RATE_HZ:
        return audio.samples
    common = math.gcd(audio.rate_hz, RATE_HZ)
    resampled = scipy.signal.resample_poly(
        audio.samples.astype(np.float64), RATE_HZ // common, audio.rate_hz // common
    )
    result: NDArray[np.float32] = resampled.astype(np.float32)
    return result
