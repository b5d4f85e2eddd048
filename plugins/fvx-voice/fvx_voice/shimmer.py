"""The shimmer and shimmer_contour features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature
from fvx_voice.cycles import Cycles, Guards, comparable_cycles, cycles_at
from fvx_voice.perturbation import mean_deviation, mean_step, sliding_step
from fvx_voice.pitch import PitchSettings


@dataclass(frozen=True)
class Shimmer(Feature):
    """How unsteady the voice's strength is from one glottal cycle to the next.

    The amplitude :math:`A_i` of a cycle is the root mean square around its pulse, under a Hann
    window that reaches a fifth of the period to either side. With the mean over all *i* at
    which the cycles concerned pass the guards below, relative to the mean amplitude: local is
    :math:`|A_i - A_{i+1}|`; apq3, apq5, apq11 and apq55 are the distance of :math:`A_i` from
    the mean of the three, five, eleven or fifty-five around it; dda is three times apq3. In
    decibels: :math:`|20 \\log_{10}(A_{i+1} / A_i)|`. In running speech apq55 (MDVP's smoothed
    quotient, sAPQ) is mostly the rise and fall of syllables.

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
    float32 array, shape (1, 9)
        Measures in percent of the mean amplitude, or decibels, all at least 0; ``defined`` and
        ``shimmer_apq55_defined``, 1 or 0. All are 0 where the clip has no eleven comparable
        cycles in a row; apq55 and its companion are 0 where it has no fifty-five.

    Raises
    ------
    AudioError
        If the clip is shorter than three longest periods, or ``ceiling_hz`` lies above a
        quarter of the sampling rate.

    References
    ----------
    Boersma and Weenink, "Praat: doing phonetics by computer", manual page "Voice 3. Shimmer".
    Kay Elemetrics (1993), "Multi-Dimensional Voice Program (MDVP) operations manual", for apq55.
    """

    name = "shimmer"
    version = 2
    columns = (
        "shimmer_local_percent",
        "shimmer_local_db",
        "shimmer_apq3_percent",
        "shimmer_apq5_percent",
        "shimmer_apq11_percent",
        "shimmer_dda_percent",
        "shimmer_apq55_percent",
        "defined",
        "shimmer_apq55_defined",
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
        return self._relate(audio.shared(comparable_cycles, settings, self._guards))

    def measure(self, audio: Audio, pulses_s: NDArray[np.float64]) -> NDArray[np.float32]:
        """Values for pulses at known times in seconds, shape (1, 9)."""
        return self._relate(cycles_at(audio, pulses_s, self._guards))

    @property
    def _guards(self) -> Guards:
        return Guards(
            self.shortest_period_s,
            self.longest_period_s,
            self.max_period_factor,
            self.max_amplitude_factor,
        )

    def _relate(self, cycles: Cycles) -> NDArray[np.float32]:
        amplitudes, pairs = cycles.amplitudes, cycles.pairs
        step = mean_step(amplitudes, pairs)
        step_db = mean_step(20 * np.log10(np.maximum(amplitudes, 1e-12)), pairs)
        apq3, apq5, apq11 = (mean_deviation(amplitudes, pairs, n) for n in (3, 5, 11))
        if step is None or step_db is None or apq3 is None or apq5 is None or apq11 is None:
            return np.zeros((1, len(self.columns)), np.float32)
        percent = 100 / amplitudes.mean()
        apq55 = mean_deviation(amplitudes, pairs, 55)
        relative = [value * percent for value in (apq3, apq5, apq11, 3 * apq3, apq55 or 0.0)]
        known = [1.0, float(apq55 is not None)]
        return np.array([[step * percent, step_db, *relative, *known]], np.float32)


@dataclass(frozen=True)
class ShimmerContour(Feature):
    """How unsteady the voice's strength is at each moment.

    Local shimmer, as of ``shimmer``, of the ``n_cycles`` glottal cycles around the frame,
    within one stretch of voice: the mean of :math:`|A_i - A_{i+1}|` over the pairs that pass the
    guards, relative to their mean amplitude.

    Parameters
    ----------
    floor_hz, ceiling_hz : float
        Range in which a pitch is looked for.
    shortest_period_s, longest_period_s : float
        Anything outside is a gap, not a period.
    max_period_factor, max_amplitude_factor : float
        Consecutive cycles that differ by a greater factor are not compared.
    n_cycles : int
        Cycles around a frame, an odd number; fewer near the ends of a stretch of voice.
    hop_s : float
        Step between frames, in seconds.

    Returns
    -------
    float32 array, shape (n_frames, 2)
        ``shimmer_local_percent``, at least 0; ``voiced``, 1 where half of ``n_cycles - 1``
        pairs can be compared and one of the pulses is nearer than half a longest period.
        Both are 0 elsewhere.

    Raises
    ------
    AudioError
        If the clip is shorter than three longest periods, or ``ceiling_hz`` lies above a
        quarter of the sampling rate.

    References
    ----------
    Boersma and Weenink, "Praat: doing phonetics by computer", manual page "Voice 3. Shimmer".
    """

    name = "shimmer_contour"
    columns = ("shimmer_local_percent", "voiced")
    kind = "contour"
    perceptible = True

    floor_hz: float = 75.0
    ceiling_hz: float = 600.0
    shortest_period_s: float = 0.0001
    longest_period_s: float = 0.02
    max_period_factor: float = 1.3
    max_amplitude_factor: float = 1.6
    n_cycles: int = 11
    hop_s: float = 0.010

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        settings = PitchSettings(self.floor_hz, self.ceiling_hz)
        guards = Guards(
            self.shortest_period_s,
            self.longest_period_s,
            self.max_period_factor,
            self.max_amplitude_factor,
        )
        cycles = audio.shared(comparable_cycles, settings, guards)
        hop_s = round(self.hop_s * audio.rate_hz) / audio.rate_hz
        frames_s = np.arange(audio.n_frames(self.hop_s), dtype=np.float64) * hop_s
        share, known = sliding_step(
            cycles.amplitudes,
            cycles.times_s,
            cycles.pairs,
            cycles.joined,
            frames_s,
            self.n_cycles,
            self.longest_period_s / 2,
        )
        return np.stack([100 * share, known], axis=1).astype(np.float32)
