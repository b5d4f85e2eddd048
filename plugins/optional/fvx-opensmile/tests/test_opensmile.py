"""openSMILE's features: they are its own numbers, under names that fvx allows."""

import re
from pathlib import Path

import numpy as np
import pytest

from fvx import Audio, discover
from fvx.errors import AudioError
from fvx.testing import RATE_HZ, FeatureContract, noise, silence, sine, vowel

fvx_opensmile = pytest.importorskip(
    "fvx_opensmile", reason="the optional plugin fvx-opensmile is not installed"
)
opensmile = pytest.importorskip("opensmile", reason="openSMILE is not installed")

Egemaps, EgemapsContour = fvx_opensmile.Egemaps, fvx_opensmile.EgemapsContour
Emobase, Compare2016 = fvx_opensmile.Emobase, fvx_opensmile.Compare2016
ALL = [Egemaps(), EgemapsContour(), Emobase(), Compare2016()]
DATA = Path(__file__).resolve().parents[4] / ".." / "shared" / "data"
N_CLIPS = 20


class TestEgemapsContract(FeatureContract):
    feature = Egemaps()


class TestEgemapsContourContract(FeatureContract):
    feature = EgemapsContour()


class TestEmobaseContract(FeatureContract):
    feature = Emobase()


class TestCompare2016Contract(FeatureContract):
    feature = Compare2016()


@pytest.fixture(scope="module")
def real_clips() -> list[Audio]:
    paths = sorted(DATA.glob("demos/*/*.flac"))
    if len(paths) < N_CLIPS:
        pytest.skip("no real speech at hand: the development clips are not on this machine")
    return [Audio.read(path) for path in paths[:: len(paths) // N_CLIPS][:N_CLIPS]]


def named(feature, audio: Audio) -> dict[str, np.ndarray]:
    return dict(zip(feature.columns, feature(audio).T, strict=True))


@pytest.mark.parametrize(
    ("feature", "feature_set", "n_columns"),
    [
        (Egemaps(), "eGeMAPSv02", 88),
        (Emobase(), "emobase", 988),
        (Compare2016(), "ComParE_2016", 6373),
    ],
    ids=["egemaps", "emobase", "compare2016"],
)
def test_functionals_are_those_of_opensmile(feature, feature_set, n_columns, real_clips) -> None:
    # On 20 clips: bit for bit.
    smile = opensmile.Smile(getattr(opensmile.FeatureSet, feature_set))
    assert len(feature.columns) == n_columns
    for clip in real_clips if feature_set == "eGeMAPSv02" else real_clips[:5]:
        expected = smile.process_signal(np.clip(clip.samples, -1, 32767 / 32768), RATE_HZ)
        np.testing.assert_array_equal(feature(clip)[0], np.nan_to_num(expected.to_numpy()[0]))


def test_contours_are_those_of_opensmile_after_10_ms_of_silence() -> None:
    smile = opensmile.Smile(
        opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.LowLevelDescriptors
    )
    audio = vowel()
    padded = np.pad(audio.samples, (160, 1600))
    expected = smile.process_signal(padded, RATE_HZ).to_numpy()
    got = EgemapsContour()(audio)
    np.testing.assert_allclose(got[:-8], expected[: len(got) - 8], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("hz", [110.0, 150.0, 220.0])
def test_a_vowel_has_its_own_pitch(hz: float) -> None:
    semitones = 12 * np.log2(hz / 27.5)
    mean = named(Egemaps(), vowel(hz, 2.0))["f0semitonefrom27_5hz_sma3nz_amean"][0]
    assert mean == pytest.approx(semitones, abs=0.2)
    course = named(EgemapsContour(), vowel(hz, 2.0))["f0semitonefrom27_5hz_sma3nz"]
    assert np.median(course) == pytest.approx(semitones, abs=0.2)


def test_sound_is_loud_when_it_sounds() -> None:
    # From 1.0 to 1.5 s: half its loudness is reached at the edges, within a frame.
    samples = np.concatenate([silence(1.0).samples, noise(0.5).samples, silence(1.0).samples])
    loud = named(EgemapsContour(), Audio(samples, RATE_HZ))["loudness_sma3"]
    above = np.flatnonzero(loud > loud.max() / 2)
    assert above[0] == pytest.approx(100, abs=1)
    assert above[-1] == pytest.approx(150, abs=1)


@pytest.mark.parametrize("amplitude", [1.0, 1.5])
def test_full_scale_does_not_turn_over(amplitude: float) -> None:
    # Left to itself, openSMILE's package hears 1.0 as -1.0.
    tone = sine(200.0, 1.0, amplitude)
    below = Audio(np.clip(tone.samples, -0.9999, 0.9999), RATE_HZ)
    got, expected = (named(EgemapsContour(), audio)["mfcc1_sma3"][50] for audio in (tone, below))
    assert got == pytest.approx(expected, abs=0.5)


@pytest.mark.parametrize("feature", ALL, ids=lambda feature: feature.name)
def test_less_than_a_tenth_of_a_second_is_refused(feature) -> None:
    with pytest.raises(AudioError, match="too short for openSMILE"):
        feature(noise(0.099))


@pytest.mark.parametrize("feature", ALL, ids=lambda feature: feature.name)
def test_the_licence_is_said_aloud(feature) -> None:
    assert "Research use only" in feature.__doc__
    assert re.search("no commercial use", feature.__doc__)


def test_names_are_turned_one_to_one() -> None:
    from fvx_opensmile.smile import column_name

    assert column_name("F0semitoneFrom27.5Hz_sma3nz_amean") == "f0semitonefrom27_5hz_sma3nz_amean"
    assert column_name("mfcc_sma_de[10]_iqr1-2") == "mfcc_sma_de_10_iqr1_2"


def test_fvx_finds_the_features() -> None:
    found = discover()
    assert {feature.name for feature in ALL} <= set(found.features)
    assert "fvx-opensmile" not in found.broken


def test_golden_values_of_a_vowel() -> None:
    values = named(Egemaps(), vowel(150.0, 1.0))
    names = ["f0semitonefrom27_5hz_sma3nz_amean", "loudness_sma3_amean", "hnrdbacf_sma3nz_amean"]
    assert [values[name][0] for name in names] == pytest.approx(
        [29.39427, 1.741760, 10.37592], rel=1e-3
    )
