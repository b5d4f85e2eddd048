"""Learning from the moments of stretches, where spans of clips are synthetic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fakes import Grid
from numpy.typing import NDArray
from speechless import numbers_store

from fvx.model.descent import TrainingSettings, keras
from fvx.model.network import EachMoment, build, count_moments, of_moments
from fvx.model.part import Part
from fvx.model.stretches import GEOMETRY, Stretches
from fvx.model.training import _Taught
from fvx.store import Store
from fvx.windows import Geometry

# Keras asks NumPy 2 for an array in a way that NumPy 2 means to give up.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

WINDOWS = Geometry(0.5, 0.25)
SPANS = {3: "0.3-0.9", 5: "1.0-1.4;2.0-2.5"}  # of clips of 2.8 and 4 s


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Part:
    folder = tmp_path_factory.mktemp("moments") / "store"
    seconds = (3.0, 1.7, 3.0, 2.8, 1.5, 4.0)
    store: Store = numbers_store(folder, [Grid()], 6, seconds=seconds, spans=SPANS)
    return Part.over(store, [store["grid"].record], WINDOWS, list(store.clips.index))


def every_other(values: Any) -> Any:
    """A branch that leaves time in."""
    return keras.layers.Dense(5, activation="relu")(values[:, ::2])


def taught(part: Part, branch: Any) -> tuple[_Taught, keras.Model]:
    statistics, own = part.statistics(), {"grid": branch}
    apart = build(part.features, WINDOWS, statistics, own)[2]
    return _Taught(apart, part, statistics, own, TrainingSettings()), apart


def times_s(stretches: Stretches, clip: int) -> list[tuple[float, NDArray[np.float32]]]:
    which = np.flatnonzero(stretches.windows.clip == clip)
    starts = stretches.windows.start_s[which]
    return list(zip(starts, stretches.targets(which)[..., 0], strict=True))


def test_a_moment_is_a_spoof_if_it_lies_in_a_span(part: Part) -> None:
    stretches = Stretches.of(part, 50)  # moments of 0.05 s
    for clip, spans in ((3, [(0.3, 0.9)]), (5, [(1.0, 1.4), (2.0, 2.5)])):
        for start_s, targets in times_s(stretches, clip):
            for number, target in enumerate(targets):
                at = start_s + 0.05 * number
                edges = [edge for span in spans for edge in span]
                if min(abs(at - edge) for edge in edges) > 1e-6:
                    assert target == (not any(a < at < b for a, b in spans))


def test_clips_without_spans_are_what_their_label_says(part: Part) -> None:
    stretches = Stretches.of(part, 50)
    labels = part.store.clips["label"].tolist()
    for clip in (0, 1, 2, 4):
        for _, targets in times_s(stretches, clip):
            assert (targets == (labels[clip] == "bonafide")).all()


def test_both_classes_weigh_the_same(part: Part) -> None:
    stretches = Stretches.of(part, 50)
    targets = stretches.targets(np.arange(len(stretches)))
    assert (1 - targets).sum() * stretches.spoof_weight == pytest.approx(targets.sum(), rel=1e-5)


def test_batches_hold_every_stretch_with_its_targets(part: Part) -> None:
    stretches = Stretches.of(part, 50)
    batches = list(stretches.shuffled(4, (0,)))
    assert sum(len(one.target) for one in batches) == len(stretches)
    n_frames = GEOMETRY.n_frames(part.features[0].hop_s or 0)
    for one in batches:
        assert one.windows["grid"].shape[1] == n_frames
        assert one.target.shape[1:] == (50, 1)
        assert (one.weight == 1).all()


def test_windows_get_the_weights_of_moments(part: Part) -> None:
    teaching, apart = taught(part, every_other)
    assert teaching.network is not apart
    teaching.hand_over(apart)
    n_long, n_short = (one.n_frames(part.features[0].hop_s or 0) for one in (GEOMETRY, WINDOWS))
    still = np.random.default_rng(0).normal(size=(7, 1, len(part.features[0].columns)))
    moments = teaching.network.predict_on_batch({"grid": np.repeat(still, n_long, axis=1)})
    windows = apart.predict_on_batch({"grid": np.repeat(still, n_short, axis=1)})
    assert np.ptp(windows) > 1e-3
    np.testing.assert_allclose(moments, np.repeat(windows[:, None], moments.shape[1], 1), atol=1e-5)


def test_a_batch_of_stretches_is_as_long_as_one_of_windows(part: Part) -> None:
    teaching, _ = taught(part, every_other)
    assert teaching.settings.batch_size == round(64 * 0.5 / 2.5)


def test_a_branch_without_time_learns_from_windows(part: Part) -> None:
    teaching, apart = taught(part, lambda values: values[:, 0])
    assert teaching.network is apart
    assert teaching.part is part
    (grid,) = part.features
    n_frames = GEOMETRY.n_frames(grid.hop_s or 0)
    assert count_moments(lambda values: values[:, 0], grid, GEOMETRY) == 0
    assert count_moments(every_other, grid, GEOMETRY) == -(-n_frames // 2)
    assert count_moments(every_other, replace(grid, hop_s=None), GEOMETRY) == 0


def test_branches_of_two_rates_learn_from_windows(part: Part) -> None:
    again = replace(part.features[0], name="again")
    both = replace(part, features=(*part.features, again))
    statistics = dict.fromkeys(("grid", "again"), part.statistics()["grid"])
    own = {"grid": every_other, "again": lambda values: values[:, ::3]}
    apart = build(both.features, WINDOWS, statistics, own)[2]
    assert _Taught(apart, both, statistics, own, TrainingSettings()).network is apart


def test_spans_too_short_to_be_met_leave_a_weight(part: Part) -> None:
    stretches = replace(Stretches.of(part, 50), spoof=((),) * 6)
    assert np.isfinite(stretches.spoof_weight)


def test_whole_clips_are_learnt_in_windows(part: Part) -> None:
    clips = part.windows.clips
    whole = Part.over(part.store, part.features, WINDOWS, [clips[i] for i in (0, 1, 2, 4)])
    teaching, apart = taught(whole, every_other)
    assert teaching.network is apart


def test_the_weights_are_in_one_order_for_several_features(part: Part) -> None:
    record = part.features[0]
    features = [record, replace(record, name="again")]
    statistics = {one.name: part.statistics()["grid"] for one in features}
    own = dict.fromkeys(statistics, every_other)
    apart = build(features, WINDOWS, statistics, own)[2]
    moments = of_moments(features, GEOMETRY, statistics, own)
    names = [[one.path.rpartition("/")[2] for one in net.weights] for net in (apart, moments)]
    assert names[0] == names[1]
    assert [one.shape for one in apart.weights] == [one.shape for one in moments.weights]


class TestLoss:
    def test_it_is_the_logistic_loss_where_a_stretch_has_one_class(self) -> None:
        logits = np.array([[[0.3], [-1.2], [2.0]]])
        got = EachMoment(2.0).call(np.ones((1, 3, 1)), logits)
        assert float(got[0]) == pytest.approx(np.log1p(np.exp(-logits)).mean(), rel=1e-5)
        got = EachMoment(2.0).call(np.zeros((1, 3, 1)), logits)
        assert float(got[0]) == pytest.approx(2 * np.log1p(np.exp(logits)).mean(), rel=1e-5)

    def test_a_span_is_to_stand_out_of_its_stretch(self) -> None:
        targets, logits = np.array([[[1.0], [0.0], [1.0]]]), np.array([[[0.3], [-1.2], [2.0]]])
        drawn = np.exp(1.2) / np.exp([-0.3, 1.2, -2.0]).sum()
        each = np.log1p(np.exp([-0.3, -1.2, -2.0])).mean()
        got = EachMoment(1.0).call(targets, logits)
        assert float(got[0]) == pytest.approx(each - 0.5 * np.log(drawn), rel=1e-5)
