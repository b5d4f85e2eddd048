"""The shimmer feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature
from fvx_voice.perturbation import mean_deviation, mean_step, steady_pairs, steady_periods
from fvx_voice.pitch import PitchSettings
from fvx_voice.pulses import glottal_pulses

REACH = 0.2  # share of the neighbouring period that the amplitude is measured over, on each side
_BLOCK_PULSES = 1024  # bounds memory on long clips

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Shimmer(Feature):
    """How unsteady the voice's strength is from one glottal cycle to the next.

    The amplitude :math:`A_i` of a cycle is the root mean square around its pulse, under a Hann
    window that reaches a fifth of the period to either side. With the mean over all *i* at
    which the cycles concerned pass the guards below, relative to the mean amplitude: local is
    :math:`|A_i - A_{i+1}|`; apq3, apq5 and apq11 are the distance of :math:`A_i` from the
    mean of the three, five or eleven around it; dda is three times apq3. In decibels:
    :math:`|20 \\log_{10}(A_{i+1} / A_i)|`.

    Parameters
    ----------
    floor_hz, ceiling_hz : float
        Range in which a pitch is looked for.
    shortest_period_s, longest_period_s : float
        Anything outside is a gap, not a period.
    max_period_factor, max_amplitude_factor : float
        Consecutive cycles that differ by a greater factor are not compared.

    Returns
    -------
    float32 array, shape (1, 7)
        Measures in percent of the mean amplitude, or decibels, all at least 0; ``defined``,
        1 or 0. All are 0 where the clip has no eleven comparable cycles in a row.

    Raises
    ------
    AudioError
        If the clip is shorter than three longest periods, or ``ceiling_hz`` lies above a
        quarter of the sampling rate.

    References
    ----------
    Boersma and Weenink, "Praat: doing phonetics by computer", manual page "Voice 3. Shimmer".
    """

    name = "shimmer"
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
        settings = PitchSettings(self.floor_hz, self.ceiling_hz)
        return self.measure(audio, audio.shared(glottal_pulses, settings))

    def measure(self, audio: Audio, pulses_s: Doubles) -> NDArray[np.float32]:
        """Values for pulses at known times in seconds, shape (1, 7)."""
        shortest_s, longest_s = self.shortest_period_s, self.longest_period_s
        _, steady = steady_periods(pulses_s, shortest_s, longest_s, self.max_period_factor)
        inner = 1 + np.flatnonzero(steady)  # pulses between two comparable periods
        amplitudes = cycle_amplitudes(audio, pulses_s, inner)
        gaps_s = np.diff(pulses_s[inner])
        pairs = steady_pairs(amplitudes, self.max_amplitude_factor)
        pairs &= (gaps_s >= shortest_s) & (gaps_s <= longest_s)
        step = mean_step(amplitudes, pairs)
        step_db = mean_step(20 * np.log10(np.maximum(amplitudes, 1e-12)), pairs)
        apq3, apq5, apq11 = (mean_deviation(amplitudes, pairs, n) for n in (3, 5, 11))
        if step is None or step_db is None or apq3 is None or apq5 is None or apq11 is None:
            return np.zeros((1, len(self.columns)), np.float32)
        percent = 100 / amplitudes.mean()
        relative = [value * percent for value in (apq3, apq5, apq11, 3 * apq3)]
        return np.array([[step * percent, step_db, *relative, 1.0]], np.float32)


def cycle_amplitudes(audio: Audio, pulses_s: Doubles, which: NDArray[np.intp]) -> Doubles:
    """Root mean square around some pulses, shape (len(which),).

    Parameters
    ----------
    pulses_s : float64 array, shape (n_pulses,)
        Times in seconds.
    which : int array
        Pulses asked for, not the first or last.

    Notes
    -----
    The window is the one that Praat's amplitudes show when probed with single clicks: Hann,
    reaching 0.2 of the period before and after, its square as the weight of the mean.
    """
    blocks = [np.zeros(0)]
    for first in range(0, len(which), _BLOCK_PULSES):
        block = which[first : first + _BLOCK_PULSES]
        centre = pulses_s[block, None] * audio.rate_hz
        before = REACH * (pulses_s[block, None] - pulses_s[block - 1, None]) * audio.rate_hz
        after = REACH * (pulses_s[block + 1, None] - pulses_s[block, None]) * audio.rate_hz
        half = int(max(before.max(), after.max())) + 1
        place = np.rint(centre).astype(np.intp) + np.arange(-half, half + 1)
        offset = place - centre
        share = np.abs(offset) / np.where(offset < 0, before, after)
        weight = np.where(share < 1, (0.5 + 0.5 * np.cos(np.pi * share)) ** 2, 0.0)
        weight[(place < 0) | (place >= len(audio.samples))] = 0
        nearby = audio.samples[np.clip(place, 0, len(audio.samples) - 1)].astype(np.float64)
        blocks.append(np.sqrt((nearby**2 * weight).sum(axis=1) / weight.sum(axis=1)))
    return np.concatenate(blocks)
