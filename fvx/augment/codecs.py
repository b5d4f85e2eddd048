"""The steps that soundfile and soxr do: codecs, there and back in memory, and resampling."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import soundfile
import soxr

from fvx.augment.step import Choices, Limits, Range, Samples, Step, as_long_as, draw
from fvx.errors import AudioError


class _Form(NamedTuple):
    """What libsndfile calls a codec, the rates it is used at, and whether it has a quality."""

    container: str
    subtype: str
    rates_hz: tuple[int, ...]
    graded: bool = False


_TELEPHONE = (8_000,)
_FORMS = {
    "mp3": _Form("MP3", "MPEG_LAYER_III", (16_000, 22_050, 24_000, 32_000, 44_100), True),
    "vorbis": _Form("OGG", "VORBIS", (16_000, 22_050, 32_000, 44_100), True),
    "opus": _Form("OGG", "OPUS", (8_000, 12_000, 16_000, 24_000, 48_000), True),
    "mu-law": _Form("WAV", "ULAW", _TELEPHONE),
    "a-law": _Form("WAV", "ALAW", _TELEPHONE),
    "gsm": _Form("WAV", "GSM610", _TELEPHONE),
    "g721": _Form("AU", "G721_32", _TELEPHONE),
    "adpcm": _Form("WAV", "IMA_ADPCM", (8_000, 16_000, 22_050)),
}
_QUALITIES = ("HQ", "MQ", "LQ", "QQ")  # of soxr, best first: QQ lets images through


@dataclass(frozen=True)
class Codec(Step):
    """Encoded and decoded again, at a rate that the codec is used at.

    Parameters
    ----------
    codecs : choice of "mp3", "vorbis", "opus", "mu-law", "a-law", "gsm", "g721", "adpcm"
    compression : range
        From 0, the best the codec does, to 1, the smallest file; of the first three.
    """

    kind = "codec"
    limits: ClassVar[Limits] = {"compression": (0.0, 1.0)}
    choices: ClassVar[Choices] = {"codecs": tuple(_FORMS)}

    codecs: tuple[str, ...] = ("mp3", "vorbis", "opus", "mu-law", "a-law", "gsm")
    compression: Range = (0.3, 0.95)

    def apply(self, samples: Samples, rate_hz: int, rng: np.random.Generator) -> Samples:
        """Pass the clip through a codec.

        Raises
        ------
        AudioError
            If this libsndfile lacks the codec.
        """
        name = self.codecs[rng.integers(len(self.codecs))]
        form, compression = _FORMS[name], draw(rng, self.compression)
        # A rate far above the clip's own would only cost time.
        sensible = [hz for hz in form.rates_hz if hz <= 1.5 * rate_hz] or form.rates_hz[:1]
        codec_hz = sensible[rng.integers(len(sensible))]
        sent = soxr.resample(samples, rate_hz, codec_hz)
        received = _round_trip(name, form, sent, codec_hz, compression if form.graded else None)
        back = soxr.resample(as_long_as(received, len(sent)), codec_hz, rate_hz)
        return as_long_as(back, len(samples))


@dataclass(frozen=True)
class Resample(Step):
    """Brought to another rate and back, by a resampler good or bad.

    Parameters
    ----------
    rates_hz : choice of whole numbers
    """

    kind = "resample"
    choices: ClassVar[Choices] = {
        "rates_hz": (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
    }

    rates_hz: tuple[int, ...] = (8_000, 11_025, 12_000, 22_050, 24_000, 44_100)

    def apply(self, samples: Samples, rate_hz: int, rng: np.random.Generator) -> Samples:
        """Resample the clip twice."""
        other_hz = self.rates_hz[rng.integers(len(self.rates_hz))]
        there, back = (_QUALITIES[rng.integers(len(_QUALITIES))] for _ in range(2))
        sent = soxr.resample(samples, rate_hz, other_hz, there)
        return as_long_as(soxr.resample(sent, other_hz, rate_hz, back), len(samples))


def _round_trip(
    name: str, form: _Form, samples: Samples, rate_hz: int, compression: float | None
) -> Samples:
    # Encoders wrap or clip what is beyond full scale, each in its own way.
    peak = float(np.abs(samples).max(initial=0.0))
    over = max(1.0, peak)
    memory = io.BytesIO()
    try:
        with soundfile.SoundFile(
            memory, "w", rate_hz, 1, form.subtype, format=form.container,
            compression_level=compression,
        ) as file:  # fmt: skip
            file.write(samples / np.float32(over))
        memory.seek(0)
        decoded, _ = soundfile.read(memory, dtype="float32")
    except (soundfile.SoundFileError, ValueError) as error:
        raise AudioError(f"this libsndfile cannot encode {name} ({error})") from error
    received: Samples = decoded * np.float32(over)
    return received
