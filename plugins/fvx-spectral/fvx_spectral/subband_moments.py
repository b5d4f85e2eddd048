"""How ragged the spectrum is within a band: spread and skewness of its levels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.errors import FeatureError
from fvx.signal import power_alone
from fvx_spectral.bands import band_columns

_BLOCK_FRAMES = 128  # what lies between stays in cache
_FEWEST_BINS = 4
_NATURAL_TO_DB = 10 / np.log(10)

Floats = NDArray[np.float32]
Bins = NDArray[np.intp]


@dataclass(frozen=True)
class SubbandMoments(Feature):
    """How ragged the spectrum is within each band: harmonics, noise and smooth fills differ.

    The levels of neighbouring bins scatter around the mean of their band. Noise scatters widely,
    with deep notches (skewed down); the harmonics of a high voice stand out of what lies between
    them (skewed up); a smooth spectrum does neither. A fixed channel moves it little, as long as
    its response is smooth within a band.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a Hann-windowed frame, and step between frames, in seconds.
    band_hz, max_hz : int
        Width of a band, and where the last one ends at the latest, in hertz.
    floor : float
        Power, re the mean over all frames and bins, added before the logarithm, so that pauses
        and empty bands do not decide.
    softening_db : float
        Added to the deviation that the skewness is divided by, so that it vanishes with it.

    Returns
    -------
    float32 array, shape (n_frames, 2 * n_bands)
        ``deviation_0_500_hz_db`` and so on, standard deviation of the levels of a band's bins in
        decibels; then ``skewness_0_500_hz`` and so on, mean of the third power of their distance
        from their mean, over that of the (softened) deviation, dimensionless. White noise
        has 5.1 dB and -0.7 on average, a single click 0 and 0. Both are 0 in digital silence,
        and in bands that reach above half the sampling rate. Gain does not move them.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.
    FeatureError
        If a band is narrower than four bins, or none ends at or below ``max_hz``.

    References
    ----------
    Peeters (2004), "A large set of audio features for sound description (similarity and
    classification) in the CUIDADO project", Ircam: moments of the spectrum.
    Johnston (1988), "Transform coding of audio signals using perceptual noise criteria", IEEE
    Journal on Selected Areas in Communications 6(2): tonal and noisy bands by their flatness.
    """

    name = "subband_moments"
    kind = "matrix"
    perceptible = False

    window_s: float = 0.032
    hop_s: float = 0.010
    band_hz: int = 500
    max_hz: int = 8000
    floor: float = 1e-7
    softening_db: float = 0.0434

    def __post_init__(self) -> None:
        if self.band_hz * self.window_s < _FEWEST_BINS:
            raise FeatureError(
                f"a band of {self.band_hz} Hz must hold {_FEWEST_BINS} bins or more, which are "
                f"{1 / self.window_s:g} Hz apart with windows of {self.window_s} s"
            )
        if self.max_hz < self.band_hz:
            raise FeatureError(f"max_hz must be at least band_hz, {self.band_hz}: {self.max_hz}")

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # they follow a setting
        edges_hz = tuple(range(0, self.max_hz + 1, self.band_hz))
        return band_columns("deviation", edges_hz, "_db") + band_columns("skewness", edges_hz, "")

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        size = round(self.window_s * audio.rate_hz)
        spectrum = power_alone(audio, self.window_s, self.hop_s, n_fft=size)
        n_bands = self.max_hz // self.band_hz
        values = np.zeros((len(spectrum), 2 * n_bands), np.float32)
        floor = float(spectrum.mean(dtype=np.float64)) * self.floor
        n_held = min(n_bands, int(audio.rate_hz / 2 // self.band_hz))
        if floor < np.finfo(np.float32).tiny or not n_held:
            return values
        first, n_bins = _bands(self.band_hz, n_held, size, audio.rate_hz)
        softening = np.float32(self.softening_db / _NATURAL_TO_DB)
        for start in range(0, len(spectrum), _BLOCK_FRAMES):
            rows = slice(start, start + _BLOCK_FRAMES)
            # Over the floor and not the mean: it shifts all levels alike, and silence gives 0.
            level = spectrum[rows, : n_bins.sum()] / np.float32(floor)
            level += 1
            np.log(level, out=level)
            level -= np.repeat(_means(level, first, n_bins), n_bins, axis=1)
            moment = level * level
            deviation = np.sqrt(_means(moment, first, n_bins))
            values[rows, :n_held] = np.float32(_NATURAL_TO_DB) * deviation
            moment *= level
            third = _means(moment, first, n_bins)
            values[rows, n_bands : n_bands + n_held] = third / (deviation + softening) ** 3
        return values


def _means(values: Floats, first: Bins, n_bins: Bins) -> Floats:
    """Over each band's bins, shape (n_frames, n_bands)."""
    # Not by a matrix product: that small, its threads would wait for each other on a busy machine.
    sums: Floats = np.add.reduceat(values, first, axis=1)
    sums /= n_bins.astype(np.float32)
    return sums


@lru_cache(maxsize=32)
def _bands(band_hz: int, n_bands: int, size: int, rate_hz: int) -> tuple[Bins, Bins]:
    """First bin and number of bins of each band: the lower edge is in it, the upper is not."""
    bins_hz = np.arange(size // 2 + 1) * rate_hz / size
    edges = np.searchsorted(bins_hz, band_hz * np.arange(n_bands + 1))
    first, n_bins = edges[:-1], np.diff(edges)
    first.flags.writeable = n_bins.flags.writeable = False
    return first, n_bins
