"""The nhr feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature
from fvx_voice.pitch import PitchSettings
from fvx_voice.spectra import VoicedSpectra, voiced_spectra

LOWEST_HZ, HIGHEST_HZ = 70.0, 4_500.0  # where energy is counted
NOISE_FROM_HZ = 1_500.0  # where noise is: below, the voice's own unsteadiness fills the gaps
LOBE = 2.0  # half the main lobe of a Hann window, in units of one over its length
WIDEST_LOBE = 0.4  # share of f0, so that low voices leave something between their harmonics
HIGHEST_RATIO = 100.0
_BLOCK_FRAMES = 1024

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Nhr(Feature):
    """How much hiss there is between the voice's overtones, set against the overtones.

    In each voiced frame, the energy between the harmonics from 1,500 to 4,500 Hz over that of
    the harmonics from 70 to 4,500 Hz. A harmonic reaches as far as the main lobe of the window
    (at most 0.4 of the pitch) to either side; the density of what lies between is taken to go
    on below the harmonics. Where the pitch moves, the upper harmonics spread and count as
    noise: the measure is made for vowels held still. A clean vowel has up to 1e-4, which leaks
    from its harmonics. The frame is 4.5 longest periods long (60 ms), Hann-windowed.

    Parameters
    ----------
    floor_hz, ceiling_hz : float
        Range in which a pitch is looked for.

    Returns
    -------
    float32 array, shape (1, 3)
        ``nhr_mean``, the average over the voiced frames, which in running speech a few
        frames decide; ``nhr_median``; both are ratios within [0, 100]; ``defined``, 1 or 0. All
        are 0 where the clip has no voiced frame. Below a sampling rate of 9 kHz, half of that
        rate takes the place of 4,500 Hz.

    Raises
    ------
    AudioError
        If the clip is shorter than one frame, or ``ceiling_hz`` lies above a quarter of the
        sampling rate.

    References
    ----------
    Kay Elemetrics (1993), "Multi-Dimensional Voice Program (MDVP) operations manual".
    Deliyski (1993), "Acoustic model and evaluation of pathological voice production",
    Eurospeech 1993, 1969-1972.
    """

    name = "nhr"
    columns = ("nhr_mean", "nhr_median", "defined")
    kind = "per_clip"
    perceptible = True
    hop_s = None

    floor_hz: float = 75.0
    ceiling_hz: float = 600.0

    def extract(self, audio: Audio) -> Floats:
        spectra = audio.shared(voiced_spectra, PitchSettings(self.floor_hz, self.ceiling_hz))
        if not len(spectra.frame):
            return np.zeros((1, 3), np.float32)
        starts = range(0, len(spectra.frame), _BLOCK_FRAMES)
        ratio = np.concatenate([_ratio(spectra, slice(n, n + _BLOCK_FRAMES)) for n in starts])
        return np.array([[ratio.mean(), np.median(ratio), 1]], np.float32)


def _ratio(spectra: VoicedSpectra, rows: slice) -> Floats:
    """Energy between the harmonics over that of the harmonics, shape (n_frames,)."""
    hz = np.arange(spectra.power.shape[1], dtype=np.float32) * np.float32(spectra.bin_hz)
    counted = slice(*np.searchsorted(hz, (LOWEST_HZ, HIGHEST_HZ)))
    high = int(np.searchsorted(hz[counted], NOISE_FROM_HZ))
    energy, f0_hz = spectra.power[rows, counted], spectra.f0_hz[rows, None]
    harmonic = hz[counted] / f0_hz
    distance = np.abs(harmonic - np.rint(harmonic))
    lobe_hz = np.float32(LOBE * spectra.rate_hz / spectra.window_samples)
    between = distance > np.minimum(lobe_hz / f0_hz, np.float32(WIDEST_LOBE))
    gaps = energy * between
    total = energy.sum(axis=1)
    n_between, n_high = between[:, high:].sum(axis=1), energy.shape[1] - high
    noise = gaps[:, high:].sum(axis=1) * (n_high / np.maximum(n_between, 1))
    voice = np.maximum(total - gaps.sum(axis=1), 1e-20)
    ratio: Floats = np.minimum(noise / voice, HIGHEST_RATIO).astype(np.float32)
    return ratio
