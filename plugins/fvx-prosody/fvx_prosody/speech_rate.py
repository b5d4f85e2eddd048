"""The speech_rate feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.signal
from fvx_voice.pitch import PitchSettings, pitch_track
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature
from fvx_prosody.activity import HOP_S, ActivitySettings, activity
from fvx_prosody.intensity import intensity_db


@dataclass(frozen=True)
class SpeechRate(Feature):
    """How many syllables are spoken per second, and how regularly they follow each other.

    A syllable nucleus is a peak of intensity (smoothed over two periods of 50 Hz, so that single
    cycles do not show) that is voiced, lies at most ``range_db`` below the speech level, and
    stands out by at least ``dip_db`` from the dips that part it from higher peaks on either
    side. The paper asks for a dip before the peak only, and above the median level; its authors'
    later version has the level rule used here.

    Parameters
    ----------
    dip_db : float
        Depth of the dip between two syllables, in decibels.
    smoothing_hz : float
        Lowest pitch whose periods shall not show in the intensity.
    range_db, min_pause_s, min_sounding_s : float
        What is sounding, as ``pauses`` tells it.
    floor_hz, ceiling_hz : float
        Range in which a pitch is looked for.

    Returns
    -------
    float32 array, shape (1, 5)
        ``syllables_per_s`` from the first sounding moment to the last;
        ``articulation_syllables_per_s``, the same with pauses left out;
        ``syllable_gap_mean_s`` and ``syllable_gap_sd_s``, times from one nucleus to the next
        where no pause lies between them, 0 when there are none; ``defined``, 1 if there are
        at least three nuclei, else 0.

    Raises
    ------
    AudioError
        If the clip is shorter than a window of the intensity, 128 ms, or ``ceiling_hz`` lies
        above a quarter of the sampling rate.

    References
    ----------
    de Jong and Wempe (2009), "Praat script to detect syllable nuclei and measure speech rate
    automatically", Behavior Research Methods 41(2), 385-390.
    """

    name = "speech_rate"
    columns = (
        "syllables_per_s",
        "articulation_syllables_per_s",
        "syllable_gap_mean_s",
        "syllable_gap_sd_s",
        "defined",
    )
    kind = "per_clip"
    perceptible = True
    hop_s = None

    dip_db: float = 2.0
    smoothing_hz: float = 50.0
    range_db: float = 25.0
    min_pause_s: float = 0.2
    min_sounding_s: float = 0.05
    floor_hz: float = 75.0
    ceiling_hz: float = 600.0

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        settings = ActivitySettings(self.range_db, self.min_pause_s, self.min_sounding_s)
        found = audio.shared(activity, settings)
        span_s = (found.span.stop - found.span.start) * HOP_S
        nuclei = self.nuclei(audio)
        if not len(nuclei):
            return np.zeros((1, 5), np.float32)
        silent = np.cumsum(~found.sounding)
        together = silent[nuclei[1:]] == silent[nuclei[:-1]]
        gaps_s = np.diff(nuclei)[together] * HOP_S
        mean_s, sd_s = (gaps_s.mean(), gaps_s.std()) if len(gaps_s) else (0.0, 0.0)
        spoken_s = span_s - found.pauses_s.sum()
        rates = len(nuclei) / span_s, len(nuclei) / spoken_s
        return np.array([[*rates, mean_s, sd_s, float(len(nuclei) >= 3)]], np.float32)

    def nuclei(self, audio: Audio) -> NDArray[np.intp]:
        """Frames of the grid of 10 ms at which a syllable is loudest, shape (n_nuclei,)."""
        settings = ActivitySettings(self.range_db, self.min_pause_s, self.min_sounding_s)
        found = audio.shared(activity, settings)
        level_db = audio.shared(intensity_db, self.smoothing_hz, HOP_S)
        track = audio.shared(pitch_track, PitchSettings(self.floor_hz, self.ceiling_hz))
        peaks, _ = scipy.signal.find_peaks(level_db, prominence=self.dip_db)
        nuclei: NDArray[np.intp] = peaks[found.sounding[peaks] & track.voiced[peaks]]
        return nuclei
