"""Sound and silence of known timing, Praat, and real speech where it is at hand."""

from pathlib import Path

import numpy as np
import pytest

from fvx.audio import Audio
from fvx.testing import RATE_HZ, noise, vowel

DATA = Path(__file__).resolve().parents[3] / ".." / "shared" / "data"
N_CLIPS = 24


class Sounds:
    """Clips made to measure."""

    def joined(self, *parts: Audio | float) -> Audio:
        """Clips one after the other; a number is that many seconds of silence."""
        samples = [
            np.zeros(round(part * RATE_HZ), np.float32) if isinstance(part, float) else part.samples
            for part in parts
        ]
        return Audio(np.concatenate(samples), RATE_HZ)

    def scaled(self, audio: Audio, level_db: float) -> Audio:
        return Audio(audio.samples * np.float32(10 ** (level_db / 20)), audio.rate_hz)

    def over_hiss(self, audio: Audio, level_db: float = -45.0) -> Audio:
        """The clip with noise under it, ``level_db`` re that of ``noise``."""
        hiss = noise(audio.duration_s + 0.001, seed=7).samples[: len(audio.samples)]
        return Audio(audio.samples + hiss * np.float32(10 ** (level_db / 20)), audio.rate_hz)

    def syllables(self, per_s: float, seconds: float = 3.0, depth: float = 0.9) -> Audio:
        """A vowel whose amplitude swells ``per_s`` times a second, from a dip to a dip."""
        voice = vowel(120.0, seconds)
        time_s = np.arange(len(voice.samples)) / voice.rate_hz
        swell = (1 - depth * np.cos(2 * np.pi * per_s * time_s)) / (1 + depth)
        return Audio((voice.samples * swell).astype(np.float32), voice.rate_hz)


class Praat:
    """What Praat says, through parselmouth, on this project's own grid of frames."""

    def __init__(self) -> None:
        parselmouth = pytest.importorskip("parselmouth")
        self.sound = parselmouth.Sound
        self.call = parselmouth.praat.call

    def padded(self, audio: Audio, window_s: float):
        """Sound between zeros of half a window, so that Praat's frame k is centred at ours."""
        hop = round(0.01 * audio.rate_hz)
        whole = audio.samples[: len(audio.samples) // hop * hop].astype(np.float64)
        return self.sound(np.pad(whole, int(window_s / 2 * audio.rate_hz) + 2), audio.rate_hz)

    def intensity_db(self, audio: Audio, floor_hz: float):
        sound = self.padded(audio, 6.4 / floor_hz)
        return sound.to_intensity(floor_hz, 0.01, True).values[0]

    def f0_hz(self, audio: Audio):
        sound = self.padded(audio, 0.04)
        pitch = self.call(
            sound, "To Pitch (ac)", 0.01, 75, 15, "no", 0.03, 0.45, 0.01, 0.35, 0.14, 600
        )
        return pitch.selected_array["frequency"]


@pytest.fixture(scope="session")
def sounds() -> Sounds:
    return Sounds()


@pytest.fixture(scope="session")
def praat() -> Praat:
    return Praat()


@pytest.fixture(scope="session")
def real_clips() -> list[Audio]:
    """Two dozen recordings and syntheses."""
    for pattern in ("demos/*/*.flac", "package_sample/*/*.flac"):
        paths = sorted(DATA.glob(pattern))
        if len(paths) >= N_CLIPS:
            return [Audio.read(path) for path in paths[:: len(paths) // N_CLIPS][:N_CLIPS]]
    pytest.skip("no real speech at hand: the development clips are not on this machine")
