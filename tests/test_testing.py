from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import fakes
import numpy as np
import pytest
import scipy.signal
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.errors import FvxError
from fvx.feature import Feature
from fvx.testing import FeatureContract, noise, pulse_train, silence, sine, vowel


class TestContourContract(FeatureContract):
    feature = fakes.Level()


class TestPerClipContract(FeatureContract):
    feature = fakes.Ends()


def contract(feature: Feature) -> FeatureContract:
    made = FeatureContract()
    made.feature = feature
    return made


@dataclass(frozen=True)
class Random(fakes.Level):
    def extract(self, audio: Audio) -> NDArray[np.float32]:
        rng = np.random.default_rng()
        return rng.random((audio.n_frames(self.hop_s), 1), np.float32)


@dataclass(frozen=True)
class Scribbler(fakes.Level):
    def extract(self, audio: Audio) -> NDArray[np.float32]:
        audio.samples.flags.writeable = True
        audio.samples[:] = 0
        return super().extract(audio)


@dataclass(frozen=True)
class LogOfNothing(fakes.Level):
    def extract(self, audio: Audio) -> NDArray[np.float32]:
        with np.errstate(divide="ignore"):
            return np.log(super().extract(audio))


@dataclass(frozen=True)
class OneFrameShort(fakes.Level):
    def extract(self, audio: Audio) -> NDArray[np.float32]:
        return super().extract(audio)[1:]


@dataclass(frozen=True)
class Patient(fakes.Level):
    def extract(self, audio: Audio) -> NDArray[np.float32]:
        return np.zeros((audio.n_frames(self.hop_s), 1), np.float32)


@dataclass(frozen=True)
class Shouting(fakes.Level):
    name = "Level"


@dataclass(frozen=True)
class Doubled(fakes.Ends):
    columns = ("x", "x")


@dataclass(frozen=True)
class Columnless(fakes.Ends):
    columns = ()


@dataclass(frozen=True)
class Hopless(fakes.Level):
    hop_s: float | None = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Listed(fakes.Level):
    bands: tuple[int, ...] = (1, 2)


@pytest.mark.parametrize(
    ("feature", "clause"),
    [
        (fakes.Grid(), lambda c: c.test_docstring_cites_its_source()),
        (Random(), lambda c: c.test_same_clip_same_values()),
        (Scribbler(), lambda c: c.test_the_clip_is_left_as_it_was()),
        (LogOfNothing(), lambda c: c.test_silence_is_finite()),
        (LogOfNothing(), lambda c: c.test_half_silent_speech_is_finite()),
        (OneFrameShort(), lambda c: c.test_frames_follow_the_hop(1.0)),
        (Patient(), lambda c: c.test_too_short_a_clip_is_refused()),
        (Shouting(), lambda c: c.test_names_are_lower_case_words()),
        (Doubled(), lambda c: c.test_columns_are_unique()),
        (Columnless(), lambda c: c.test_columns_are_unique()),
        (Hopless(), lambda c: c.test_kind_and_hop_agree()),
        (Listed(), lambda c: c.test_settings_survive_storage()),
    ],
)
def test_the_contract_finds_a_feature_that_breaks_it(
    feature: Feature, clause: Callable[[Any], None]
) -> None:
    with pytest.raises((AssertionError, FvxError, pytest.fail.Exception)):
        clause(contract(feature))


def test_noise_is_the_same_for_one_seed_only() -> None:
    np.testing.assert_array_equal(noise(0.2).samples, noise(0.2).samples)
    assert not np.array_equal(noise(0.2).samples, noise(0.2, seed=1).samples)
    level_db = 10 * np.log10(np.mean(noise(1.0).samples ** 2))
    assert level_db == pytest.approx(-25, abs=0.5)


def test_a_sine_has_its_amplitude_and_frequency() -> None:
    spectrum = np.abs(np.fft.rfft(sine(440.0, 1.0, 0.25).samples)) / 8_000
    assert spectrum.argmax() == 440
    assert spectrum[440] == pytest.approx(0.25, rel=1e-4)


def test_silence_is_zero() -> None:
    assert silence(0.5).duration_s == 0.5
    assert not silence(0.5).samples.any()


def test_pulses_stand_where_their_periods_put_them() -> None:
    periods_s = np.array([0.008, 0.0081, 0.0079, 0.008])
    audio = pulse_train(periods_s, [0.5, 0.4, 0.5, 0.3])
    fine = scipy.signal.resample(audio.samples.astype(np.float64), 100 * len(audio.samples))
    times_s = 0.01 + np.cumsum(periods_s) - periods_s[0]
    for time_s, height in zip(times_s, [0.5, 0.4, 0.5, 0.3], strict=True):
        around = slice(int((time_s - 0.002) * 1_600_000), int((time_s + 0.002) * 1_600_000))
        peak = around.start + fine[around].argmax()
        assert peak / 1_600_000 == pytest.approx(time_s, abs=2e-6)
        assert fine[around].max() == pytest.approx(height, rel=0.02)


def test_a_vowel_repeats_at_its_pitch_and_rings_at_its_formants() -> None:
    samples = vowel(hz=125.0).samples[4_000:12_000].astype(np.float64)
    assert np.abs(samples).max() <= 0.5
    period = 16_000 // 125
    np.testing.assert_allclose(samples[period:], samples[:-period], atol=0.01)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    assert abs(spectrum[100:500].argmax() + 100 - 350) * 2 <= 125  # bins of 2 Hz: 700 Hz
