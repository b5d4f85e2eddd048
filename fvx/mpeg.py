"""MPEG audio that does not say how long it is."""

from __future__ import annotations

import io
import re
from pathlib import Path

# Longer than ten minutes in any case, and so refused, however much of it is read.
_MAX_BYTES = 1 << 26
_START_BYTES = 512
_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_LAYER_3, _MONO = 1, 3
_BIT_RATE = 9  # the index of 128 kbit/s in version 1, of 80 in the others
_N_FRAMES = 1 << 24


def start_of(path: Path) -> tuple[int, bytes]:
    """Where the audio of a file starts after an ID3 tag, and the first bytes from there.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with path.open("rb") as file:
        place, start = 0, file.read(_START_BYTES)
        if start.startswith(b"ID3"):
            size = 0
            for seven_bits in start[6:10]:
                size = size << 7 | seven_bits & 0x7F
            place = 10 + size
            file.seek(place)
            start = file.read(_START_BYTES)
        return place, start


def is_mpeg(path: Path, place: int, start: bytes) -> bool:
    """Whether a file will be given to the MPEG decoder."""
    in_wav = start.startswith(b"RIFF") and start[20:22] == b"\x55\0"
    frame = start[:1] == b"\xff" and start[1:2] >= b"\xe0"
    return in_wav or frame or place > 0 or path.suffix.lower() == ".mp3"


def says_its_length(start: bytes) -> bool:
    """Whether the first frame tells the number of frames."""
    return bool(re.search(rb"Xing|Info|VBRI", start))


def with_length(path: Path, place: int, start: bytes) -> io.BytesIO | None:
    """An MP3 file behind a first frame that promises more frames than there are.

    Where no frame says it, libsndfile reckons the length from the bit rate of the first, and at a
    variable bit rate reads a part of the file for the whole.

    Returns
    -------
    BytesIO or None
        None where it says its length, is no MP3, or is very large.
    """
    header = _first_header(start)
    if header is None or says_its_length(start) or path.stat().st_size > _MAX_BYTES:
        return None
    version, rate_hz, mono = header
    if version == 3:
        size, side = 144 * 128_000 // rate_hz, 17 if mono else 32
    else:
        size, side = 72 * 80_000 // rate_hz, 9 if mono else 17
    rate_bits = start[2] & 0x0C
    frame = bytes((start[0], start[1] | 1, _BIT_RATE << 4 | rate_bits, start[3])) + bytes(side)
    frame += b"Xing" + (1).to_bytes(4, "big") + _N_FRAMES.to_bytes(4, "big")
    return io.BytesIO(frame.ljust(size, b"\0") + path.read_bytes()[place:])


def _first_header(start: bytes) -> tuple[int, int, bool] | None:
    """Version, sampling rate and whether it is mono, of a frame of layer III."""
    if len(start) < 4 or start[0] != 0xFF or start[1] < 0xE0:
        return None
    version, layer, rate = start[1] >> 3 & 3, start[1] >> 1 & 3, start[2] >> 2 & 3
    if version not in _RATES_HZ or layer != _LAYER_3 or rate == 3 or start[2] >> 4 in (0, 15):
        return None
    return version, _RATES_HZ[version][rate], start[3] >> 6 == _MONO
