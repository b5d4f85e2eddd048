"""Small features that behave, and some that do not; importable by worker processes."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature, hookimpl
from fvx.errors import AudioError

LONG_S = 0.3  # clips longer than this bring out the worst


@dataclass(frozen=True)
class Level(Feature):
    """Magnitude of the sample in the middle of each frame.

    References
    ----------
    Made up for these tests.
    """

    name = "level"
    columns = ("level",)
    kind = "contour"
    perceptible = True

    gain: float = 1.0
    hop_s: float = 0.010

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        if len(audio.samples) < 2:
            raise AudioError("a level needs two samples")
        places = np.arange(audio.n_frames(self.hop_s)) * round(self.hop_s * audio.rate_hz)
        places = np.minimum(places, len(audio.samples) - 1)
        values: NDArray[np.float32] = np.float32(self.gain) * np.abs(audio.samples[places, None])
        return values


@dataclass(frozen=True)
class Ends(Feature):
    """First and last sample.

    References
    ----------
    Made up for these tests.
    """

    name = "ends"
    columns = ("first", "last")
    kind = "per_clip"
    perceptible = False
    hop_s = None

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        if len(audio.samples) < 2:
            raise AudioError("one sample has no two ends")
        return audio.samples[None, [0, -1]]


@dataclass(frozen=True)
class Grid(Feature):
    """Three columns every 20 ms."""

    name = "grid"
    columns = ("a", "b", "c")
    kind = "matrix"
    perceptible = False

    hop_s: float = 0.020

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        n_frames = audio.n_frames(self.hop_s)
        return np.arange(3 * n_frames, dtype=np.float32).reshape(n_frames, 3)


@dataclass(frozen=True)
class Fixed(Feature):
    """What it was given, whatever the clip: for results that break the contract."""

    name = "fixed"
    columns = ("value",)
    kind = "contour"
    perceptible = False

    result: object = None
    hop_s: float = 0.010

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        return self.result  # type: ignore[return-value]


@dataclass(frozen=True)
class Moody(Feature):
    """Misbehaves on long clips, in the way FVX_TEST_MOOD says, or else its setting."""

    name = "moody"
    columns = ("value",)
    kind = "per_clip"
    perceptible = False
    hop_s = None

    mood: str = "raise"

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        if audio.duration_s > LONG_S:
            return _behave(os.environ.get("FVX_TEST_MOOD", self.mood))
        return np.ones((1, 1), np.float32)


@dataclass(frozen=True)
class MoodyToo(Moody):
    """Another such."""

    name = "moody_too"


def _behave(mood: str) -> NDArray[np.float32]:
    match mood:
        case "raise":
            raise ZeroDivisionError("a long\nclip,\0\x1b[31m " + "long" * 200)
        case "silent":
            raise ValueError
        case "speechless":
            raise Speechless
        case "exit":
            raise SystemExit(3)
        case "interrupt":
            raise KeyboardInterrupt
        case "shape":
            return np.zeros((7, 7), np.float32)
        case "dtype":
            return np.zeros((1, 1))
        case "nan":
            return np.full((1, 1), np.nan, np.float32)
        case "die":
            os._exit(9)
        case "crash":
            ctypes.string_at(0)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "orphan":
            if os.fork():
                os._exit(9)
            time.sleep(60)
        case "sleep":
            time.sleep(600)
        case "spin":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                pass
        case "eat":
            eaten = []
            while True:
                eaten.append(bytearray(b"\1") * 20_000_000)
        case "print":
            print("what a plugin has to say")
    return np.ones((1, 1), np.float32)


class Speechless(Exception):
    """Fails also to say why."""

    def __str__(self) -> str:
        raise ValueError


@dataclass(frozen=True)
class Slow(Level):
    """As ``Level``, but waits while a file of the name in FVX_TEST_SLOW is there.

    For 0.05 s, or as long as the file says.
    """

    name = "slow"

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        flag = os.environ.get("FVX_TEST_SLOW")
        if flag and Path(flag).exists():
            time.sleep(float(Path(flag).read_text() or 0.05))
        return super().extract(audio)


@dataclass(frozen=True)
class Tally(Level):
    """As ``Level``, and writes a dot for each call to the file that FVX_TEST_TALLY names."""

    name = "tally"

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        with Path(os.environ["FVX_TEST_TALLY"]).open("a") as file:
            file.write(".")
        return super().extract(audio)


@hookimpl
def fvx_features() -> list[Feature]:
    return [Level(), Ends(), Grid(), Slow(), Moody()]
