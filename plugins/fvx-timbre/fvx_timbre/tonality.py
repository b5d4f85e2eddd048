"""Which regions of hearing sound tonal, and which noisy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.errors import FeatureError
from fvx.feature import Feature
from fvx.signal import power_alone
from fvx_timbre.loudness import bark

_BLOCK_FRAMES = 128  # what lies between stays in cache
_FROM_BARK = 1  # below 100 Hz there is hum rather than voice
_FEWEST_BINS = 4
_AUDIBLE_BARK = 24


@dataclass(frozen=True)
class Tonality(Feature):
    """How far tones stand out of the noise in each critical band of hearing.

    What the ear takes together it hears as a tone if one component outweighs the rest, and as
    noise if none does: the strongest bin over the mean of the band says which.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a Hann-windowed frame, and step between frames, in seconds.
    max_bark : int
        Where the last band ends, in Bark.
    floor : float
        Power, re the mean over all frames and bins, added to both, so that bands and pauses with
        next to nothing in them are neither.

    Returns
    -------
    float32 array, shape (n_frames, n_bands)
        ``crest_1_2_bark_db`` and so on, from 1 Bark (100 Hz) up, or from where each band has four
        bins or more: power of the strongest bin over the mean of the band's, in decibels, 0 or
        more. A steady tone gives its band 6 (at 2 Bark) to 17 (at 20 Bark), the number of bins
        over 1.5; white noise has 3.5 to 7 on average. What a tone without any noise around it
        leaks into neighbouring bands counts there, too. 0 in digital silence, and in bands that
        reach above half the sampling rate. Gain does not move it.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.
    FeatureError
        If ``max_bark`` is not from 2 to 24, or no band has four bins.

    References
    ----------
    Zwicker and Terhardt (1980), "Analytical expressions for critical-band rate and critical
    bandwidth as a function of frequency", Journal of the Acoustical Society of America 68(5).
    Fastl and Zwicker (2007), "Psychoacoustics: facts and models", Springer: critical bands.
    Johnston (1988), "Transform coding of audio signals using perceptual noise criteria", IEEE
    Journal on Selected Areas in Communications 6(2): tonal and noisy.
    Peeters (2004), "A large set of audio features for sound description (similarity and
    classification) in the CUIDADO project", Ircam: spectral crest by band.
    """

    name = "tonality"
    kind = "matrix"
    perceptible = True

    window_s: float = 0.064
    hop_s: float = 0.010
    max_bark: int = 21
    floor: float = 1e-6

    def __post_init__(self) -> None:
        if not _FROM_BARK < self.max_bark <= _AUDIBLE_BARK:
            raise FeatureError(f"max_bark must be from 2 to {_AUDIBLE_BARK}, got {self.max_bark}")
        if self._lowest_bark == self.max_bark:
            raise FeatureError(
                f"the band below {self.max_bark} Bark does not have {_FEWEST_BINS} bins with "
                f"windows of {self.window_s} s"
            )

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # they follow a setting
        bands = range(self._lowest_bark, self.max_bark)
        return tuple(f"crest_{lower}_{lower + 1}_bark_db" for lower in bands)

    @property
    def _lowest_bark(self) -> int:
        return _lowest_bark(self.window_s, self.max_bark)

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        spectrum = audio.shared(power_alone, self.window_s, self.hop_s)
        values = np.zeros((len(spectrum), self.max_bark - self._lowest_bark), np.float32)
        floor = float(spectrum.mean(dtype=np.float64)) * self.floor
        first = _first_bins(self._lowest_bark, self.max_bark, spectrum.shape[1], audio.rate_hz)
        if floor < np.finfo(np.float32).tiny or len(first) < 2:
            return values
        n_bins = np.diff(first).astype(np.float32)
        for start in range(0, len(spectrum), _BLOCK_FRAMES):
            rows = slice(start, start + _BLOCK_FRAMES)
            banded = spectrum[rows, : first[-1]]
            peak = np.maximum.reduceat(banded, first[:-1], axis=1)
            mean = np.add.reduceat(banded, first[:-1], axis=1) / n_bins
            crest = (peak + np.float32(floor)) / (mean + np.float32(floor))
            # Rounding may take the mean of equal bins past them.
            values[rows, : len(n_bins)] = 10 * np.log10(np.maximum(crest, 1))
        return values


@lru_cache(maxsize=32)
def _lowest_bark(window_s: float, max_bark: int) -> int:
    """Where those bands begin that have bins enough, as have all above, at any sampling rate."""
    bins_bark = bark(np.arange(0, 20_000, 1 / window_s))
    n_bins = np.diff(np.searchsorted(bins_bark, range(_FROM_BARK, max_bark + 1)))
    too_few = np.flatnonzero(n_bins < _FEWEST_BINS)
    return _FROM_BARK + int(too_few[-1] + 1 if len(too_few) else 0)


@lru_cache(maxsize=32)
def _first_bins(lowest_bark: int, max_bark: int, n_bins: int, rate_hz: int) -> NDArray[np.intp]:
    """First bin of each band that ends below half the rate, and of what comes after the last."""
    bins_bark = bark(np.linspace(0, rate_hz / 2, n_bins))
    edges = [z for z in range(lowest_bark, max_bark + 1) if z <= bins_bark[-1]]
    first: NDArray[np.intp] = np.searchsorted(bins_bark, edges)
    first.flags.writeable = False
    return first
