import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from fvx import Audio

_REFERENCE = Path(__file__).resolve().parents[3] / ".." / "shared" / "reference"
_DATA = _REFERENCE.parent / "data"
N_CLIPS = 24


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    if not _REFERENCE.is_dir():
        pytest.skip("the field's own output on real speech is not on this machine")
    return _REFERENCE


@pytest.fixture
def speech(reference_dir: Path) -> Audio:
    return Audio.read(reference_dir / "D18_1000001.wav")


@pytest.fixture(scope="session")
def real_clips() -> list[Audio]:
    """Two dozen recordings and syntheses."""
    for pattern in ("demos/*/*.flac", "package_sample/*/*.flac"):
        paths = sorted(_DATA.glob(pattern))
        if len(paths) >= N_CLIPS:
            return [Audio.read(path) for path in paths[:: len(paths) // N_CLIPS][:N_CLIPS]]
    pytest.skip("no real speech at hand: the development clips are not on this machine")


class Praat:
    """Spectra of whole clips as Praat takes them, through parselmouth."""

    def __init__(self) -> None:
        parselmouth = pytest.importorskip("parselmouth")
        self.sound = parselmouth.Sound
        self.call = parselmouth.praat.call

    def band_energies(self, clip: Audio, edges_hz):
        spectrum = self.call(self._sound(clip), "To Spectrum", "yes")
        return np.array(
            [self.call(spectrum, "Get band energy", *band) for band in pairwise(edges_hz)]
        )

    def ltas(self, clip: Audio, band_hz: int, n_bands: int):
        """Band levels, slope, tilt, alpha ratio, Hammarberg index: our order and units."""
        edges_hz = [band_hz * band for band in range(n_bands + 1)]
        share = self.band_energies(clip, edges_hz) / self.band_energies(clip, (0, 8000))
        ltas = self.call(self._sound(clip), "To Ltas", 100)
        report = self.call(ltas, "Report spectral tilt", 100, 5000, "Logarithmic", "Least squares")
        low, high = self.band_energies(clip, (50, 1000, 5000))
        return [
            *(10 * np.log10(share)),
            self.call(ltas, "Get slope", 0, 1000, 1000, 4000, "energy"),
            float(re.search(r"Slope: (\S+) dB/decade", report)[1]) * np.log10(2),
            10 * np.log10(high / low),
            self.call(ltas, "Get maximum", 0, 2000, "none")
            - self.call(ltas, "Get maximum", 2000, 5000, "none"),
        ]

    def _sound(self, clip: Audio):
        return self.sound(clip.samples.astype(np.float64), clip.rate_hz)


@pytest.fixture(scope="session")
def praat() -> Praat:
    return Praat()
