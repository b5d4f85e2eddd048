"""The steps of a channel: room, noise, level, band limits, cutting, and resampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from fvx.audio import MIN_DURATION_S
from fvx.augment.step import Choices, Limits, Range, Samples, Step, as_long_as, draw, rms

_EXPONENTS = {"white": 0.0, "pink": 0.5, "brown": 1.0}  # magnitude falls with frequency to this
_FRAME_S = 0.01


@dataclass(frozen=True)
class Reverberation(Step):
    """A room: the direct sound, then noise that decays exponentially.

    Parameters
    ----------
    rt60_s : range
        Time in which the tail falls by 60 dB, in seconds.
    direct_db : range
        Level of the direct sound over that of the tail, in decibels.

    References
    ----------
    Polack (1988), La transmission de l'énergie sonore dans les salles, thesis, Le Mans: late
    reverberation as decaying Gaussian noise. Ko, Peddinti, Povey, Seltzer and Khudanpur
    (2017), "A study on data augmentation of reverberant speech for robust speech recognition",
    ICASSP.
    """

    kind = "reverberation"
    limits: ClassVar[Limits] = {"rt60_s": (0.02, 5.0), "direct_db": (-20.0, 60.0)}

    rt60_s: Range = (0.1, 0.6)
    direct_db: Range = (0.0, 15.0)

    def apply(self, samples: Samples, rate_hz: int, rng: np.random.Generator) -> Samples:
        """Add the tail; the end is cut where it was."""
        rt60_s, direct_db = draw(rng, self.rt60_s), draw(rng, self.direct_db)
        delay_s = rng.uniform(0.001, 0.02)  # to the first reflection
        time_s = np.arange(round(rt60_s * rate_hz)) / rate_hz
        tail = rng.standard_normal(len(time_s)) * 10 ** (-3 * time_s / rt60_s)
        # Air and walls swallow high frequencies first.
        tail = scipy.signal.lfilter([1.0], [1.0, -rng.uniform(0.0, 0.7)], tail)
        tail *= 10 ** (-direct_db / 20) / np.sqrt(np.sum(np.square(tail)))
        response = np.concatenate([np.zeros(max(1, round(delay_s * rate_hz))), tail])
        response[0] = 1.0
        return as_long_as(scipy.signal.fftconvolve(samples, response), len(samples))


@dataclass(frozen=True)
class Noise(Step):
    """Steady noise of a colour, over the whole clip.

    Parameters
    ----------
    snr_db : range
        Level of the clip over that of the noise, in decibels.
    colours : choice of "white", "pink", "brown"
        Spectra that are flat, or fall by 3 or 6 dB per octave from 20 Hz on.
    """

    kind = "noise"
    limits: ClassVar[Limits] = {"snr_db": (-10.0, 100.0)}
    choices: ClassVar[Choices] = {"colours": tuple(_EXPONENTS)}

    snr_db: Range = (10.0, 40.0)
    colours: tuple[str, ...] = ("white", "pink", "brown")

    def apply(self, samples: Samples, rate_hz: int, rng: np.random.Generator) -> Samples:
        """Add the noise."""
        exponent = _EXPONENTS[self.colours[rng.integers(len(self.colours))]]
        snr_db = draw(rng, self.snr_db)
        noise = _coloured(len(samples), rate_hz, exponent, rng)
        noise *= rms(samples) / rms(noise) * 10 ** (-snr_db / 20)
        return (samples + noise).astype(np.float32)


@dataclass(frozen=True)
class Level(Step):
    """Another level.

    Parameters
    ----------
    peak_db : range
        Of the largest sample, in decibels of full scale.
    """

    kind = "level"
    limits: ClassVar[Limits] = {"peak_db": (-60.0, 0.0)}

    peak_db: Range = (-20.0, -1.0)

    def apply(self, samples: Samples, rate_hz: int, rng: np.random.Generator) -> Samples:
        """Scale the clip."""
        peak = max(1e-9, float(np.abs(samples).max()))
        return (samples * (10 ** (draw(rng, self.peak_db) / 20) / peak)).astype(np.float32)


@dataclass(frozen=True)
class Band(Step):
    """Band limits, Butterworth filters of second to eighth order.

    Parameters
    ----------
    low_hz, high_hz : range
        Where the band begins and ends, in hertz; an end above 0.45 of the sampling rate is none.
    """

    kind = "band"
    limits: ClassVar[Limits] = {"low_hz": (10.0, 2_000.0), "high_hz": (500.0, 100_000.0)}

    low_hz: Range = (20.0, 300.0)
    high_hz: Range = (3_000.0, 8_000.0)

    def apply(self, samples: Samples, rate_hz: int, rng: np.random.Generator) -> Samples:
        """Filter the clip, causally, as a device would."""
        low_hz, high_hz = draw(rng, self.low_hz), draw(rng, self.high_hz)
        filtered = samples.astype(np.float64)
        for hz, side in ((low_hz, "highpass"), (high_hz, "lowpass")):
            order = 2 * int(rng.integers(1, 5))
            if hz < 0.45 * rate_hz:
                filter_ = scipy.signal.butter(order, hz, side, fs=rate_hz, output="sos")
                filtered = scipy.signal.sosfilt(filter_, filtered)
        return filtered.astype(np.float32)


@dataclass(frozen=True)
class Trim(Step):
    """The quiet ends cut off, but for a margin; a clip of 0.2 s at least is left.

    Parameters
    ----------
    below_db : range
        How far below the loudest 10 ms a frame is quiet, in decibels.
    margin_s : range
        What is left of the quiet at each end, in seconds.
    """

    kind = "trim"
    limits: ClassVar[Limits] = {"below_db": (10.0, 100.0), "margin_s": (0.0, 10.0)}

    below_db: Range = (30.0, 45.0)
    margin_s: Range = (0.0, 0.2)

    def apply(self, samples: Samples, rate_hz: int, rng: np.random.Generator) -> Samples:
        """Cut both ends."""
        below_db = draw(rng, self.below_db)
        margins = [round(draw(rng, self.margin_s) * rate_hz) for _ in range(2)]
        size = max(1, round(_FRAME_S * rate_hz))
        n_frames = -(-len(samples) // size)
        padded = np.pad(samples, (0, n_frames * size - len(samples))).reshape(n_frames, size)
        energy = np.mean(np.square(padded, dtype=np.float64), axis=1)
        loud = np.flatnonzero(energy >= energy.max() * 10 ** (-below_db / 10))
        first = max(0, int(loud[0]) * size - margins[0])
        last = min(len(samples), (int(loud[-1]) + 1) * size + margins[1])
        lacking = round(MIN_DURATION_S * rate_hz) - (last - first)
        if lacking > 0:
            first = max(0, first - lacking)
            last = min(len(samples), max(last, first + round(MIN_DURATION_S * rate_hz)))
        return samples[first:last]


def _coloured(
    n_samples: int, rate_hz: int, exponent: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    length = scipy.fft.next_fast_len(n_samples, real=True)
    spectrum = np.fft.rfft(rng.standard_normal(length))
    hz = np.maximum(np.fft.rfftfreq(length, 1 / rate_hz), 20.0)
    noise: NDArray[np.float64] = np.fft.irfft(spectrum * hz**-exponent, length)[:n_samples]
    return noise
