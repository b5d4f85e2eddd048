"""Audio whose truth is known, to test features on."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fvx.audio import Audio

RATE_HZ = 16_000


def noise(seconds: float, seed: int = 0, rate_hz: int = RATE_HZ) -> Audio:
    """Uniform noise at about -25 dBFS."""
    samples = np.random.default_rng(seed).uniform(-0.1, 0.1, int(seconds * rate_hz))
    return Audio(samples.astype(np.float32), rate_hz)


def sine(hz: float, seconds: float = 1.0, amplitude: float = 0.5, rate_hz: int = RATE_HZ) -> Audio:
    """A pure tone."""
    time_s = np.arange(int(seconds * rate_hz)) / rate_hz
    return Audio((amplitude * np.sin(2 * np.pi * hz * time_s)).astype(np.float32), rate_hz)


def silence(seconds: float = 1.0, rate_hz: int = RATE_HZ) -> Audio:
    """Digital silence."""
    return Audio(np.zeros(int(seconds * rate_hz), np.float32), rate_hz)


def pulse_train(
    periods_s: ArrayLike,
    amplitudes: ArrayLike = 0.5,
    rate_hz: int = RATE_HZ,
) -> Audio:
    """Band-limited pulses, one after each period, at sub-sample positions.

    Parameters
    ----------
    periods_s : array_like, shape (n_pulses,)
        Time to each pulse from the one before it, in seconds; the first is at 10 ms whatever
        its own.
    amplitudes : array_like, shape () or (n_pulses,)
        Peak of each pulse.
    """
    periods = np.asarray(periods_s, np.float64)
    heights = np.broadcast_to(np.asarray(amplitudes, np.float64), periods.shape)
    times_s = np.cumsum(periods) - periods[0] + 0.01
    n_samples = int((times_s[-1] + periods[-1]) * rate_hz)
    samples, half = np.zeros(n_samples + 64), 32
    for time_s, height in zip(times_s, heights, strict=True):
        centre = time_s * rate_hz
        first = int(centre) - half + 1
        offsets = np.arange(first, first + 2 * half) - centre
        taper = 0.5 + 0.5 * np.cos(np.pi * offsets / half)
        inside = slice(max(first, 0), first + 2 * half)
        kernel = height * np.sinc(offsets) * taper
        samples[inside] += kernel[max(-first, 0) :][: len(samples[inside])]
    return Audio(samples[:n_samples].astype(np.float32), rate_hz)


def vowel(
    hz: float = 120.0,
    seconds: float = 1.0,
    formants_hz: tuple[float, ...] = (700.0, 1200.0, 2600.0, 3500.0),
    bandwidths_hz: tuple[float, ...] = (80.0, 90.0, 120.0, 150.0),
    rate_hz: int = RATE_HZ,
) -> Audio:
    """A steady vowel: a pulse train through a cascade of formant resonators, peak 0.5."""
    import scipy.signal

    source = pulse_train(np.full(int(seconds * hz), 1 / hz), 1.0, rate_hz).samples
    filtered = source.astype(np.float64)
    for centre, bandwidth in zip(formants_hz, bandwidths_hz, strict=True):
        radius = np.exp(-np.pi * bandwidth / rate_hz)
        poles = [1.0, -2 * radius * np.cos(2 * np.pi * centre / rate_hz), radius**2]
        filtered = scipy.signal.lfilter([1.0], poles, filtered)
    return Audio((0.5 * filtered / np.abs(filtered).max()).astype(np.float32), rate_hz)
