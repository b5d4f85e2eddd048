from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import fakes
import makers
import numpy as np
import pytest
from makers import contents, tree, write_clip

from fvx import executors, workers
from fvx import extract as module
from fvx.audio import Audio
from fvx.conversion import convert
from fvx.datasets import Clip, Dataset, Label, open_dataset
from fvx.errors import DatasetError, FeatureError, StoreError
from fvx.extract import Extraction
from fvx.feature import Feature
from fvx.store import Store

FEATURES: Sequence[Feature] = (fakes.Level(), fakes.Ends())
# Here, which starts nothing; tests that say jobs=1 or more are about workers.
extract = partial(module.extract, jobs=0)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four clips a shard, so that a few clips make several."""
    monkeypatch.setattr(module, "_MIN_CLIPS_PER_SHARD", 4)


def stamps(store: Path) -> dict[str, tuple[int, bytes]]:
    """When each shard was written, and what stands in it."""
    return {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in store.glob("*.h5")}


def test_the_store_holds_what_the_features_give(tmp_path: Path) -> None:
    dataset = tree(tmp_path / "c", 9, n_long=2)
    seen: list[tuple[int, int, int]] = []
    done = extract(dataset, FEATURES, tmp_path / "s", on_progress=lambda *n: seen.append(n))
    assert done == Extraction(tmp_path / "s", 9, 9, 0, ())
    store = Store.open(tmp_path / "s")
    assert len(list((tmp_path / "s").glob("*.h5"))) == 3
    assert list(store.clips.index) == [clip.id for clip in dataset.clips]
    for clip in dataset.clips:
        path = dataset.audio_path(clip)
        audio = Audio.read(path)
        for feature in FEATURES:
            np.testing.assert_array_equal(store[feature.name][clip.id], feature(convert(audio)))
        row = store.clips.loc[clip.id]
        assert (row["label"], row["n_samples"]) == (clip.label.value, len(audio.samples))
        assert row["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert store.about["dataset"] == dataset.name == "c"
    assert [n for n, _, _ in seen] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
    assert {total for _, total, _ in seen} == {9}


def test_each_clip_is_decoded_once_for_all_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Path] = []
    read = Audio.read
    monkeypatch.setattr(Audio, "read", lambda *a: reads.append(a[0]) or read(*a))
    extract(tree(tmp_path / "c"), (*FEATURES, fakes.Grid()), tmp_path / "s")
    assert len(reads) == len(set(reads)) == 6


def test_the_store_follows_the_order_of_the_dataset_however_it_came_about(tmp_path: Path) -> None:
    dataset = tree(tmp_path / "c", 10)
    shuffled = dataclasses.replace(dataset, clips=dataset.clips[5:] + dataset.clips[:5])
    extract(shuffled, [fakes.Grid()], tmp_path / "s", limit=3)
    extract(shuffled, FEATURES, tmp_path / "s", limit=7)
    extract(shuffled, (*FEATURES, fakes.Grid()), tmp_path / "s")
    assert list(Store.open(tmp_path / "s").clips.index) == [clip.id for clip in shuffled.clips]


def test_the_same_call_again_does_nothing(tmp_path: Path) -> None:
    dataset = tree(tmp_path / "c")
    extract(dataset, FEATURES, tmp_path / "s")
    before = stamps(tmp_path / "s")
    for jobs in (1, 2):
        done = extract(dataset, FEATURES, tmp_path / "s", jobs=jobs)
        assert (done.n_done, done.n_skipped) == (0, 6)
    assert stamps(tmp_path / "s") == before


def test_a_limit_and_then_the_rest_is_as_good_as_all_at_once(tmp_path: Path) -> None:
    dataset = tree(tmp_path / "c", 10)
    done = extract(dataset, FEATURES, tmp_path / "s", limit=6)
    assert (done.n_clips, done.n_done) == (6, 6)
    before = stamps(tmp_path / "s")
    done = extract(dataset, FEATURES, tmp_path / "s")
    assert (done.n_clips, done.n_done, done.n_skipped) == (10, 4, 6)
    assert before.items() <= stamps(tmp_path / "s").items()
    extract(dataset, FEATURES, tmp_path / "whole")
    assert_same_values(tmp_path / "s", tmp_path / "whole")


def assert_same_values(one: Path, other: Path) -> None:
    a, b = Store.open(one), Store.open(other)
    assert a.features == b.features
    assert a.clips.equals(b.clips)
    assert a.failures.equals(b.failures)
    for name in a.features:
        assert sorted(a[name]) == sorted(b[name])
        for clip in a[name]:
            np.testing.assert_array_equal(a[name][clip], b[name][clip])


def test_adding_a_feature_rewrites_nothing(tmp_path: Path) -> None:
    dataset = tree(tmp_path / "c", 10)
    extract(dataset, [fakes.Level()], tmp_path / "s")
    before = stamps(tmp_path / "s")
    done = extract(dataset, (*FEATURES, fakes.Grid()), tmp_path / "s")
    assert done.n_done == 10
    assert before.items() <= stamps(tmp_path / "s").items()
    extract(dataset, (*FEATURES, fakes.Grid()), tmp_path / "whole")
    assert_same_values(tmp_path / "s", tmp_path / "whole")


def test_adding_clips_rewrites_nothing(tmp_path: Path) -> None:
    dataset = tree(tmp_path / "c", 6)
    extract(dataset, FEATURES, tmp_path / "s")
    before = stamps(tmp_path / "s")
    for number in (6, 7):
        write_clip(tmp_path / "c" / "spoof" / f"{number:03d}.wav", seed=number)
    dataset = open_dataset(tmp_path / "c")
    assert extract(dataset, FEATURES, tmp_path / "s").n_done == 2
    assert before.items() <= stamps(tmp_path / "s").items()
    extract(dataset, FEATURES, tmp_path / "whole")
    assert_same_values(tmp_path / "s", tmp_path / "whole")


def test_any_number_of_jobs_writes_the_same(tmp_path: Path) -> None:
    dataset = tree(tmp_path / "c", 12, n_long=5)
    features = (*FEATURES, fakes.Moody())
    seen: list[int] = []
    extract(dataset, features, tmp_path / "0")
    extract(dataset, features, tmp_path / "1", jobs=1)
    extract(dataset, features, tmp_path / "2", jobs=2, on_progress=lambda n, *_: seen.append(n))
    assert contents(tmp_path / "2") == contents(tmp_path / "1") == contents(tmp_path / "0") != {}
    assert seen == sorted(seen)
    assert seen[-1] == 12


# Failures.


def test_a_clip_that_cannot_be_read_costs_itself_only(tmp_path: Path) -> None:
    dataset = tree(tmp_path / "c")
    (tmp_path / "c" / "bonafide" / "000.wav").write_text("no sound")
    (tmp_path / "c" / "bonafide" / "002.wav").unlink()
    (tmp_path / "c" / "spoof" / "001.wav").unlink()
    (tmp_path / "c" / "spoof" / "001.wav").symlink_to("001.wav")
    done = extract(dataset, FEATURES, tmp_path / "s")
    reasons = {failure.clip: failure for failure in done.failures}
    assert len(reasons) == len(done.failures) == 3
    assert all(failure.feature == "" for failure in done.failures)
    assert "cannot be read as audio" in reasons["bonafide/000.wav"].reason
    assert reasons["bonafide/002.wav"].reason == "no such file"
    assert "ymlink loop" in reasons["spoof/001.wav"].reason
    store = Store.open(tmp_path / "s")
    assert store.complete(("level", "ends")) == [
        "bonafide/004.wav", "spoof/003.wav", "spoof/005.wav",
    ]  # fmt: skip
    assert list(store.clips.index) == [clip.id for clip in dataset.clips]


def test_a_clip_outside_the_corpus_costs_itself_only(tmp_path: Path) -> None:
    write_clip(tmp_path / "outside.wav")
    dataset = tree(tmp_path / "c", 2)
    (tmp_path / "c" / "link.wav").symlink_to(tmp_path / "outside.wav")
    clips = (
        Clip("up", "../outside.wav", Label.SPOOF),
        Clip("absolute", str(tmp_path / "outside.wav"), Label.SPOOF),
        Clip("link", "link.wav", Label.SPOOF),
        *dataset.clips,
    )
    done = extract(dataclasses.replace(dataset, clips=clips), FEATURES, tmp_path / "s")
    failed = {failure.clip: (failure.error, failure.reason) for failure in done.failures}
    assert failed == {
        "up": ("DatasetError", f"../outside.wav leaves the folder {tmp_path / 'c'}"),
        "absolute": (
            "DatasetError", f"{tmp_path / 'outside.wav'} leaves the folder {tmp_path / 'c'}",
        ),
        "link": ("DatasetError", f"link.wav is a link out of {tmp_path / 'c'}"),
    }  # fmt: skip
    assert len(Store.open(tmp_path / "s")["level"]) == 2


@pytest.mark.parametrize(
    ("mood", "error", "reason"),
    [
        ("raise", "ZeroDivisionError", "a long clip,\ufffd\ufffd[31m longlong"),
        ("silent", "ValueError", "no reason given"),
        ("exit", "SystemExit", "3"),
        ("shape", "FeatureError", "expected shape (1, 1), got (7, 7)"),
    ],
)
def test_a_plugin_that_fails_costs_that_clip_and_feature_only(
    tmp_path: Path, mood: str, error: str, reason: str
) -> None:
    dataset = tree(tmp_path / "c", 6, n_long=1)
    done = extract(dataset, (*FEATURES, fakes.Moody(mood)), tmp_path / "s")
    (failure,) = done.failures
    assert (failure.clip, failure.feature, failure.error) == ("bonafide/000.wav", "moody", error)
    assert failure.reason.startswith(reason)
    assert len(failure.reason) <= 300
    assert failure.reason.isprintable()
    store = Store.open(tmp_path / "s")
    assert len(store["moody"]) == 5
    assert len(store["level"]) == len(store["ends"]) == 6
    assert len(store.complete(("ends", "level", "moody"))) == 5


def test_progress_tells_of_failures(tmp_path: Path) -> None:
    dataset = tree(tmp_path / "c", 8)
    (tmp_path / "c" / "bonafide" / "000.wav").write_text("no sound")
    seen: list[int] = []
    extract(dataset, FEATURES, tmp_path / "s", on_progress=lambda *n: seen.append(n[2]))
    assert (seen[0], seen[-1]) == (0, 1)


def test_only_failures_of_what_was_asked_for_are_reported(tmp_path: Path) -> None:
    dataset = tree(tmp_path / "c", 6, n_long=1)
    write_clip(tmp_path / "c" / "spoof" / "999.wav").write_text("no sound")
    dataset = open_dataset(tmp_path / "c")
    done = extract(dataset, (fakes.Moody(), fakes.Level()), tmp_path / "s")
    assert {failure.clip for failure in done.failures} == {"bonafide/000.wav", "spoof/999.wav"}
    done = extract(dataset, [fakes.Level()], tmp_path / "s")
    assert {failure.clip for failure in done.failures} == {"spoof/999.wav"}
    assert extract(dataset, [fakes.Level()], tmp_path / "s", limit=6).failures == ()
    assert len(Store.open(tmp_path / "s").failures) == 2


def test_what_failed_is_tried_again_only_when_asked(tmp_path: Path) -> None:
    dataset = tree(tmp_path / "c", 10)
    good = (tmp_path / "c" / "bonafide" / "000.wav").read_bytes()
    (tmp_path / "c" / "bonafide" / "000.wav").write_text("no sound")
    (tmp_path / "c" / "spoof" / "001.wav").write_text("no sound")
    extract(dataset, FEATURES, tmp_path / "s")
    (tmp_path / "c" / "bonafide" / "000.wav").write_bytes(good)
    before = stamps(tmp_path / "s")

    done = extract(dataset, FEATURES, tmp_path / "s")
    assert (done.n_done, len(done.failures)) == (0, 2)
    assert stamps(tmp_path / "s") == before

    done = extract(dataset, FEATURES, tmp_path / "s", retry_failed=True)
    assert (done.n_done, done.n_skipped) == (2, 8)
    assert [failure.clip for failure in done.failures] == ["spoof/001.wav"]
    store = Store.open(tmp_path / "s")
    assert store.clips.loc["bonafide/000.wav", "n_samples"] == 3_200
    assert len(store["level"]) == 9
    assert before.items() <= stamps(tmp_path / "s").items()

    # Once more: the clip that now has values is left alone.
    assert extract(dataset, FEATURES, tmp_path / "s", retry_failed=True).n_done == 1
    assert before.items() <= stamps(tmp_path / "s").items()


def test_a_whole_shard_that_failed_can_be_tried_again(tmp_path: Path) -> None:
    dataset = tree(tmp_path / "c", 4)
    good = {path: path.read_bytes() for path in (tmp_path / "c").rglob("*.wav")}
    for path in good:
        path.write_text("no sound")
    assert len(extract(dataset, FEATURES, tmp_path / "s").failures) == 4
    for path, data in good.items():
        path.write_bytes(data)
    assert extract(dataset, FEATURES, tmp_path / "s", retry_failed=True).failures == ()
    extract(dataset, FEATURES, tmp_path / "whole")
    assert_same_values(tmp_path / "s", tmp_path / "whole")


def test_a_clip_mended_before_a_feature_was_added_still_lacks_the_first(tmp_path: Path) -> None:
    dataset = tree(tmp_path / "c", 4)
    good = (tmp_path / "c" / "bonafide" / "000.wav").read_bytes()
    (tmp_path / "c" / "bonafide" / "000.wav").write_text("no sound")
    extract(dataset, [fakes.Level()], tmp_path / "s")
    (tmp_path / "c" / "bonafide" / "000.wav").write_bytes(good)
    assert len(extract(dataset, FEATURES, tmp_path / "s").failures) == 1
    done = extract(dataset, FEATURES, tmp_path / "s", retry_failed=True)
    assert (done.n_done, done.failures) == (1, ())
    assert len(Store.open(tmp_path / "s").complete(("ends", "level"))) == 4


# What is refused.


def test_other_settings_or_versions_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = tree(tmp_path / "c", 2)
    extract(dataset, FEATURES, tmp_path / "s")
    before = stamps(tmp_path / "s")
    with pytest.raises(StoreError, match=r"level was made with version 1 .*'gain': 1\.0.*2\.0"):
        extract(dataset, [fakes.Level(gain=2.0)], tmp_path / "s")
    monkeypatch.setattr(fakes.Level, "version", 2)
    with pytest.raises(StoreError, match=r"level was made with version 1 .*not version 2 .*--st"):
        extract(dataset, FEATURES, tmp_path / "s")
    assert extract(dataset, [fakes.Ends()], tmp_path / "s").n_done == 0
    assert stamps(tmp_path / "s") == before


def test_another_dataset_is_refused(tmp_path: Path) -> None:
    extract(tree(tmp_path / "c", 2), FEATURES, tmp_path / "s")
    with pytest.raises(StoreError, match="was made with dataset 'c', not 'd'"):
        extract(tree(tmp_path / "d", 2), FEATURES, tmp_path / "s")
    with pytest.raises(StoreError, match="was made with rate_hz 16000, not 8000"):
        extract(tree(tmp_path / "c", 2), FEATURES, tmp_path / "s", rate_hz=8_000)


def test_another_dataset_of_the_same_name_is_refused(tmp_path: Path) -> None:
    extract(tree(tmp_path / "c", 4), FEATURES, tmp_path / "s")
    other = tree(tmp_path / "elsewhere" / "c", 2)
    write_clip(tmp_path / "elsewhere" / "c" / "bonafide" / "000.wav", seed=99)
    with pytest.raises(StoreError, match=r"'bonafide/000.wav' was made from other audio"):
        extract(other, FEATURES, tmp_path / "s")
    # The same audio elsewhere is the same corpus.
    assert extract(tree(tmp_path / "moved" / "c", 4), FEATURES, tmp_path / "s").n_done == 0


def test_a_label_that_was_corrected_is_not_overlooked(tmp_path: Path) -> None:
    dataset = tree(tmp_path / "c", 4)
    extract(dataset, FEATURES, tmp_path / "s")
    first = dataclasses.replace(dataset.clips[0], label=Label.SPOOF)
    corrected = dataclasses.replace(dataset, clips=(first, *dataset.clips[1:]))
    with pytest.raises(StoreError, match=r"000.wav' is there with label 'bonafide', in the datas"):
        extract(corrected, FEATURES, tmp_path / "s")


def test_a_rate_that_the_hops_do_not_divide_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match=r"level: a hop of 0.01 s is 220.5 samples at 22050"):
        extract(tree(tmp_path / "c", 2), FEATURES, tmp_path / "s", rate_hz=22_050)
    assert not (tmp_path / "s").exists()
    extract(tree(tmp_path / "c", 2), FEATURES, tmp_path / "s", rate_hz=44_100)
    assert Store.open(tmp_path / "s")["level"].n_rows("bonafide/000.wav") == 21


def test_two_runs_on_one_store_do_not_mix(tmp_path: Path) -> None:
    dataset = tree(tmp_path / "c", 2)
    extract(dataset, FEATURES, tmp_path / "s")
    with (
        Store.open(tmp_path / "s").locked(),
        pytest.raises(StoreError, match=f"in use by process {os.getpid()} on"),
    ):
        extract(dataset, [fakes.Grid()], tmp_path / "s")
    assert "grid" not in Store.open(tmp_path / "s").features


def test_a_shard_that_cannot_be_written_stops_the_run_and_keeps_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = tree(tmp_path / "c", 12)
    n_written = 0

    def full(self: object, *_: object) -> None:
        nonlocal n_written
        n_written += 1
        if n_written > 6:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(workers, "step", lambda: full(None))
        with pytest.raises(StoreError, match=r"\.h5: cannot be written \(No space left on dev"):
            extract(dataset, FEATURES, tmp_path / "s")
    assert len(list((tmp_path / "s").glob("*.h5"))) == 1
    done = extract(dataset, FEATURES, tmp_path / "s")
    assert (done.n_done, done.n_skipped) == (8, 4)
    extract(dataset, FEATURES, tmp_path / "whole")
    assert contents(tmp_path / "s") == contents(tmp_path / "whole")


def test_a_corpus_or_store_that_is_not_there_any_more_stops_the_run(tmp_path: Path) -> None:
    dataset = tree(tmp_path / "c", 12)

    def lose(folder: Path) -> Callable[[int, int, int], None]:
        return lambda n_done, *_: folder.rename(tmp_path / "lost") if n_done == 6 else None

    with pytest.raises(DatasetError, match=r"c: cannot be reached from .* \(No such file or dir"):
        extract(dataset, FEATURES, tmp_path / "s", on_progress=lose(tmp_path / "c"))
    (tmp_path / "lost").rename(tmp_path / "c")
    assert Store.open(tmp_path / "s").failures.empty
    assert len(Store.open(tmp_path / "s").clips) == 4
    done = extract(dataset, FEATURES, tmp_path / "s")
    assert (done.n_done, done.n_skipped, done.failures) == (8, 4, ())


def test_a_feature_that_cannot_travel_is_refused_and_runs_here(tmp_path: Path) -> None:
    class Homely(fakes.Ends):
        pass

    dataset = tree(tmp_path / "c", 2)
    with pytest.raises(FeatureError, match=r"ends: cannot be handed to a worker .* jobs=0"):
        extract(dataset, [Homely()], tmp_path / "s", jobs=1)
    assert not (tmp_path / "s").exists()
    extract(dataset, [Homely()], tmp_path / "s")
    assert len(Store.open(tmp_path / "s")["ends"]) == 2


def test_a_worker_with_another_version_of_a_feature_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fakes.Level, "version", 7)  # here, and not in the worker
    with pytest.raises(FeatureError, match=r"level: version 1 is installed on .*, version 7 where"):
        extract(tree(tmp_path / "c", 2), FEATURES, tmp_path / "s", jobs=1)
    assert not Store.open(tmp_path / "s").features


def test_a_large_corpus_makes_about_two_hundred_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MIN_CLIPS_PER_SHARD", 16)
    clips = tuple(makers.clip(f"c{n}") for n in range(30_000))

    def send_far_away(task: object, items: Sequence[object], **_: object) -> Iterator[list[object]]:
        assert len(items) == 200
        yield []

    monkeypatch.setattr(executors, "run", send_far_away)
    with pytest.raises(StoreError, match=r"made, but not to be seen here, as 200 in all"):
        extract(Dataset("big", tmp_path, clips, "made up"), FEATURES, tmp_path / "s")
    assert Store.open(tmp_path / "s").about["clips_per_shard"] == 150
