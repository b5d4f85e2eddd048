"""Audio: a mono waveform that knows its sample rate and shares what was computed from it."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Hashable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from fvx import mpeg
from fvx.errors import AudioError
from fvx.quiet import quiet

if TYPE_CHECKING:
    import soundfile

ANALYSIS_RATE_HZ = 16_000
MIN_DURATION_S = 0.2
MAX_DURATION_S = 420.0
MIN_RATE_HZ, MAX_RATE_HZ = 4_000, 768_000
_BLOCK_VALUES = 1 << 18
_SHARED_BYTES = 64_000_000  # reached by clips of more than a minute only
# Of these libsndfile says how many samples there are, whatever their header says.
_PLAIN_FORMATS = frozenset({"AIFF", "AU", "RF64", "W64", "WAV", "WAVEX"})
# What it notes where the header says otherwise: bytes of audio promised, and there.
_PROMISE = re.compile(
    r"^ *(?:data|SSND|BODY|Data Size|riff|Riff size) *: (\d+) \(should be (\d+)\)", re.M
)
_UNKNOWN_BYTES, _UNKNOWN_FRAMES = 0x7FFF_0000, 1 << 60
_MISSING_S = 0.1  # an MP3's length is told in frames

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
    notes : tuple of str
        What a listener should know of the file it was read from: that it was cut short.

    Raises
    ------
    AudioError
        If the samples are not float32 of shape (n_samples,).
    """

    samples: NDArray[np.float32]
    rate_hz: int
    original_rate_hz: int | None = None
    notes: tuple[str, ...] = ()
    _shared: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)
    _shared_bytes: dict[Hashable, int] = field(default_factory=dict, init=False, repr=False)

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
        return Audio, (self.samples, self.rate_hz, self.original_rate_hz, self.notes)

    def shared(
        self, function: Callable[Concatenate[Audio, P], T], *settings: P.args, **more: P.kwargs
    ) -> T:
        """Return ``function(self, *settings)``, computed once per clip whoever asks first.

        Arrays in the result (also inside tuples and dataclasses) are made read-only, since
        everyone who asks gets the same ones. Besides the latest result no more than 64 MB are
        kept: of a long clip the largest are let go, and computed again for who asks again.
        """
        key = (function, settings, tuple(sorted(more.items())))
        if key in self._shared:
            kept: T = self._shared[key]
            return kept
        result = function(self, *settings, **more)
        arrays = list(_arrays(result))
        for array in arrays:
            array.flags.writeable = False
        self._shared[key] = result
        self._shared_bytes[key] = sum(map(_held_bytes, arrays))
        self._make_room(key)
        return result

    def forget(self) -> None:
        """Let go of the largest shared results until those left take no more than 64 MB."""
        self._make_room()

    def _make_room(self, latest: Hashable = None) -> None:
        others = {key: n_bytes for key, n_bytes in self._shared_bytes.items() if key != latest}
        while sum(others.values()) > _SHARED_BYTES:
            largest = max(others, key=others.__getitem__)
            del others[largest], self._shared_bytes[largest], self._shared[largest]

    @classmethod
    def read(cls, path: str | Path, rate_hz: int = ANALYSIS_RATE_HZ) -> Audio:
        """Read a file that libsndfile knows (wav, flac, ogg, mp3, …), mono, at ``rate_hz``.

        Channels are averaged; other rates are resampled with soxr (HQ). It is done block by
        block: whatever the file, no more is held than the result and a megabyte. A file that
        holds less than its header says is read as far as it goes, with a note.

        Raises
        ------
        AudioError
            If the file is missing, unreadable, empty, shorter than 0.2 s, longer than 420 s,
            sampled below 4 or above 768 kHz, holds NaN or infinity, or nothing but one value
            throughout.
        """
        samples, original_rate_hz, notes = _decode(Path(path), rate_hz)
        return cls(samples, rate_hz, original_rate_hz, notes)


def _decode(path: Path, rate_hz: int) -> tuple[NDArray[np.float32], int, tuple[str, ...]]:
    """Samples mixed down to mono at a rate, the file's own rate, and what is to be said of it."""
    import soundfile

    try:
        if not path.exists():
            raise AudioError(f"{path}: no such file")
        if not path.is_file():  # a pipe would be waited for, for ever
            raise AudioError(f"{path}: not a regular file")
        if path.stat().st_size == 0:
            raise AudioError(f"{path}: empty file")
        place, start = mpeg.start_of(path)
        if start.startswith(b"\xf0\x7e"):
            raise AudioError(f"{path}: cannot be read as audio (a MIDI sample dump)")
        # These decoders tell the terminal what ails a file, even stdout.
        chatty = start.startswith(b"caff") or mpeg.is_mpeg(path, place, start)
        hushed = quiet(stdout=True, on_error=True) if chatty else nullcontext()
        # The name as bytes, since it need not be UTF-8.
        source = mpeg.with_length(path, place, start) or os.fsencode(path)
        with hushed, soundfile.SoundFile(source) as file:
            # Else it seeks after each block, which fails for instance in a streamed FLAC file.
            file.seekable = lambda: False
            samples, n_read, constant = _mix_down(path, file, rate_hz)
            original_rate_hz, notes = file.samplerate, _notes(file, n_read, start)
    # A type error: the name ends in .raw, and such a file says nothing of its format.
    except (soundfile.SoundFileError, OSError, TypeError) as error:
        raise AudioError(f"{path}: cannot be read as audio ({_reason(error)})") from error
    duration_s = len(samples) / rate_hz
    if duration_s < MIN_DURATION_S:
        reason = f"{duration_s:.4f} s long; at least {MIN_DURATION_S} s needed"
        raise AudioError("; ".join((f"{path}: {reason}", *notes)))
    if constant is not None:
        value = f"{constant:g}" if constant else "zero"
        raise AudioError(f"{path}: digital silence, every sample is {value}")
    return samples, original_rate_hz, notes


def _mix_down(
    path: Path, file: soundfile.SoundFile, rate_hz: int
) -> tuple[NDArray[np.float32], int, float | None]:
    """Samples at a rate, how many the file had, and the value of all, if it is but one.

    No more than a block is held besides.
    """
    import soxr

    if file.format == "XI":  # libsndfile takes 44.1 kHz for granted
        raise AudioError(f"{path}: an XI instrument, which does not say its sampling rate")
    if file.samplerate < MIN_RATE_HZ:
        raise AudioError(f"{path}: sampled at {file.samplerate} Hz; at least {MIN_RATE_HZ} needed")
    if file.samplerate > MAX_RATE_HZ:
        raise AudioError(
            f"{path}: sampled at {file.samplerate} Hz; at most {MAX_RATE_HZ} can be read"
        )
    limit = int(MAX_DURATION_S * file.samplerate)
    too_long = f"{path}: longer than {MAX_DURATION_S:.0f} s; cut it into shorter files"
    if file.format in _PLAIN_FORMATS and file.frames > limit:
        raise AudioError(too_long)
    resampler = soxr.ResampleStream(file.samplerate, rate_hz, 1, dtype="float32")
    parts, n_read, first, constant = [], 0, np.float32(0), True
    at_once = max(1, _BLOCK_VALUES // file.channels)
    # In blocks and not by the header's length, which may lie in both directions.
    while len(block := file.read(at_once, dtype="float32", always_2d=True)):
        with np.errstate(all="ignore"):  # infinities are looked for next
            mono = block.mean(axis=1, dtype=np.float32)
        if not np.isfinite(mono).all():
            raise AudioError(f"{path}: holds NaN or infinite samples")
        first = first if n_read else mono[0]
        constant = constant and bool((mono == first).all())
        n_read += len(mono)
        if n_read > limit:
            raise AudioError(too_long)
        parts.append(mono if rate_hz == file.samplerate else resampler.resample_chunk(mono))
    if not n_read:
        raise AudioError(f"{path}: no samples in it, or cut short")
    if rate_hz != file.samplerate:
        parts.append(resampler.resample_chunk(np.empty(0, np.float32), last=True))
    return np.concatenate(parts), n_read, float(first) if constant else None


def _notes(file: soundfile.SoundFile, n_read: int, start: bytes) -> tuple[str, ...]:
    """Whether the header says that there is more than there is."""
    promised = 0.0
    if file.frames < _UNKNOWN_FRAMES and (file.format != "MP3" or mpeg.says_its_length(start)):
        promised = file.frames
    if found := _PROMISE.search(file.extra_info):
        n_promised, n_there = (int(number) for number in found.groups())
        if n_promised < _UNKNOWN_BYTES:  # more is said by writers that cannot go back
            promised = n_read * n_promised / max(1, n_there)
    there_s, promised_s = n_read / file.samplerate, promised / file.samplerate
    if promised_s - there_s < _MISSING_S:
        return ()
    return (f"cut short: its header says {promised_s:.2f} s, {there_s:.2f} s are there",)


def _reason(error: Exception) -> str:
    text = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    if "possibly a pipe" in text:  # what libsndfile says when the MPEG decoder finds nothing
        return "no MPEG audio in it"
    return text.strip().rstrip(".").rsplit(": ", 1)[-1] or type(error).__name__


def _arrays(result: object) -> Iterator[NDArray[Any]]:
    """The arrays in a result, also inside tuples and dataclasses."""
    if isinstance(result, np.ndarray):
        yield result
    elif isinstance(result, tuple):
        for part in result:
            yield from _arrays(part)
    elif dataclasses.is_dataclass(result):
        for attribute in dataclasses.fields(result):
            yield from _arrays(getattr(result, attribute.name))


def _held_bytes(array: NDArray[Any]) -> int:
    """What an array keeps in memory: a view, all of what it looks at."""
    whole = array
    while isinstance(whole.base, np.ndarray):
        whole = whole.base
    return whole.nbytes
