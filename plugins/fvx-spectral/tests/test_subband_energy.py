import numpy as np
import pytest
from fvx_spectral.subband_energy import SubbandEnergy

from fvx import Audio
from fvx.errors import FeatureError
from fvx.testing import FeatureContract, noise, silence, sine

EDGES_HZ = SubbandEnergy().edges_hz
N_BANDS = len(EDGES_HZ) - 1


class TestSubbandEnergyContract(FeatureContract):
    feature = SubbandEnergy()


class TestSubbandEnergyOfOtherSettingsContract(FeatureContract):
    feature = SubbandEnergy(edges_hz=(0, 1000, 4000), window_s=0.032)


@pytest.mark.parametrize("hz", [125.0, 1500.0, 3500.0, 7000.0])
def test_a_sine_of_full_scale_is_3_db_down_in_its_own_band(hz: float) -> None:
    middle = SubbandEnergy()(sine(hz, amplitude=1.0))[10:-10]
    band = int(np.searchsorted(EDGES_HZ, hz)) - 1
    np.testing.assert_allclose(middle[:, band], 10 * np.log10(0.5), atol=0.2)
    np.testing.assert_allclose(middle[:, N_BANDS + band], 1.0, atol=0.02)


def test_the_bands_of_a_frame_add_up_to_its_windowed_energy() -> None:
    clip = noise(1.0)
    values = SubbandEnergy()(clip)
    window = np.sin(np.pi * np.arange(400) / 400) ** 2
    frame = clip.samples[50 * 160 - 200 :][:400] * window
    mean_square = (frame @ frame) / (window @ window)
    assert (10 ** (values[50, :N_BANDS] / 10)).sum() == pytest.approx(mean_square, rel=1e-4)
    np.testing.assert_allclose(values[:, N_BANDS:].sum(axis=1), 1.0, rtol=1e-5)


def test_white_noise_shares_its_energy_by_the_width_of_the_bands() -> None:
    shares = SubbandEnergy()(noise(20.0))[:, N_BANDS:].mean(axis=0)
    np.testing.assert_allclose(shares, np.diff(EDGES_HZ) / 8000, rtol=0.05)


def test_agrees_with_praat(praat, real_clips: list[Audio]) -> None:
    # Energy of the whole clip by band: frames overlap evenly but at its ends. Achieved on the
    # 24 clips: median difference 0.04 dB, 95 % within 0.6 dB.
    differences_db = []
    for clip in real_clips:
        energy = (10 ** (SubbandEnergy()(clip)[:, :N_BANDS] / 10)).mean(axis=0)
        expected = praat.band_energies(clip, EDGES_HZ)
        differences_db.append(10 * np.log10(energy / energy.sum() * expected.sum() / expected))
    differences_db = np.abs(differences_db)
    assert np.median(differences_db) < 0.1
    assert np.quantile(differences_db, 0.95) < 1.0


def test_silence_and_bands_above_half_the_rate_are_at_the_floor() -> None:
    assert np.unique(SubbandEnergy()(silence())[:, :N_BANDS]).tolist() == [-100.0]
    narrow = SubbandEnergy()(noise(1.0, rate_hz=8_000))
    assert np.unique(narrow[:, 6:8]).tolist() == [-100.0]
    assert not narrow[:, N_BANDS + 6 :].any()
    assert not SubbandEnergy()(silence())[:, N_BANDS:].any()


@pytest.mark.parametrize("edges_hz", [(0,), (0, 500, 500), (-100, 500)])
def test_edges_that_do_not_rise_are_refused(edges_hz: tuple[int, ...]) -> None:
    with pytest.raises(FeatureError, match="must rise"):
        SubbandEnergy(edges_hz=edges_hz)


def test_a_band_narrower_than_a_bin_gets_its_part_of_it() -> None:
    narrow = SubbandEnergy(edges_hz=(0, 1000, 1010, 8000))(noise(20.0))
    assert narrow[:, 4].mean() == pytest.approx(10 / 8000, rel=0.1)


def test_values_are_what_they_were() -> None:
    values = SubbandEnergy()(noise(1.0))[50, [0, 3, 7, 8, 15]]
    expected = [-42.6888, -37.39232, -30.3116, 0.01688673, 0.2919206]
    np.testing.assert_allclose(values, expected, rtol=1e-4)
