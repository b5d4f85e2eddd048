"""Training in this process, on made-up numbers: resuming, ensembles, baselines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from speechless import numbers_store

from fvx.baselines import BASELINES, find, open_scorer
from fvx.baselines.gmm import Mixture, _improved, _mixture
from fvx.detector import load_model
from fvx.errors import FvxError, ModelError, StoreError
from fvx.evaluate import evaluate
from fvx.model import Scorer
from fvx.model.card import Card
from fvx.model.choosing import choose
from fvx.model.data import WindowData
from fvx.model.descent import TrainingSettings, begin
from fvx.model.joint import Joint
from fvx.model.keras_file import load_keras
from fvx.model.network import build, joined
from fvx.model.part import Part
from fvx.model.summaries import Summaries, reader
from fvx.model.training import Trained, average, fit
from fvx.registry import discover
from fvx.store import FeatureRecord, Store
from fvx.train import train
from fvx.windows import Geometry, Windows

# Keras asks NumPy 2 for an array in a way that NumPy 2 means to give up.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CLIP = Path(__file__).parents[2] / "fvx" / "demo_corpus" / "00.flac"
FEATURES = ("f0", "jitter")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    names = {name for one in BASELINES for name in find(one).features} | set(FEATURES)
    features = [discover().features[name] for name in sorted(names)]
    folder = tmp_path_factory.mktemp("numbers") / "store"
    return numbers_store(folder, features, 24, seconds=(2.0, 1.5, 0.7, 1.2), shift=0.3)


@pytest.fixture(scope="module")
def two(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two networks."""
    run = tmp_path_factory.mktemp("runs") / "two"
    train(store, run, features=FEATURES, epochs=2, members=2, seed=5)
    return run


def records(store: Store) -> list[FeatureRecord]:
    return [store[name].record for name in FEATURES]


def untrained(part: Part, seed: int) -> Trained:
    begin(TrainingSettings(seed=seed))
    branches, terminus, _ = build(part.features, part.windows.geometry, part.statistics())
    models = (branches, terminus, joined(branches, terminus))
    return Trained(models, np.zeros((len(FEATURES), 16), np.float32), np.zeros(1), [])


def windows(store: Store, card: Card) -> WindowData:
    clips = list(store.clips.index)
    return WindowData.load(store, card.features, Windows.over(store, card.geometry, clips))


class TestEnsemble:
    def test_it_scores_as_the_mean_of_its_networks(self, store: Store) -> None:
        part = Part.over(store, records(store), Geometry(), list(store.clips.index)[:4])
        (batch, *_) = part.shuffled(9, (0,))
        members = [untrained(part, seed) for seed in (5, 6)]
        alone = [one.models[2].predict_on_batch(batch.windows) for one in members]
        branches, terminus, joint = average(members).models
        whole = joint.predict_on_batch(batch.windows)
        np.testing.assert_allclose(whole, np.mean(alone, axis=0), atol=1e-5)
        apart = terminus.predict_on_batch(branches.predict_on_batch(batch.windows))
        np.testing.assert_allclose(apart, whole, atol=1e-5)

    def test_its_networks_differ(self, store: Store, two: Path) -> None:
        scorer = Scorer.load(two)
        first, second = np.split(scorer.embed(windows(store, scorer.card).batch(slice(5))), 2, 2)
        assert np.abs(first - second).max() > 0.1

    def test_it_is_explained_like_any_other(self, two: Path) -> None:
        verdict = load_model(two).predict(CLIP)
        record = verdict.explain().record
        assert {one["name"] for one in record["features"]} == set(FEATURES)

    def test_the_keras_model_says_the_same(self, store: Store, two: Path) -> None:
        scorer = Scorer.load(two)
        batch = windows(store, scorer.card).batch(slice(0, 9))
        whole = load_keras(two).predict(batch, verbose=0).reshape(-1)
        np.testing.assert_allclose(whole, scorer.logits(scorer.embed(batch)), atol=1e-4)

    def test_the_card_tells_of_each_network_and_pooling(self, two: Path) -> None:
        card = Card.load(two)
        names = [one["network"] for one in card.training["history"]]
        assert names == [
            *(f"fold-{fold}-{member}" for fold in range(5) for member in (1, 2)),
            "member-1", "member-2",
        ]  # fmt: skip
        assert all(len(one["losses"]) == 2 for one in card.training["history"])
        assert card.training["settings"]["members"] == 2
        assert card.development["poolings"]["mean"]["eer"] == card.development["eer"]
        assert "share no s" in card.development["note"]  # source, or speaker


def test_what_is_learnt_from_summaries_is_what_judges_windows(store: Store) -> None:
    clips = list(store.clips.index)
    part = Part.over(store, records(store), Geometry(), clips)
    statistics = part.statistics()
    data = Summaries.measure(part, reader(part.features, statistics))
    joint = Joint(data.moments())
    joint.learn(data, epochs=2, seed=1, kept=np.array([True, False]))
    branches, _, whole = joint.models(
        part.features, part.windows.geometry, statistics, np.array([True, False])
    )
    assert set(branches.input) == {FEATURES[0]}
    said = part.map(lambda x: whole.predict_on_batch({FEATURES[0]: x[FEATURES[0]]})).reshape(-1)
    # Summaries are kept in half precision.
    np.testing.assert_allclose(said, joint.logits(data), atol=0.02)
    assert np.ptp(said) > 0.1


def test_a_branch_of_noise_loses_its_say(tmp_path: Path) -> None:
    names = ("f0", "jitter", "shimmer", "hnr", "cpp", "gne", "pauses", "amplitude")
    features = [discover().features[name] for name in names]
    made = numbers_store(tmp_path / "store", features, 60, seconds=(1.5,), shift=0.0)
    clips = list(made.clips.index)
    part = Part.over(made, [made[name].record for name in names], Geometry(), clips)
    data = Summaries.measure(part, reader(part.features, part.statistics()))
    rng = np.random.default_rng(0)
    bonafide = part.window_bonafide[:, np.newaxis]
    values = {
        name: (rng.standard_normal(one.shape) + (name in ("f0", "hnr")) * bonafide).astype(
            np.float16
        )
        for name, one in data.values.items()
    }
    told = Summaries(part, values, data.rows)
    joint = Joint(told.moments())
    choice = choose(joint, told, np.arange(len(clips)) // 2 % 5, epochs=8, seed=0)
    kept = {name for name, says in zip(joint.names, choice.kept, strict=True) if says}
    assert {"f0", "hnr"} <= kept
    assert len(kept) < len(names)
    assert choice.rounds[0]["n_branches"] == len(names)


class TestResuming:
    def test_a_stopped_training_goes_on_to_the_same_end(
        self, store: Store, two: Path, tmp_path: Path
    ) -> None:
        class Stopped(Exception):
            pass

        def stop(words: str) -> None:
            if words.startswith("fold 3"):
                raise Stopped

        settings = {"features": FEATURES, "epochs": 2, "members": 2, "seed": 5}
        with pytest.raises(Stopped):
            train(store, tmp_path / "stopped", on_words=stop, **settings)
        assert not (tmp_path / "stopped").exists()
        kept = {
            one.name: one.stat().st_mtime_ns
            for one in (tmp_path / ".stopped.unfinished").glob("*.npz")
        }
        assert {"choice.npz", "fold-0-1.npz", "fold-2-2.npz"} <= set(kept)
        seen: dict[str, int] = {}

        def look(_: str) -> None:
            for one in (tmp_path / ".stopped.unfinished").glob("*.npz"):
                seen[one.name] = one.stat().st_mtime_ns

        resumed = train(store, tmp_path / "stopped", resume=True, on_words=look, **settings)
        assert {name: seen[name] for name in kept} == kept  # what was learnt is not learnt again
        straight = Card.load(two)
        for name in ("withheld", "scale", "offset", "threshold", "development"):
            assert getattr(resumed, name) == getattr(straight, name), name
        assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []

    def test_without_anything_to_go_on_with_it_says_so(self, store: Store, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="no training of it was stopped"):
            train(store, tmp_path / "run", resume=True)

    def test_a_training_on_other_features_does_not_go_on(
        self, store: Store, tmp_path: Path
    ) -> None:
        def stop(words: str) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(store, tmp_path / "run", features=["jitter"], epochs=2, on_words=stop)
        with pytest.raises(ModelError, match="other data or with other settings"):
            train(store, tmp_path / "run", features=["f0"], epochs=2, resume=True)


def test_a_column_to_balance_that_is_not_there_is_named(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no planet to balance; there are .*source"):
        train(store, tmp_path / "run", balance=["planet"])


@pytest.fixture(scope="module")
def runs(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("baselines")
    for name in BASELINES:
        train(store, folder / name, baseline=name, epochs=1)
    return folder


class TestBaselines:
    @pytest.mark.parametrize("name", BASELINES)
    def test_a_run_of_it_is_evaluated(self, store: Store, runs: Path, name: str) -> None:
        done = evaluate(runs / name, store)
        assert done.metrics["n_bonafide"] == done.metrics["n_spoof"] == 4
        assert "development" not in done.metrics["protocol"].split(";")[0]

    @pytest.mark.parametrize("name", BASELINES)
    def test_a_run_of_it_judges_files_but_gives_no_reasons(self, runs: Path, name: str) -> None:
        verdict = load_model(runs / name).predict(CLIP)
        assert verdict.verdict in ("bona fide", "spoof", "undecided")
        assert np.isfinite(verdict.score)
        with pytest.raises(FvxError, match=f"a baseline .{name}. gives no reasons"):
            verdict.explain()

    @pytest.mark.parametrize("name", BASELINES)
    def test_its_card_says_what_it_is(self, runs: Path, name: str) -> None:
        card = Card.load(runs / name)
        assert card.kind == name
        assert "baseline to compare with" in card.words
        assert {one.name for one in card.features} == set(find(name).features)

    def test_the_networks_score_in_their_portable_form_as_in_keras(
        self, store: Store, runs: Path
    ) -> None:
        for name in ("lfcc-lcnn", "ancestor"):
            scorer = open_scorer(runs / name)
            batch = windows(store, scorer.card).batch(slice(0, 7))
            whole = load_keras(runs / name).predict(batch, verbose=0).reshape(-1)
            np.testing.assert_allclose(scorer.embed(batch).reshape(-1), whole, atol=1e-4)

    def test_the_mixtures_tell_apart_what_is_shifted(self, store: Store, runs: Path) -> None:
        scorer = open_scorer(runs / "lfcc-gmm")
        data = windows(store, scorer.card)
        scores = scorer.score(data.batch(slice(None)))
        bonafide = (store.clips["label"] == "bonafide").to_numpy()[data.windows.clip]
        assert scores[bonafide].mean() > scores[~bonafide].mean()

    def test_a_changed_file_of_mixtures_is_refused(self, runs: Path, tmp_path: Path) -> None:
        for file in (runs / "lfcc-gmm").iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        (tmp_path / "mixtures.npz").write_bytes(b"junk")
        with pytest.raises(ModelError, match="not the file its card was written for"):
            load_model(tmp_path)

    def test_what_it_does_not_know_is_refused(self, store: Store, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="no baseline 'magic'; known: lfcc-gmm"):
            train(store, tmp_path / "run", baseline="magic")  # type: ignore[arg-type]
        with pytest.raises(ModelError, match="has its own features"):
            train(store, tmp_path / "run", baseline="ancestor", features=["f0"])


class TestMixture:
    def test_its_density_is_scikit_learn_s(self) -> None:
        from sklearn.mixture import GaussianMixture

        rng = np.random.default_rng(0)
        frames = rng.standard_normal((500, 6)) * rng.uniform(0.5, 3, 6)
        oracle = GaussianMixture(5, covariance_type="diag", random_state=0).fit(frames)
        mixture = Mixture(oracle.weights_, oracle.means_, oracle.covariances_)
        got = mixture.log_density(frames.astype(np.float32))
        np.testing.assert_allclose(got, oracle.score_samples(frames), rtol=1e-4)

    def test_an_iteration_is_scikit_learn_s(self) -> None:
        from sklearn.mixture import GaussianMixture

        rng = np.random.default_rng(2)
        frames = rng.standard_normal((9_000, 4)) * [1, 2, 3, 4] + rng.integers(0, 3, (9_000, 1)) * 3
        means = frames[:5]
        begun = Mixture(np.full(5, 0.2), means, np.ones((5, 4)))
        oracle = GaussianMixture(
            5, covariance_type="diag", max_iter=3, tol=0.0, reg_covar=1e-4, means_init=means,
            weights_init=np.full(5, 0.2), precisions_init=np.ones((5, 4)),
        )  # fmt: skip
        with pytest.warns(UserWarning, match="did not converge"):
            oracle.fit(frames)
        for _ in range(3):
            begun = _improved(begun, frames.astype(np.float32))
        np.testing.assert_allclose(begun.means, oracle.means_, atol=1e-3)
        np.testing.assert_allclose(begun.variances, oracle.covariances_, rtol=1e-3)
        np.testing.assert_allclose(begun.weights, oracle.weights_, atol=1e-4)

    def test_it_finds_clusters_that_are_there(self) -> None:
        rng = np.random.default_rng(1)
        centres = np.array([[0, 0], [10, 0], [0, 10]], float)
        frames = np.concatenate([one + rng.standard_normal((400, 2)) for one in centres])
        mixture = _mixture(frames.astype(np.float32), 3, seed=0)
        found = mixture.means[np.argsort(mixture.means @ [1, 2])]
        np.testing.assert_allclose(found, centres, atol=0.3)
        np.testing.assert_allclose(mixture.variances, 1, atol=0.3)
        np.testing.assert_allclose(mixture.weights, 1 / 3, atol=0.02)


def test_the_flat_optimiser_takes_the_steps_of_keras_s() -> None:
    import keras

    from fvx.model.optimizer import FlatAdamW

    rng = np.random.default_rng(0)
    values = [rng.standard_normal(shape) for shape in ((3, 4), (4,), (2, 2, 2))]
    gradients = [[rng.standard_normal(one.shape) for one in values] for _ in range(5)]
    results = []
    for optimizer in (keras.optimizers.AdamW(0.01, 0.1), FlatAdamW(0.01, 0.1)):
        variables = [keras.Variable(one, dtype="float32") for one in values]
        optimizer.build(variables)
        for step in gradients:
            optimizer.apply([keras.ops.convert_to_tensor(one, "float32") for one in step])
        assert int(optimizer.iterations) == 5
        results.append([one.numpy() for one in variables])
    for theirs, ours, before in zip(*results, values, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
        assert np.abs(ours - before).min() > 1e-3


TWO_DEVICES = """
import sys
import numpy as np
from fvx.model.descent import TrainingSettings, keras, _step, descend
import tensorflow as tf
from fvx.model.part import Batch

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

def network():
    keras.utils.set_random_seed(0)
    inputs = {"a": keras.Input((4,), name="a")}
    made = keras.Model(inputs, keras.layers.Dense(1)(inputs["a"]))
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    made.compile(keras.optimizers.SGD(0.1), loss, jit_compile=False)
    return made

rng = np.random.default_rng(0)
batches = [
    Batch({"a": rng.standard_normal((8, 4)).astype("float32")},
          (rng.random((8, 1)) < 0.5).astype("float32"), np.ones(8, "float32"))
    for _ in range(3)
]
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
one = network()
step = _step(one, None)
alone = [step(batch) for batch in batches]
with strategy.scope():
    two = network()
    step = _step(two, strategy)
    shared = [step(batch) for batch in batches]
    step(Batch({"a": batches[0].windows["a"][:1]}, batches[0].target[:1], batches[0].weight[:1]))
np.testing.assert_allclose(one.get_weights()[0], two.get_weights()[0], atol=1e-5)
np.testing.assert_allclose(alone, shared, rtol=1e-4)
print("same")
"""


def test_two_devices_train_as_one_does() -> None:
    """Each takes every other window of a batch."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TWO_DEVICES],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "same\n", done.stderr[-2000:]


def test_half_precision_trains_and_is_kept_in_single(store: Store, tmp_path: Path) -> None:
    part = Part.over(store, records(store), Geometry(), list(store.clips.index))
    trained = fit(part, part, TrainingSettings(epochs=1, precision="mixed_float16"))
    checksums = trained.save(tmp_path)
    assert json.dumps(checksums)
    assert {str(one.dtype) for one in trained.models[2].weights} <= {"float32", "int64"}
    assert np.isfinite(trained.development_logits).all()


def test_a_branch_of_a_plugin_s_own_is_trained_in_place_of_the_usual(store: Store) -> None:
    def first_frame(inputs: Any) -> Any:
        return inputs[:, 0]

    clips = list(store.clips.index)
    train_part, development = (
        Part.over(store, records(store), Geometry(), some) for some in (clips[:16], clips[16:])
    )
    settings = TrainingSettings(epochs=1, seed=0)
    usual, own = (
        fit(train_part, development, settings, branches=branches)
        for branches in ({}, {"f0": first_frame})
    )
    (batch, *_) = train_part.shuffled(9, (0,))
    changed = {**batch.windows, "f0": batch.windows["f0"].copy()}
    changed["f0"][:, 1:] += 5.0  # all but what the plugin's branch looks at
    for trained, same in ((usual, False), (own, True)):
        branches = trained.models[0]
        before, after = (branches.predict_on_batch(x)[:, 0] for x in (batch.windows, changed))
        assert np.allclose(before, after) == same
