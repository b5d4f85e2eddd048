"""Localisation measures on relevance whose answer can be worked out by hand."""

import numpy as np
import pytest

from fvx.explanation.localisation import (
    auc,
    hit,
    iou,
    mass,
    on_grid,
    pointing,
    slots,
    truth_on_grid,
)

FAKE = np.array([0, 0, 1, 1, 0, 0, 0, 0], bool)
PERFECT = np.where(FAKE, 2.0, -1.0)


@pytest.mark.parametrize("measure", [pointing, hit, mass, iou, auc])
def test_relevance_that_is_the_truth_is_perfect(measure) -> None:
    assert measure(PERFECT, FAKE) == 1


@pytest.mark.parametrize("measure", [pointing, hit, mass, iou, auc])
def test_relevance_everywhere_but_in_the_truth_is_worst(measure) -> None:
    assert measure(np.where(FAKE, 0.0, 1.0), FAKE) == 0


def test_constant_relevance_is_as_good_as_chance() -> None:
    flat = np.ones(8)
    assert pointing(flat, FAKE) == mass(flat, FAKE) == 0.25
    assert auc(flat, FAKE) == 0.5
    assert iou(flat, FAKE) == pytest.approx(
        0.5 / 3.5
    )  # half of one point in both, of 3.5 in either


def test_a_slot_that_is_fake_by_half_scores_half_and_touches() -> None:
    relevance = np.array([0.0, 3, 3, 0, 0, 0, 0, 0])
    assert pointing(relevance, FAKE) == 0.5
    assert hit(relevance, FAKE) == 1
    assert mass(relevance, FAKE) == 0.5
    assert iou(relevance, FAKE) == pytest.approx(1 / 3)


def test_without_relevance_for_a_spoof_mass_is_the_share_of_time() -> None:
    assert mass(-np.ones(8), FAKE) == 0.25


def test_auc_is_the_share_of_pairs_in_order() -> None:
    relevance = np.array([0.1, 0.9, 0.5, 0.7, 0.6, 0.2, 0.3, 0.4])
    pairs = [f > t for f in relevance[FAKE] for t in relevance[~FAKE]]
    assert auc(relevance, FAKE) == pytest.approx(np.mean(pairs))


def test_overlapping_windows_are_laid_out_side_by_side() -> None:
    laid = slots([(0.0, 1.0, 2.0), (0.5, 1.5, 4.0), (0.8, 1.8, 0.0)])
    assert [(a, b) for a, b, _ in laid] == [(0, 0.5), (0.5, 0.8), (0.8, 1), (1, 1.5), (1.5, 1.8)]
    assert [value for *_, value in laid] == pytest.approx([2, 3, 2, 2, 0])


def test_a_moment_that_no_slot_covers_is_as_the_nearest() -> None:
    grid = on_grid([(0.25, 0.5, -2.0), (0.75, 0.9, -1.0)], 1.25, step_s=0.125)
    assert grid.tolist() == [-2, -2, -2, -2, -2, -1, -1, -1, -1, -1]
    assert on_grid([], 0.5, step_s=0.25).tolist() == [0, 0]


def test_a_grid_takes_each_slot_at_its_own_time() -> None:
    grid = on_grid([(0.0, 0.5, 1.0), (0.5, 1.0, 3.0)], 1.0, step_s=0.25)
    assert grid.tolist() == [1, 1, 3, 3]
    assert truth_on_grid([(0.25, 0.75)], 1.0, step_s=0.25).tolist() == [False, True, True, False]
