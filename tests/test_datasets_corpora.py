"""Each published corpus is read from a miniature in exactly its layout, traps included."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from miniatures import MINIATURES, Miniature, write_audio

from fvx.datasets import Dataset, Label, Paths, Table, corpora, open_dataset
from fvx.datasets.segments import Segment, read_segments
from fvx.errors import DatasetError, UnknownLabel

KNOWN = {layout.name: layout for layout in corpora.fvx_datasets()}
NAMES = sorted(set(KNOWN) - {"demo"})
LA_2019 = "LA/ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm"
PARTIAL = "database/protocols/PartialSpoof_LA_cm_protocols/PartialSpoof.LA.cm"
BY_NAME_ONLY = {"codecfake_wu"}
CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "out"


def seen(dataset: Dataset) -> dict[str, tuple[str, str, str, str, str]]:
    return {
        clip.id: (clip.path, str(clip.label), clip.speaker, clip.system, clip.split)
        for clip in dataset.clips
    }


def check(dataset: Dataset, miniature: Miniature) -> None:
    assert seen(dataset) == miniature.clips
    assert all(dataset.audio_path(clip).is_file() for clip in dataset.clips)
    for words in miniature.notes:
        assert any(words in note for note in dataset.notes), (words, dataset.notes)
    clips = {clip.id: clip for clip in dataset.clips}
    for clip_id, columns in miniature.extra.items():
        assert columns.items() <= clips[clip_id].extra.items()


def test_every_corpus_that_fvx_knows_has_a_miniature() -> None:
    assert sorted(MINIATURES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_corpus_is_read_by_its_name(name: str, tmp_path: Path) -> None:
    MINIATURES[name].write(KNOWN[name].place(tmp_path))
    dataset = open_dataset(name, KNOWN, home=tmp_path)
    assert dataset.name == name
    check(dataset, MINIATURES[name])


@pytest.mark.parametrize("name", [name for name in NAMES if name not in BY_NAME_ONLY])
def test_a_corpus_is_recognised_by_its_layout_alone(name: str, tmp_path: Path) -> None:
    MINIATURES[name].write(tmp_path / "somewhere")
    dataset = open_dataset(tmp_path / "somewhere", KNOWN)
    check(dataset, MINIATURES[name])
    assert dataset.layout.startswith(KNOWN[name].title)
    assert not any("though the folder holds" in note for note in dataset.notes)


@pytest.mark.parametrize("name", NAMES)
def test_audio_without_a_line_and_lines_without_audio_are_never_lost_in_silence(
    name: str, tmp_path: Path
) -> None:
    layout, miniature = KNOWN[name], MINIATURES[name]
    miniature.write(tmp_path)
    some = next(iter(miniature.clips.values()))[0]
    before = layout.read(tmp_path)
    stranger = Path(some).with_name("stranger.ogg")
    if isinstance(layout, Table):
        write_audio(tmp_path / stranger)
        if len(miniature.clips) > 1:
            (tmp_path / some).unlink()
            after = layout.read(tmp_path)
            assert len(after.missing) == len(before.missing) + 1
            assert any("in the protocol without audio" in note for note in after.notes)
        else:
            after = layout.read(tmp_path)
        assert any("not in the protocol, left out" in note for note in after.notes)
    else:
        write_audio(tmp_path / "x.ogg")
        after = layout.read(tmp_path)
        assert any("x.ogg" in note or "not name so" in note for note in after.notes)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_layout_says_it_knows_is_there(name: str, tmp_path: Path) -> None:
    dataset = KNOWN[name].read(MINIATURES[name].write(tmp_path))
    for thing in ("speaker", "system", "split"):
        told = any(getattr(clip, thing) not in ("", "-") for clip in dataset.clips)
        if thing in KNOWN[name].knows():
            assert told or name == "wavefake", thing
        else:
            assert not told, thing


@pytest.mark.parametrize(
    ("name", "table", "old", "new", "line"),
    [
        ("itw", "meta.csv", "bona-fide", "bonafidé", 3),
        ("asvspoof2019_la", f"{LA_2019}.dev.trl.txt", "A01 spoof", "A01 spoofy", 2),
        ("asvspoof2021_la", "keys/LA/CM/trial_metadata.txt", "A07 spoof", "A07 -", 1),
        ("asvspoof2021_df", "keys/DF/CM/trial_metadata.txt", "A14 spoof", "A14 1", 1),
        ("asvspoof5", "ASVspoof5.dev.track_1.tsv", "bonafide -", "bonafid -", 2),
        ("partialspoof", f"{PARTIAL}.eval.trl.txt", "CON spoof", "CON partial", 1),
        ("add2022", "train/label.txt", "genuine", "geniune", 1),
        ("add2023", "Track1.2/testR2/label.txt", "fake", "faked", 2),
        ("codecfake_xie", "label/C7.txt", "fake", "7", 1),
        ("spoofceleb", "metadata/evaluation.csv", "a23\n", "a24\n", 2),
        ("deepfake_eval_2024", "audio-metadata-publish.csv", "Fake,Test", "Maybe,Test", 3),
    ],
)
def test_an_unknown_label_word_stops_the_reader_with_its_line(
    name: str, table: str, old: str, new: str, line: int, tmp_path: Path
) -> None:
    path = MINIATURES[name].write(tmp_path) / table
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new, 1))
    with pytest.raises(UnknownLabel, match=rf"{path.name}, line {line}: label .* is unknown"):
        KNOWN[name].read(tmp_path)


def test_two_words_for_human_speech_in_one_file_mean_the_same(tmp_path: Path) -> None:
    rows = "a.wav,bona-fide\nb.wav,genuine\nc.wav,bonafide\nd.wav,spoof\n"
    (tmp_path / "m.csv").write_text("file,label\n" + rows)
    for name in "abcd":
        write_audio(tmp_path / f"{name}.wav")
    dataset = open_dataset(tmp_path / "m.csv")
    assert (dataset.count(Label.BONAFIDE), dataset.count(Label.SPOOF)) == (3, 1)


# Unpacked otherwise -------------------------------------------------------------------------------


def test_asvspoof_2019_is_read_from_inside_its_outer_folder(tmp_path: Path) -> None:
    MINIATURES["asvspoof2019_la"].write(tmp_path)
    dataset = open_dataset(tmp_path / "LA", KNOWN)
    assert {clip.split for clip in dataset.clips} == {"train", "dev", "eval"}


def test_who_has_only_one_part_is_told_of_the_others(tmp_path: Path) -> None:
    MINIATURES["asvspoof5"].write(tmp_path)
    for part in ("dev.track_1", "eval.track_1"):
        (tmp_path / f"ASVspoof5.{part}.tsv").unlink()
    dataset = open_dataset(tmp_path, KNOWN)
    assert [clip.split for clip in dataset.clips] == ["train"]
    assert "ASVspoof 5, track 1 has dev, eval, too, listed nowhere here" in dataset.notes


@pytest.mark.parametrize("folder", ["VCTK-Corpus-0.92", ""])
def test_both_versions_of_vctk_are_read(folder: str, tmp_path: Path) -> None:
    write_audio(tmp_path / folder / "wav48/p225/p225_001.wav")
    dataset = open_dataset(tmp_path, KNOWN)
    assert [(clip.speaker, clip.extra["sentence"]) for clip in dataset.clips] == [("p225", "001")]


def test_wavefake_is_read_from_inside_its_outer_folder(tmp_path: Path) -> None:
    MINIATURES["wavefake"].write(tmp_path)
    dataset = open_dataset(tmp_path / "generated_audio", KNOWN)
    assert {clip.system for clip in dataset.clips} == {"jsut_parallel_wavegan", "ljspeech_melgan"}


def test_a_corpus_without_a_path_that_fits_says_what_fits(tmp_path: Path) -> None:
    write_audio(tmp_path / "x.wav")
    with pytest.raises(DatasetError, match=r"no audio like FinalDataset_16khz/.*left out: x\.wav"):
        KNOWN["habla"].read(tmp_path)


def test_a_word_that_no_label_table_knows_is_refused_where_others_have_no_label(
    tmp_path: Path,
) -> None:
    write_audio(tmp_path / "perhaps/x.wav")
    layout = Paths(name="x", templates=("{label}/*",))
    with pytest.raises(UnknownLabel, match="perhaps"):
        layout.read(tmp_path)


# PartialSpoof -------------------------------------------------------------------------------------


def partial(root: Path) -> Dataset:
    return KNOWN["partialspoof"].read(MINIATURES["partialspoof"].write(root))


def partial_table() -> Table:
    layout = KNOWN["partialspoof"]
    assert isinstance(layout, Table)
    return layout


def test_segment_labels_are_read_as_spans(tmp_path: Path) -> None:
    spans = read_segments(partial_table(), partial(tmp_path), 0.16)
    assert spans["CON_T_0000001"] == (
        Segment(0.0, 0.8, Label.BONAFIDE),
        Segment(0.8, 1.6, Label.SPOOF),
        Segment(1.6, 2.08, Label.BONAFIDE),
    )
    assert spans["CON_D_0000002"] == (Segment(0.0, 0.32, Label.BONAFIDE),)
    assert [one.label for one in spans["CON_E_0000003"]] == [Label.SPOOF, Label.BONAFIDE]


def test_a_resolution_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"holds no .*dev_seglab_0\.02\.npy"):
        read_segments(partial_table(), partial(tmp_path), 0.02)


def test_a_corpus_of_whole_clips_has_no_segments(tmp_path: Path) -> None:
    layout = KNOWN["itw"]
    assert isinstance(layout, Table)
    with pytest.raises(DatasetError, match="itw: has no segment labels"):
        read_segments(layout, layout.read(MINIATURES["itw"].write(tmp_path)))


class Hostile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_label_file_cannot_run_code(tmp_path: Path) -> None:
    dataset = partial(tmp_path / "corpus")
    path = dataset.root / "database/segment_labels/dev_seglab_0.16.npy"
    with path.open("wb") as file:
        np.save(file, np.array({"x": Hostile(tmp_path / "touched")}, object), allow_pickle=True)
    with pytest.raises(DatasetError, match=r"dev_seglab.*which is no array: it is not read"):
        read_segments(partial_table(), dataset, 0.16)
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    "content", [b"", b"no npy", pickle.dumps({}), "cut", "array", "list"], ids=repr
)
def test_a_damaged_label_file_is_refused(tmp_path: Path, content: bytes | str) -> None:
    dataset = partial(tmp_path)
    path = tmp_path / "database/segment_labels/dev_seglab_0.16.npy"
    if content == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif content == "array":
        np.save(path, np.zeros(3))
    elif content == "list":
        np.save(path, np.array([[1]], dtype=object)[0, 0])
    else:
        path.write_bytes(content)  # type: ignore[arg-type]
    with pytest.raises(DatasetError, match=r"dev_seglab_0\.16\.npy"):
        read_segments(partial_table(), dataset, 0.16)


def test_a_segment_word_that_is_unknown_is_refused(tmp_path: Path) -> None:
    dataset = partial(tmp_path)
    path = tmp_path / "database/segment_labels/dev_seglab_0.16.npy"
    np.save(path, np.array({"CON_D_0000002": np.array(["1", "2"])}, dtype=object))  # type: ignore[arg-type]
    with pytest.raises(UnknownLabel, match="CON_D_0000002: label '2' is unknown"):
        read_segments(partial_table(), dataset, 0.16)


# The package corpus, in both of its layouts -------------------------------------------------------


@pytest.fixture(scope="module")
def both() -> tuple[Dataset, Dataset]:
    if not (CORPUS / "provenance.csv").is_file():
        pytest.skip("the package corpus has not been built on this machine")
    return (
        open_dataset(CORPUS / "release_in_the_wild", KNOWN),
        KNOWN["asvspoof2021_df"].read(CORPUS),
    )


def test_the_package_corpus_reads_alike_in_both_layouts(both: tuple[Dataset, Dataset]) -> None:
    wild, df = both
    lines = (CORPUS / "provenance.csv").read_text().splitlines()
    names = {line.split(",")[0]: line.rsplit(",", 1)[1] for line in lines[1:]}
    assert len(wild.clips) == len(df.clips) == len(names)
    one = {names[clip.id]: (clip.label, clip.speaker) for clip in wild.clips}
    other = {clip.id: (clip.label, clip.speaker) for clip in df.clips}
    assert one == other
    assert wild.missing == df.missing == ()
