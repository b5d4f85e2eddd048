from __future__ import annotations

import dataclasses

import fakes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvx.audio import Audio
from fvx.errors import FeatureError
from fvx.feature import Feature
from fvx.testing import noise

CLIP = noise(0.2)  # 21 frames of 10 ms


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ([[1.0]] * 21, "expected a float32 array, got list"),
        (None, "expected a float32 array, got NoneType"),
        (np.ones((21, 1)), "expected a float32 array, got float64"),
        (np.ones((21, 1), np.int32), "expected a float32 array, got int32"),
        (np.ones((21, 1), ">f4"), "expected a float32 array, got >f4"),
        (np.ones(21, np.float32), r"expected shape \(21, 1\), got \(21,\)"),
        (np.ones((20, 1), np.float32), r"expected shape \(21, 1\), got \(20, 1\)"),
        (np.ones((22, 1), np.float32), r"expected shape \(21, 1\), got \(22, 1\)"),
        (np.ones((21, 2), np.float32), r"expected shape \(21, 1\), got \(21, 2\)"),
        (np.ones((1, 21), np.float32), r"expected shape \(21, 1\), got \(1, 21\)"),
        (np.float32(1.0), "expected a float32 array, got float32"),
        (np.full((21, 1), np.nan, np.float32), "returned NaN or infinity"),
        (np.full((21, 1), -np.inf, np.float32), "returned NaN or infinity"),
    ],
)
def test_a_result_that_breaks_the_contract_is_refused(result: object, reason: str) -> None:
    with pytest.raises(FeatureError, match=f"^fixed: {reason}$"):
        fakes.Fixed(result)(CLIP)


def test_a_result_that_keeps_the_contract_is_handed_on_as_it_is() -> None:
    result = np.ones((21, 1), np.float32)
    assert fakes.Fixed(result)(CLIP) is result


def test_a_per_clip_feature_gives_one_row() -> None:
    np.testing.assert_array_equal(fakes.Ends()(CLIP), CLIP.samples[None, [0, -1]])
    with pytest.raises(FeatureError, match=r"moody: expected shape \(1, 1\), got \(7, 7\)"):
        fakes.Moody("shape")(noise(0.4))


@given(n_samples=st.integers(2, 50_000), hop_ms=st.sampled_from([5, 10, 16, 20, 125]))
def test_every_clip_has_one_frame_a_hop_from_0_to_its_end(n_samples: int, hop_ms: int) -> None:
    audio = Audio(np.ones(n_samples, np.float32), 16_000)
    values = fakes.Level(hop_s=hop_ms / 1000)(audio)
    assert len(values) == 1 + n_samples * 1000 // (16_000 * hop_ms)


def test_fields_are_the_settings() -> None:
    feature = fakes.Level(gain=2.0)
    assert feature.settings == {"gain": 2.0, "hop_s": 0.010}
    assert feature == fakes.Level(2.0) != fakes.Level()
    assert len({feature, fakes.Level(2.0), fakes.Level()}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        feature.gain = 3.0  # type: ignore[misc]


def test_the_docstring_tells_what_it_is_and_where_it_is_from() -> None:
    assert fakes.Level().summary == "Magnitude of the sample in the middle of each frame."
    assert fakes.Level().source == "Made up for these tests."
    assert fakes.Grid().source == ""


def test_a_docstring_that_is_stripped_away_leaves_empty_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fakes.Level, "__doc__", None)
    assert (fakes.Level().summary, fakes.Level().source) == ("", "")


def test_a_feature_without_extract_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="extract"):
        Feature()  # type: ignore[abstract]
