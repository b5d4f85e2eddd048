import numpy as np
import pytest
from fvx_spectral.filterbank import (
    hz_to_mel,
    linear_edges_hz,
    mel_edges_hz,
    mel_to_hz,
    triangles,
)


@pytest.mark.parametrize(("hz", "mel"), [(0.0, 0.0), (500.0, 7.5), (1000.0, 15.0), (6400.0, 42.0)])
def test_the_mel_scale_passes_through_its_defining_points(hz: float, mel: float) -> None:
    assert hz_to_mel(hz) == pytest.approx(mel)
    assert mel_to_hz(np.array([mel]))[0] == pytest.approx(hz)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 48_000])
def test_mel_filters_are_those_of_librosa(rate_hz: int) -> None:
    import librosa

    expected = librosa.filters.mel(sr=rate_hz, n_fft=1024, n_mels=40).T
    ours = triangles(mel_edges_hz(40, rate_hz), 1024, rate_hz, unit_area=True)
    np.testing.assert_allclose(ours, expected, atol=1e-7)


def test_triangles_of_height_one_add_up_to_one_between_the_outer_peaks() -> None:
    edges_hz = linear_edges_hz(20, 16_000)
    weights = triangles(edges_hz, 1024, 16_000)
    bins_hz = np.arange(513) * 16_000 / 1024
    between = (bins_hz >= edges_hz[1]) & (bins_hz <= edges_hz[-2])
    np.testing.assert_allclose(weights[between].sum(axis=1), 1.0, rtol=1e-6)
