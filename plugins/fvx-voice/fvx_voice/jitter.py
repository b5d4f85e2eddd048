"""The jitter feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature
from fvx_voice.perturbation import mean_deviation, mean_step, members, steady_periods
from fvx_voice.pitch import PitchSettings
from fvx_voice.pulses import glottal_pulses


@dataclass(frozen=True)
class Jitter(Feature):
    """How unsteady the voice's period is from one glottal cycle to the next.

    Periods :math:`T_i` lie between consecutive glottal pulses. With the mean over all
    *i* at which the periods concerned pass the guards below, relative to the mean period:
    local is :math:`|T_i - T_{i+1}|`; rap and ppq5 are the distance of :math:`T_i` from the
    mean of the three or five periods around it; ddp is three times rap. Absolute is local
    in seconds.

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
    float32 array, shape (1, 6)
        Five measures in percent of the mean period, or seconds, all at least 0; ``defined``,
        1 or 0. All are 0 where the clip has no five comparable periods in a row.

    Raises
    ------
    AudioError
        If the clip is shorter than three longest periods, or ``ceiling_hz`` lies above a
        quarter of the sampling rate.

    References
    ----------
    Boersma and Weenink, "Praat: doing phonetics by computer", manual pages "Voice 2. Jitter"
    and "PointProcess: Get jitter (local)".
    """

    name = "jitter"
    columns = (
        "jitter_local_percent",
        "jitter_absolute_s",
        "jitter_rap_percent",
        "jitter_ppq5_percent",
        "jitter_ddp_percent",
        "defined",
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
        """Values for pulses at known times in seconds, shape (1, 6)."""
        periods_s, pairs = steady_periods(
            pulses_s, self.shortest_period_s, self.longest_period_s, self.max_period_factor
        )
        step_s = mean_step(periods_s, pairs)
        rap_s, ppq5_s = (mean_deviation(periods_s, pairs, n) for n in (3, 5))
        if step_s is None or rap_s is None or ppq5_s is None:
            return np.zeros((1, len(self.columns)), np.float32)
        percent = 100 / periods_s[members(pairs)].mean()
        values = [step_s * percent, step_s, rap_s * percent, ppq5_s * percent, 3 * rap_s * percent]
        return np.array([[*values, 1.0]], np.float32)
