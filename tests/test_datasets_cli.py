"""The commands below ``fvx datasets``, and several ``--dataset`` options."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from makers import install_plugin
from miniatures import MINIATURES
from servers import Served, serving
from typer.testing import CliRunner, Result

from fvx.cli import app
from fvx.datasets import corpora
from fvx.errors import DatasetError, FvxError, SplitError
from fvx.store import Store

ROOT = Path(__file__).resolve().parents[1]
KNOWN = {layout.name: layout for layout in corpora.fvx_datasets()}
Fvx = Callable[..., Result]


@pytest.fixture
def fvx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fvx:
    """Run a command in an empty folder; an error that fvx means is raised."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")

    def run(*words: str) -> Result:
        result = CliRunner().invoke(app, list(words))
        if isinstance(result.exception, FvxError):
            raise result.exception
        assert result.exception is None or isinstance(result.exception, SystemExit), result
        return result

    return run


def corpus(root: Path, n_each: int = 24) -> Path:
    """A manifest of noise by eight speakers a side and four systems; 0 and 2 sound the same."""
    rng = np.random.default_rng(0)
    rows = ["file,label,speaker,system"]
    root.mkdir(parents=True, exist_ok=True)
    sounds = [np.cumsum(rng.normal(0, 0.01, 16_000)) for _ in range(2 * n_each)]
    sounds[2] = sounds[0]
    for number, sound in enumerate(sounds):
        label = ("bonafide", "spoof")[number % 2]
        speaker = f"{label[0]}{number // 2 % 8}"
        system = f"A{number // 2 % 4}" if label == "spoof" else "-"
        samples = (sound - sound.mean()) / (2 * np.abs(sound).max())
        soundfile.write(root / f"{number}.wav", samples, 16_000)
        rows.append(f"{number}.wav,{label},{speaker},{system}")
    (root / "list.csv").write_text("\n".join(rows) + "\n")
    return root / "list.csv"


def test_the_list_tells_size_and_how_to_get_each(fvx: Fvx, tmp_path: Path) -> None:
    KNOWN["itw"].place(tmp_path / "datasets").mkdir(parents=True)
    lines = {line.split()[0]: line for line in fvx("datasets", "list").output.splitlines() if line}
    assert set(KNOWN) <= set(lines)
    assert all(words in lines["itw"] for words in ("19,963", "11,816", "37.9", "8.2 GB", "yes"))
    assert "ask" in lines["mlaad"]
    assert "by hand" in lines["habla"]
    assert "shipped" in lines["demo"]


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_info_tells_all_there_is(name: str, fvx: Fvx) -> None:
    printed = fvx("datasets", "info", name).output
    layout = KNOWN[name]
    for words in (layout.title, layout.licence, layout.citation, *layout.urls, *layout.traps):
        assert words in printed
    for remote in layout.remotes:
        assert remote.checksum in printed
    assert "protocol: " in printed


def test_list_and_info_can_be_read_by_a_program(fvx: Fvx) -> None:
    records = {one["name"]: one for one in json.loads(fvx("datasets", "list", "--json").stdout)}
    assert list(records) == sorted(KNOWN)
    assert (records["demo"]["get"], records["demo"]["here"]) == ("shipped", True)
    assert json.loads(fvx("datasets", "info", "itw", "--json").stdout) == records["itw"]
    assert records["itw"]["n_spoof"] == 11_816


@pytest.mark.parametrize("command", ["info", "download"])
def test_a_name_that_is_not_known_is_refused(command: str, fvx: Fvx) -> None:
    with pytest.raises(DatasetError, match="no dataset 'nothing'; known: add2022"):
        fvx("datasets", command, "nothing")


def test_a_gated_corpus_says_where_to_ask(fvx: Fvx) -> None:
    with pytest.raises(DatasetError, match="accept its conditions at https://huggingface"):
        fvx("datasets", "download", "mlaad")


def test_a_plugins_corpus_is_downloaded_verified_and_listed(
    fvx: Fvx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = MINIATURES["itw"].write(tmp_path / "made/release_in_the_wild")
    packed = Path(shutil.make_archive(str(tmp_path / "c"), "zip", made.parent, made.name))
    with serving() as server:
        server.files["c.zip"] = Served(packed.read_bytes(), drop_after=9000)
        code = f"""
from fvx.datasets import Remote, Table
from fvx.hookspecs import hookimpl

@hookimpl
def fvx_datasets():
    remote = Remote({server.url("c.zip")!r}, strip="release_in_the_wild")
    yield Table("third", title="A third party's", protocols=("meta.csv",), remotes=(remote,))
"""
        install_plugin(tmp_path, "fvx-third", "fvx_third", code)
        monkeypatch.syspath_prepend(tmp_path)
        printed = fvx("datasets", "download", "third", "--keep-archives").output
        assert "third -> datasets/third (0 of 1 files there already)" in printed
        assert "c.zip  sha256:" in printed
        assert "(first seen)" in printed
        n_asked = len(server.asked)
        assert n_asked > 2  # it was dropped, and gone on with
        assert "(1 of 1 files there already)" in fvx("datasets", "download", "third").output
        assert len(server.asked) == n_asked
    assert "c.zip: as first seen" in fvx("datasets", "verify", "third").output
    assert "download" in next(
        line for line in fvx("datasets", "list").output.splitlines() if line.startswith("third")
    )


def test_verify_names_what_is_amiss_and_exits_with_1(fvx: Fvx, tmp_path: Path) -> None:
    table = corpus(tmp_path / "c", 3)
    assert fvx("datasets", "verify", str(table)).exit_code == 0
    (tmp_path / "c/1.wav").write_bytes(b"no audio")
    (tmp_path / "c/2.wav").unlink()
    result = fvx("datasets", "verify", str(table))
    assert result.exit_code == 1
    assert "missing: 2.wav" in result.output
    assert "unreadable: 1.wav: " in result.output
    assert "2 bona fide, 3 spoof; 1 missing, 1 unreadable" in result.output


def test_split_shows_parts_and_proves_them_disjoint(fvx: Fvx, tmp_path: Path) -> None:
    table = str(corpus(tmp_path / "c"))
    printed = fvx("datasets", "split", table, "--protocol", "speaker", "--no-audio").output
    assert "protocol speaker: test part disjoint by speaker" in printed
    assert "disjoint: no speaker is in two parts" in printed
    assert "disjoint: no system is in two parts" in printed
    for part in ("train", "development", "test"):
        assert f"\n  {part} " in printed
    assert "speaker b0 " in printed
    printed = fvx("datasets", "split", table, "--protocol", "random", "--no-audio").output
    assert "SHARED: " in printed
    assert "speakers are in two parts or more" in printed


def test_split_claims_nothing_of_names_that_are_not_known(fvx: Fvx, tmp_path: Path) -> None:
    table = corpus(tmp_path / "c")
    lines = [line.rsplit(",", 1)[0] + ",-" for line in table.read_text().splitlines()[1:]]
    table.write_text("\n".join(["file,label,speaker,system", *lines]).replace(",b0,", ",-,"))
    words = ("datasets", "split", str(table), "--protocol", "speaker", "--no-audio")
    printed = fvx(*words).output
    assert "NOT KNOWN: no clip names its system" in printed
    assert "disjoint: no speaker is in two parts; 3 of 48 clips name none" in printed


def test_split_finds_a_recording_that_is_in_two_parts(fvx: Fvx, tmp_path: Path) -> None:
    table = str(corpus(tmp_path / "c"))
    for seed in range(20):
        words = ("datasets", "split", table, "--protocol", "speaker", "--seed", str(seed))
        fvx(*words, "--no-audio", "--csv", "parts.csv")
        parts = dict(line.split(",") for line in Path("parts.csv").read_text().splitlines())
        if parts["0.wav"] != parts["2.wav"]:
            break
    printed = fvx(*words).output
    assert "SHARED: 1 pairs of clips across parts are the same recording" in printed
    assert f"0.wav ({parts['0.wav']}) and 2.wav ({parts['2.wav']}): 0 % of bits" in printed


def test_each_system_is_left_out_in_turn(fvx: Fvx, tmp_path: Path) -> None:
    table = str(corpus(tmp_path / "c", 64))
    words = ("datasets", "split", table, "--protocol", "leave-one-system-out", "--no-audio")
    printed = fvx(*words).output
    assert [f"system A{n} is in the test part only" in printed for n in range(5)] == [True] * 4 + [
        False
    ]
    assert fvx(*words, "--held-out", "A1").output.count("is in the test part only") == 1
    with pytest.raises(SplitError, match="no system 'B'"):
        fvx(*words, "--held-out", "B")


def test_across_corpora_one_is_tested_on(fvx: Fvx, tmp_path: Path) -> None:
    one, two = corpus(tmp_path / "one"), corpus(tmp_path / "two", 8)
    words = ("datasets", "split", str(one), str(two), "--protocol", "cross", "--no-audio")
    assert "trained on list, tested on list-2 (cross-corpus)" in fvx(*words).output


def test_the_audit_prints_a_table_and_a_plain_word(fvx: Fvx, tmp_path: Path) -> None:
    table = str(corpus(tmp_path / "c"))
    printed = fvx("datasets", "audit", table, "--png", "a.png", "--csv", "a.csv").output
    for words in ("duration_s", "noise_floor_db", "extension", "all together, random forest"):
        assert words in printed
    assert "These properties" in printed or "WARNING" in printed
    assert Path("a.png").read_bytes()[:4] == b"\x89PNG"
    assert len(Path("a.csv").read_text().splitlines()) == 49


def test_extract_takes_several_datasets(fvx: Fvx, tmp_path: Path) -> None:
    for name in ("wavefake", "ljspeech"):
        MINIATURES[name].write(KNOWN[name].place(tmp_path / "datasets"))
    words = ("extract", "--dataset", "wavefake", "--dataset", "ljspeech", "--features", "audit")
    assert "4 clips, 1 features -> features/wavefake+ljspeech" in fvx(*words).output
    clips = Store.open(tmp_path / "features/wavefake+ljspeech").clips
    assert sorted(clips["corpus"]) == ["ljspeech"] * 2 + ["wavefake"] * 2
    assert "ljspeech/LJ001-0001" in clips.index


def test_the_page_of_corpora_says_what_the_records_say() -> None:
    path = ROOT / "docs/make_corpora.py"
    spec = importlib.util.spec_from_file_location("make_corpora", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    old = module.PAGE.read_text(encoding="utf-8")
    assert module.page(old) == old, "run docs/make_corpora.py"
