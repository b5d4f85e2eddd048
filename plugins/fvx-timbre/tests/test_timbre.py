"""The timbre feature."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
from fvx_timbre import Timbre, fvx_features

from fvx.audio import Audio
from fvx.testing import RATE_HZ, FeatureContract, noise, silence, sine, vowel

DATA = Path(__file__).resolve().parents[3] / ".." / "shared" / "data"


class TestTimbreContract(FeatureContract):
    feature = Timbre()


def _named(audio: Audio) -> dict[str, float]:
    return dict(zip(Timbre().columns, Timbre()(audio)[0].tolist(), strict=True))


def _clip(samples) -> Audio:
    return Audio(np.asarray(0.5 * samples / np.abs(samples).max(), np.float32), RATE_HZ)


def _band_of_noise(low_hz: float, high_hz: float, seconds: float = 3.0) -> Audio:
    spectrum = np.fft.rfft(noise(seconds, 5).samples.astype(np.float64))
    hz = np.fft.rfftfreq(int(seconds * RATE_HZ), 1 / RATE_HZ)
    return _clip(np.fft.irfft(spectrum * ((hz >= low_hz) & (hz <= high_hz))))


def _modulated(modulation_hz: float, depth: float = 1.0, carrier_hz: float = 1000.0) -> Audio:
    carrier = sine(carrier_hz, 2.0).samples
    time_s = np.arange(len(carrier)) / RATE_HZ
    return _clip(carrier * (1 + depth * np.sin(2 * np.pi * modulation_hz * time_s)))


def _decaying(time_s: float) -> Audio:
    """Bursts of noise that fall by 60 dB in this time."""
    hiss = noise(4 * (0.25 + time_s), 2).samples
    since_s = np.arange(len(hiss)) / RATE_HZ % (0.25 + time_s) - 0.25
    return _clip(hiss * 10 ** (-3 * np.maximum(since_s, 0) / time_s))


def _attacking(time_s: float) -> Audio:
    """A tone that grows to full loudness in this time, three times over."""
    tone = sine(1000.0, 3.0).samples
    since_s = np.arange(len(tone)) / RATE_HZ % 1.0 - 0.1
    loudness = np.clip(since_s / time_s, 0, 1) * np.clip((0.85 - since_s) / 0.3, 0, 1)
    return _clip(tone * loudness**1.7)  # near enough the amplitude of that loudness


def test_the_plugin_offers_its_features() -> None:
    assert [feature.name for feature in fvx_features()] == [
        "modulation_spectrum",
        "specific_loudness",
        "timbre",
        "timbre_contour",
        "tonality",
    ]


def test_a_critical_band_of_noise_at_1_khz_has_1_acum() -> None:
    assert _named(_band_of_noise(920, 1080))["sharpness_acum"] == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(
    ("low_hz", "high_hz", "acum"),
    # MoSQITo 1.2.1, sharpness_din_st, at 65 dB; ours is 10 % lower to 2 % higher.
    [
        (200, 300, 0.376),
        (400, 510, 0.621),
        (2000, 2320, 1.635),
        (3150, 3700, 2.451),
        (4400, 5300, 3.522),
        (6400, 7700, 5.453),
        (100, 7900, 2.289),
        (3150, 7900, 3.633),
        (100, 1000, 0.654),
    ],
)
def test_sharpness_is_that_of_the_standard(low_hz: float, high_hz: float, acum: float) -> None:
    ours = _named(_band_of_noise(low_hz, high_hz))["sharpness_acum"]
    assert ours == pytest.approx(acum, rel=0.12)


def test_a_tone_modulated_at_70_hz_has_1_asper() -> None:
    assert _named(_modulated(70.0))["roughness_asper"] == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize(
    ("modulation_hz", "depth", "asper"),
    # MoSQITo 1.2.1, roughness_dw, at 60 dB.
    [(20, 1, 0.187), (50, 1, 0.849), (100, 1, 0.778), (70, 0.25, 0.093), (70, 0.5, 0.343)],
)
def test_roughness_is_about_that_of_the_model(
    modulation_hz: float, depth: float, asper: float
) -> None:
    ours = _named(_modulated(modulation_hz, depth))["roughness_asper"]
    assert ours == pytest.approx(asper, abs=0.25)


def test_two_tones_are_roughest_near_70_hz_apart() -> None:
    apart_hz = np.arange(20.0, 200.0, 10.0)
    asper = [
        _named(_clip(sine(1000 - hz / 2, 2.0).samples + sine(1000 + hz / 2, 2.0).samples))[
            "roughness_asper"
        ]
        for hz in apart_hz
    ]
    assert 50 <= apart_hz[np.argmax(asper)] <= 80
    assert max(asper) > 3 * asper[0]
    assert max(asper) > 3 * asper[-1]


def test_steady_tones_and_noise_are_smooth() -> None:
    assert _named(sine(1000.0, 2.0))["roughness_asper"] < 0.001
    assert _named(noise(2.0))["roughness_asper"] < 0.1


def test_a_creak_is_rougher_than_a_high_voice() -> None:
    asper = [_named(vowel(hz, 2.0))["roughness_asper"] for hz in (80.0, 120.0, 200.0)]
    assert asper[0] > 3 * asper[1] > 9 * asper[2]


@pytest.mark.parametrize("time_s", [0.02, 0.05, 0.1, 0.2])
def test_hardness_is_the_rate_of_an_even_attack(time_s: float) -> None:
    measured_s = 1 / _named(_attacking(time_s))["hardness_per_s"]
    assert measured_s == pytest.approx(np.hypot(time_s, 0.018), rel=0.3)


@pytest.mark.parametrize("time_s", [0.2, 0.4, 0.8, 1.2])
def test_bursts_have_their_own_reverberation_time(time_s: float) -> None:
    values = _named(_decaying(time_s))
    assert values["reverberance_s"] == pytest.approx(time_s, rel=0.15)


def test_more_of_a_quality_is_more_of_its_measure() -> None:
    voice = vowel(110.0, 2.0)
    tilt = scipy.signal.lfilter([1.0, -0.9], [1.0], voice.samples)
    low_shelf = voice.samples + 4 * scipy.signal.sosfilt(
        scipy.signal.butter(2, 180.0, fs=RATE_HZ, output="sos"), voice.samples
    )
    plain, bright, deep = _named(voice), _named(_clip(tilt)), _named(_clip(low_shelf))
    for name in ("brightness_percent", "sharpness_acum"):
        assert bright[name] > 1.15 * plain[name]
    for name in ("warmth_percent", "boominess_percent", "depth_percent"):
        assert deep[name] > 1.3 * plain[name] > 1.3 * bright[name]


def test_half_of_white_noise_lies_above_a_quarter_of_the_rate() -> None:
    values = _named(noise(4.0))
    assert values["brightness_percent"] == pytest.approx(100 * 6 / 8, abs=1.5)
    assert values["depth_percent"] == pytest.approx(100 * 0.17 / 8, abs=0.5)


def test_three_equal_harmonics_of_six_are_half_the_energy() -> None:
    voice = _clip(sum(sine(150.0 * n, 2.0).samples for n in range(1, 7)))
    assert _named(voice)["warmth_percent"] == pytest.approx(50.0, abs=2.0)


def test_without_a_voice_there_is_no_warmth() -> None:
    values = _named(_band_of_noise(1000, 5000))
    assert values["warmth_percent"] == 0
    assert values["defined"] == 0


def test_silence_has_no_timbre() -> None:
    assert not Timbre()(silence()).any()


def test_loudness_does_not_matter() -> None:
    voice = vowel(120.0)
    faint = Audio(voice.samples * np.float32(0.03), voice.rate_hz)
    np.testing.assert_allclose(Timbre()(faint), Timbre()(voice), rtol=1e-3, atol=1e-4)


def test_silence_around_the_sound_hardly_matters() -> None:
    voice = vowel(120.0, 2.0)
    framed = Audio(np.pad(voice.samples, RATE_HZ), RATE_HZ)
    np.testing.assert_allclose(Timbre()(framed)[0, :6], Timbre()(voice)[0, :6], rtol=0.1)


def test_pieces_do_not_change_the_roughness(monkeypatch: pytest.MonkeyPatch) -> None:
    import fvx_timbre.roughness

    whole = _named(vowel(90.0, 3.0))["roughness_asper"]
    monkeypatch.setattr(fvx_timbre.roughness, "_PIECE_S", 1.0)
    assert _named(vowel(90.0, 3.0))["roughness_asper"] == pytest.approx(whole, rel=0.05)


def test_mosqito_hears_the_same_sharpness_in_real_speech() -> None:
    # Achieved: r 0.996, ours 7 % lower (time-varying model, mean weighted with loudness).
    # Roughness (roughness_dw): r 0.86, by rank 0.72; ours is about a fifth of it, as it averages
    # over bands where the model sums.
    expected = json.loads((Path(__file__).parent / "mosqito.json").read_text())
    if not (DATA / "demos").is_dir():
        pytest.skip("no real speech at hand: the development clips are not on this machine")
    rows = [(_named(Audio.read(DATA / "demos" / name)), *both) for name, both in expected.items()]
    sharp = np.array([[values["sharpness_acum"], acum] for values, acum, _ in rows])
    rough = np.array([[values["roughness_asper"], asper] for values, _, asper in rows])
    assert len(rows) >= 20
    assert np.corrcoef(sharp.T)[0, 1] > 0.99
    assert np.median(sharp[:, 0] / sharp[:, 1]) == pytest.approx(0.93, abs=0.03)
    assert np.corrcoef(rough.T)[0, 1] > 0.8


def test_golden_timbre_of_a_voice_with_breaks() -> None:
    voice = vowel(123.0, 0.6).samples
    samples = np.concatenate([voice, np.zeros(3000, np.float32), voice])
    np.testing.assert_allclose(Timbre()(Audio(samples, RATE_HZ))[0], GOLDEN, rtol=2e-3)


GOLDEN = [1.129429, 0.981042, 0.170684, 1.627542, 5.283515, 0.403689, 76.64067, 0.0, 0.0]
