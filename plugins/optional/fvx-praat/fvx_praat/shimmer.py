"""Praat's shimmer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx_praat.praat import measures, per_clip, pulses, sound

_COMMANDS = (
    ("Get shimmer (local)", 100.0),
    ("Get shimmer (local_dB)", 1.0),
    ("Get shimmer (apq3)", 100.0),
    ("Get shimmer (apq5)", 100.0),
    ("Get shimmer (apq11)", 100.0),
    ("Get shimmer (dda)", 100.0),
)


@dataclass(frozen=True)
class PraatShimmer(Feature):
    """How unsteady the voice's amplitude is from one cycle to the next, as Praat measures it.

    Pulses by ``To PointProcess (periodic, cc)`` over the whole clip.

    Parameters
    ----------
    floor_hz, ceiling_hz : float
        Range in which a pitch is looked for.
    shortest_period_s, longest_period_s : float
        Anything outside is a gap, not a period.
    max_period_factor, max_amplitude_factor : float
        Consecutive periods that differ by a greater factor are not compared.

    Returns
    -------
    float32 array, shape (1, 7)
        Six measures in percent of the mean amplitude, or decibels, all at least 0; ``defined``,
        1 or 0. All are 0 where Praat has no answer to one of them.

    Raises
    ------
    AudioError
        If the clip is shorter than 0.1 s, or Praat refuses it.

    References
    ----------
    Boersma and Weenink, "Praat: doing phonetics by computer", manual page "Voice 3. Shimmer";
    through Jadoul, Thompson and de Boer (2018), "Introducing Parselmouth: a Python interface to
    Praat", Journal of Phonetics 71.
    """

    name = "praat_shimmer"
    columns = (
        "shimmer_local_percent",
        "shimmer_local_db",
        "shimmer_apq3_percent",
        "shimmer_apq5_percent",
        "shimmer_apq11_percent",
        "shimmer_dda_percent",
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
    max_amplitude_factor: float = 1.6

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        points = audio.shared(pulses, self.floor_hz, self.ceiling_hz)
        guards = (self.shortest_period_s, self.longest_period_s, self.max_period_factor)
        both = [audio.shared(sound), points]
        settings = (0, 0, *guards, self.max_amplitude_factor)
        return per_clip(measures(both, _COMMANDS, *settings), len(self.columns))
