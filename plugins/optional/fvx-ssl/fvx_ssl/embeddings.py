"""Embeddings of a self-supervised speech model, frame by frame."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.errors import AudioError, FeatureError
from fvx_ssl.encoders import Encoder, load, resolve
from fvx_ssl.source import LAYER, MODEL, RATE_HZ, Source

MIN_DURATION_S = 0.1
_WHISPER_S = 29.9  # it takes half a minute at most


@dataclass(frozen=True)
class SslEmbeddings(Feature):
    """What a network that learned speech by listening makes of each moment; no ear can follow it.

    The model lies where the environment variable ``FVX_SSL_MODEL`` says: a folder as
    transformers keeps them, or an ONNX file. Clips are brought to 16 kHz, and to zero mean and
    unit variance where the model wants that. Long ones go through in pieces with context on
    both sides, so that memory does not grow with the clip.

    Parameters
    ----------
    model : str
        What the model is called; its folder's name.
    fingerprint : str
        Checksum of its description and of a sample of its weights: another model makes other
        numbers.
    layer : int
        From 0, what goes into the first layer, on.
    n_dims : int
        Length of an embedding.
    piece_s, context_s : float
        Length of the pieces, and of what is heard before and after each, in seconds.
    hop_s : float
        Step between frames, in seconds; the model's own, 20 ms for all those named below.

    Returns
    -------
    float32 array, shape (n_frames, n_dims)
        ``ssl_0``, ``ssl_1``, …: the layer's activations, without unit. The model's frames are
        centred at multiples of the hop: silence is put before and after the clip.

    Raises
    ------
    AudioError
        If the clip is shorter than 0.1 s.
    FeatureError
        If the model is not there, is another one, or cannot be run.

    References
    ----------
    Baevski, Zhou, Mohamed and Auli (2020), "wav2vec 2.0: a framework for self-supervised
    learning of speech representations", NeurIPS. Hsu et al. (2021), "HuBERT", IEEE/ACM TASLP
    29. Babu et al. (2022), "XLS-R", Interspeech. Chen et al. (2022), "WavLM", IEEE JSTSP
    16(6). Radford et al. (2023), "Robust speech recognition via large-scale weak
    supervision", ICML. For deepfakes: Tak et al. (2022), "Automatic speaker verification
    spoofing and deepfake detection using wav2vec 2.0 and data augmentation", Odyssey.
    """

    name = "ssl"
    kind = "matrix"
    perceptible = False

    model: str
    fingerprint: str
    layer: int
    n_dims: int
    piece_s: float = 20.0
    context_s: float = 2.0
    hop_s: float = 0.020

    @classmethod
    def of(cls, source: Source, layer: str = "") -> SslEmbeddings:
        """Describe a model's layer; the last where none is named.

        Raises
        ------
        FeatureError
            If the layer is none of its.
        """
        try:
            wanted = int(layer) if layer.strip() else None
        except ValueError:
            raise FeatureError(f"{LAYER} is {layer!r}, not a whole number") from None
        n_dims, n_layers = source.n_dims, source.n_layers
        if source.path.suffix == ".onnx":
            encoder = load(source)  # how many layers it gives is known to the graph alone
            n_dims, n_layers = encoder.n_dims, encoder.n_layers
        if n_dims is None or n_layers is None:
            raise FeatureError(f"{source.path}: config.json does not say its layers and dimensions")
        number = resolve(wanted, n_layers)
        return cls(source.name, source.fingerprint(), number, n_dims, hop_s=source.hop_s)

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # as many as the model has
        return tuple(f"ssl_{number}" for number in range(self.n_dims))

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        if audio.duration_s < MIN_DURATION_S:
            raise AudioError(
                f"{audio.duration_s:.3f} s is too short for {self.model}, "
                f"which needs at least {MIN_DURATION_S} s"
            )
        encoder = _encoder(self.fingerprint)
        samples = _resampled(audio)
        if encoder.source.normalised:
            deviation = math.sqrt(float(samples.var(dtype=np.float64)) + 1e-7)
            samples = ((samples - samples.mean(dtype=np.float64)) / deviation).astype(np.float32)
        found = np.concatenate(list(self._pieces(samples, encoder)))
        # The law's hop is a whole number of samples at the clip's rate, the model's at 16 kHz.
        exact_s = max(1, round(self.hop_s * audio.rate_hz)) / audio.rate_hz
        nearest = np.rint(np.arange(audio.n_frames(self.hop_s)) * (exact_s / self.hop_s))
        picked: NDArray[np.float32] = found[np.minimum(nearest.astype(int), len(found) - 1)]
        return picked

    def _pieces(
        self, samples: NDArray[np.float32], encoder: Encoder
    ) -> Iterator[NDArray[np.float32]]:
        """Embeddings of all frames, piece by piece."""
        hop, n_frames = encoder.source.hop, 1 + len(samples) // encoder.source.hop
        context, piece = round(self.context_s / self.hop_s), round(self.piece_s / self.hop_s)
        if encoder.source.form == "whisper":
            piece = min(piece, round(_WHISPER_S / self.hop_s) - 2 * context)
        n_pieces = -(-n_frames // piece)
        bounds = [n_frames * number // n_pieces for number in range(n_pieces + 1)]
        for first, last in pairwise(bounds):
            start, end = max(0, first - context), min(n_frames, last + context)
            if encoder.source.form == "whisper":  # which centres its frames itself
                given = samples[start * hop : end * hop]
            else:
                before = start * hop - encoder.source.width // 2
                after = (end - 1) * hop - encoder.source.width // 2 + encoder.source.width
                padding = (max(0, -before), max(0, after - len(samples)))
                given = np.pad(samples[max(0, before) : after], padding)
            found = encoder.encode(given, self.layer)
            if len(found) < end - start or found.shape[1] != self.n_dims:
                raise FeatureError(
                    f"{self.model} gives embeddings of shape {found.shape} for {end - start} "
                    f"frames of {self.n_dims}: its hop is not {self.hop_s} s, or its "
                    "config.json is another model's"
                )
            yield found[first - start : last - start]


def _encoder(fingerprint: str) -> Encoder:
    """The model in the environment, if it is the one that is meant."""
    if not os.environ.get(MODEL):
        raise FeatureError(f"{MODEL} names no model")
    source = Source.from_environment()
    if source.fingerprint() != fingerprint:
        raise FeatureError(f"{source.path}: another model than the one meant ({MODEL})")
    return load(source)


def _resampled(audio: Audio) -> NDArray[np.float32]:
    if audio.rate_hz == RATE_HZ:
        return audio.samples
    common = math.gcd(audio.rate_hz, RATE_HZ)
    resampled = scipy.signal.resample_poly(
        audio.samples.astype(np.float64), RATE_HZ // common, audio.rate_hz // common
    )
    result: NDArray[np.float32] = resampled.astype(np.float32)
    return result
