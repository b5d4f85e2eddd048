"""Glottal pulses: where each period of the voice begins."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor, sqrt

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx_voice.pitch import PitchSettings, PitchTrack, pitch_track

SHORTEST, LONGEST = 0.8, 1.2  # next pulse is looked for this many periods away
MIN_CORRELATION = 0.3  # a pulse that resembles its neighbour less is dropped
EDGE_CORRELATION = 0.7  # one more pulse outside the voiced stretch has to resemble it so much

Doubles = NDArray[np.float64]


def glottal_pulses(audio: Audio, settings: PitchSettings) -> Doubles:
    """Find the pulses in every voiced stretch; ask for them through ``audio.shared``.

    From the largest sample near the middle of a stretch, step by step to both ends: the
    next pulse is 0.8 to 1.2 periods away, where one period of the waveform correlates best
    with that around the present pulse, placed between the samples by a parabola.

    Returns
    -------
    float64 array, shape (n_pulses,)
        Times in seconds, increasing; sample *i* is at ``i / rate_hz``.

    Raises
    ------
    AudioError
        Where ``pitch_track`` does.

    References
    ----------
    Boersma and Weenink, "Praat: doing phonetics by computer", manual page
    "Sound & Pitch: To PointProcess (cc)".
    """
    track = audio.shared(pitch_track, settings)
    walk = _Walk(audio, track)
    pulses: list[float] = []
    for start_s, end_s in voiced_stretches(track, audio.duration_s):
        after_s = pulses[-1] if pulses else -1.0
        pulses += walk.stretch(start_s, end_s, after_s)
    return np.asarray(pulses, np.float64)


def voiced_stretches(track: PitchTrack, duration_s: float) -> Iterator[tuple[float, float]]:
    """Start and end, in seconds, of each run of voiced frames, half a hop around them."""
    edges = np.flatnonzero(np.diff(track.voiced.astype(np.int8), prepend=0, append=0))
    for first, stop in edges.reshape(-1, 2):
        start_s = max(0.0, (first - 0.5) * track.hop_s)
        yield start_s, min(duration_s, (stop - 0.5) * track.hop_s)


class _Walk:
    """Steps from pulse to pulse; plain floats and few array calls, as it runs per period."""

    def __init__(self, audio: Audio, track: PitchTrack) -> None:
        self.rate_hz = audio.rate_hz
        self.samples = audio.samples - audio.samples.mean()
        self.energy = np.concatenate([[0.0], np.cumsum(self.samples.astype(np.float64) ** 2)])
        self.f0_hz: list[float] = track.f0_hz.tolist()
        self.hop_s = track.hop_s

    def stretch(self, start_s: float, end_s: float, after_s: float) -> list[float]:
        """Pulses of one voiced stretch, all of them later than ``after_s``."""
        middle_s = (start_s + end_s) / 2
        half_s = self.period_s(middle_s) / 2
        first = max(0, ceil((middle_s - half_s) * self.rate_hz))
        last = floor((middle_s + half_s) * self.rate_hz) + 1
        seed_s = (first + int(np.abs(self.samples[first:last]).argmax())) / self.rate_hz
        before = self.side(seed_s, -1, start_s, end_s)
        behind = self.side(seed_s, +1, start_s, end_s)
        return [time_s for time_s in [*reversed(before), seed_s, *behind] if time_s > after_s]

    def side(self, pulse_s: float, direction: int, start_s: float, end_s: float) -> list[float]:
        """Pulses on one side of ``pulse_s``, nearest first."""
        found: list[float] = []
        while True:
            step = self.step(pulse_s, direction)
            if step is None:
                return found
            pulse_s, correlation = step
            if not start_s <= pulse_s <= end_s:
                if correlation > EDGE_CORRELATION:
                    found.append(pulse_s)
                return found
            if correlation >= MIN_CORRELATION:
                found.append(pulse_s)

    def step(self, pulse_s: float, direction: int) -> tuple[float, float] | None:
        """Time of the next pulse and its correlation with this one; None beyond the clip."""
        period = self.period_s(pulse_s) * self.rate_hz
        size = round(period)
        here = round(pulse_s * self.rate_hz - period / 2)
        if direction > 0:
            first, last = here + ceil(SHORTEST * period), here + floor(LONGEST * period)
        else:
            first, last = here - floor(LONGEST * period), here - ceil(SHORTEST * period)
        first, last = max(first, 0), min(last, len(self.samples) - size)
        if here < 0 or here + size > len(self.samples) or last <= first:
            return None
        mine = self.samples[here : here + size]
        match = np.correlate(self.samples[first : last + size], mine, "valid")
        energy = self.energy[first + size : last + size + 1] - self.energy[first : last + 1]
        match = match / np.sqrt(np.maximum(energy, 1e-30))
        best = int(match.argmax())
        peak, shift = float(match[best]), 0.0
        if 0 < best < len(match) - 1:
            left, right = float(match[best - 1]), float(match[best + 1])
            curve = left - 2 * peak + right
            if curve < 0:
                shift = 0.5 * (left - right) / curve
        own = sqrt(max(float(self.energy[here + size] - self.energy[here]), 1e-30))
        return pulse_s + (first + best + shift - here) / self.rate_hz, peak / own

    def period_s(self, time_s: float) -> float:
        """Period there, between voiced frames linearly interpolated in frequency."""
        place = time_s / self.hop_s
        frame = min(int(place), len(self.f0_hz) - 1)
        now, after = self.f0_hz[frame], self.f0_hz[min(frame + 1, len(self.f0_hz) - 1)]
        if now > 0 and after > 0:
            return 1 / (now + (place - frame) * (after - now))
        return 1 / max(now, after)
