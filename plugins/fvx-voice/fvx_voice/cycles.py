"""Glottal cycles and their amplitudes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx_voice.perturbation import steady_pairs, steady_periods
from fvx_voice.pitch import PitchSettings
from fvx_voice.pulses import glottal_pulses

REACH = 0.2  # share of the neighbouring period that the amplitude is measured over, on each side
_BLOCK_PULSES = 1024  # bounds memory on long clips

Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Guards:
    """What can be compared: periods within bounds, neighbours within a factor of each other."""

    shortest_period_s: float
    longest_period_s: float
    max_period_factor: float
    max_amplitude_factor: float


@dataclass(frozen=True, eq=False)
class Cycles:
    """Cycles between two comparable periods.

    Attributes
    ----------
    times_s, amplitudes : float64 array, shape (n,)
        Where the pulse is, in seconds, and the root mean square around it.
    pairs, joined : bool array, shape (n - 1,)
        Whether each is alike enough to be compared with the next, and whether the next
        follows within one period. ``pairs`` holds only where ``joined`` does.
    """

    times_s: Doubles
    amplitudes: Doubles
    pairs: Mask
    joined: Mask


def comparable_cycles(audio: Audio, settings: PitchSettings, guards: Guards) -> Cycles:
    """Cycles of the clip; ask for them through ``audio.shared``."""
    return cycles_at(audio, audio.shared(glottal_pulses, settings), guards)


def cycles_at(audio: Audio, pulses_s: Doubles, guards: Guards) -> Cycles:
    """Cycles at pulses whose times are known, in seconds."""
    shortest_s, longest_s = guards.shortest_period_s, guards.longest_period_s
    _, steady = steady_periods(pulses_s, shortest_s, longest_s, guards.max_period_factor)
    inner = 1 + np.flatnonzero(steady)  # pulses between two comparable periods
    amplitudes = cycle_amplitudes(audio, pulses_s, inner)
    gaps_s = np.diff(pulses_s[inner])
    joined = (gaps_s >= shortest_s) & (gaps_s <= longest_s)
    pairs = steady_pairs(amplitudes, guards.max_amplitude_factor) & joined
    return Cycles(pulses_s[inner], amplitudes, pairs, joined)


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
