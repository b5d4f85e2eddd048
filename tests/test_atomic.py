from __future__ import annotations

import os
from pathlib import Path

import pytest

from fvx.atomic import replacing, write_json, write_text


def test_the_file_is_old_or_new_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old é\n")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text(encoding="utf-8") == "old é\n"
        assert temporary.parent == path.parent
        assert temporary.suffix == ".txt"
        assert temporary.name.startswith(".")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_rename_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(IsADirectoryError):
        write_text(tmp_path / "a", "x")
    assert os.listdir(tmp_path) == ["a"]


def test_data_reaches_the_disk_before_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda file: events.append("fsync") or fsync(file))
    monkeypatch.setattr(
        Path, "replace", lambda self, target: events.append("replace") or replace(self, target)
    )
    write_text(tmp_path / "a.txt", "x")
    assert events == ["fsync", "replace", "fsync"]


def test_json_is_written_without_nan(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"x": [1, None]})
    assert (tmp_path / "a.json").read_text() == '{\n  "x": [\n    1,\n    null\n  ]\n}\n'
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", float("nan"))
    assert (tmp_path / "a.json").read_text().startswith("{")
