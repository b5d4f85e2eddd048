"""The Feature contract as tests that a plugin inherits, and synthetic audio to test on."""

from __future__ import annotations

import json
import pickle
import re

import numpy as np
import pytest

from fvx.audio import Audio
from fvx.errors import AudioError
from fvx.feature import Feature

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
    periods_s: np.typing.ArrayLike,
    amplitudes: np.typing.ArrayLike = 0.5,
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


class FeatureContract:
    """Subclass in a plugin's tests and set ``feature``; pytest does the rest."""

    feature: Feature

    def test_settings_survive_storage(self) -> None:
        stored = json.loads(json.dumps(self.feature.settings))
        assert type(self.feature)(**stored) == self.feature

    def test_travels_to_a_worker(self) -> None:
        assert pickle.loads(pickle.dumps(self.feature)) == self.feature

    def test_docstring_cites_its_source(self) -> None:
        assert self.feature.source, "the docstring needs a References section"

    def test_columns_are_unique(self) -> None:
        assert len(set(self.feature.columns)) == len(self.feature.columns) > 0

    def test_names_are_lower_case_words(self) -> None:
        for name in (self.feature.name, *self.feature.columns):
            assert re.fullmatch(r"[a-z][a-z0-9_]*", name), name

    def test_kind_and_hop_agree(self) -> None:
        assert self.feature.kind in ("per_clip", "contour", "matrix")
        assert (self.feature.hop_s is None) == (self.feature.kind == "per_clip")
        assert isinstance(self.feature.perceptible, bool)

    def test_same_clip_same_values(self) -> None:
        np.testing.assert_array_equal(self.feature(noise(1.0)), self.feature(noise(1.0)))

    def test_the_clip_is_left_as_it_was(self) -> None:
        audio = noise(1.0)
        before = audio.samples.copy()
        self.feature(audio)
        np.testing.assert_array_equal(audio.samples, before)

    @pytest.mark.parametrize("seconds", [0.2, 0.3, 1.0, 1.2345, 7.3])
    def test_frames_follow_the_hop(self, seconds: float) -> None:
        audio = noise(seconds)
        n_frames = len(self.feature(audio))  # the call itself refuses any other number
        assert n_frames == (1 if self.feature.hop_s is None else audio.n_frames(self.feature.hop_s))

    @pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 48_000])
    def test_any_sampling_rate_works(self, rate_hz: int) -> None:
        self.feature(noise(0.5, rate_hz=rate_hz))

    @pytest.mark.parametrize("level", [1.0, 1e-6])
    def test_loud_and_faint_clips_are_finite(self, level: float) -> None:
        samples = noise(1.0).samples * np.float32(10 * level)
        self.feature(Audio(samples.astype(np.float32), RATE_HZ))

    def test_silence_is_finite(self) -> None:
        self.feature(silence())

    def test_half_silent_speech_is_finite(self) -> None:
        voice = vowel(seconds=0.5).samples
        self.feature(Audio(np.concatenate([np.zeros_like(voice), voice]), RATE_HZ))

    def test_too_short_a_clip_is_refused(self) -> None:
        with pytest.raises(AudioError):
            self.feature(Audio(np.zeros(1, np.float32), RATE_HZ))
