from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvx import protocol
from fvx.datasets import Clip, Dataset, Label
from fvx.errors import SplitError
from fvx.protocol import PARTS, Protocol, SplitName, split

NOBODY = {"", "-"}


def table(rows: list[tuple[str, str, str, str]]) -> pd.DataFrame:
    """Label, speaker, system and split of each clip."""
    clips = pd.DataFrame(rows, columns=["label", "speaker", "system", "split"])
    clips.index = pd.Index([f"c{i}" for i in range(len(clips))], name="id")
    return clips


def corpus(
    n_speakers: int = 20, n_systems: int = 8, n_each: int = 6, words: tuple[str, ...] = ("",)
) -> pd.DataFrame:
    """Speakers with clips of their own, and systems each of which imitates two others."""
    rows = [
        ("bonafide", f"s{speaker}", "-", words[speaker % len(words)])
        for speaker in range(n_speakers)
        for _ in range(n_each)
    ]
    rows += [
        ("spoof", f"s{1000 + 2 * system + i % 2}", f"A{system:02d}", words[system % len(words)])
        for system in range(n_systems)
        for i in range(2 * n_each)
    ]
    order = np.random.default_rng(0).permutation(len(rows))
    return table([rows[i] for i in order])


def shared(clips: pd.DataFrame, made: Protocol, column: str) -> set[str]:
    """What occurs in more than one part."""
    inside = {part: set(clips.loc[made.clips(part), column]) - NOBODY for part in PARTS}
    return {one for a, b in combinations(PARTS, 2) for one in inside[a] & inside[b]}


def check(clips: pd.DataFrame, made: Protocol) -> None:
    """What holds of every protocol."""
    assert made.parts.index.equals(clips.index)
    assert set(made.parts) <= {*PARTS, ""}
    for part in PARTS:
        members = made.clips(part)
        assert set(clips.loc[members, "label"]) == {"bonafide", "spoof"}
        assert members == [clip for clip in clips.index if clip in set(members)]


def test_parts_by_speaker_share_no_speaker_and_no_system() -> None:
    clips = corpus()
    made = split(clips, "speaker")
    check(clips, made)
    assert made.name == "speaker"
    assert shared(clips, made, "speaker") == set()
    assert shared(clips, made, "system") == set()
    assert made.sentence == (
        "test part disjoint by speaker and by synthesis system; "
        "development part disjoint by speaker and by synthesis system"
    )
    for part in ("development", "test"):
        assert len(made.clips(part)) / len(clips) == pytest.approx(0.15, abs=0.06)


def test_systems_that_all_share_their_speakers_are_divided_by_speaker_and_it_is_said() -> None:
    rows = [("bonafide", f"s{i % 20}", "-", "") for i in range(100)]
    rows += [("spoof", f"s{i % 20}", f"A{i % 7}", "") for i in range(100)]
    clips = table(rows)
    made = split(clips, "speaker")
    check(clips, made)
    assert shared(clips, made, "speaker") == set()
    assert shared(clips, made, "system") != set()
    assert "test part disjoint by speaker (systems shared); development" in made.sentence


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["bonafide", "spoof"]),
            st.sampled_from(["-", "", *(f"s{i}" for i in range(12))]),
            st.sampled_from(["-", *(f"A{i}" for i in range(6))]),
            st.sampled_from(["", "train", "dev", "test", "hidden"]),
        ),
        min_size=10,
        max_size=80,
    ),
    name=st.sampled_from([None, "speaker", "official", "random"]),
    seed=st.integers(0, 3),
)
def test_whatever_the_corpus_a_split_keeps_its_word_or_is_refused(
    rows: list[tuple[str, str, str, str]], name: protocol.SplitName | None, seed: int
) -> None:
    clips = table([(a, b, c if a == "spoof" else "-", d) for a, b, c, d in rows])
    try:
        made = split(clips, name, seed)
    except SplitError:
        return
    check(clips, made)
    if made.name == "speaker":
        assert shared(clips, made, "speaker") == set()
        if "systems shared" not in made.sentence:
            assert shared(clips, made, "system") == set()
    if made.name == "official":
        assert set(made.clips("train")) <= set(clips.index[clips["split"] == "train"])


def test_clips_of_nobody_are_no_claim_of_disjointness() -> None:
    clips = table([("bonafide", "-", "-", "")] * 30 + [("spoof", "", "-", "")] * 30)
    made = split(clips, "speaker")
    check(clips, made)
    assert made.sentence == (
        "test part disjoint by speaker and by synthesis system as far as is known: "
        "60 of 60 clips name no speaker, 30 of 30 spoof clips name no system; "
        f"development part disjoint by speaker and by synthesis system as far as is known: "
        f"{60 - len(made.clips('test'))} of {60 - len(made.clips('test'))} clips name no "
        f"speaker, {30 - made.parts[30:].eq('test').sum()} of "
        f"{30 - made.parts[30:].eq('test').sum()} spoof clips name no system"
    )


@pytest.mark.parametrize("name", ["speaker", "official", "random"])
def test_the_same_seed_gives_the_same_parts_and_another_others(name: protocol.SplitName) -> None:
    clips = corpus(words=("train", "train", "train", "test"))
    one, same, other = (split(clips, name, seed) for seed in (0, 0, 1))
    assert one.parts.equals(same.parts)
    assert one.sentence == same.sentence
    assert not one.parts.equals(other.parts)


# The corpus's own parts.


def test_the_own_parts_of_a_corpus_are_taken_as_they_are() -> None:
    clips = corpus(words=("train", "dev", "eval", "hidden"))
    made = split(clips)
    check(clips, made)
    assert made.name == "official"
    assert made.sentence == "the corpus's own training, development and test parts"
    for word, part in {
        "train": "train", "dev": "development", "eval": "test", "hidden": "",
    }.items():  # fmt: skip
        assert set(made.parts[clips["split"] == word]) == {part}


def test_words_for_parts_may_be_in_any_case() -> None:
    made = split(corpus(words=("TRAIN", "Development", "Test")))
    assert made.sentence == "the corpus's own training, development and test parts"


def test_without_a_development_part_it_is_carved_from_train() -> None:
    clips = corpus(40, 16, words=("train", "train", "train", "test"))
    made = split(clips)
    check(clips, made)
    assert made.sentence == (
        "the corpus's own parts, tested on 'test'; development carved from train, "
        "disjoint by speaker and by synthesis system"
    )
    assert set(made.parts[clips["split"] == "test"]) == {"test"}
    assert shared(clips, made, "speaker") == set()


def test_without_a_test_part_the_development_part_judges_and_does_not_choose() -> None:
    clips = corpus(40, 16, words=("train", "train", "train", "dev"))
    made = split(clips)
    check(clips, made)
    assert set(made.parts[clips["split"] == "dev"]) == {"test"}
    assert "tested on 'dev'; development carved from train, disjoint" in made.sentence


def test_several_words_for_the_part_held_out_are_all_named() -> None:
    made = split(corpus(40, 16, words=("train", "train", "dev", "progress", "validation")))
    assert "tested on 'dev' and 'progress' and 'validation'; development" in made.sentence


@pytest.mark.parametrize("words", [("",), ("hidden", ""), ("test",), ("train",), ("train", "")])
def test_a_corpus_that_does_not_divide_itself_is_divided_by_speaker(words: tuple[str, ...]) -> None:
    assert split(corpus(words=words)).name == "speaker"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("",), r"names no training part \(its split column has: nothing\)"),
        (("dev", "test"), r"names no training part \(its split column has: dev, test\)"),
        (("train",), "names a training part only; nothing is left to judge by"),
        (("train", "hidden"), "names a training part only; nothing is left to judge by"),
    ],
)
def test_own_parts_that_are_not_there_are_refused(words: tuple[str, ...], reason: str) -> None:
    with pytest.raises(SplitError, match=reason):
        split(corpus(words=words), "official")


def test_own_parts_without_a_class_are_refused() -> None:
    rows = [("bonafide", "a", "-", "train"), ("spoof", "b", "A1", "train")] * 5
    rows += [
        ("bonafide", "c", "-", "dev"),
        ("spoof", "d", "A2", "dev"),
        ("spoof", "e", "A3", "test"),
    ]
    with pytest.raises(SplitError, match=r"official split leaves \['spoof'\] in the test part"):
        split(table(rows))


# The others.


def test_the_ancestor_split_takes_the_first_ten_thousand_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clips = corpus(40, 16)
    monkeypatch.setattr(protocol, "_ANCESTOR_N_TRAIN", 300)
    made = split(clips, "ancestor")
    check(clips, made)
    assert set(made.parts[300:]) == {"test"}
    assert set(made.parts[:300]) == {"train", "development"}
    assert "first 300 rows train, the rest test, speakers and systems shared" in made.sentence


def test_the_ancestor_split_of_a_small_corpus_is_refused() -> None:
    with pytest.raises(SplitError, match="ancestor split leaves nothing in the test part"):
        split(corpus(), "ancestor")


def test_a_random_split_says_that_speakers_are_shared() -> None:
    clips = corpus()
    made = split(clips, "random")
    check(clips, made)
    assert "drawn at random: speakers and systems are shared" in made.sentence
    assert shared(clips, made, "speaker") != set()
    for label in ("bonafide", "spoof"):
        n = (clips["label"] == label).sum()
        for part in ("development", "test"):
            assert (clips.loc[made.clips(part), "label"] == label).sum() == round(0.15 * n)


@pytest.mark.parametrize("name", ["speaker", "random", "official", "ancestor", None])
def test_one_class_alone_is_refused(name: protocol.SplitName | None) -> None:
    clips = table([("spoof", f"s{i}", "A1", ("train", "dev", "test")[i % 3]) for i in range(30)])
    with pytest.raises(SplitError):
        split(clips, name)


def test_too_few_clips_are_refused() -> None:
    rows = [("bonafide", "a", "-", ""), ("spoof", "b", "A1", "")]
    for name in ("speaker", "random"):
        with pytest.raises(SplitError, match=f"the {name} split leaves .*another --split"):
            split(table(rows), name)


def test_one_speaker_cannot_be_divided_by_speaker() -> None:
    rows = [("bonafide", "a", "-", ""), ("spoof", "a", "A1", "")] * 30
    with pytest.raises(SplitError, match="bona fide and spoof are needed in each"):
        split(table(rows), "speaker")
    check(table(rows), split(table(rows), "random"))


def test_no_clips_at_all_are_refused() -> None:
    for name in (None, "speaker", "random", "official", "ancestor"):
        with pytest.raises(SplitError):
            split(table([]), name)  # type: ignore[arg-type]


# Proof of disjointness.


def test_what_two_parts_share_is_named_with_its_counts() -> None:
    clips = corpus()
    assert split(clips, "speaker").shared(clips, "speaker").empty
    made = split(clips, "random")
    found = made.shared(clips, "speaker")
    assert set(found.index) == shared(clips, made, "speaker")
    for name, row in found.iterrows():
        for part in PARTS:
            inside = clips[(clips["speaker"] == name) & (made.parts == part)]
            assert row[part] == len(inside)


def test_names_that_say_nothing_are_shared_by_nobody() -> None:
    clips = table([("bonafide", "-", "-", "")] * 30 + [("spoof", "", "-", "")] * 30)
    made = split(clips, "random")
    assert made.shared(clips, "speaker").empty
    assert made.shared(clips, "system").empty


# Across corpora.


def two_corpora() -> pd.DataFrame:
    clips = pd.concat([corpus(), corpus(10, 4).rename(lambda clip: f"b{clip}")])
    clips["corpus"] = ["A" if one.startswith("c") else "B" for one in clips.index]
    return clips


@pytest.mark.parametrize(("held_out", "test"), [(None, "B"), ("B", "B"), ("A", "A")])
def test_the_cross_split_trains_on_some_corpora_and_tests_on_others(
    held_out: str | None, test: str
) -> None:
    clips = two_corpora()
    made = split(clips, "cross", held_out=held_out)
    check(clips, made)
    assert set(clips["corpus"][made.clips("test")]) == {test}
    assert set(clips["corpus"][made.clips("train")]) == {"B" if test == "A" else "A"}
    assert set(made.parts[clips["corpus"] == test]) == {"test"}
    assert f"tested on {test} (cross-corpus)" in made.sentence


def test_the_cross_split_needs_two_corpora_and_knows_their_names() -> None:
    with pytest.raises(SplitError, match="needs several corpora"):
        split(corpus(), "cross")
    with pytest.raises(SplitError, match="no corpus 'C' to test on; there are A, B"):
        split(two_corpora(), "cross", held_out="C")


# Leaving one system out.


def test_the_system_left_out_is_tested_on_and_nowhere_else() -> None:
    clips = corpus()
    made = split(clips, "leave-one-system-out", held_out="A03")
    check(clips, made)
    spoof = clips[clips["label"] == "spoof"]
    assert set(made.parts[spoof.index[spoof["system"] == "A03"]]) == {"test"}
    assert set(spoof["system"][spoof.index.isin(made.clips("test"))]) == {"A03"}
    assert shared(clips, made, "speaker") == set()
    assert "A03" not in set(clips["system"][made.clips("train") + made.clips("development")])
    assert made.sentence.startswith("system A03 is in the test part only, and so are all speakers")


def test_every_system_can_be_left_out_in_turn() -> None:
    clips = corpus()
    assert protocol.systems(clips) == [f"A{n:02d}" for n in range(8)]
    for system in protocol.systems(clips):
        check(clips, split(clips, "leave-one-system-out", held_out=system))


def test_a_system_that_imitates_everyone_shares_its_speakers_and_it_is_said() -> None:
    rows = [("bonafide", f"s{i % 20}", "-", "") for i in range(200)]
    rows += [("spoof", f"s{i % 20}", f"A{i % 7}", "") for i in range(280)]
    clips = table(rows)
    made = split(clips, "leave-one-system-out", held_out="A2")
    check(clips, made)
    assert set(clips["system"][made.clips("test")]) == {"-", "A2"}
    assert "its human speakers (those imitated shared)" in made.sentence
    humans = clips[clips["label"] == "bonafide"]
    judging = set(humans["speaker"][humans.index.isin(made.clips("test"))])
    assert not judging & set(clips["speaker"][made.clips("train")])


@pytest.mark.parametrize(
    ("held_out", "reason"),
    [(None, "name the system to leave out; there are A00, A01"), ("Z", "no system 'Z'; there are")],
)
def test_a_system_that_is_not_there_cannot_be_left_out(held_out: str | None, reason: str) -> None:
    with pytest.raises(SplitError, match=reason):
        split(corpus(), "leave-one-system-out", held_out=held_out)


@pytest.mark.parametrize("name", [None, "speaker", "random"])
def test_nothing_is_held_out_by_name_in_other_splits(name: protocol.SplitName | None) -> None:
    with pytest.raises(SplitError, match="nothing is held out by name"):
        split(corpus(), name, held_out="A01")


def test_a_dataset_gives_the_table_that_is_divided() -> None:
    clips = (
        Clip("a", "a.wav", Label.BONAFIDE, "s", split="train", extra={"corpus": "X"}),
        Clip("b", "b.wav", Label.SPOOF, "-", "A1"),
    )
    found = protocol.clip_table(Dataset("d", Path(), clips, ""))
    assert list(found.index) == ["a", "b"]
    assert found.loc["a"].tolist() == ["bonafide", "s", "-", "train", "X"]
    assert found.loc["b"].tolist() == ["spoof", "-", "A1", "", ""]


def with_copies(clips: pd.DataFrame, n_copies: int = 2) -> pd.DataFrame:
    """The same and copies, as a store has them: a third of those of bona fide clips vocoded."""
    copies = []
    for number in range(1, n_copies + 1):
        copy = clips.assign(original=clips.index, copy=str(number), vocoded_by="")
        copy.index = clips.index + f"~{number}"
        vocoded = (copy["label"] == "bonafide") & (np.arange(len(copy)) % 3 == 0)
        copy.loc[vocoded, ["label", "system", "vocoded_by"]] = ["spoof", "vocoded:lpc", "lpc"]
        copies.append(copy)
    return pd.concat([clips, *copies])


@pytest.mark.parametrize("name", ["official", "speaker", "random", None])
def test_copies_stay_with_their_original_and_only_train(name: SplitName | None) -> None:
    clips = corpus(words=("train", "dev", "eval"))
    plain, made = split(clips, name), split(with_copies(clips), name)
    assert made.name == plain.name
    pd.testing.assert_series_equal(made.parts[clips.index], plain.parts)
    for number in (1, 2):
        copied = made.parts[clips.index + f"~{number}"]
        assert list(copied) == list(plain.parts)
    for part in ("development", "test"):
        assert made.clips(part) == plain.clips(part)
    train = plain.clips("train")
    assert made.clips("train") == [*train, *(f"{c}~{n}" for n in (1, 2) for c in train)]
    assert made.sentence == (
        f"{plain.sentence}; trained on {2 * len(train)} altered copies besides, which judge nothing"
    )


@pytest.mark.parametrize("column", ["speaker", "system"])
def test_copies_make_no_part_share_what_the_originals_do_not(column: str) -> None:
    clips = with_copies(corpus())
    assert split(clips, "speaker").shared(clips, column).empty


def test_a_system_of_vocoded_copies_can_not_be_held_out() -> None:
    clips = with_copies(corpus())
    with pytest.raises(SplitError, match="no system 'vocoded:lpc'; there are A00"):
        split(clips, "leave-one-system-out", held_out="vocoded:lpc")
    made = split(clips, "leave-one-system-out", held_out="A03")
    assert made.parts[clips["system"] == "A03"].eq("test").all()
    assert not set(made.clips("train")) & set(clips.index[clips["system"] == "A03"])


def test_a_copy_without_its_original_is_in_no_part() -> None:
    clips = with_copies(corpus(), 1)
    made = split(clips.drop(index="c0"), "random")
    assert made.parts["c0~1"] == ""
    assert "c0~1" not in made.clips("train")


def test_columns_of_a_corpus_that_are_called_alike_make_no_copies() -> None:
    clips = corpus().assign(original="somewhere", copy="1")
    made = split(clips, "random")
    assert made.copies == frozenset()
    check(clips, made)
