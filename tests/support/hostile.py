"""Files that are odd, broken or no audio at all, and what fvx is to say of each."""

from __future__ import annotations

import gzip
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from fvx.testing import noise, sine

HZ, AMPLITUDE, SECONDS = 440.0, 0.5, 0.5
CUT = "cut short: its header says"
_MP3_FRAME = 288  # bytes, at 64 kbit/s and 16 kHz; the first says how long the file is


@dataclass(frozen=True)
class Case:
    """A file, and its outcome: read (``reason`` is None), perhaps with a note, or refused.

    ``tone`` is False where what is read need not be the tone of half a second.
    """

    make: Callable[[Path], object]
    reason: str | None = None
    note: str = ""
    tone: bool = True


def tone(rate_hz: int = 16_000, seconds: float = SECONDS) -> NDArray[np.float64]:
    return sine(HZ, seconds, AMPLITUDE, rate_hz).samples.astype(np.float64)


TONE = tone()


def write(
    samples: object = TONE,
    rate_hz: int = 16_000,
    subtype: str | None = None,
    container: str = "WAV",
) -> Callable[[Path], None]:
    """Whatever the name ends in, the container is the one asked for."""

    def make(path: Path) -> None:
        data = np.asarray(samples, np.float64)
        soundfile.write(os.fsencode(path), data, rate_hz, subtype=subtype, format=container)

    return make


def content(data: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(data) and None


def wav(
    samples: object = TONE,
    *,
    rate_hz: int = 16_000,
    channels: int = 1,
    bits: int = 16,
    tag: int = 1,
    align: int | None = None,
    data_size: int | None = None,
    before: bytes = b"",
    after: bytes = b"",
    fmt: bool = True,
) -> bytes:
    """A WAV file by hand, so that its header can lie."""
    data = np.round(32_767 * np.asarray(samples)).astype("<i2").tobytes()
    align = channels * bits // 8 if align is None else align
    per_second = min(rate_hz * align, 0xFFFF_FFFF)
    header = struct.pack("<HHIIHH", tag, channels, rate_hz, per_second, align, bits)
    chunks = before + (b"fmt " + struct.pack("<I", 16) + header if fmt else b"")
    size = len(data) if data_size is None else data_size
    chunks += b"data" + struct.pack("<I", size) + data + after
    riff = min(4 + len(chunks) - len(data) + size, 0xFFFF_FFFF)
    return b"RIFF" + struct.pack("<I", riff) + b"WAVE" + chunks


def edited(
    name: str, change: Callable[[bytes], bytes], samples: object = TONE
) -> Callable[[Path], None]:
    """A file of the kind that the name stands for, changed afterwards."""

    def make(path: Path) -> None:
        whole = path.with_name(f"whole.{name}")
        soundfile.write(whole, np.asarray(samples, np.float64), 16_000)
        path.write_bytes(change(whole.read_bytes()))
        whole.unlink()

    return make


def cut(name: str, share: float = 0.5, samples: object = TONE) -> Callable[[Path], None]:
    return edited(name, lambda data: data[: int(share * len(data))], samples)


def with_value(value: float) -> NDArray[np.float64]:
    samples = TONE.copy()
    samples[99] = value
    return samples


def sparse_wav(hours: float) -> Callable[[Path], None]:
    """Hours of digital silence that occupy no disk."""

    def make(path: Path) -> None:
        size = int(hours * 3600 * 16_000) * 2
        path.write_bytes(wav([], data_size=size))
        os.truncate(path, 44 + size)

    return make


def long(container: str, seconds: int, subtype: str | None = None) -> Callable[[Path], None]:
    second = tone(4_000, 1.0)

    def make(path: Path) -> None:
        settings = {"format": container, "subtype": subtype}
        with soundfile.SoundFile(path, "w", 4_000, 1, **settings) as file:
            for _ in range(seconds):
                file.write(second)

    return make


def flac_with_length(data: bytes, n_samples: int) -> bytes:
    """STREAMINFO's 36 bits of total samples, changed."""
    changed = bytearray(data)
    packed = int.from_bytes(changed[18:26], "big") >> 36 << 36 | n_samples
    changed[18:26] = packed.to_bytes(8, "big")
    return bytes(changed)


NO_AUDIO = {
    "text": b"Dear reader,\n" * 50,
    "html": b"<!doctype html><title>404</title>" * 20,
    "json": b'{"error": "not found"}' * 20,
    "png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
    "jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(range(256)) * 8,
    "pdf": b"%PDF-1.7\n" + bytes(range(256)) * 8,
    "elf": b"\x7fELF\x02\x01\x01" + bytes(2_000),
    "gzip": gzip.compress(bytes(9_999), mtime=0),
    "zip": b"PK\x03\x04" + bytes(range(256)) * 4,
    "m4a": b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom\0\0\0\0" + bytes(range(256)) * 8,
    "mp4": b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + bytes(range(256)) * 8,
    "webm": b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01" + bytes(range(256)) * 8,
    "wma": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(range(256)) * 8,
    "amr": b"#!AMR\n" + b"\x3c" + bytes(range(256)) * 8,
    "aac": b"\xff\xf1\x50\x80" + bytes(range(256)) * 8,
    "zeros": bytes(20_000),
    "ones": b"\xff" * 20_000,
    "chance": np.random.default_rng(0).bytes(20_000),
    "one byte": b"R",
    "riff": b"RIFF",
    "riff and no more": b"RIFF\x24\0\0\0WAVE",
}
UNREADABLE = "cannot be read as audio"
MP3 = "mp3"

ODD: dict[str, Case] = {
    # Names.
    "Größe — naïve 声 \N{PILE OF POO}.wav": Case(write()),
    "two\nlines.wav": Case(write()),
    "tab\tquote'\"\\.wav": Case(write()),
    "escape\x1b[31m[bold]%s.wav": Case(write()),
    "-rf.wav": Case(write()),
    "--help": Case(write()),
    ".hidden.wav": Case(write()),
    " spaces .wav": Case(write()),
    "a" * 251 + ".wav": Case(write()),
    "no extension": Case(write()),
    "sub/folder/deep.wav": Case(write()),
    # What the name says, and what it is.
    "flac.wav": Case(write(container="FLAC")),
    "wav.mp3": Case(write()),
    "wav.flac": Case(write()),
    "ogg.wav": Case(write(container="OGG")),
    "mp3.wav": Case(write(container="MP3")),
    "aiff.ogg": Case(write(container="AIFF")),
    "wav.txt": Case(write()),
    # Rates and channels.
    "2 Hz.wav": Case(write(rate_hz=2), "sampled at 2 Hz; at least 4000 needed"),
    "3999 Hz.wav": Case(write(rate_hz=3_999), "sampled at 3999 Hz; at least 4000 needed"),
    "4 kHz.wav": Case(write(tone(4_000), 4_000)),
    "11025 Hz.wav": Case(write(tone(11_025), 11_025)),
    "44.1 kHz.flac": Case(write(tone(44_100), 44_100, container="FLAC")),
    "192 kHz.wav": Case(write(tone(192_000), 192_000)),
    "768 kHz.wav": Case(write(tone(768_000), 768_000)),
    "1 MHz.wav": Case(write(rate_hz=1_000_000), "sampled at 1000000 Hz; at most 768000 can be"),
    "2 GHz.wav": Case(content(wav(rate_hz=0x7FFF_FFFF)), "sampled at 2147483647 Hz; at most"),
    "stereo.wav": Case(write(np.stack([TONE] * 2, 1))),
    "32 channels.wav": Case(write(np.stack([TONE] * 32, 1))),
    "1000 channels.wav": Case(write(np.repeat(TONE[:, None], 1_000, 1))),
    # Samples.
    "no samples.wav": Case(write([]), "no samples in it"),
    "one sample.wav": Case(write([0.5]), "0.0001 s long; at least 0.2 s needed"),
    "two samples.wav": Case(write([0.5, -0.5]), "0.0001 s long; at least 0.2 s needed"),
    "short.wav": Case(write(TONE[:3_199]), "0.1999 s long; at least 0.2 s needed"),
    "just long enough.wav": Case(write(TONE[:3_200]), tone=False),
    "silent.wav": Case(write(0 * TONE), "digital silence, every sample is zero"),
    "silent.mp3": Case(write(0 * TONE, container="MP3"), "digital silence, every sample is zero"),
    "opposite.wav": Case(write(np.stack([TONE, -TONE], 1), subtype="FLOAT"), "digital silence"),
    "constant.wav": Case(write(0 * TONE + 0.25), "digital silence, every sample is 0.25"),
    "constant, 8 kHz.wav": Case(write(0 * TONE - 0.25, 8_000), "digital silence, every sample is"),
    "offset.wav": Case(write(TONE + 0.25)),
    "clipped.wav": Case(write(np.clip(9 * TONE, -1, 1)), tone=False),
    "all clipped.wav": Case(write(np.sign(TONE + 1e-9)), tone=False),
    "over full scale.wav": Case(write(1_000 * TONE, subtype="FLOAT"), tone=False),
    "faint.wav": Case(write(1e-30 * TONE, subtype="FLOAT"), tone=False),
    "denormal.wav": Case(write(1e-40 * TONE, subtype="FLOAT"), tone=False),
    "click.wav": Case(write(np.eye(1, 8_000, 4_000)[0]), tone=False),
    "NaN.wav": Case(write(with_value(np.nan), subtype="FLOAT"), "holds NaN or infinite samples"),
    "all NaN.wav": Case(write(np.nan * TONE, subtype="FLOAT"), "holds NaN or infinite samples"),
    "infinite.wav": Case(write(with_value(np.inf), subtype="FLOAT"), "holds NaN or infinite"),
    "infinities.wav": Case(
        write(np.stack([with_value(np.inf), with_value(-np.inf)], 1), subtype="FLOAT"),
        "holds NaN or infinite samples",
    ),
    "overflow.wav": Case(write(with_value(1e300), subtype="DOUBLE"), "holds NaN or infinite"),
    # Length.
    "an hour, sparse.wav": Case(sparse_wav(1), "longer than 420 s; cut it into shorter files"),
    "two weeks, sparse.wav": Case(sparse_wav(18), "longer than 420 s; cut it"),
    "an hour.flac": Case(long("FLAC", 3_600), "longer than 420 s; cut it"),
    "421 s.wav": Case(long("WAV", 421, "PCM_U8"), "longer than 420 s; cut it"),
    "420 s.wav": Case(long("WAV", 420, "PCM_U8"), tone=False),
    # Cut short.
    "cut header.wav": Case(cut("wav", 0.002), UNREADABLE),
    "header only.wav": Case(edited("wav", lambda data: data[:44]), "no samples in it, or cut"),
    "cut.wav": Case(cut("wav"), note=CUT, tone=False),
    "cut in a sample.wav": Case(edited("wav", lambda d: d[:9_999]), note=CUT, tone=False),
    "cut.aiff": Case(cut("aiff"), note=CUT, tone=False),
    "cut.au": Case(cut("au"), note=CUT, tone=False),
    "cut.w64": Case(cut("w64"), note=CUT, tone=False),
    "cut.rf64": Case(cut("rf64"), note=CUT, tone=False),
    "cut.mp3": Case(cut("mp3", samples=noise(2.0).samples), note=CUT, tone=False),
    "cut.flac": Case(cut("flac", samples=noise(2.0).samples), UNREADABLE),
    "cut.ogg": Case(cut("ogg", samples=noise(2.0).samples), "no samples in it, or cut short"),
    "cut.caf": Case(cut("caf"), UNREADABLE),
    "cut header.flac": Case(cut("flac", 0.01), UNREADABLE),
    "cut header.mp3": Case(edited("mp3", lambda data: data[:100]), UNREADABLE),
    # Lies.
    "promises 5 min.wav": Case(content(wav(data_size=9_600_000)), note="cut short: its header sa"),
    "streamed.wav": Case(content(wav(data_size=0xFFFF_FFFF))),
    "streamed by sox.wav": Case(content(wav(data_size=0x7FFF_F000))),
    "never closed.wav": Case(content(wav(data_size=0)), "no samples in it, or cut short"),
    "promises less.wav": Case(content(wav(data_size=8_000)), tone=False),
    "promises nothing, no fmt.wav": Case(content(wav(fmt=False)), UNREADABLE),
    "0 channels.wav": Case(content(wav(channels=0, align=2)), UNREADABLE),
    "65535 channels.wav": Case(content(wav(channels=0xFFFF, align=2)), UNREADABLE),
    "0 Hz.wav": Case(content(wav(rate_hz=0)), UNREADABLE),
    "0 bits.wav": Case(content(wav(bits=0, align=0)), UNREADABLE),
    "3 bits.wav": Case(content(wav(bits=3, align=1)), tone=False),
    "unknown codec.wav": Case(content(wav(tag=0x1234)), UNREADABLE),
    "promises MP3.wav": Case(content(wav(tag=0x55)), UNREADABLE),
    "endless chunk.wav": Case(content(wav(before=b"LIST\xff\xff\xff\x7f")), UNREADABLE),
    "junk before.wav": Case(content(wav(before=b"junk\x04\0\0\0abcd"))),
    "junk after.wav": Case(content(wav(after=b"\xa5" * 999))),
    "promises more.flac": Case(edited("flac", lambda d: flac_with_length(d, 10**9)), note=CUT),
    "promises less.flac": Case(edited("flac", lambda d: flac_with_length(d, 4_000)), tone=False),
    "says nothing.flac": Case(edited("flac", lambda d: flac_with_length(d, 0))),
    "after an ID3 tag.mp3": Case(edited(MP3, lambda d: b"ID3\3\0\0\0\0\7\x68" + bytes(1_000) + d)),
    "endless ID3 tag.mp3": Case(
        edited(MP3, lambda d: b"ID3\3\0\0\x7f\x7f\x7f\x7f" + d), UNREADABLE
    ),
    "an ID3 tag only.mp3": Case(content(b"ID3\3\0\0\0\0\7\x68" + bytes(1_000)), UNREADABLE),
    "says no length.mp3": Case(edited(MP3, lambda d: d[_MP3_FRAME:]), tone=False),
    "damaged within.mp3": Case(
        edited(MP3, lambda d: d[:900] + b"\xff\xfb\xa5" * 99 + d[1_200:], noise(2.0).samples),
        "0.0389 s long; at least 0.2 s needed; cut short: its header says 2.00 s",
    ),
    "damaged within.flac": Case(
        edited("flac", lambda d: d[:9_000] + bytes(500) + d[9_500:], noise(2.0).samples), UNREADABLE
    ),
    "damaged within.ogg": Case(
        edited("ogg", lambda d: d[:6_000] + bytes(99) + d[6_099:], noise(2.0).samples), tone=False
    ),
    "two in one.wav": Case(content(wav() + wav()), UNREADABLE),
    # No audio.
    "empty.wav": Case(content(b""), "empty file"),
    "raw.raw": Case(content(b"\1\2" * 9_999), "cannot be read as audio (samplerate must be"),
    "sampler.xi": Case(write(container="XI"), "an XI instrument, which does not say"),
    "sampler.sds": Case(write(container="SDS"), "cannot be read as audio (a MIDI sample dump)"),
    **{f"{what} as.wav": Case(content(data), UNREADABLE) for what, data in NO_AUDIO.items()},
    **{f"{what}.{what}": Case(content(data), UNREADABLE) for what, data in NO_AUDIO.items()},
    **{f"{what}.mp3": Case(content(NO_AUDIO[what]), UNREADABLE) for what in ("text", "png", "zip")},
}

# What libsndfile writes, but cannot read again, or only as something else.
_ONE_WAY = {"RAW", "SD2", "SDS", "XI"}
# What it only says that it writes.
_NO_WAY = {
    ("AIFF", "DWVW_12"), ("MP3", "MPEG_LAYER_I"), ("MP3", "MPEG_LAYER_II"),
    ("WAV", "MPEG_LAYER_III"),
}  # fmt: skip


def _formats() -> dict[str, Case]:
    found = {}
    for container in soundfile.available_formats():
        if container in _ONE_WAY:
            continue
        for subtype in soundfile.available_subtypes(container):
            if (container, subtype) not in _NO_WAY:
                # A telephone's rate, which every codec knows.
                make = write(tone(8_000), 8_000, subtype, container)
                found[f"{container} {subtype}.{container.lower()}"] = Case(make)
    return found


FORMATS = _formats()


def link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


# What is there, and no file: never to be waited for, nor followed.
NO_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe.wav": (os.mkfifo, "not a regular file"),
    "folder.wav": (os.mkdir, "not a regular file"),
    "broken link.wav": (link("nowhere.wav"), "no such file"),
    "link in a circle.wav": (link("link in a circle.wav"), "no such file"),
    "device.wav": (link("/dev/zero"), "not a regular file"),
    "gone.wav": (lambda path: None, "no such file"),
}
