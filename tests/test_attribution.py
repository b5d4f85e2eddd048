"""Attribution on a model whose answer is known: a weighted sum of what is kept."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fvx.explanation.analysis import Analysis
from fvx.explanation.attribution import attribute, lime, neighbourhood, shapley
from fvx.explanation.faithfulness import faithfulness
from fvx.testing import noise


def analysis(weights: np.ndarray, interaction: float = 0.0, threshold: float = 0.0) -> Analysis:
    """Windows × features with embedding 1 where kept and 0 where withheld."""
    n_windows, n_features = weights.shape
    embeddings = np.zeros((n_windows, n_features, 2), np.float32)
    embeddings[:, :, 0] = 1
    embeddings[:, :, 1] = weights
    withheld = np.zeros((n_features, 2), np.float32)

    def llr(cells: np.ndarray) -> np.ndarray:
        kept = cells[:, :, 0].astype(float)
        both = kept[:, 0] * kept[:, 1] if n_features > 1 else 0.0
        return 0.5 + cells[:, :, 1].sum(axis=1, dtype=float) + interaction * both

    scorer: Any = SimpleNamespace(
        llr=llr, withheld=withheld, card=SimpleNamespace(features=(), threshold=threshold)
    )
    return Analysis(
        "clip", noise(1.0), {}, np.arange(n_windows) * 0.5, embeddings, llr(embeddings), scorer,
        lambda: None,  # type: ignore[arg-type, return-value]
    )  # fmt: skip


WEIGHTS = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -0.25]])


@pytest.mark.parametrize("method", ["lime", "shapley"])
def test_an_additive_model_is_attributed_exactly(method: str) -> None:
    found = attribute(analysis(WEIGHTS), method, seed=0)  # type: ignore[arg-type]
    np.testing.assert_allclose(found.cells, WEIGHTS / 2, atol=1e-4)
    assert found.base == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize("n_features", [1, 10, 20])
def test_lime_recovers_any_number_of_weights(n_features: int) -> None:
    weights = np.random.default_rng(0).normal(size=(2, n_features))
    found = lime(analysis(weights), seed=0)
    np.testing.assert_allclose(found.cells, weights / 2, atol=1e-3)
    assert found.fit == pytest.approx(1, abs=1e-3)


def test_shapley_splits_an_interaction_evenly() -> None:
    found = shapley(analysis(np.zeros((1, 3)), interaction=1.0))
    np.testing.assert_allclose(found.cells, [[0.5, 0.5, 0.0]], atol=1e-9)
    assert found.base == pytest.approx(0.5)


def test_a_small_neighbourhood_is_every_mask_once() -> None:
    masks = neighbourhood(4, seed=0)
    assert masks[0].all()
    assert len(np.unique(masks, axis=0)) == len(masks) == 16


def test_a_large_neighbourhood_is_drawn_by_seed_and_starts_with_the_clip() -> None:
    masks = neighbourhood(30, seed=1, n_samples=500)
    assert masks.shape == (500, 30)
    assert masks[0].all()
    assert masks[1:].mean() == pytest.approx(0.5, abs=0.02)
    np.testing.assert_array_equal(masks, neighbourhood(30, seed=1, n_samples=500))
    assert (masks != neighbourhood(30, seed=2, n_samples=500)).any()


def test_many_features_are_sampled_and_still_add_up() -> None:
    weights = np.random.default_rng(0).normal(size=(2, 20))
    one = analysis(weights, interaction=1.0)
    found = shapley(one, seed=0)
    assert found.base + found.cells.sum() == pytest.approx(one.score, abs=1e-5)
    np.testing.assert_allclose(found.cells[:, 2:], weights[:, 2:] / 2, atol=1e-5)
    # An order and its reverse share an interaction evenly, whatever the order.
    np.testing.assert_allclose(found.cells[:, :2], weights[:, :2] / 2 + 0.25, atol=1e-5)


def test_sampled_and_exact_values_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    one = analysis(WEIGHTS, interaction=0.7)
    exact = shapley(one)
    monkeypatch.setattr("fvx.explanation.attribution.MAX_EXACT_FEATURES", 0)
    np.testing.assert_allclose(shapley(one).cells, exact.cells, atol=1e-6)


def test_scoring_in_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    one = analysis(WEIGHTS, interaction=0.3)
    masks = neighbourhood(3, 0)
    whole = one.masked_scores(masks)
    monkeypatch.setattr("fvx.explanation.analysis._MAX_ROWS", 3)
    np.testing.assert_array_equal(one.masked_scores(masks), whole)


def test_withholding_cells_or_a_feature_everywhere_is_the_same() -> None:
    one = analysis(WEIGHTS, interaction=0.3)
    masks = neighbourhood(3, 0)
    everywhere = np.repeat(masks[:, np.newaxis], 2, axis=1)
    np.testing.assert_allclose(
        one.cell_masked_scores(everywhere), one.masked_scores(masks).mean(axis=1)
    )


@pytest.mark.parametrize("threshold", [-9.0, 9.0])
def test_the_true_order_deletes_faster_than_a_random_one(threshold: float) -> None:
    one = analysis(WEIGHTS, threshold=threshold)
    figures = faithfulness(one, shapley(one), seed=0)
    assert figures["deletion_area"] < figures["deletion_area_random"]
    assert figures["completeness_residual"] == pytest.approx(0, abs=1e-6)
    assert figures["surrogate_r2"] is None
