import numpy as np
import pytest
from fvx_cepstral.deltas import cepstral_columns, slope, with_slopes


@pytest.mark.parametrize("reach", [1, 2, 3, 4])
def test_the_slope_of_a_straight_line_is_its_own(reach: int) -> None:
    line = 3.0 + 0.25 * np.arange(20)[:, np.newaxis]
    np.testing.assert_allclose(slope(line, reach)[reach:-reach], 0.25)


def test_beyond_the_ends_the_last_value_goes_on() -> None:
    line = np.arange(5.0)[:, np.newaxis]
    np.testing.assert_allclose(slope(line, 1)[:, 0], [0.5, 1.0, 1.0, 1.0, 0.5])


def test_a_clip_shorter_than_the_reach_has_slopes_too() -> None:
    assert slope(np.ones((2, 3)), 4).tolist() == [[0.0] * 3] * 2


def test_twice_the_slope_over_one_frame_is_the_plain_difference() -> None:
    values = np.random.default_rng(0).normal(size=(9, 1))
    result = with_slopes(values, reach=1, scale=2.0)
    np.testing.assert_allclose(result[1:-1, 1:2], values[2:] - values[:-2], rtol=1e-5)
    assert result.dtype == np.float32


def test_columns_come_in_the_order_of_the_values() -> None:
    assert cepstral_columns("x", 2) == (
        *("x_0", "x_1", "x_0_delta", "x_1_delta"),
        *("x_0_delta2", "x_1_delta2"),
    )
