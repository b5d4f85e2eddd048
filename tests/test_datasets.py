from __future__ import annotations

import csv
import dataclasses
import os
import pickle
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from miniatures import MINIATURES

from fvx.audio import Audio
from fvx.datasets import (
    LABEL_WORDS,
    Clip,
    Dataset,
    Label,
    Layout,
    Table,
    Tree,
    corpora,
    open_dataset,
    open_datasets,
    parse_label,
    read_manifest,
)
from fvx.errors import DatasetError, UnknownLabel
from fvx.registry import collect

DATA = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
KNOWN = {layout.name: layout for layout in corpora.fvx_datasets()}
NOISE = np.random.default_rng(0).uniform(-0.1, 0.1, 4000).astype(np.float32)

ITW_META = """file,speaker,label
0.wav,Alec Guinness,spoof
1.wav,Alec Guinness,spoof
4.wav,Christopher Hitchens,bona-fide
"""
DF_KEY = """\
LA_0023 DF_E_2000011 nocodec asvspoof A14 spoof notrim progress traditional_vocoder - - - -
TEF2 DF_E_2000013 low_m4a vcc2020 Task1-team20 spoof notrim eval neural_vocoder_nonautoregressive \
Task1 team20 FF E
LA_0038 DF_E_2000026 nocodec asvspoof - bonafide trim hidden bonafide - - - -
LA_0038 DF_E_2000027 low_ogg asvspoof bonafide bonafide notrim eval bonafide - - - -
"""


def speech(root: Path, *names: str) -> Path:
    """Write a quarter of a second of noise under each name, and return the root."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = path.suffix[1:].upper() or "WAV"
        soundfile.write(path, NOISE, 16_000, format="OGG" if kind == "OPUS" else kind)
    return root


def text(root: Path, name: str, content: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode())
    return path


def by_id(dataset: Dataset) -> dict[str, Clip]:
    return {clip.id: clip for clip in dataset.clips}


def note(dataset: Dataset, words: str) -> str:
    return next((one for one in dataset.notes if words in one), "")


# Labels -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word", ["bonafide", "bona-fide", "Bona_Fide", " genuine ", "REAL", "human"]
)
def test_words_for_human_speech_are_known_in_any_case(word: str) -> None:
    assert parse_label(word, "here") is Label.BONAFIDE


@pytest.mark.parametrize("word", ["spoof", "Fake", "DEEPFAKE", "synthetic"])
def test_words_for_synthetic_speech_are_known_in_any_case(word: str) -> None:
    assert parse_label(word, "here") is Label.SPOOF


@pytest.mark.parametrize("word", ["", "0", "1", "bonafid", "unknown"])
def test_an_unknown_label_word_is_refused_with_its_place(word: str) -> None:
    with pytest.raises(UnknownLabel, match=r"key\.txt, line 7") as caught:
        parse_label(word, "key.txt, line 7")
    assert caught.value.known == tuple(LABEL_WORDS)


def test_a_corpus_may_bring_its_own_label_words() -> None:
    assert parse_label("A00", "here", {"a00": Label.BONAFIDE}) is Label.BONAFIDE


# In-the-Wild --------------------------------------------------------------------------------------


def in_the_wild(root: Path, meta: str = ITW_META, ending: str = "wav") -> Path:
    text(root, "release_in_the_wild/meta.csv", meta)
    text(root, "release_in_the_wild/attribution.txt", "by many")
    return speech(root, *(f"release_in_the_wild/{number}.{ending}" for number in (0, 1, 4)))


def test_in_the_wild_is_found_by_name_below_its_home(tmp_path: Path) -> None:
    dataset = open_dataset("itw", KNOWN, home=in_the_wild(tmp_path))
    assert dataset.name == "itw"
    assert [clip.id for clip in dataset.clips] == ["0.wav", "1.wav", "4.wav"]
    clip = dataset.clips[2]
    assert (clip.label, clip.speaker) == (Label.BONAFIDE, "Christopher Hitchens")
    assert (clip.system, clip.split, dict(clip.extra)) == ("-", "", {})
    assert "In-the-Wild" in dataset.layout
    assert dataset.missing == ()


@pytest.mark.parametrize("below", ["", "release_in_the_wild"])
def test_in_the_wild_is_recognised_above_and_at_its_table(tmp_path: Path, below: str) -> None:
    dataset = open_dataset(in_the_wild(tmp_path) / below, KNOWN)
    assert "In-the-Wild" in dataset.layout
    assert [clip.id for clip in dataset.clips] == ["0.wav", "1.wav", "4.wav"]
    assert all(dataset.audio_path(clip).is_file() for clip in dataset.clips)


def test_audio_of_another_extension_is_taken_and_said(tmp_path: Path) -> None:
    dataset = open_dataset(in_the_wild(tmp_path, ending="flac") / "release_in_the_wild", KNOWN)
    assert (dataset.clips[0].id, dataset.clips[0].path) == ("0.wav", "0.flac")
    assert note(dataset, "extension") == (
        "3 clips under another extension than listed: 0.wav as 0.flac, …"
    )


def test_a_dot_in_a_name_is_not_taken_for_an_extension(tmp_path: Path) -> None:
    speech(tmp_path, "take.wav", "take.1.wav")
    table = text(tmp_path, "m.csv", "file,label\ntake.1,real\n")
    assert read_manifest(table).clips[0].path == "take.1.wav"


def test_counts_other_than_the_published_ones_are_said(tmp_path: Path) -> None:
    dataset = open_dataset("itw", KNOWN, home=in_the_wild(tmp_path))
    assert "19,963 bona fide and 11,816 spoof" in note(dataset, "published")
    assert "1 and 2 are listed" in note(dataset, "published")


def test_published_counts_are_passed_over_in_silence(tmp_path: Path) -> None:
    layout = dataclasses.replace(KNOWN["itw"], n_bonafide=1, n_spoof=2)
    assert open_dataset("itw", {"itw": layout}, home=in_the_wild(tmp_path)).notes == ()


def test_clips_without_audio_are_counted_and_named(tmp_path: Path) -> None:
    lost = "".join(f"lost{number}.wav,X,spoof\n" for number in range(5))
    dataset = open_dataset("itw", KNOWN, home=in_the_wild(tmp_path, ITW_META + lost))
    assert len(dataset.clips) == 3
    assert dataset.missing == tuple(f"lost{number}.wav" for number in range(5))
    assert note(dataset, "without audio") == (
        "5 clips in the protocol without audio: lost0.wav, lost1.wav, lost2.wav, …"
    )


def test_audio_beyond_the_protocol_is_left_out_and_said(tmp_path: Path) -> None:
    speech(in_the_wild(tmp_path), "release_in_the_wild/9.wav")
    dataset = open_dataset("itw", KNOWN, home=tmp_path)
    assert len(dataset.clips) == 3
    assert note(dataset, "not in the protocol") == (
        "1 audio file not in the protocol, left out: 9.wav"
    )


def test_an_unknown_label_word_names_the_line(tmp_path: Path) -> None:
    home = in_the_wild(tmp_path, ITW_META.replace("bona-fide", "bona-fido"))
    with pytest.raises(UnknownLabel, match=r"meta\.csv, line 4: label 'bona-fido' is unknown"):
        open_dataset("itw", KNOWN, home=home)


def test_a_corpus_that_is_not_there_names_folder_and_source(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"release_in_the_wild, which is not there") as caught:
        open_dataset("itw", KNOWN, home=tmp_path)
    assert KNOWN["itw"].urls[0] in str(caught.value)


def test_a_corpus_folder_without_its_table_says_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "release_in_the_wild").mkdir()
    with pytest.raises(DatasetError, match=r"holds no meta\.csv"):
        open_dataset("itw", KNOWN, home=tmp_path)


def test_a_table_of_that_name_that_says_something_else_is_not_recognised(tmp_path: Path) -> None:
    text(tmp_path, "meta.csv", "path|original_file|language\nx.wav|y|de\n")
    speech(tmp_path, "real/x.wav")
    assert "tree" in open_dataset(tmp_path, KNOWN).layout


# ASVspoof 2021 DF ---------------------------------------------------------------------------------


def asvspoof_2021_df(root: Path, key: str, flac: str, text_: str = DF_KEY) -> Path:
    text(root, key, text_)
    return speech(root, *(f"{flac}/DF_E_20000{n}.flac" for n in (11, 13, 26, 27, 99)))


@pytest.mark.parametrize("flac", ["ASVspoof2021_DF_eval/flac", "flac"])
@pytest.mark.parametrize(
    "key", ["keys/DF/CM/trial_metadata.txt", "keys/CM/trial_metadata.txt", "trial_metadata.txt"]
)
def test_thirteen_columns_are_read_wherever_they_lie(tmp_path: Path, key: str, flac: str) -> None:
    dataset = open_dataset(asvspoof_2021_df(tmp_path, key, flac), KNOWN)
    clips = by_id(dataset)
    assert list(clips) == ["DF_E_2000011", "DF_E_2000013", "DF_E_2000026", "DF_E_2000027"]
    clip = clips["DF_E_2000013"]
    assert clip.path == f"{flac}/DF_E_2000013.flac"
    assert (clip.label, clip.speaker) == (Label.SPOOF, "TEF2")
    assert (clip.system, clip.split) == ("Task1-team20", "eval")
    assert clip.extra == {
        "compression": "low_m4a",
        "source": "vcc2020",
        "trim": "notrim",
        "vocoder": "neural_vocoder_nonautoregressive",
        "task": "Task1",
        "team": "team20",
        "gender_pair": "FF",
        "language": "E",
    }
    assert [one.split for one in dataset.clips] == ["progress", "eval", "hidden", "eval"]
    assert "1 audio file not in the protocol" in note(dataset, "not in the protocol")


def test_bona_fide_clips_have_no_system(tmp_path: Path) -> None:
    root = asvspoof_2021_df(tmp_path, "trial_metadata.txt", "flac")
    human = [c for c in open_dataset(root, KNOWN).clips if c.label is Label.BONAFIDE]
    assert [clip.system for clip in human] == ["-", "-"]


@pytest.mark.parametrize("folder", ["ASVspoof2021_DF", ""])
def test_df_is_found_by_name_in_its_folder_or_unpacked_beside(tmp_path: Path, folder: str) -> None:
    asvspoof_2021_df(
        tmp_path / folder, "keys/DF/CM/trial_metadata.txt", "ASVspoof2021_DF_eval/flac"
    )
    assert len(open_dataset("asvspoof2021_df", KNOWN, home=tmp_path).clips) == 4


def test_a_row_with_too_few_fields_names_the_line(tmp_path: Path) -> None:
    broken = DF_KEY + "LA_0023 DF_E_2000099 nocodec asvspoof A14 spoof notrim\n"
    root = asvspoof_2021_df(tmp_path, "trial_metadata.txt", "flac", broken)
    with pytest.raises(DatasetError, match=r"trial_metadata\.txt, line 5: expected 13 .* found 7"):
        open_dataset(root, KNOWN)


def test_a_clip_listed_twice_names_the_line(tmp_path: Path) -> None:
    twice = DF_KEY + DF_KEY.splitlines()[0]
    root = asvspoof_2021_df(tmp_path, "trial_metadata.txt", "flac", twice)
    with pytest.raises(DatasetError, match=r"line 5: clip 'DF_E_2000011' .* second time"):
        open_dataset(root, KNOWN)


def test_keys_without_audio_say_what_was_looked_for(tmp_path: Path) -> None:
    text(tmp_path, "keys/DF/CM/trial_metadata.txt", DF_KEY)
    with pytest.raises(DatasetError, match=r"none of 4 clips .*eval/flac/DF_E_2000011\.flac"):
        open_dataset(tmp_path, KNOWN)


def test_a_folder_that_holds_two_corpora_says_which_was_taken(tmp_path: Path) -> None:
    asvspoof_2021_df(in_the_wild(tmp_path), "keys/DF/CM/trial_metadata.txt", "flac")
    known = dict(sorted(KNOWN.items()))
    dataset = open_dataset(tmp_path, known)
    assert "DF" in dataset.layout
    assert note(dataset, "too") == "read as asvspoof2021_df, though the folder holds itw too"


# Other published layouts, as a plugin would write them --------------------------------------------


LA_2019 = Table(
    name="asvspoof2019_la",
    protocols=("LA/ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.*.txt",),
    delimiter=" ",
    columns=("speaker", "utterance", "environment", "system", "key"),
    clip="utterance",
    audio=("LA/ASVspoof2019_LA_{split}/flac/{utterance}.flac",),
    label="key",
    system="system",
    split="protocol",
    splits={
        "asvspoof2019.la.cm.train.trn.txt": "train",
        "asvspoof2019.la.cm.dev.trl.txt": "dev",
    },
)


def test_several_protocols_and_a_split_in_the_path_make_one_corpus(tmp_path: Path) -> None:
    folder = "LA/ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm"
    text(tmp_path, f"{folder}.train.trn.txt", "LA_0079 LA_T_1138215 - - bonafide\n")
    text(tmp_path, f"{folder}.dev.trl.txt", "LA_0069 LA_D_1047731 - A01 spoof\n")
    flac = "LA/ASVspoof2019_LA_{}/flac/{}.flac"
    speech(tmp_path, flac.format("train", "LA_T_1138215"), flac.format("dev", "LA_D_1047731"))
    speech(tmp_path, flac.format("dev", "LA_D_enrolment"))
    dataset = open_dataset(tmp_path, {LA_2019.name: LA_2019})
    dev, train = dataset.clips
    assert (dev.id, dev.split, dev.system, dev.label) == ("LA_D_1047731", "dev", "A01", Label.SPOOF)
    assert (train.split, train.system, train.label) == ("train", "-", Label.BONAFIDE)
    assert "LA_D_enrolment" in note(dataset, "not in the protocol")


def test_a_spoof_only_corpus_with_stray_quotes_loses_no_row(tmp_path: Path) -> None:
    header = "path|language|model_name|transcript\n"
    rows = './fake/ja/kokoro/a b.wav|ja|kokoro|"one\n./fake/ja/kokoro/c.wav|ja|kokoro|two"\n'
    text(tmp_path, "fake/ja/kokoro/meta.csv", header + rows)
    speech(tmp_path, "fake/ja/kokoro/a b.wav", "fake/ja/kokoro/c.wav")
    mlaad = Table(
        name="mlaad",
        protocols=("fake/*/*/meta.csv",),
        delimiter="|",
        quoting=False,
        clip="path",
        audio=("{path}",),
        label=Label.SPOOF,
        speaker="",
        system="model_name",
    )
    dataset = open_dataset(tmp_path, {"mlaad": mlaad})
    assert [clip.path for clip in dataset.clips] == [
        "fake/ja/kokoro/a b.wav",
        "fake/ja/kokoro/c.wav",
    ]
    assert {(clip.label, clip.system) for clip in dataset.clips} == {(Label.SPOOF, "kokoro")}
    assert dataset.clips[0].extra["transcript"] == '"one'


def test_a_column_of_attacks_may_serve_as_label(tmp_path: Path) -> None:
    text(
        tmp_path,
        "metadata/train.csv",
        "file,speaker,attack\na00/x.flac,id1,a00\na07/y.flac,id2,a07\n",
    )
    speech(tmp_path, "flac/train/a00/x.flac", "flac/train/a07/y.flac")
    spoofceleb = Table(
        name="spoofceleb",
        protocols=("metadata/*.csv",),
        audio=("flac/train/{file}",),
        label="attack",
        labels={"a00": Label.BONAFIDE} | {f"a{n:02}": Label.SPOOF for n in range(1, 24)},
        system="attack",
        placeholders=("", "-", "a00"),
    )
    human, made = spoofceleb.read(tmp_path).clips
    assert (human.label, human.system) == (Label.BONAFIDE, "-")
    assert (made.label, made.system) == (Label.SPOOF, "a07")


def test_a_layout_that_names_a_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    text(tmp_path, "p.csv", "file,label\na.wav,real\n")
    with pytest.raises(DatasetError, match="no column 'speaker'; there are file, label"):
        Table(name="x", protocols=("p.csv",)).read(tmp_path)
    with pytest.raises(DatasetError, match="no column 'trial' for the audio path"):
        Table(name="x", protocols=("p.csv",), speaker="", audio=("{trial}",)).read(tmp_path)


def test_folders_named_for_systems_give_label_and_system(tmp_path: Path) -> None:
    speech(tmp_path, "FinalDataset_16khz/CycleGAN/x.wav", "FinalDataset_16khz/Real/y.wav")
    habla = Tree(name="habla", labels={"cyclegan": Label.SPOOF}, markers=("FinalDataset_16khz",))
    made, human = open_dataset(tmp_path, {"habla": habla}).clips
    assert (made.label, made.system) == (Label.SPOOF, "CycleGAN")
    assert (human.label, human.system) == (Label.BONAFIDE, "-")
    assert habla.marker(tmp_path / "elsewhere") == ""


# A folder tree ------------------------------------------------------------------------------------


def test_folder_names_give_label_and_split_at_any_depth(tmp_path: Path) -> None:
    speech(
        tmp_path,
        "training/real/alice/1.wav",
        "training/fake/2.FLAC",
        "validation/fake/3.ogg",
        "testing/Real/4.mp3",
        "eval/fake/5.aiff",
        "bona-fide/6.wav",
    )
    clips = by_id(open_dataset(tmp_path, KNOWN))
    assert {name: (str(clip.label), clip.split) for name, clip in clips.items()} == {
        "training/real/alice/1.wav": ("bonafide", "train"),
        "training/fake/2.FLAC": ("spoof", "train"),
        "validation/fake/3.ogg": ("spoof", "dev"),
        "testing/Real/4.mp3": ("bonafide", "test"),
        "eval/fake/5.aiff": ("spoof", "test"),
        "bona-fide/6.wav": ("bonafide", ""),
    }


def test_a_tree_is_named_after_its_folder_and_says_what_it_read(tmp_path: Path) -> None:
    dataset = open_dataset(speech(tmp_path / "mine", "real/a.wav", "fake/b.wav", "fake/c.wav"))
    assert (dataset.name, dataset.layout) == ("mine", "a folder tree: fake/ (2), real/ (1)")
    assert (dataset.count(Label.BONAFIDE), dataset.count(Label.SPOOF)) == (1, 2)


def test_a_tree_reads_in_one_order_whatever_the_disk_gives(tmp_path: Path) -> None:
    names = ["fake/b.wav", "fake/a.wav", "fake/z/c.wav", "real/d.wav"]
    ids = [clip.id for clip in open_dataset(speech(tmp_path, *names)).clips]
    assert ids == ["fake/a.wav", "fake/b.wav", "fake/z/c.wav", "real/d.wav"]


def test_audio_under_no_label_folder_is_left_out_and_said(tmp_path: Path) -> None:
    dataset = open_dataset(speech(tmp_path, "real/a.wav", "music/b.wav", "c.wav"))
    assert [clip.id for clip in dataset.clips] == ["real/a.wav"]
    assert "2 audio files under no folder that names a label" in note(dataset, "names a label")


def test_files_that_are_no_audio_and_hidden_ones_are_no_clips(tmp_path: Path) -> None:
    speech(tmp_path, "real/a.wav")
    for name in ("real/._a.wav", "real/a.txt", "real/a.m4a"):
        text(tmp_path, name, "x")
    dataset = open_dataset(tmp_path)
    assert [clip.id for clip in dataset.clips] == ["real/a.wav"]
    assert dataset.notes == ("1 hidden audio file left out",)


def test_a_clip_under_both_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="both a bona fide and a spoof folder: fake, real"):
        open_dataset(speech(tmp_path, "fake/real/a.wav"))


def test_a_label_word_above_the_root_says_nothing(tmp_path: Path) -> None:
    root = speech(tmp_path / "fake", "real/a.wav")
    assert open_dataset(root).clips[0].label is Label.BONAFIDE


def test_a_folder_without_clips_says_what_is_there_and_what_is_allowed(tmp_path: Path) -> None:
    speech(tmp_path, "speech/a.wav")
    text(tmp_path, "list.csv", "file,label\nspeech/a.wav,real\n")
    with pytest.raises(DatasetError, match=r"bonafide and spoof .* if list\.csv lists the clips"):
        open_dataset(tmp_path, KNOWN)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="It holds nothing"):
        open_dataset(tmp_path / "empty", KNOWN)


def test_file_names_that_are_not_utf8_are_left_out_and_said(tmp_path: Path) -> None:
    speech(tmp_path, "real/a.wav")
    try:
        os.link(tmp_path / "real/a.wav", os.fsencode(tmp_path) + b"/real/\xe9.wav")
    except OSError:
        pytest.skip("this file system takes no such name")
    dataset = open_dataset(tmp_path)
    assert len(dataset.clips) == 1
    assert dataset.notes == ("1 audio file left out whose name is not UTF-8",)


# A manifest ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "BOM"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_byte_order_mark_and_line_ends_are_found_out(
    tmp_path: Path, delimiter: str, end: str, mark: str
) -> None:
    rows = [
        "File,Label,Speaker,Attack,Subset,Room",
        "a.wav,real,Ann,-,Training,hall",
        "",
        "b.wav,Fake,,XTTS,eval,",
    ]
    path = text(tmp_path, "list.csv", mark + end.join(rows).replace(",", delimiter) + end)
    first, second = open_dataset(speech(tmp_path, "a.wav", "b.wav") / path.name, KNOWN).clips
    assert first == Clip("a.wav", "a.wav", Label.BONAFIDE, "Ann", "-", "train", {"Room": "hall"})
    assert second == Clip("b.wav", "b.wav", Label.SPOOF, "-", "XTTS", "test", {"Room": ""})


@pytest.mark.parametrize("file", ["file", "path", "filename", "clip"])
@pytest.mark.parametrize("label", ["label", "key", "class"])
def test_columns_go_by_several_names(tmp_path: Path, file: str, label: str) -> None:
    path = text(tmp_path, "m.tsv", f"{label}\t{file}\nspoof\tsub/a.wav\n")
    dataset = read_manifest(speech(tmp_path, "sub/a.wav") / path.name)
    assert [(clip.id, clip.label) for clip in dataset.clips] == [("sub/a.wav", Label.SPOOF)]
    assert dataset.name == "m"
    assert dataset.layout == "a manifest: m.tsv, delimited by tab"


def test_of_two_file_columns_the_first_known_counts_and_the_other_is_kept(tmp_path: Path) -> None:
    text(tmp_path, "m.csv", "path,file,label\nelsewhere,a.wav,real\n")
    clip = read_manifest(speech(tmp_path, "a.wav") / "m.csv").clips[0]
    assert (clip.id, dict(clip.extra)) == ("a.wav", {"path": "elsewhere"})


def test_a_manifest_whose_name_looks_like_a_pattern_is_read(tmp_path: Path) -> None:
    text(tmp_path, "m[1]*.csv", "file,label\na.wav,real\n")
    assert len(read_manifest(speech(tmp_path, "a.wav") / "m[1]*.csv").clips) == 1


names_of_files = st.text(
    st.characters(exclude_characters="/\0\\", exclude_categories=["Cs"]), min_size=1, max_size=12
).map(lambda name: name + ".wav")


@settings(derandomize=True, deadline=None, max_examples=60, database=None)
@given(
    clips=st.dictionaries(names_of_files, st.sampled_from(list(Label)), min_size=1, max_size=5),
    delimiter=st.sampled_from(",;\t|"),
)
def test_any_file_name_survives_a_manifest(clips: dict[str, Label], delimiter: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in clips:
            (root / name).touch()
        with (root / "list").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=delimiter)
            writer.writerows([("file", "label"), *clips.items()])
        dataset = read_manifest(root / "list")
        assert {clip.id: clip.label for clip in dataset.clips} == clips
        assert all(dataset.audio_path(clip).is_file() for clip in dataset.clips)


@pytest.mark.parametrize(
    "name", ["-rf.wav", "ünïcödé 語.wav", "two\nlines.wav", 'a "b", c.wav', "a..b.wav"]
)
def test_awkward_names_are_ids_as_written(tmp_path: Path, name: str) -> None:
    with (speech(tmp_path, name) / "m.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "label"), (name, "real")])
    dataset = read_manifest(tmp_path / "m.csv")
    assert dataset.clips[0].id == name
    assert Audio.read(dataset.audio_path(dataset.clips[0])).duration_s == 0.25


@pytest.mark.parametrize(
    "name", ["../a.wav", "/etc/a.wav", "sub/../../a.wav", "..", "a\0b.wav", "./../a.wav"]
)
def test_a_path_that_leads_out_of_the_folder_is_refused_with_its_line(
    tmp_path: Path, name: str
) -> None:
    speech(tmp_path, "a.wav", "in/b.wav")
    path = text(tmp_path, "in/m.csv", f"file,label\nb.wav,real\n{name},fake\n")
    with pytest.raises(DatasetError, match=r"m\.csv, line 3: .* leads out of the corpus folder"):
        read_manifest(path)


def test_dots_and_doubled_slashes_in_paths_are_read_through(tmp_path: Path) -> None:
    path = text(tmp_path, "m.csv", "file,label\n./sub//a.wav,real\n")
    clip = read_manifest(speech(tmp_path, "sub/a.wav") / path.name).clips[0]
    assert (clip.id, clip.path) == ("./sub//a.wav", "sub/a.wav")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a.wav,real\na.wav,fake\n", r"line 3: clip 'a\.wav' is listed for the second time"),
        ("a.wav,real\n./a.wav,fake\n", r"line 3: a\.wav is the audio of two clips"),
        ("a.wav\n", "line 2: expected 2 fields, found 1"),
        ("a.wav,real,more\n", "line 2: expected 2 fields, found 3"),
        (",real\n", "line 2: the clip has no name"),
        ("a.wav,maybe\n", "line 2: label 'maybe' is unknown"),
        ('"a.wav,real\nb.wav,real\n', r"line \d: .*end of data"),
        ("", "no clip is listed"),
        ("b.wav,real\n", r"none of 1 clip listed has audio; b\.wav is not there"),
    ],
)
def test_a_row_that_cannot_be_meant_is_refused(tmp_path: Path, rows: str, message: str) -> None:
    path = text(tmp_path, "m.csv", "file,label\n" + rows)
    with pytest.raises(DatasetError, match=message):
        read_manifest(speech(tmp_path, "a.wav") / path.name)


@pytest.mark.parametrize(
    "header", ["file,speaker\n", "label,speaker\n", "a.wav real\n", "", "0.wav,X,spoof\n"]
)
def test_a_header_without_file_or_label_says_what_it_needs(tmp_path: Path, header: str) -> None:
    with pytest.raises(DatasetError, match=r"file column \(file, path.*label column \(label, key"):
        read_manifest(text(tmp_path, "m.csv", header))


def test_a_column_named_twice_is_refused(tmp_path: Path) -> None:
    path = text(tmp_path, "m.csv", "file,label,label\na.wav,real,fake\n")
    with pytest.raises(DatasetError, match="column 'label' stands there 2 times"):
        read_manifest(path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes("file,label\nä.wav,real\n".encode("utf-16"))
    with pytest.raises(DatasetError, match="not UTF-8 text"):
        read_manifest(tmp_path / "m.csv")
    rows = "".join(f"{number}.wav,real\n" for number in range(9999)).encode()
    (tmp_path / "late.csv").write_bytes(b"file,label\n" + rows + b"\xe9.wav,real\n")
    with pytest.raises(DatasetError, match="not UTF-8 text"):
        read_manifest(tmp_path / "late.csv")


def test_an_audio_file_is_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="an audio file; a corpus is a manifest or a folder"):
        open_dataset(speech(tmp_path, "a.wav") / "a.wav", KNOWN)


def test_a_parquet_manifest_is_read_like_any_other(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow, which is optional")
    from pyarrow import parquet

    rows = {
        "Path": ["a.wav", "b.wav"],
        "Label": ["real", "fake"],
        "speaker": ["Ann", None],
        "seconds": [1.5, 2.0],
    }
    parquet.write_table(pyarrow.table(rows), speech(tmp_path, "a.wav", "b.wav") / "m.parquet")
    dataset = open_dataset(tmp_path / "m.parquet", KNOWN)
    assert dataset.layout == "a manifest: m.parquet"
    assert dataset.clips == (
        Clip("a.wav", "a.wav", Label.BONAFIDE, "Ann", extra={"seconds": "1.5"}),
        Clip("b.wav", "b.wav", Label.SPOOF, "-", extra={"seconds": "2.0"}),
    )
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DatasetError, match="cannot be read as Parquet"):
        open_dataset(tmp_path / "bad.parquet", KNOWN)


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "m.parquet").write_bytes(b"PAR1")
    with pytest.raises(DatasetError, match=r"pip install 'fvx\[parquet\]'"):
        open_dataset(tmp_path / "m.parquet")


# Plain files --------------------------------------------------------------------------------------


def test_a_label_word_and_a_folder_or_file_make_a_corpus(tmp_path: Path) -> None:
    speech(tmp_path, "takes/a.wav", "takes/deep/b.flac", "one.ogg")
    made = open_dataset(f"fake:{tmp_path}/takes", KNOWN)
    assert (made.name, made.layout) == ("takes", "plain files: 2 clips, all spoof")
    assert [(clip.id, clip.label) for clip in made.clips] == [
        ("a.wav", Label.SPOOF),
        ("deep/b.flac", Label.SPOOF),
    ]
    human = open_dataset(f"Bona-Fide:{tmp_path}/one.ogg", KNOWN)
    assert [(clip.id, clip.label) for clip in human.clips] == [("one.ogg", Label.BONAFIDE)]
    assert human.audio_path(human.clips[0]) == tmp_path / "one.ogg"


@pytest.mark.parametrize("path", ["nowhere", "list.txt", "empty"])
def test_plain_files_that_are_none_are_refused(path: str, tmp_path: Path) -> None:
    text(tmp_path, "list.txt", "a.wav")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=r"neither an audio file nor a folder|no audio in it"):
        open_dataset(f"spoof:{tmp_path}/{path}")


def test_a_colon_without_a_label_word_before_it_is_part_of_a_path(tmp_path: Path) -> None:
    speech(tmp_path, "a:b/real/x.wav")
    assert len(open_dataset(f"{tmp_path}/a:b").clips) == 1
    with pytest.raises(DatasetError, match="neither a known corpus"):
        open_dataset("perhaps:x")


# Several ------------------------------------------------------------------------------------------


def test_several_corpora_are_one_with_their_names_before_ids(tmp_path: Path) -> None:
    speech(tmp_path, "one/real/a.wav", "two/deep/fake/a.wav", "two/deep/real/a.wav")
    both = open_datasets([tmp_path / "one", tmp_path / "two/deep"], KNOWN)
    assert both.name == "one+deep"
    assert [(clip.id, clip.extra["corpus"]) for clip in both.clips] == [
        ("one/real/a.wav", "one"),
        ("deep/fake/a.wav", "deep"),
        ("deep/real/a.wav", "deep"),
    ]
    assert [both.audio_path(clip) for clip in both.clips] == [
        tmp_path / "one/real/a.wav",
        tmp_path / "two/deep/fake/a.wav",
        tmp_path / "two/deep/real/a.wav",
    ]
    assert (both.count(Label.BONAFIDE), both.count(Label.SPOOF)) == (2, 1)
    assert pickle.loads(pickle.dumps(both)) == both


def test_the_two_sides_of_a_corpus_without_bona_fide_speech_are_combined(tmp_path: Path) -> None:
    for name in ("wavefake", "ljspeech"):
        MINIATURES[name].write(KNOWN[name].place(tmp_path))
    both = open_datasets(["wavefake", "ljspeech"], KNOWN, home=tmp_path)
    assert both.name == "wavefake+ljspeech"
    assert {(clip.extra["corpus"], str(clip.label)) for clip in both.clips} == {
        ("wavefake", "spoof"),
        ("ljspeech", "bonafide"),
    }
    assert note(both, "wavefake: 1 audio file")
    assert note(both, "ljspeech: LJSpeech 1.1 has 13,100")


def test_corpora_of_one_name_are_told_apart_and_one_named_twice_is_refused(
    tmp_path: Path,
) -> None:
    speech(tmp_path, "x/a/real/1.wav", "y/a/fake/1.wav")
    both = open_datasets([tmp_path / "x/a", tmp_path / "y/a"])
    assert [clip.id for clip in both.clips] == ["a/real/1.wav", "a-2/fake/1.wav"]
    with pytest.raises(DatasetError, match="named twice"):
        open_datasets([tmp_path / "x/a", tmp_path / "y/../x/a"])
    with pytest.raises(DatasetError, match="no dataset is named"):
        open_datasets([])


def test_one_dataset_alone_is_as_it_is(tmp_path: Path) -> None:
    root = speech(tmp_path / "one", "real/a.wav")
    assert open_datasets([root]) == open_dataset(root)


def test_no_clip_of_several_reads_a_file_outside_its_own_corpus(tmp_path: Path) -> None:
    speech(tmp_path, "one/real/a.wav", "two/fake/b.wav")
    both = open_datasets([tmp_path / "one", tmp_path / "two"])
    (tmp_path / "one/real/link.wav").symlink_to(tmp_path / "two/fake/b.wav")
    for path, reason in (("one/../two/fake/b.wav", "leaves"), ("one/real/link.wav", "a link out")):
        with pytest.raises(DatasetError, match=reason):
            both.audio_path(Clip("x", path, Label.SPOOF))


# Paths --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["../x.wav", "/etc/passwd", "a/../../x.wav"])
def test_no_clip_reads_a_file_outside_its_root(tmp_path: Path, path: str) -> None:
    dataset = Dataset("x", tmp_path, (Clip("x", path, Label.SPOOF),), "by hand")
    with pytest.raises(DatasetError, match="leaves the folder"):
        dataset.audio_path(dataset.clips[0])


def test_no_clip_follows_a_link_out_of_its_root(tmp_path: Path) -> None:
    speech(tmp_path, "out/a.wav", "in/b.wav")
    (tmp_path / "in/link.wav").symlink_to(tmp_path / "out/a.wav")
    (tmp_path / "in/folder").symlink_to(tmp_path / "out")
    dataset = Dataset("x", tmp_path / "in", (), "by hand")
    for path in ("link.wav", "folder/a.wav"):
        with pytest.raises(DatasetError, match="is a link out of"):
            dataset.audio_path(Clip("x", path, Label.SPOOF))


def test_links_out_of_a_manifests_folder_count_as_missing(tmp_path: Path) -> None:
    speech(tmp_path, "out/a.wav", "in/b.wav")
    (tmp_path / "in/link.wav").symlink_to(tmp_path / "out/a.wav")
    (tmp_path / "in/folder").symlink_to(tmp_path / "out")
    (tmp_path / "in/same.wav").symlink_to("b.wav")
    rows = "file,label\nlink.wav,real\nfolder/a.wav,real\nsame.wav,real\n"
    dataset = read_manifest(text(tmp_path, "in/m.csv", rows))
    assert [clip.id for clip in dataset.clips] == ["same.wav"]
    assert dataset.missing == ("link.wav", "folder/a.wav")
    assert (
        note(dataset, "not followed") == "2 links out of the folder not followed: link.wav, folder"
    )


def test_links_in_a_tree_are_not_followed_and_said(tmp_path: Path) -> None:
    speech(tmp_path, "out/a.wav", "in/real/b.wav")
    (tmp_path / "in/real/link.wav").symlink_to(tmp_path / "out/a.wav")
    (tmp_path / "in/fake").symlink_to(tmp_path / "out")
    (tmp_path / "in/real/loop").symlink_to(tmp_path / "in")
    dataset = open_dataset(tmp_path / "in")
    assert [clip.id for clip in dataset.clips] == ["real/b.wav"]
    assert note(dataset, "not followed") == "3 links not followed: fake, real/link.wav, real/loop"


def test_a_corpus_may_itself_lie_behind_a_link(tmp_path: Path) -> None:
    in_the_wild(tmp_path / "disk")
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets/release_in_the_wild").symlink_to(tmp_path / "disk/release_in_the_wild")
    dataset = open_dataset("itw", KNOWN, home=tmp_path / "datasets")
    assert all(dataset.audio_path(clip).is_file() for clip in dataset.clips)


# Names and paths ----------------------------------------------------------------------------------


def test_a_name_goes_before_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speech(tmp_path, "itw/real/mine.wav")
    in_the_wild(tmp_path / "datasets")
    monkeypatch.chdir(tmp_path)
    assert open_dataset("itw", KNOWN).clips[0].id == "0.wav"
    assert open_dataset("./itw", KNOWN).clips[0].id == "real/mine.wav"


def test_the_root_is_absolute_however_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speech(tmp_path, "mine/real/a.wav")
    monkeypatch.chdir(tmp_path)
    assert open_dataset("mine").root == tmp_path / "mine"


@pytest.mark.parametrize("name", ["nowhere", "", "a\0b", "x" * 5000], ids=repr)
def test_neither_name_nor_path_says_which_names_there_are(name: str) -> None:
    with pytest.raises(DatasetError, match=r"neither a known corpus \(.*demo.*\) nor a folder"):
        open_dataset(name, KNOWN)


def test_clips_travel_to_a_worker() -> None:
    clip = Clip("a", "a.wav", Label.SPOOF, extra=open_dataset("demo", KNOWN).clips[0].extra)
    again = pickle.loads(pickle.dumps(clip))
    assert again == clip
    assert hash(again) == hash(clip)
    assert again.label is Label.SPOOF
    assert again.extra["language"] == "ru"


# The corpora that fvx knows -----------------------------------------------------------------------


def test_the_registry_offers_them_by_name() -> None:
    assert list(collect([corpora]).datasets) == [
        "add2022",
        "add2023",
        "asvspoof2019_la",
        "asvspoof2021_df",
        "asvspoof2021_la",
        "asvspoof5",
        "codecfake_wu",
        "codecfake_xie",
        "deepfake_eval_2024",
        "demo",
        "dfadd",
        "fake_or_real",
        "habla",
        "itw",
        "libritts",
        "ljspeech",
        "mlaad",
        "partialspoof",
        "spoofceleb",
        "vcc2020",
        "vctk",
        "wavefake",
    ]


@pytest.mark.parametrize("layout", KNOWN.values(), ids=KNOWN)
def test_every_known_corpus_says_where_it_comes_from(layout: Layout) -> None:
    assert layout.title
    assert layout.licence
    assert layout.traps
    assert layout.shipped or layout.citation
    assert layout.shipped or layout.urls or any("not known to fvx" in t for t in layout.traps)
    for remote in layout.remotes:
        assert remote.url.startswith("https://")
        assert re.fullmatch(r"(md5:[0-9a-f]{32})?", remote.checksum)
        assert remote.is_archive


def test_a_known_corpus_without_all_its_checksums_says_so() -> None:
    for layout in KNOWN.values():
        unchecked = layout.shipped is None and not all(r.checksum for r in layout.remotes)
        if unchecked or (not layout.remotes and not layout.gated and not layout.shipped):
            assert any("checksum" in trap for trap in layout.traps), layout.name


def test_the_readme_of_datasets_gives_each_corpus_its_folder() -> None:
    page = (Path(__file__).resolve().parents[1] / "datasets" / "README.md").read_text()
    for layout in KNOWN.values():
        assert f"`{layout.name}`" in page
        assert layout.shipped or f"`datasets/{layout.folder}/`" in page


# The demo corpus ----------------------------------------------------------------------------------


def test_the_demo_corpus_is_whole() -> None:
    dataset = open_dataset("demo", KNOWN)
    assert len(dataset.clips) == 78
    assert (dataset.count(Label.BONAFIDE), dataset.count(Label.SPOOF)) == (38, 40)
    assert dataset.missing == dataset.notes == ()
    made = [clip for clip in dataset.clips if clip.label is Label.SPOOF]
    assert len({clip.system for clip in made}) == 10
    for clip in dataset.clips:
        assert (clip.system == "-") == (clip.label is Label.BONAFIDE)
        assert Audio.read(dataset.audio_path(clip)).rate_hz == 16_000


def test_the_demo_corpus_is_recognised_by_its_path_alone(tmp_path: Path) -> None:
    shipped = KNOWN["demo"].shipped
    assert shipped is not None
    assert "demo" in open_dataset(shipped, KNOWN).layout
    text(tmp_path, "clips.csv", "file,speaker,label,system\nreal/a.wav,x,real,-\n")
    assert "tree" in open_dataset(speech(tmp_path, "real/a.wav"), KNOWN).layout


def test_every_demo_clip_is_attributed() -> None:
    dataset = open_dataset("demo", KNOWN)
    lines = (dataset.root / "ATTRIBUTION.md").read_text().splitlines()
    rows = [line.split("|") for line in lines if re.match(r"\| \d\d[,\d ]* \|", line)]
    attributed = {number: row for row in rows for number in row[1].replace(" ", "").split(",")}
    assert sorted(attributed) == sorted(PurePosixPath(clip.path).stem for clip in dataset.clips)
    for clip in dataset.clips:
        row = "|".join(attributed[PurePosixPath(clip.path).stem])
        assert f"`{clip.extra['source']}`" in row
        for licence in licences_in(clip.extra["licence"]):
            assert licence in row, (clip.id, licence)


def licences_in(words: str) -> Iterable[str]:
    """Full names of the licences that a cell of clips.csv mentions."""
    names = {
        "CC-BY-SA-3.0": "CC BY-SA 3.0",
        "CC-BY-3.0": "CC BY 3.0",
        "BSD-like": "BSD-like",
        "public domain": "public domain",
        "Apache-2.0": "Apache License 2.0",
        "GPL-3+": "GNU General Public License, version 3 or later",
        "MIT": "MIT License",
        "ISC": "ISC License",
    }
    found = [name for short, name in names.items() if short in words]
    assert found, words
    return found


# Real data ----------------------------------------------------------------------------------------


def test_the_package_sample_is_read_as_in_the_wild() -> None:
    if not (root := DATA / "package_sample").is_dir():
        pytest.skip("the package sample is not on this machine")
    dataset = open_dataset(root, KNOWN)
    assert (dataset.count(Label.BONAFIDE), dataset.count(Label.SPOOF)) == (136, 135)
    assert "In-the-Wild" in dataset.layout
    assert dataset.missing == ()
    assert all(dataset.audio_path(clip).is_file() for clip in dataset.clips)


def test_the_demo_pages_are_read_as_a_manifest() -> None:
    if not (table := DATA / "demos" / "demos.csv").is_file():
        pytest.skip("the collection of demo pages is not on this machine")
    dataset = open_dataset(table, KNOWN)
    counts = {
        split: [
            sum(clip.label is label for clip in dataset.clips if clip.split == split)
            for label in Label
        ]
        for split in ("train", "dev")
    }
    assert counts == {"train": [221, 379], "dev": [116, 126]}
    assert dataset.missing == dataset.notes == ()
    made = {clip.system for clip in dataset.clips if clip.label is Label.SPOOF}
    assert len(made) == 48 + 7
    assert {clip.system for clip in dataset.clips if clip.label is Label.BONAFIDE} == {"-"}
    assert "utterance" in dataset.clips[0].extra
