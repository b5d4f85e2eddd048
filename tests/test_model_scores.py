"""From windows to a clip's score, its calibration, and how familiar the clip is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvx.errors import ModelError
from fvx.model.familiarity import FAMILIARITY, Familiarity
from fvx.model.pooling import POOLINGS, pool

WINDOWS = st.lists(st.lists(st.floats(-50, 50), min_size=1, max_size=12), min_size=1, max_size=6)


def flat(clips: list[list[float]]) -> tuple[np.ndarray, np.ndarray]:
    clip = np.repeat(np.arange(len(clips)), [len(one) for one in clips])
    return np.array([value for one in clips for value in one]), clip


class TestPooling:
    @given(WINDOWS)
    def test_mean_and_median_are_numpy_s(self, clips: list[list[float]]) -> None:
        scores, clip = flat(clips)
        for name, oracle in (("mean", np.mean), ("median", np.median)):
            got = pool(scores, clip, len(clips), name)
            np.testing.assert_allclose(got, [oracle(one) for one in clips], atol=1e-9)

    @pytest.mark.parametrize("pooling", POOLINGS)
    @given(WINDOWS)
    def test_a_clip_lies_within_its_windows(self, pooling: str, clips: list[list[float]]) -> None:
        scores, clip = flat(clips)
        got = pool(scores, clip, len(clips), pooling)
        for one, value in zip(clips, got, strict=True):
            assert min(one) - 1e-9 <= value <= max(one) + 1e-9

    @pytest.mark.parametrize("pooling", POOLINGS)
    @given(WINDOWS, st.randoms())
    def test_the_order_of_windows_does_not_matter(
        self, pooling: str, clips: list[list[float]], random: object
    ) -> None:
        scores, clip = flat(clips)
        order = np.random.default_rng(len(scores)).permutation(len(scores))
        np.testing.assert_allclose(
            pool(scores[order], clip[order], len(clips), pooling),
            pool(scores, clip, len(clips), pooling),
            atol=1e-9,
        )

    @pytest.mark.parametrize("pooling", POOLINGS)
    def test_a_single_window_is_the_clip(self, pooling: str) -> None:
        assert pool(np.array([3.5]), np.array([0]), 1, pooling) == [3.5]

    def test_a_trimmed_mean_leaves_out_a_fifth_at_each_end(self) -> None:
        scores = np.array([1000.0, 2, 3, 4, -1000])
        assert pool(scores, np.zeros(5, int), 1, "trimmed-mean") == pytest.approx([3])

    def test_a_soft_minimum_hears_one_spoofed_window(self) -> None:
        scores, clip = np.array([3.0] * 9 + [-6.0]), np.zeros(10, int)
        assert pool(scores, clip, 1, "soft-minimum") < -5
        assert pool(scores, clip, 1, "median") == 3

    def test_a_soft_minimum_does_not_overflow(self) -> None:
        scores = np.array([-1e4, 1e4])
        assert pool(scores, np.zeros(2, int), 1, "soft-minimum") == pytest.approx([-1e4])

    def test_an_unknown_pooling_names_the_known_ones(self) -> None:
        with pytest.raises(ModelError, match="known: mean, median"):
            pool(np.ones(1), np.zeros(1, int), 1, "mode")


class TestFamiliarity:
    rng = np.random.default_rng(0)
    basis = rng.standard_normal((8, 40))

    def like(self, n: int, seed: int) -> np.ndarray:
        """Clips that differ in eight ways."""
        rng = np.random.default_rng(seed)
        noise = 0.01 * rng.standard_normal((n, 40))
        return (rng.standard_normal((n, 8)) @ self.basis + noise).astype(np.float32)

    def test_like_clips_are_familiar_and_others_are_not(self) -> None:
        known = Familiarity.measure(self.like(400, 1), self.like(300, 2))
        assert np.mean(known.distance(self.like(300, 3)) > known.limit) < 0.05
        far = 6 * self.like(50, 4)
        assert np.mean(known.distance(far) > known.limit) > 0.9

    def test_a_clip_strange_in_a_way_of_its_own_is_not_familiar(self) -> None:
        """Along the axes of training it is quite usual."""
        known = Familiarity.measure(self.like(400, 1), self.like(300, 2))
        _, _, directions = np.linalg.svd(self.basis)
        strange = self.like(1, 3) + directions[20].astype(np.float32)
        assert known.distance(strange)[0] > known.limit

    def test_a_training_clip_is_nearer_than_the_limit(self) -> None:
        training = self.like(100, 1)
        known = Familiarity.measure(training, self.like(100, 2))
        assert (known.distance(training) < known.limit).mean() > 0.95

    def test_words_are_for_what_is_not_familiar(self) -> None:
        known = Familiarity.measure(self.like(100, 1), self.like(100, 2))
        assert known.words(self.like(1, 1)[0]) == ()
        (words,) = known.words(100 * self.like(1, 4)[0])
        assert words.startswith("unlike the speech")

    def test_a_column_that_never_varies_does_no_harm(self) -> None:
        training, development = self.like(100, 1), self.like(100, 2)
        training[:, 3] = development[:, 3] = 7
        known = Familiarity.measure(training, development)
        assert (known.distance(development) <= known.limit).mean() > 0.95

    def test_few_training_clips_suffice(self) -> None:
        known = Familiarity.measure(self.like(3, 1), self.like(2, 2))
        assert np.isfinite(known.distance(self.like(4, 3))).all()

    def test_it_survives_storage(self, tmp_path: Path) -> None:
        known = Familiarity.measure(self.like(50, 1), self.like(50, 2))
        checksum = known.save(tmp_path)
        again = Familiarity.load(tmp_path, checksum, 40)
        some = self.like(5, 3)
        np.testing.assert_array_equal(again.distance(some), known.distance(some))
        with pytest.raises(ModelError, match="checksum"):
            Familiarity.load(tmp_path, "0" * 64, 40)
        with pytest.raises(ModelError, match="does not fit"):
            Familiarity.load(tmp_path, checksum, 41)

    def test_a_damaged_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / FAMILIARITY).write_bytes(b"junk")
        with pytest.raises(ModelError, match="cannot be read"):
            Familiarity.load(tmp_path, "", 40)
