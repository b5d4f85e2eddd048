"""What is done for a release: licences are listed, and the version stands everywhere alike."""

from __future__ import annotations

import re
import shutil
from email.message import Message
from pathlib import Path
from types import SimpleNamespace

import pytest

import fvx

from .conftest import ROOT, licences, script

version = script("version")
PAGE = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")


def named(name: str, **metadata: str) -> SimpleNamespace:
    message = Message()
    for key, value in {"Name": name, **metadata}.items():
        message[key.replace("_", "-")] = value
    return SimpleNamespace(metadata=message)


class TestLicences:
    def test_the_page_has_a_line_for_all_that_is_installed(self) -> None:
        for row in licences.rows():
            assert licences.cells(row) in PAGE, f"{row.name}: make docs"

    def test_the_page_has_no_line_for_what_fvx_does_not_bring(self) -> None:
        listed = set(re.findall(r"^\| ([\w.-]+) \| [^|]+ \| fvx \|", PAGE, re.M))
        assert listed == {row.name for row in licences.rows() if row.wanted_for == "fvx"}

    def test_there_is_no_copyleft_but_what_is_stated(self) -> None:
        found = {r.name for r in licences.rows() if r.copyleft and r.wanted_for == "fvx"}
        assert found == set(licences.STATED)

    @pytest.mark.parametrize(
        ("expression", "copyleft"),
        [
            ("MIT", False),
            ("(MIT OR Apache-2.0) AND Zlib", False),
            ("GPL-3.0-only", True),
            ("MIT AND LGPL-2.1-or-later", True),
            ("Anything-New", True),
        ],
    )
    def test_what_is_not_known_to_be_permissive_counts_as_copyleft(
        self, expression: str, copyleft: bool
    ) -> None:
        assert licences.Row("x", expression, "fvx").copyleft is copyleft

    @pytest.mark.parametrize(
        ("metadata", "expected"),
        [
            ({"License_Expression": "MIT-0", "License": "BSD"}, "MIT-0"),
            ({"License": "BSD 3-Clause License\n\nCopyright"}, "BSD-3-Clause"),
            ({"License": "MPL-2.0 AND MIT"}, "MPL-2.0 AND MIT"),
            ({"License": "=====", "Classifier": "License :: OSI Approved :: ISC License (ISCL)"},
             "ISC"),
        ],
    )  # fmt: skip
    def test_a_licence_is_read_off_metadata(self, metadata: dict[str, str], expected: str) -> None:
        assert licences.licence(named("x", **metadata)) == expected

    def test_a_licence_that_is_said_nowhere_is_an_error(self) -> None:
        with pytest.raises(ValueError, match=r"^x: licence not known"):
            licences.licence(named("x", License="see file"))


class TestVersion:
    def test_it_is_the_same_everywhere(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert version.main([]) == 0, capsys.readouterr().out

    def test_one_command_writes_another_everywhere(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for path, _ in version.places(ROOT):
            target = tmp_path / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        assert version.main(["9.8.7", "--root", str(tmp_path)]) == 0
        assert capsys.readouterr().out.splitlines()[-1].startswith("now 9.8.7")
        for path, _ in version.places(tmp_path):
            text = path.read_text(encoding="utf-8")
            assert "9.8.7" in text, path
            assert fvx.__version__ not in re.sub(r"(lime|_)>=[\d.]+", "", text), path
        assert version.main(["--root", str(tmp_path)]) == 0

    def test_a_place_that_was_forgotten_is_named(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "fvx").mkdir()
        (tmp_path / "fvx" / "__init__.py").write_text('__version__ = "1.2.3"\n')
        (tmp_path / "CITATION.cff").write_text("version: 1.2.2\n")
        assert version.main(["--root", str(tmp_path)]) == 1
        assert capsys.readouterr().out == "CITATION.cff: 1.2.2\n"

    def test_what_is_no_version_is_refused(self) -> None:
        with pytest.raises(SystemExit):
            version.main(["0.2"])
