"""The jitter and jitter_contour features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature
from fvx_voice.perturbation import (
    mean_deviation,
    mean_step,
    members,
    sliding_step,
    steady_periods,
)
from fvx_voice.pitch import PitchSettings
from fvx_voice.pulses import glottal_pulses


@dataclass(frozen=True)
class Jitter(Feature):
    """How unsteady the voice's period is from one glottal cycle to the next.

    Periods :math:`T_i` lie between consecutive glottal pulses. With the mean over all
    *i* at which the periods concerned pass the guards below, relative to the mean period:
    local is :math:`|T_i - T_{i+1}|`; rap, ppq5 and ppq55 are the distance of :math:`T_i` from
    the mean of the three, five or fifty-five periods around it; ddp is three times rap.
    Absolute is local in seconds. In running speech ppq55 (MDVP's smoothed quotient, sPPQ) is
    mostly melody.

    Parameters
    ----------
    floor_hz, ceiling_hz : float
        Range in which a pitch is looked for.
    shortest_period_s, longest_period_s : float
        Anything outside is a gap, not a period.
    max_period_factor : float
        Consecutive periods that differ by a greater factor are not compared.

    Returns
    -------
    float32 array, shape (1, 8)
        Six measures in percent of the mean period, or seconds, all at least 0; ``defined`` and
        ``jitter_ppq55_defined``, 1 or 0. All are 0 where the clip has no five comparable
        periods in a row; ppq55 and its companion are 0 where it has no fifty-five.

    Raises
    ------
    AudioError
        If the clip is shorter than three longest periods, or ``ceiling_hz`` lies above a
        quarter of the sampling rate.

    References
    ----------
    Boersma and Weenink, "Praat: doing phonetics by computer", manual pages "Voice 2. Jitter"
    and "PointProcess: Get jitter (local)".
    Kay Elemetrics (1993), "Multi-Dimensional Voice Program (MDVP) operations manual", for ppq55.
    """

    name = "jitter"
    version = 2
    columns = (
        "jitter_local_percent",
        "jitter_absolute_s",
        "jitter_rap_percent",
        "jitter_ppq5_percent",
        "jitter_ddp_percent",
        "jitter_ppq55_percent",
        "defined",
        "jitter_ppq55_defined",
    )
    kind = "per_clip"
    perceptible = True
    hop_s = None

    floor_hz: float = 75.0
    ceiling_hz: float = 600.0
    shortest_period_s: float = 0.0001
    longest_period_s: float = 0.02
    max_period_factor: float = 1.3

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        settings = PitchSettings(self.floor_hz, self.ceiling_hz)
        return self.measure(audio.shared(glottal_pulses, settings))

    def measure(self, pulses_s: NDArray[np.float64]) -> NDArray[np.float32]:
        """Values for pulses at known times in seconds, shape (1, 8)."""
        periods_s, pairs = steady_periods(
            pulses_s, self.shortest_period_s, self.longest_period_s, self.max_period_factor
        )
        step_s = mean_step(periods_s, pairs)
        rap_s, ppq5_s = (mean_deviation(periods_s, pairs, n) for n in (3, 5))
        if step_s is None or rap_s is None or ppq5_s is None:
            return np.zeros((1, len(self.columns)), np.float32)
        percent = 100 / periods_s[members(pairs)].mean()
        ppq55_s = mean_deviation(periods_s, pairs, 55)
        values = [step_s * percent, step_s, rap_s * percent, ppq5_s * percent, 3 * rap_s * percent]
        values += [(ppq55_s or 0.0) * percent, 1.0, float(ppq55_s is not None)]
        return np.array([values], np.float32)


@dataclass(frozen=True)
class JitterContour(Feature):
    """How unsteady the voice's period is at each moment.

    Local jitter, as of ``jitter``, of the ``n_cycles`` glottal cycles around the frame, within
    one stretch of voice: the mean of :math:`|T_i - T_{i+1}|` over the pairs that pass the
    guards, relative to their mean period.

    Parameters
    ----------
    floor_hz, ceiling_hz : float
        Range in which a pitch is looked for.
    shortest_period_s, longest_period_s : float
        Anything outside is a gap, not a period.
    max_period_factor : float
        Consecutive periods that differ by a greater factor are not compared.
    n_cycles : int
        Cycles around a frame, an odd number; fewer near the ends of a stretch of voice.
    hop_s : float
        Step between frames, in seconds.

    Returns
    -------
    float32 array, shape (n_frames, 2)
        ``jitter_local_percent``, at least 0; ``voiced``, 1 where half of ``n_cycles - 1``
        pairs can be compared and one of the periods is nearer than half a longest period.
        Both are 0 elsewhere.

    Raises
    ------
    AudioError
        If the clip is shorter than three longest periods, or ``ceiling_hz`` lies above a
        quarter of the sampling rate.

    References
    ----------
    Boersma and Weenink, "Praat: doing phonetics by computer", manual page
    "PointProcess: Get jitter (local)".
    """

    name = "jitter_contour"
    columns = ("jitter_local_percent", "voiced")
    kind = "contour"
    perceptible = True

    floor_hz: float = 75.0
    ceiling_hz: float = 600.0
    shortest_period_s: float = 0.0001
    longest_period_s: float = 0.02
    max_period_factor: float = 1.3
    n_cycles: int = 11
    hop_s: float = 0.010

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        pulses_s = audio.shared(glottal_pulses, PitchSettings(self.floor_hz, self.ceiling_hz))
        hop_s = round(self.hop_s * audio.rate_hz) / audio.rate_hz
        frames_s = np.arange(audio.n_frames(self.hop_s), dtype=np.float64) * hop_s
        return self.measure(pulses_s, frames_s)

    def measure(
        self, pulses_s: NDArray[np.float64], frames_s: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Values at some times for pulses at known times, in seconds, shape (n_frames, 2)."""
        shortest_s, longest_s = self.shortest_period_s, self.longest_period_s
        periods_s, pairs = steady_periods(pulses_s, shortest_s, longest_s, self.max_period_factor)
        sound = (periods_s >= shortest_s) & (periods_s <= longest_s)
        middles_s = (pulses_s[:-1] + pulses_s[1:]) / 2
        joined = sound[:-1] & sound[1:]
        share, known = sliding_step(
            periods_s, middles_s, pairs, joined, frames_s, self.n_cycles, longest_s / 2
        )
        return np.stack([100 * share, known], axis=1).astype(np.float32)
