"""Audio: a mono waveform that knows its sample rate and shares what was computed from it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from fvx.errors import AudioError

ANALYSIS_RATE_HZ = 16_000
MIN_DURATION_S = 0.2
MAX_DURATION_S = 600.0
MIN_RATE_HZ = 4_000
_BLOCK_VALUES = 1 << 18

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Audio:
    """A mono waveform.

    Attributes
    ----------
    samples : float32 array, shape (n_samples,)
        Amplitude, full scale ±1. Read-only.
    rate_hz : int
        Sampling rate in hertz.
    original_rate_hz : int or None
        Rate of the file it was read from, before resampling; None when made in memory.

    Raises
    ------
    AudioError
        If the samples are not float32 of shape (n_samples,).
    """

    samples: NDArray[np.float32]
    rate_hz: int
    original_rate_hz: int | None = None
    _shared: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype != np.float32:
            raise AudioError(
                f"expected float32 samples of shape (n,), "
                f"got {self.samples.dtype} of shape {self.samples.shape}"
            )
        self.samples.flags.writeable = False

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate_hz

    def n_frames(self, hop_s: float) -> int:
        """Number of frames the frame law gives: frame k is centred at ``k * hop_s``.

        The hop is a whole number of samples, the nearest one at a rate that does not divide.
        """
        return 1 + len(self.samples) // max(1, round(hop_s * self.rate_hz))

    def __reduce__(self) -> tuple[Any, ...]:
        # Without what was shared, which is large and can be computed again; and read-only again.
        return Audio, (self.samples, self.rate_hz, self.original_rate_hz)

    def shared(
        self, function: Callable[Concatenate[Audio, P], T], *settings: P.args, **more: P.kwargs
    ) -> T:
        """Return ``function(self, *settings)``, computed once per clip whoever asks first.

        Arrays in the result (also inside tuples and dataclasses) are made read-only, since
        everyone who asks gets the same ones.
        """
        key = (function, settings, tuple(sorted(more.items())))
        if key not in self._shared:
            self._shared[key] = _frozen(function(self, *settings, **more))
        result: T = self._shared[key]
        return result

    @classmethod
    def read(cls, path: str | Path, rate_hz: int = ANALYSIS_RATE_HZ) -> Audio:
        """Read a file that libsndfile knows (wav, flac, ogg, mp3, …), mono, at ``rate_hz``.

        Channels are averaged; other rates are resampled with soxr (HQ).

        Raises
        ------
        AudioError
            If the file is missing, unreadable, empty, shorter than 0.2 s, longer than 600 s,
            sampled below 4 kHz, holds NaN or infinity, or nothing but one value throughout.
        """
        samples, original_rate_hz = _decode(Path(path))
        if not np.isfinite(samples).all():
            raise AudioError(f"{path}: holds NaN or infinite samples")
        first = samples[0]
        constant = bool((samples == first).all())
        if original_rate_hz != rate_hz:
            import soxr

            samples = soxr.resample(samples, original_rate_hz, rate_hz)
        duration_s = len(samples) / rate_hz
        if duration_s < MIN_DURATION_S:
            raise AudioError(f"{path}: {duration_s:.4f} s long; at least {MIN_DURATION_S} s needed")
        if constant:
            value = f"{first:g}" if first else "zero"
            raise AudioError(f"{path}: digital silence, every sample is {value}")
        return cls(np.ascontiguousarray(samples, np.float32), rate_hz, original_rate_hz)


def _decode(path: Path) -> tuple[NDArray[np.float32], int]:
    """Samples down-mixed to mono, and the file's own rate."""
    import soundfile

    try:
        if not path.exists():
            raise AudioError(f"{path}: no such file")
        if not path.is_file():  # a pipe would be waited for, for ever
            raise AudioError(f"{path}: not a regular file")
        if path.stat().st_size == 0:
            raise AudioError(f"{path}: empty file")
        # As bytes, since a name need not be UTF-8.
        with soundfile.SoundFile(os.fsencode(path)) as file:
            rate_hz = int(file.samplerate)
            if rate_hz < MIN_RATE_HZ:
                raise AudioError(f"{path}: sampled at {rate_hz} Hz; at least {MIN_RATE_HZ} needed")
            limit = int(MAX_DURATION_S * rate_hz)
            blocks, n_read = [], 0
            at_once = max(1, _BLOCK_VALUES // file.channels)
            # In blocks and not by the header's length, which may lie in both directions.
            while n_read <= limit:
                block = file.read(at_once, dtype="float32", always_2d=True)
                if len(block) == 0:
                    break
                n_read += len(block)
                with np.errstate(all="ignore"):  # infinities are looked for in the whole
                    blocks.append(block.mean(axis=1, dtype=np.float32))
    # A type error: the name ends in .raw, and such a file says nothing of its format.
    except (soundfile.SoundFileError, OSError, TypeError) as error:
        raise AudioError(f"{path}: cannot be read as audio ({_reason(error)})") from error
    if n_read > limit:
        raise AudioError(f"{path}: longer than {MAX_DURATION_S:.0f} s; cut it into shorter files")
    if not blocks:
        raise AudioError(f"{path}: no samples in it, or cut short")
    return np.concatenate(blocks), rate_hz


def _reason(error: Exception) -> str:
    text = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return text.strip().rstrip(".").rsplit(": ", 1)[-1] or type(error).__name__


def _frozen(result: T) -> T:
    if isinstance(result, np.ndarray):
        result.flags.writeable = False
    elif isinstance(result, tuple):
        for part in result:
            _frozen(part)
    elif dataclasses.is_dataclass(result):
        for attribute in dataclasses.fields(result):
            _frozen(getattr(result, attribute.name))
    return result
