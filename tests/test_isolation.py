"""A plugin that misbehaves costs that clip and feature only, whatever it does."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fakes
import pytest
from makers import contents, install_plugin, tree, write_tree
from processes import AVAILABLE, alive, children, wait_for

from fvx import measure
from fvx.datasets import Dataset
from fvx.extract import extract
from fvx.isolation import Abandoned, Child, Limits, Lost
from fvx.store import Store

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="looks into /proc")

FEATURES = (fakes.Ends(), fakes.Level(), fakes.Moody(), fakes.Grid())
LIMITS = Limits(seconds=1.0, memory_mb=400)
BAD = "bonafide/000.wav"
MOODS = {
    "raise": ("ZeroDivisionError", "a long clip,\ufffd\ufffd[31m longlong"),
    "speechless": ("Speechless", "no reason given"),
    "interrupt": ("ProcessDied", "ended its process (exit code 70)"),
    "dtype": ("FeatureError", "expected a float32 array, got float64"),
    "nan": ("FeatureError", "returned NaN or infinity"),
    "die": ("ProcessDied", "ended its process (exit code 9)"),
    "orphan": ("ProcessDied", "ended its process (exit code 9)"),
    "crash": ("ProcessDied", "its process was killed (SIGSEGV)"),
    "kill": ("ProcessDied", "its process was killed (SIGKILL, perhaps out of memory)"),
    "sleep": ("TimeoutError", "took longer than 1 s (--clip-timeout)"),
    "spin": ("TimeoutError", "took longer than 1 s (--clip-timeout)"),
    "eat": ("MemoryError", "took more than 400 MB of memory (--clip-memory)"),
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Twenty clips, two shards; one is long, and brings out the worst."""
    return tree(tmp_path_factory.mktemp("isolation") / "c", 20, n_long=1)


@pytest.fixture(scope="module")
def undisturbed(corpus: Dataset) -> dict[str, Any]:
    """The store where the bad feature raises, and no more."""
    path = corpus.root.parent / "undisturbed"
    extract(corpus, FEATURES, path)
    return without_reasons(path)


def without_reasons(store: Path) -> dict[str, Any]:
    return {
        place: {key: it for key, it in value.items() if key != "sha256"}
        if place.endswith(".h5")
        else value
        for place, value in contents(store).items()
        if not re.search("failures/(error|reason):?$", place)
    }


@pytest.mark.parametrize("mood", MOODS)
def test_a_bad_feature_costs_that_clip_and_feature_only(
    corpus: Dataset,
    undisturbed: dict[str, Any],
    mood: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FVX_TEST_MOOD", mood)
    seen: list[int] = []
    done = extract(
        corpus, FEATURES, tmp_path / "s", jobs=1 + len(mood) % 2, limits=LIMITS,
        on_progress=lambda n, *_: seen.append(n),
    )  # fmt: skip
    error, reason = MOODS[mood]
    (failure,) = done.failures
    assert (failure.clip, failure.feature, failure.error) == (BAD, "moody", error)
    assert failure.reason.startswith(reason)
    assert without_reasons(tmp_path / "s") == undisturbed
    assert seen == sorted(seen)
    assert seen[-1] == 20


def test_a_feature_that_failed_so_is_tried_again_when_asked(
    corpus: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FVX_TEST_MOOD", "die")
    assert len(extract(corpus, FEATURES, tmp_path / "s").failures) == 1
    monkeypatch.setenv("FVX_TEST_MOOD", "good")
    assert len(extract(corpus, FEATURES, tmp_path / "s").failures) == 1
    done = extract(corpus, FEATURES, tmp_path / "s", retry_failed=True)
    assert (done.n_done, done.failures) == (1, ())
    extract(corpus, FEATURES, tmp_path / "good")
    mended, good = Store.open(tmp_path / "s"), Store.open(tmp_path / "good")
    for name in good.features:
        assert {clip: mended[name][clip].tolist() for clip in mended[name]} == {
            clip: good[name][clip].tolist() for clip in good[name]
        }


def test_a_clip_of_many_parts_is_the_same(
    corpus: Dataset, undisturbed: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "_PART_BYTES", 100)
    extract(corpus, FEATURES, tmp_path / "s", jobs=0)
    assert without_reasons(tmp_path / "s") == undisturbed


def test_two_bad_features_of_one_clip_are_both_named(
    corpus: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FVX_TEST_MOOD", "die")
    done = extract(corpus, (fakes.Moody(), fakes.MoodyToo()), tmp_path / "s")
    assert [(one.clip, one.feature) for one in done.failures] == [
        (BAD, "moody"), (BAD, "moody_too"),
    ]  # fmt: skip
    assert len(Store.open(tmp_path / "s")["moody_too"]) == 19


def test_a_feature_that_kills_its_process_again_and_again_is_not_given_a_second_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FVX_TEST_MOOD", "die")
    monkeypatch.setenv("FVX_TEST_TALLY", str(tmp_path / "tally"))
    corpus = tree(tmp_path / "c", 16, n_long=12)
    done = extract(corpus, (fakes.Tally(), fakes.Moody()), tmp_path / "s")
    assert len(list((tmp_path / "s").glob("*.h5"))) == 1
    assert {one.feature for one in done.failures} == {"moody"}
    assert len(done.failures) == 12
    assert {one.error for one in done.failures} == {"ProcessDied"}
    # A good feature is measured anew after each death: of the first three clips two, then one.
    assert len((tmp_path / "tally").read_text()) == 3 * 3 + 9 * 2 + 4


def test_what_a_plugin_prints_is_no_result(tmp_path: Path) -> None:
    write_tree(tmp_path / "c", 2, n_long=1)
    install_plugin(tmp_path / "site", "fvx-fakes", "fakes")
    support = str(Path(__file__).parent / "support")
    done = subprocess.run(
        [Path(sys.executable).with_name("fvx"), "extract", "--dataset", "c", "--features", "moody"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), support]),
            "FVX_TEST_MOOD": "print",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "2 clips, 1 features -> features/c (2 extracted now, 0 there already)\n"
    assert "what a plugin has to say" in done.stderr


# The child itself.


def act(what: str, begin: Callable[[int], None]) -> Iterator[int]:
    begin(3)
    if what == "raise":
        raise ZeroDivisionError
    if what == "die":
        os._exit(4)
    if what == "hang":
        time.sleep(60)
    if what == "start another":
        yield subprocess.Popen(["sleep", "60"]).pid
    yield os.getpid()
    if what == "die late":
        os._exit(4)


def test_one_child_does_everything_until_it_dies() -> None:
    with Child(act, Limits()) as child:
        (first,) = child.call("work")
        assert [first] == child.call("work") != [os.getpid()]
        for way in ("die", "die late"):
            with pytest.raises(Lost, match="ended its process") as lost:
                child.call(way)
            assert (lost.value.step, lost.value.overdue) == (3, False)
        (second,) = child.call("work")
        assert second != first
        assert not alive(first)
    assert not alive(second)


def test_a_mistake_in_the_function_itself_is_not_taken_for_a_death() -> None:
    with Child(act, Limits()) as child, pytest.raises(RuntimeError, match="ZeroDivisionError"):
        child.call("raise")


def test_what_the_child_started_ends_with_it() -> None:
    with Child(act, Limits()) as child:
        other, _ = child.call("start another")
        assert alive(other)
    wait_for(lambda: not alive(other))


def test_time_in_which_everything_stood_still_does_not_count() -> None:
    """As when a laptop sleeps, or after Ctrl-Z."""
    with Child(act, Limits(seconds=0.5)) as child:
        before = set(children(os.getpid()))
        assert before.issuperset(child.call("work"))
        clock = iter([0.0, *range(100, 10**6, 100)])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "monotonic", lambda: float(next(clock)))
            with pytest.raises(Lost, match=r"longer than 0\.5 s"):
                child.call("hang")
        assert next(clock) >= 1000, "given up after the first jump of the clock"


def test_a_child_is_left_when_nobody_wants_its_result() -> None:
    ours, theirs = multiprocessing.Pipe()
    with Child(act, Limits(), ours) as child:
        (pid,) = child.call("work")
        theirs.send("never mind")  # its end would show in the same way, but the child has it too
        with pytest.raises(Abandoned):
            child.call("hang")
    assert not alive(pid)
    ours.close()
    theirs.close()


# Ctrl-C.


def test_ctrl_c_leaves_all_whole_and_says_how_to_go_on(tmp_path: Path) -> None:
    write_tree(tmp_path / "c", 40)
    install_plugin(tmp_path / "site", "fvx-fakes", "fakes")
    flag = tmp_path / "slow"
    flag.touch()
    support = str(Path(__file__).parent / "support")
    store = tmp_path / "s"
    run = subprocess.Popen(
        [Path(sys.executable).with_name("fvx"), "extract", "--dataset", "c", "--store", "s",
         "--features", "slow", "--jobs", "2"],
        cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), support]),
            "FVX_TEST_SLOW": str(flag),
        },
    )  # fmt: skip
    try:
        wait_for(lambda: list(store.glob("[0-9]*.h5")) and list(store.glob(".*.tmp.h5")))
        pids = children(run.pid)
        pids += [below for pid in pids for below in children(pid)]
        os.killpg(run.pid, signal.SIGINT)  # as the terminal does: to all of them
        out, err = run.communicate(timeout=30)
    finally:
        run.kill()
    assert (run.returncode, out) == (130, "")
    lines = [line for line in err.splitlines() if line.startswith("fvx")]
    assert lines == ["fvx: stopped; what was finished is kept in s: the same command goes on"]
    assert "Traceback" not in err
    assert len(pids) in (3, 4)  # a worker between two of its children has none
    assert not any(alive(pid) for pid in pids)
    assert not list(store.glob(".*.tmp.h5"))
    assert 0 < len(Store.open(store)["slow"]) < 40
