"""Audio: a mono waveform that knows its sample rate and shares what was computed from it."""

from __future__ import annotations

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
_BLOCK_FRAMES = 1 << 18

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
        """Number of frames the frame law gives: frame k is centred at ``k * hop_s``."""
        return 1 + len(self.samples) // max(1, round(hop_s * self.rate_hz))

    def shared(
        self, function: Callable[Concatenate[Audio, P], T], *settings: P.args, **more: P.kwargs
    ) -> T:
        """Return ``function(self, *settings)``, computed once per clip whoever asks first.

        Arrays in the result (also inside a tuple or a dataclass-like object's ``__dict__``)
        are made read-only, since everyone who asks gets the same ones.
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
            sampled below 4 kHz, digitally silent, or holds NaN or infinity.
        """
        samples, original_rate_hz = _decode(Path(path))
        if not np.isfinite(samples).all():
            raise AudioError(f"{path}: holds NaN or infinite samples")
        if original_rate_hz != rate_hz:
            import soxr

            samples = soxr.resample(samples, original_rate_hz, rate_hz)
        duration_s = len(samples) / rate_hz
        if duration_s < MIN_DURATION_S:
            raise AudioError(f"{path}: {duration_s:.3f} s long; at least {MIN_DURATION_S} s needed")
        if not samples.any():
            raise AudioError(f"{path}: digital silence, every sample is zero")
        return cls(np.ascontiguousarray(samples, np.float32), rate_hz, original_rate_hz)


def _decode(path: Path) -> tuple[NDArray[np.float32], int]:
    """Samples down-mixed to mono, and the file's own rate."""
    import soundfile

    if not path.exists():
        raise AudioError(f"{path}: no such file")
    if not path.is_file():
        raise AudioError(f"{path}: not a regular file")
    if path.stat().st_size == 0:
        raise AudioError(f"{path}: empty file")
    try:
        with soundfile.SoundFile(path) as file:
            rate_hz = int(file.samplerate)
            if rate_hz < MIN_RATE_HZ:
                raise AudioError(f"{path}: sampled at {rate_hz} Hz; at least {MIN_RATE_HZ} needed")
            limit = int(MAX_DURATION_S * rate_hz)
            blocks, n_read = [], 0
            # In blocks and not by the header's length, which may lie in both directions.
            while n_read <= limit:
                block = file.read(_BLOCK_FRAMES, dtype="float32", always_2d=True)
                if len(block) == 0:
                    break
                n_read += len(block)
                blocks.append(block.mean(axis=1, dtype=np.float32))
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(f"{path}: cannot be read as audio ({_reason(error)})") from error
    if n_read > limit:
        raise AudioError(f"{path}: longer than {MAX_DURATION_S:.0f} s; cut it into shorter files")
    if not blocks:
        raise AudioError(f"{path}: no samples in it")
    return np.concatenate(blocks), rate_hz


def _reason(error: Exception) -> str:
    text = str(getattr(error, "error_string", error)).strip().rstrip(".")
    return text.rsplit(": ", 1)[-1] or type(error).__name__


def _frozen(result: T) -> T:
    if isinstance(result, np.ndarray):
        result.flags.writeable = False
    elif isinstance(result, tuple):
        for part in result:
            _frozen(part)
    elif hasattr(result, "__dict__"):
        for part in vars(result).values():
            if isinstance(part, np.ndarray):
                part.flags.writeable = False
    return result
