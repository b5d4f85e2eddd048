"""Praat's jitter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx_praat.praat import measures, per_clip, pulses

_COMMANDS = (
    ("Get jitter (local)", 100.0),
    ("Get jitter (local, absolute)", 1.0),
    ("Get jitter (rap)", 100.0),
    ("Get jitter (ppq5)", 100.0),
    ("Get jitter (ddp)", 100.0),
)


@dataclass(frozen=True)
class PraatJitter(Feature):
    """How unsteady the voice's period is from one cycle to the next, as Praat measures it.

    Pulses by ``To PointProcess (periodic, cc)`` over the whole clip.

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
        1 or 0. All are 0 where Praat has no answer to one of them.

    Raises
    ------
    AudioError
        If the clip is shorter than 0.1 s, or Praat refuses it.

    References
    ----------
    Boersma and Weenink, "Praat: doing phonetics by computer", manual page "Voice 2. Jitter";
    through Jadoul, Thompson and de Boer (2018), "Introducing Parselmouth: a Python interface to
    Praat", Journal of Phonetics 71.
    """

    name = "praat_jitter"
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
        points = audio.shared(pulses, self.floor_hz, self.ceiling_hz)
        guards = (self.shortest_period_s, self.longest_period_s, self.max_period_factor)
        return per_clip(measures(points, _COMMANDS, 0, 0, *guards), len(self.columns))
