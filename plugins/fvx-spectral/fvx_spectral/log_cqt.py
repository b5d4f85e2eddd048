"""Log constant-Q spectrogram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.errors import FeatureError
from fvx_spectral.constant_q import Scale, bins_hz, clip_layout, clip_spectrum, power_blocks
from fvx_spectral.level import FLOOR_DB, level_db


@dataclass(frozen=True)
class LogCqt(Feature):
    """Level at each note of the scale: fine pitch in the bass, fine timing in the treble.

    Power of a constant-Q transform, whose bins are as far apart in the bass as in the treble
    by the ear's measure: a fixed number per octave.

    Parameters
    ----------
    bins_per_octave, n_octaves : int
        Bins in an octave, and how many octaves up from the lowest bin.
    lowest_hz : float
        Centre of the lowest bin; the same at any sampling rate.
    hop_s : float
        Step between frames, in seconds.

    Returns
    -------
    float32 array, shape (n_frames, bins_per_octave * n_octaves)
        ``log_cqt_0_db``, the lowest bin, and so on: decibels re a sine of full scale ±1; at
        least -100, which is also the value of bins that half the sampling rate leaves out.

    Raises
    ------
    AudioError
        If the clip is shorter than 0.2 s.
    FeatureError
        If the lowest bin's band would begin below 0 Hz.

    Notes
    -----
    A band is as wide as its neighbours are apart from each other, plus 26 Hz (at 12 bins per
    octave), so that bass bins do not ring for long. The whole clip is transformed once, for
    ``cqcc`` too. The bins are not sums of those of ``cqcc``, eight times as fine: these would
    be as slow as it is, and blur a click over 0.15 s at 1 kHz, where this bank keeps it in a frame.

    References
    ----------
    Brown (1991), "Calculation of a constant Q spectral transform", Journal of the Acoustical
    Society of America 89(1).
    Schörkhuber, Klapuri, Holighaus and Dörfler (2014), "A Matlab toolbox for efficient perfect
    reconstruction time-frequency transforms with log-frequency resolution", AES 53rd
    International Conference.
    """

    name = "log_cqt"
    kind = "matrix"
    perceptible = False

    bins_per_octave: int = 12
    n_octaves: int = 7
    lowest_hz: float = 60.0
    hop_s: float = 0.010

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # they follow a setting
        return tuple(f"log_cqt_{bin}_db" for bin in range(self.bins_per_octave * self.n_octaves))

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        scale = Scale(self.bins_per_octave, self.lowest_hz, self.n_octaves)
        centre_hz, _ = bins_hz(scale, audio.rate_hz)
        if len(centre_hz) == 0 or centre_hz[0] > self.lowest_hz:
            raise FeatureError(
                f"a band around {self.lowest_hz} Hz does not fit between 0 and "
                f"{audio.rate_hz / 2} Hz: ask for a higher lowest_hz or more bins per octave"
            )
        layout = clip_layout(audio, scale, self.hop_s)
        spectrum = audio.shared(clip_spectrum, layout.n_samples)
        n_frames = audio.n_frames(self.hop_s)
        values = np.full((n_frames, len(self.columns)), FLOOR_DB, np.float32)
        for bins, power in power_blocks(spectrum, layout):
            values[:, bins] = level_db(power[:, :n_frames]).T
        return values
