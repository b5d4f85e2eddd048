"""The Feature contract as tests that a plugin inherits, and synthetic audio to test on."""

from __future__ import annotations

import pytest

from fvx import contract
from fvx.feature import Feature
from fvx.synthetic import RATE_HZ, noise, pulse_train, silence, sine, vowel

__all__ = ["RATE_HZ", "FeatureContract", "noise", "pulse_train", "silence", "sine", "vowel"]


class FeatureContract:
    """Subclass in a plugin's tests and set ``feature``; pytest does the rest.

    ``fvx.contract`` says of each clause what it demands and how to mend it.
    """

    feature: Feature

    def test_settings_survive_storage(self) -> None:
        contract.settings_survive_storage(self.feature)

    def test_travels_to_a_worker(self) -> None:
        contract.travels_to_a_worker(self.feature)

    def test_docstring_cites_its_source(self) -> None:
        contract.docstring_cites_its_source(self.feature)

    def test_columns_are_unique(self) -> None:
        contract.columns_are_unique(self.feature)

    def test_names_are_lower_case_words(self) -> None:
        contract.names_are_lower_case_words(self.feature)

    def test_kind_and_hop_agree(self) -> None:
        contract.kind_and_hop_agree(self.feature)

    def test_same_clip_same_values(self) -> None:
        contract.same_clip_same_values(self.feature)

    def test_the_clip_is_left_as_it_was(self) -> None:
        contract.the_clip_is_left_as_it_was(self.feature)

    @pytest.mark.parametrize("seconds", contract.DURATIONS_S)
    def test_frames_follow_the_hop(self, seconds: float) -> None:
        contract.frames_follow_the_hop(self.feature, (seconds,))

    @pytest.mark.parametrize("rate_hz", contract.RATES_HZ)
    def test_any_sampling_rate_works(self, rate_hz: int) -> None:
        contract.any_sampling_rate_works(self.feature, (rate_hz,))

    @pytest.mark.parametrize("gain", contract.GAINS)
    def test_loud_and_faint_clips_are_finite(self, gain: float) -> None:
        contract.loud_and_faint_clips_are_finite(self.feature, (gain,))

    def test_silence_is_finite(self) -> None:
        contract.silence_is_finite(self.feature)

    def test_half_silent_speech_is_finite(self) -> None:
        contract.half_silent_speech_is_finite(self.feature)

    def test_too_short_a_clip_is_refused(self) -> None:
        contract.too_short_a_clip_is_refused(self.feature)
