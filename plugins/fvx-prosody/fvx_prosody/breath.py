"""The breath feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from fvx_spectral.log_mel import log_mel_db
from fvx_voice.pitch import PitchSettings, pitch_track
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature
from fvx_prosody.activity import FLOOR_HZ, HOP_S, runs
from fvx_prosody.activity import SPEECH_QUANTILE as QUANTILE
from fvx_prosody.intensity import intensity_db

N_BANDS = 64  # mel bands whose levels tell noise from tone


@dataclass(frozen=True)
class Breath(Feature):
    """Where the speaker may draw breath: soft, noise-like sound shortly before speech.

    These are candidates, found by rule and not by a trained detector: a soft fricative after
    a pause, a rustle or a door can pass for one. A candidate is a stretch of unvoiced frames
    that

    - lie between ``loudest_db`` and ``softest_db`` below the speech level (the 99th percentile
      of intensity), and ``above_floor_db`` above the clip's noise floor (its 5th percentile),
    - are noise-like: the geometric mean of the power in 64 mel bands is at most
      ``flatness_db`` below the arithmetic one,
    - last from ``min_length_s`` to ``max_length_s``,
    - end at most ``before_speech_s`` before the next voiced frame, with a dip of
      ``dip_db`` below the stretch's mean in between: the breath stops before the voice sets in,
      where a fricative runs into it.

    In a clip without any silence there is no noise floor to stand out from, and nothing is found.

    Parameters
    ----------
    loudest_db, softest_db, above_floor_db, flatness_db, dip_db : float
        As above, in decibels.
    min_length_s, max_length_s, before_speech_s : float
        As above, in seconds.
    floor_hz, ceiling_hz : float
        Range in which a pitch is looked for.

    Returns
    -------
    float32 array, shape (1, 5)
        ``breath_count``; ``breaths_per_min`` of the clip; ``breath_mean_s``, mean length;
        ``breath_spacing_s``, mean time from the beginning of one to that of the next, 0 when
        there are fewer than two; ``defined``, 1 if there is one, else 0.

    Raises
    ------
    AudioError
        If the clip is shorter than 64 ms, or ``ceiling_hz`` lies above a quarter of the
        sampling rate.

    References
    ----------
    Ruinskiy and Lavner (2007), "An effective algorithm for automatic detection and exact
    demarcation of breath sounds in speech and song signals", IEEE Transactions on Audio, Speech
    and Language Processing 15(3), 838-850 (what marks a breath).
    Layton et al. (2024), "Every breath you don't take: deepfake speech detection using breath",
    arXiv 2404.15143 (number, length and spacing as evidence).
    """

    name = "breath"
    columns = ("breath_count", "breaths_per_min", "breath_mean_s", "breath_spacing_s", "defined")
    kind = "per_clip"
    perceptible = True
    hop_s = None

    loudest_db: float = 15.0
    softest_db: float = 50.0
    above_floor_db: float = 6.0
    flatness_db: float = 10.0
    dip_db: float = 3.0
    min_length_s: float = 0.1
    max_length_s: float = 1.0
    before_speech_s: float = 0.4
    floor_hz: float = 75.0
    ceiling_hz: float = 600.0

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        start, stop = self.candidates(audio)
        if not len(start):
            return np.zeros((1, 5), np.float32)
        spacing_s = np.diff(start).mean() * HOP_S if len(start) > 1 else 0.0
        per_min = 60 * len(start) / audio.duration_s
        mean_s = (stop - start).mean() * HOP_S
        return np.array([[len(start), per_min, mean_s, spacing_s, 1.0]], np.float32)

    def candidates(self, audio: Audio) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """First frame, and frame after the last, of each, on the grid of 10 ms."""
        level_db = audio.shared(intensity_db, FLOOR_HZ, HOP_S)
        track = audio.shared(pitch_track, PitchSettings(self.floor_hz, self.ceiling_hz))
        floor_db, speech_db = np.quantile(level_db, [0.05, QUANTILE])
        lowest_db = max(floor_db + self.above_floor_db, speech_db - self.softest_db)
        soft = ~track.voiced & (level_db > lowest_db) & (level_db < speech_db - self.loudest_db)
        start, stop = runs(soft)
        length = stop - start
        fits = (length >= self.min_length_s / HOP_S) & (length <= self.max_length_s / HOP_S)
        voiced = np.append(np.flatnonzero(track.voiced), np.iinfo(np.intp).max)
        onset = voiced[np.searchsorted(voiced, stop)]
        fits &= onset - stop <= self.before_speech_s / HOP_S
        kept = [
            row
            for row in np.flatnonzero(fits)
            if self._stops_short(level_db, start[row], stop[row], onset[row])
            and self._is_noise(audio, slice(start[row], stop[row]))
        ]
        return start[kept], stop[kept]

    def _stops_short(
        self, level_db: NDArray[np.float32], start: int, stop: int, onset: int
    ) -> bool:
        """Whether the level dips between a stretch and the voice after it."""
        lowest_db = level_db[stop : max(onset, stop + 1)].min()
        return bool(lowest_db < level_db[start:stop].mean() - self.dip_db)

    def _is_noise(self, audio: Audio, stretch: slice) -> bool:
        """Whether the spectrum of the stretch is broad rather than peaked."""
        bands_db = audio.shared(log_mel_db, 0.025, HOP_S, N_BANDS)[stretch]
        power = (10 ** (bands_db / 10)).mean(axis=0)
        arithmetic_db = 10 * np.log10(power.mean())
        return bool(np.mean(10 * np.log10(power)) > arithmetic_db - self.flatness_db)
