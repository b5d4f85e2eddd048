"""How much the level of each band moves within a hundredth of a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.errors import AudioError
from fvx.signal import power_alone


@dataclass(frozen=True)
class BandFlutter(Feature):
    """Fast movement of each band's level: what frames of the usual length average away.

    Larynx and noise make the level of a band rise and fall within each period of the voice. A
    vocoder builds that from frames and filters of its own, and often makes it too smooth, or
    too regular.

    Parameters
    ----------
    window_s : float
        Length of the short Hann-windowed frames. A band is a bin of their transform,
        ``1 / window_s`` wide.
    hop_s : float
        Step between the moments that are measured; ``n_steps`` short frames make one.
    n_steps : int
        An odd number.
    max_hz : float
        Upper end of the bands.
    floor : float
        Power, re the mean over all frames and bins, added before the logarithm, so that digital
        silence and empty bands do not decide.

    Returns
    -------
    float32 array, shape (n_frames, 2 * max_hz * window_s)
        ``spread_…_hz_db``, standard deviation of the level of a band over the short frames of a
        moment, in decibels, and after them ``step_…_hz_db``, root mean square of its difference
        from one to the next. 0 in digital silence, and from half the sampling rate on. Gain does
        not move them.

    Raises
    ------
    AudioError
        If the clip is shorter than twice ``hop_s``.

    References
    ----------
    Hermes (1991), "Synthesis of breathy vowels: some research methods", Speech Communication
    10(5-6) (that noise has to follow the glottal cycle).
    Skoglund and Kleijn (2000), "On time-frequency masking in voiced speech", IEEE Trans. Speech
    and Audio Processing 8(4) (that its modulation within a period is heard).
    """

    name = "band_flutter"
    kind = "matrix"
    perceptible = False
    by_name_only = True

    window_s: float = 0.008
    hop_s: float = 0.010
    n_steps: int = 5
    max_hz: float = 7000.0
    floor: float = 5e-6

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # they follow a setting
        bands_hz = [round(bin_ / self.window_s) for bin_ in range(self._n_bins)]
        return tuple(f"{what}_{hz}_hz_db" for what in ("spread", "step") for hz in bands_hz)

    @property
    def _n_bins(self) -> int:
        return int(self.max_hz * self.window_s + 1e-6)

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        if audio.duration_s < 2 * self.hop_s:
            raise AudioError(f"{audio.duration_s:.3f} s is too short; {2 * self.hop_s} s needed")
        n_frames, n_around = audio.n_frames(self.hop_s), self.n_steps // 2
        size = round(self.window_s * audio.rate_hz)
        step_s = self.hop_s / self.n_steps
        spectrum = power_alone(audio, self.window_s, step_s, n_fft=size)
        values = np.zeros((n_frames, 2, self._n_bins), np.float32)
        mean = float(spectrum.mean(dtype=np.float64))
        if mean > 0:
            n = min(spectrum.shape[1] - 1, self._n_bins)
            level = 10 * np.log10(spectrum[:, :n] / np.float32(mean) + np.float32(self.floor))
            # At some rates the short step is no whole number of samples: no moment may drift.
            hop, short = (max(1, round(s * audio.rate_hz)) for s in (self.hop_s, step_s))
            middle = np.round(np.arange(n_frames) * hop / short).astype(np.int64)
            which = middle[:, np.newaxis] + np.arange(-n_around, n_around + 1)
            moments = level[np.clip(which, 0, len(level) - 1)]
            values[:, 0, :n] = moments.std(axis=1)
            values[:, 1, :n] = np.sqrt(np.square(np.diff(moments, axis=1)).mean(axis=1))
        return values.reshape(n_frames, 2 * self._n_bins)
