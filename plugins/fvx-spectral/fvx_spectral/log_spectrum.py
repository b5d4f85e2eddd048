"""Log spectrogram, to be looked at as a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.signal import power_alone


@dataclass(frozen=True)
class LogSpectrum(Feature):
    """Level of each narrow band from moment to moment, against the band's own average in the clip.

    The plain picture of a sound, for a network that learns by itself what to look for in it.
    What microphone, room and equaliser do to the whole clip is in the averages, and taken off
    with them: left is what one moment has and another has not.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a Hann-windowed frame, and step between frames, in seconds. A band is a bin of
        its transform, ``1 / window_s`` wide.
    max_hz : float
        Upper end of the bands.
    floor : float
        Power, re the mean over all frames and bins, added before the logarithm, so that digital
        silence and empty bands do not decide.

    Returns
    -------
    float32 array, shape (n_frames, max_hz * window_s)
        ``level_…_hz_db``: level of a bin in decibels, less its mean over the clip. 0 in digital
        silence, and from half the sampling rate on. Gain does not move it.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.

    References
    ----------
    Koenig, Dunn and Lacy (1946), "The sound spectrograph", Journal of the Acoustical Society of
    America 18(1).
    Zhang, Wang, Cooper, Evans and Yamagishi (2023), "The PartialSpoof database and
    countermeasures for the detection of short fake speech segments embedded in an utterance",
    IEEE/ACM Trans. ASLP 31 (that what is replaced is found where scores are of short segments).
    """

    name = "log_spectrum"
    kind = "matrix"
    perceptible = False
    by_name_only = True

    window_s: float = 0.032
    hop_s: float = 0.010
    max_hz: float = 7000.0
    floor: float = 5e-6

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # they follow a setting
        return tuple(f"level_{round(bin_ / self.window_s)}_hz_db" for bin_ in range(self._n_bins))

    @property
    def _n_bins(self) -> int:
        return int(self.max_hz * self.window_s + 1e-6)

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        size = round(self.window_s * audio.rate_hz)
        spectrum = power_alone(audio, self.window_s, self.hop_s, n_fft=size)
        values = np.zeros((len(spectrum), self._n_bins), np.float32)
        mean = float(spectrum.mean(dtype=np.float64))
        if mean > 0:
            n = min(spectrum.shape[1] - 1, self._n_bins)
            level = spectrum[:, :n] / np.float32(mean)
            level += np.float32(self.floor)
            np.log10(level, out=level)
            level *= 10
            values[:, :n] = level - level.mean(axis=0, dtype=np.float64).astype(np.float32)
        return values
