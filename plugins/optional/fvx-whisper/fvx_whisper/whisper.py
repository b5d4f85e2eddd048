"""What the first blocks of Whisper's encoder make of each moment."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Self

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.errors import AudioError, FeatureError
from fvx_whisper.encoder import MAX_FRAMES, Encoder
from fvx_whisper.log_mel import RATE_HZ, log_mel
from fvx_whisper.weights import BLOCKS, COLUMNS, KNOWN, checked, load

MIN_DURATION_S = 0.1
_HOP = 320  # samples at 16 kHz


@dataclass(frozen=True)
class Whisper(Feature):
    """What a network that learned to write speech down makes of each moment, early on.

    Whisper's encoder is run as far as its first blocks: a log-mel spectrogram of the clip, two
    convolutions, positions, attention among all moments. It is run in NumPy; the weights,
    rounded to int8 row by row, are looked for in a cache, in a package and where the environment
    variable ``FVX_WHISPER_WEIGHTS`` says.

    Parameters
    ----------
    model : str
        ``"tiny.en"``, ``"base"``, or the SHA-256 of another file of CTranslate2's.
    n_blocks : int
        Blocks that are run; 0 is what goes into the first one. With all of them the norm after
        the last is applied, too.
    n_dims : int
        Length of an embedding: 384 for tiny.en, 512 for base.
    n_columns : int
        As many as there are dimensions; or fewer, each a sum of all dimensions with signs drawn
        by lot once and for all. That keeps distances, the better the more there are.
    piece_s, context_s : float
        The longest stretch that goes through at once, 30 s at most; and how much of it, before
        and after what is kept, is only heard. In seconds.

    Returns
    -------
    float32 array, shape (n_frames, n_columns)
        ``whisper_0``, ``whisper_1``, …: activations, without unit, every 20 ms.

    Raises
    ------
    AudioError
        If the clip is shorter than 0.1 s.
    FeatureError
        If the weights are not there, or are others than those meant.

    Notes
    -----
    Whisper pads each clip to 30 s with silence. Here nothing is padded: attention goes to the
    frames of the piece alone, which is many times as fast. The convolutions' output is the same;
    what follows differs (12 % root mean square after two blocks).

    Positions are counted from the beginning of the piece, and show in the numbers: the same five
    seconds, 20 s later in a piece of 30 s, have means that differ by half a standard deviation.
    Pieces of 6 s keep that below a tenth. Clips of less than five seconds still show how long
    they are. The spectrogram's range is that of the whole clip.

    References
    ----------
    Radford, Kim, Xu, Brockman, McLeavey and Sutskever (2023), "Robust speech recognition via
    large-scale weak supervision", ICML. For deepfakes: Kawa, Plata, Czuba, Szymański and Syga
    (2023), "Improved DeepFake detection using Whisper features", Interspeech. Signs: Achlioptas
    (2003), "Database-friendly random projections", Journal of Computer and System Sciences 66(4).
    """

    name = "whisper"
    kind = "matrix"
    perceptible = False
    by_name_only = True
    hop_s = 0.020

    model: str = "tiny.en"
    n_blocks: int = 2
    n_dims: int = 384
    n_columns: int = 384
    piece_s: float = 6.0
    context_s: float = 0.5

    @classmethod
    def of(cls, model: str = "", n_blocks: str = "", n_columns: str = "") -> Self:
        """Describe a model's blocks by words as the environment has them.

        The weights are not looked for, unless a SHA-256 names them.

        Raises
        ------
        FeatureError
            If there is no such model, or it has fewer blocks or columns.
        """
        model = checked(model.strip() or cls.model)
        wanted = _whole_number(BLOCKS, n_blocks, cls.n_blocks)
        if model in KNOWN:
            n_dims, n_there = KNOWN[model].n_dims, KNOWN[model].n_blocks
            if not 0 <= wanted <= n_there:
                raise FeatureError(f"{model} has {n_there} blocks, not {wanted} ({BLOCKS})")
        else:
            n_dims = load(model, wanted).n_dims
        columns = _whole_number(COLUMNS, n_columns, n_dims)
        if not 1 <= columns <= n_dims:
            raise FeatureError(f"{model} has 1 to {n_dims} columns, not {columns} ({COLUMNS})")
        return cls(model, wanted, n_dims, columns)

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # as many as are asked for
        return tuple(f"whisper_{number}" for number in range(self.n_columns))

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        if audio.duration_s < MIN_DURATION_S:
            raise AudioError(
                f"{audio.duration_s:.3f} s is too short for Whisper, "
                f"which needs at least {MIN_DURATION_S} s"
            )
        encoder = load(self.model, self.n_blocks)
        if encoder.n_dims != self.n_dims:
            raise FeatureError(f"{self.model} has {encoder.n_dims} dimensions, not {self.n_dims}")
        found = np.concatenate(list(self._pieces(_resampled(audio), encoder)))
        # The law's hop is a whole number of samples at the clip's rate, the model's at 16 kHz.
        exact_s = max(1, round(self.hop_s * audio.rate_hz)) / audio.rate_hz
        nearest = np.rint(np.arange(audio.n_frames(self.hop_s)) * (exact_s / self.hop_s))
        picked: NDArray[np.float32] = found[np.minimum(nearest.astype(int), len(found) - 1)]
        return picked

    def _pieces(
        self, samples: NDArray[np.float32], encoder: Encoder
    ) -> Iterator[NDArray[np.float32]]:
        """Embeddings of all frames, piece by piece."""
        n_frames = 1 + len(samples) // _HOP
        mel = log_mel(samples, 2 * n_frames + 1)
        whole = min(MAX_FRAMES, round(self.piece_s / self.hop_s))
        context = round(self.context_s / self.hop_s)
        kept = whole - 2 * context
        if kept < 1 or context < 0:
            raise FeatureError(
                f"pieces of {self.piece_s} s leave nothing between {self.context_s} s of context"
            )
        n_pieces = 1 if n_frames <= whole else -(-n_frames // kept)
        bounds = [n_frames * number // n_pieces for number in range(n_pieces + 1)]
        for first, last in pairwise(bounds):
            start, end = max(0, first - context), min(n_frames, last + context)
            found = encoder(mel[2 * start : 2 * end + 1])[first - start : last - start]
            yield (
                found
                if self.n_columns == self.n_dims
                else found @ signs(self.n_dims, self.n_columns)
            )


@lru_cache(maxsize=2)
def signs(n_dims: int, n_columns: int) -> NDArray[np.float32]:
    """Plus or minus one over the root of ``n_columns``, shape (n_dims, n_columns).

    Drawn by a hash function, so that they are the same wherever and whenever.
    """
    n_signs = n_dims * n_columns
    drawn = hashlib.shake_256(b"fvx-whisper").digest(-(-n_signs // 8))
    bits = np.unpackbits(np.frombuffer(drawn, np.uint8))[:n_signs].reshape(n_dims, n_columns)
    return ((2.0 * bits - 1) / np.sqrt(n_columns)).astype(np.float32)


def _whole_number(variable: str, word: str, otherwise: int) -> int:
    try:
        return int(word) if word.strip() else otherwise
    except ValueError:
        raise FeatureError(f"{variable} is {word!r}, not a whole number") from None


def _resampled(audio: Audio) -> NDArray[np.float32]:
    """Samples at 16 kHz."""
    if audio.rate_hz == RATE_HZ:
        return audio.samples
    common = math.gcd(audio.rate_hz, RATE_HZ)
    resampled = scipy.signal.resample_poly(
        audio.samples.astype(np.float64), RATE_HZ // common, audio.rate_hz // common
    )
    result: NDArray[np.float32] = resampled.astype(np.float32)
    return result
