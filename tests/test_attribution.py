"""Attribution on a model whose answer is known: a weighted sum of what is kept."""

import tracemalloc

import numpy as np
import pytest

from fvx.errors import FvxError
from fvx.explanation.attribution import Settings, attribute, expected_agreement, rank_correlation
from fvx.explanation.faithfulness import faithfulness, randomisation, seed_stability
from fvx.explanation.game import Game, mean_of_windows, pool_by
from fvx.explanation.surrogate import _Ridge, neighbourhood

SURROGATES = [
    Settings(kernel="lime"),
    Settings(kernel="shap"),
    Settings(units="cells"),
    Settings(units="cells", kernel="shap"),
]
EXACT = [Settings("shapley"), Settings("gradients"), Settings("occlusion")]


def game(weights: np.ndarray, interaction: float = 0.0, *, pool=mean_of_windows) -> Game:
    """Windows × features with embedding 1 where kept and 0 where withheld."""
    n_windows, n_features = weights.shape
    embeddings = np.zeros((n_windows, n_features, 2), np.float32)
    embeddings[:, :, 0] = 1
    embeddings[:, :, 1] = weights

    def llr(cells: np.ndarray) -> np.ndarray:
        kept = cells[:, :, 0].astype(float)
        both = kept[:, 0] * kept[:, 1] if n_features > 1 else 0.0
        return 0.5 + cells[:, :, 1].sum(axis=1, dtype=float) + interaction * both

    return Game(embeddings, np.zeros((n_features, 2), np.float32), llr, pool)


WEIGHTS = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -0.25]])


@pytest.mark.parametrize("settings", [*SURROGATES, *EXACT], ids=str)
def test_an_additive_model_is_attributed_exactly(settings: Settings) -> None:
    found = attribute(game(WEIGHTS), settings)
    np.testing.assert_allclose(found.cells, WEIGHTS / 2, atol=1e-4)
    assert found.base == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize("settings", SURROGATES, ids=str)
@pytest.mark.parametrize("n_features", [1, 10, 20])
def test_a_surrogate_recovers_any_number_of_weights(settings: Settings, n_features: int) -> None:
    weights = np.random.default_rng(0).normal(size=(2, n_features))
    found = attribute(game(weights), settings)
    np.testing.assert_allclose(found.cells, weights / 2, atol=1e-3)
    assert found.fit == pytest.approx(1, abs=1e-3)


def test_many_windows_take_little_memory() -> None:
    one = game(np.random.default_rng(0).normal(size=(600, 2)), pool=pool_by("soft-minimum"))
    tracemalloc.start()
    try:
        weights = one.window_weights()
        most_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert weights.shape == (600,)
    assert most_bytes < 64 << 20  # one place of the path takes some 20 MB, all at once 600


@pytest.mark.parametrize("settings", [Settings("shapley"), Settings(kernel="shap")], ids=str)
def test_an_interaction_is_split_evenly(settings: Settings) -> None:
    found = attribute(game(np.zeros((1, 3)), interaction=1.0), settings)
    np.testing.assert_allclose(found.cells, [[0.5, 0.5, 0.0]], atol=1e-3)
    assert found.base == pytest.approx(0.5, abs=1e-3)


def test_integrated_gradients_split_a_product_evenly() -> None:
    found = attribute(game(np.zeros((1, 3)), interaction=1.0), Settings("gradients"))
    np.testing.assert_allclose(found.cells, [[0.5, 0.5, 0.0]], atol=1e-3)


def test_occlusion_gives_each_partner_all_of_an_interaction() -> None:
    found = attribute(game(np.zeros((1, 3)), interaction=1.0), Settings("occlusion"))
    np.testing.assert_allclose(found.cells, [[1.0, 1.0, 0.0]], atol=1e-6)


@pytest.mark.parametrize("kernel", ["lime", "shap"])
def test_a_small_neighbourhood_is_every_mask_once(kernel: str) -> None:
    masks = neighbourhood(4, 0, 100, kernel)
    assert masks[0].all()
    assert not masks[1].any()
    assert len(np.unique(masks, axis=0)) == len(masks) == 16


@pytest.mark.parametrize("kernel", ["lime", "shap"])
def test_a_large_neighbourhood_holds_each_mask_beside_its_complement(kernel: str) -> None:
    masks = neighbourhood(30, 1, 500, kernel)
    assert masks.shape == (500, 30)
    assert masks[0].all()
    np.testing.assert_array_equal(masks[::2], ~masks[1::2])
    assert masks.mean() == pytest.approx(0.5)
    assert (masks != neighbourhood(30, 2, 500, kernel)).any()


@pytest.mark.parametrize("kernel", ["lime", "shap"])
def test_a_larger_neighbourhood_begins_with_the_smaller_one(kernel: str) -> None:
    np.testing.assert_array_equal(
        neighbourhood(30, 3, 2000, kernel)[:501], neighbourhood(30, 3, 501, kernel)
    )


def test_numbers_kept_follow_kernelshap_s_kernel() -> None:
    sizes = neighbourhood(20, 0, 20_000, "shap")[2:].sum(axis=1)
    found = np.bincount(sizes, minlength=21)[1:20] / len(sizes)
    expected = np.array([1 / (size * (20 - size)) for size in range(1, 20)])
    np.testing.assert_allclose(found, expected / expected.sum(), atol=0.01)


def test_the_shared_ridge_is_scikit_learn_s() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(0)
    data, weights = (rng.random((60, 5)) < 0.5).astype(float), rng.random(60)
    ours = _Ridge(data, weights)
    for labels in rng.normal(size=(3, 60)):
        theirs = linear_model.Ridge(alpha=1).fit(data, labels, sample_weight=weights)
        ours.fit(data, labels, weights)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-9)
        np.testing.assert_allclose(ours.predict(data), theirs.predict(data), atol=1e-9)
        score = theirs.score(data, labels, sample_weight=weights)
        assert ours.score(data, labels, weights) == pytest.approx(score)


def test_samples_are_doubled_until_the_halves_agree() -> None:
    rng = np.random.default_rng(0)
    calm, wild = rng.normal(size=(2, 30)), rng.normal(size=(2, 30)) / 100
    assert attribute(game(calm), Settings()).n_samples == 1024
    found = attribute(game(wild, interaction=9.0), Settings())
    assert found.n_samples > 1024
    assert found.agreement is not None
    assert found.agreement > 0.9 or found.n_samples == 16_384


def test_the_number_of_samples_asked_for_is_kept_to() -> None:
    weights = np.random.default_rng(0).normal(size=(2, 30))
    assert attribute(game(weights), Settings(n_samples=300)).n_samples == 300


def test_many_features_are_sampled_and_still_add_up() -> None:
    weights = np.random.default_rng(0).normal(size=(2, 20))
    one = game(weights, interaction=1.0)
    found = attribute(one, Settings("shapley"))
    assert found.base + found.cells.sum() == pytest.approx(one.score, abs=1e-5)
    np.testing.assert_allclose(found.cells[:, 2:], weights[:, 2:] / 2, atol=1e-5)
    # An order and its reverse share an interaction evenly, whatever the order.
    np.testing.assert_allclose(found.cells[:, :2], weights[:, :2] / 2 + 0.25, atol=1e-5)


def test_sampled_and_exact_values_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    one = game(WEIGHTS, interaction=0.7)
    exact = attribute(one, Settings("shapley"))
    assert exact.agreement is None
    monkeypatch.setattr("fvx.explanation.shapley.MAX_EXACT_FEATURES", 0)
    np.testing.assert_allclose(attribute(one, Settings("shapley")).cells, exact.cells, atol=1e-6)


@pytest.mark.parametrize("pooling", ["mean", "median", "trimmed-mean", "soft-minimum"])
@pytest.mark.parametrize("method", ["shapley", "gradients"])
def test_contributions_add_up_whatever_the_pooling(pooling: str, method: str) -> None:
    weights = np.random.default_rng(1).normal(size=(7, 5))
    one = game(weights, interaction=0.3, pool=pool_by(pooling))
    found = attribute(one, Settings(method))
    assert found.base + found.cells.sum() == pytest.approx(one.score, abs=2e-3)


def test_a_window_that_does_not_reach_the_score_gets_nothing() -> None:
    weights = np.array([[5.0, 1.0], [1.0, 1.0], [-5.0, 1.0]])
    cells = attribute(game(weights, pool=pool_by("median")), Settings("shapley")).cells
    np.testing.assert_allclose(cells, [[0, 0], [1, 1], [0, 0]], atol=1e-3)


@pytest.mark.parametrize("inner", [(), (4,), (4, 3)])
def test_what_follows_window_and_feature_belongs_to_the_model(inner: tuple[int, ...]) -> None:
    embeddings = np.random.default_rng(0).normal(size=(3, 2, *inner)).astype(np.float32)
    withheld = np.zeros((2, *inner), np.float32)
    one = Game(embeddings, withheld, lambda e: e.reshape(len(e), -1).sum(axis=1, dtype=float))
    expected = embeddings.reshape(3, 2, -1).sum(axis=2) / 3
    for settings in (Settings("shapley"), Settings("gradients"), Settings("occlusion")):
        np.testing.assert_allclose(attribute(one, settings).cells, expected, atol=1e-5)


def test_scoring_in_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    one = game(WEIGHTS, interaction=0.3)
    masks = neighbourhood(3, 0)[:, np.newaxis]
    whole = one.window_scores(masks)
    monkeypatch.setattr("fvx.explanation.game._MAX_ROWS", 3)
    np.testing.assert_array_equal(one.window_scores(masks), whole)


def test_withholding_cells_or_a_feature_everywhere_is_the_same() -> None:
    one = game(WEIGHTS, interaction=0.3)
    masks = neighbourhood(3, 0)[:, np.newaxis]
    everywhere = np.repeat(masks, 2, axis=1)
    np.testing.assert_allclose(one.scores(everywhere), one.scores(masks))


@pytest.mark.parametrize("threshold", [-9.0, 9.0])
def test_the_true_order_is_better_than_a_random_one(threshold: float) -> None:
    one = game(np.random.default_rng(2).normal(size=(4, 6)))
    figures = faithfulness(one, attribute(one, Settings("shapley")), 0, threshold)
    assert figures["deletion_area"] < figures["deletion_area_random"]
    assert figures["insertion_area"] > figures["insertion_area_random"]
    assert figures["comprehensiveness"] > figures["comprehensiveness_random"]
    assert figures["sufficiency"] < figures["sufficiency_random"]
    assert figures["completeness_residual"] == pytest.approx(0, abs=1e-6)
    assert figures["surrogate_r2"] is None


def test_areas_of_two_cells_are_those_worked_out_by_hand() -> None:
    one = game(np.array([[3.0, 1.0]]))
    figures = faithfulness(one, attribute(one, Settings("shapley")), 0, threshold=0.0)
    # Score 4.5, then 1.5 without the first, then 0.5: trapezoids of 0, −3, −4.
    assert figures["deletion_area"] == pytest.approx(-2.5)
    assert figures["insertion_area"] == pytest.approx(2.5)  # 0, 3, 4
    assert figures["comprehensiveness"] == pytest.approx(3.0)  # the first is every share's top
    assert figures["sufficiency"] == pytest.approx(1.0)


def test_an_exact_explanation_is_the_same_for_every_seed() -> None:
    figures = seed_stability(game(WEIGHTS), Settings("shapley"))
    assert figures == {"seed_spearman": 1.0, "seed_top5": 1.0}


def test_a_model_of_random_weights_is_explained_otherwise() -> None:
    one = game(np.random.default_rng(3).normal(size=(5, 9)))
    own = attribute(one, Settings("shapley"))
    assert randomisation(one, own, Settings("shapley"))["randomised_spearman"] < 0.6


def test_ranks_of_constants_and_equals_have_an_answer() -> None:
    one = np.arange(5.0)
    assert rank_correlation(one, one) == 1
    assert rank_correlation(one, -one) == pytest.approx(-1)
    assert rank_correlation(np.zeros(5), one) == 0
    assert rank_correlation(np.zeros(5), np.zeros(5)) == 1


def test_two_halves_that_agree_to_a_half_make_wholes_that_agree_to_two_thirds() -> None:
    rng = np.random.default_rng(0)
    common = rng.normal(size=20_000)
    halves = [common + rng.normal(size=20_000) for _ in range(2)]
    assert expected_agreement(*halves) == pytest.approx(2 / 3, abs=0.03)


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ({"method": "magic"}, "known: lime, shapley, occlusion, gradients"),
        ({"kernel": "round"}, "known: lime, shap"),
        ({"units": "words"}, "known: features, cells"),
        ({"n_samples": 0}, "at least 1"),
    ],
)
def test_an_unknown_setting_names_the_known_ones(words: dict, known: str) -> None:
    with pytest.raises(FvxError, match=known):
        Settings(**words)
