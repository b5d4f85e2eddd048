"""Praat as the oracle, and real speech where it is at hand."""

from pathlib import Path

import numpy as np
import pytest

from fvx.audio import Audio

DATA = Path(__file__).resolve().parents[3] / ".." / "shared" / "data"
N_CLIPS = 24


class Praat:
    """What Praat says, through parselmouth, on this project's own grid of frames."""

    def __init__(self) -> None:
        parselmouth = pytest.importorskip("parselmouth")
        self.sound = parselmouth.Sound
        self.call = parselmouth.praat.call
        self._pitch = {}

    def pitch(self, audio: Audio):
        """Sound, Pitch, and the seconds of zeros put before the clip.

        With zeros of just over half a window on both sides, and a whole number of hops in
        between, Praat's frame k is centred where ours is.
        """
        if id(audio) not in self._pitch:
            sound, pad_s = self._padded(audio, 0.04)
            pitch = self.call(
                sound, "To Pitch (ac)", 0.01, 75, 15, "no", 0.03, 0.45, 0.01, 0.35, 0.14, 600
            )
            self._pitch[id(audio)] = audio, sound, pitch, pad_s
        return self._pitch[id(audio)][1:]

    def f0_hz(self, audio: Audio):
        return self.pitch(audio)[1].selected_array["frequency"]

    def pulses(self, audio: Audio):
        sound, pitch, _ = self.pitch(audio)
        return sound, self.call([sound, pitch], "To PointProcess (cc)")

    def points(self, times_s):
        points = self.call("Create empty PointProcess", "pulses", 0, float(times_s[-1]) + 0.1)
        for time_s in times_s:
            self.call(points, "Add point", float(time_s))
        return points

    def jitter(self, points):
        """The five measures in our order and units."""
        local, absolute_s, rap, ppq5, ddp = (
            self.call(points, f"Get jitter ({kind})", 0, 0, 0.0001, 0.02, 1.3)
            for kind in ("local", "local, absolute", "rap", "ppq5", "ddp")
        )
        return [100 * local, absolute_s, 100 * rap, 100 * ppq5, 100 * ddp]

    def shimmer(self, sound, points):
        """The six measures in our order and units."""
        local, local_db, *rest = (
            self.call([sound, points], f"Get shimmer ({kind})", 0, 0, 0.0001, 0.02, 1.3, 1.6)
            for kind in ("local", "local_dB", "apq3", "apq5", "apq11", "dda")
        )
        return [100 * local, local_db, *(100 * value for value in rest)]

    def hnr_db(self, audio: Audio):
        """Harmonicity (ac) of 4.5 periods; below -100 where Praat finds none."""
        sound, _ = self._padded(audio, 2 * 4.5 / 75)  # a Gaussian, twice as long as effective
        return self.call(sound, "To Harmonicity (ac)", 0.01, 75, 0.1, 4.5).values[0]

    def cpp_db(self, audio: Audio):
        """Prominence in the smoothed cepstrogram, over a straight line by least squares."""
        sound, _ = self._padded(audio, 0.1)
        cepstra = self.call(sound, "To PowerCepstrogram", 60, 0.01, 5000, 50)
        cepstra = self.call(cepstra, "Smooth", 0.02, 0.0005)
        line = (0.001, 0.05, "Straight", "Least squares")
        table = self.call(cepstra, "To Table (peak prominence)", 60, 330, 0.05, "Parabolic", *line)
        rows = self.call(table, "List", False).splitlines()
        place = rows[0].split("\t").index("cpp")
        return np.array([float(row.split("\t")[place]) for row in rows[1:]])

    def formants(self, audio: Audio):
        """Four frequencies and four bandwidths by Burg's method, NaN where missing."""
        sound, _ = self._padded(audio, 0.05)
        found = self.call(sound, "To Formant (burg)", 0.01, 5, 5500, 0.025, 50)
        ask = found.get_value_at_time, found.get_bandwidth_at_time
        return np.array([[f(n, t) for f in ask for n in (1, 2, 3, 4)] for t in found.ts()])

    def gne(self, audio: Audio):
        sound = self.sound(audio.samples.astype(np.float64), audio.rate_hz)
        ratios = self.call(sound, "To Harmonicity (gne)", 500, 4500, 1000, 300)
        return self.call(ratios, "Get maximum")

    def _padded(self, audio: Audio, window_s: float):
        hop = round(0.01 * audio.rate_hz)
        whole = audio.samples[: len(audio.samples) // hop * hop].astype(np.float64)
        pad = int(window_s / 2 * audio.rate_hz) + 2
        return self.sound(np.pad(whole, pad), audio.rate_hz), pad / audio.rate_hz


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


@pytest.fixture(scope="session")
def with_noise():
    """Adds white noise at a level below the clip, in decibels."""

    def mixed(clip: Audio, snr_db: float, seed: int = 7) -> Audio:
        added = np.random.default_rng(seed).standard_normal(len(clip.samples))
        added *= np.sqrt((clip.samples**2).mean() / 10 ** (snr_db / 10))
        return Audio((clip.samples + added).astype(np.float32), clip.rate_hz)

    return mixed
