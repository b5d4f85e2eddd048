"""What is in the distributions: all that belongs there and nothing else."""

from __future__ import annotations

import configparser
import re
import tarfile
import zipfile
from functools import cache
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement

import fvx

from .conftest import PROJECTS, ROOT, about, licences

NAMES = [about(project)["name"] for project in PROJECTS]
HEAVY = {"tensorflow", "keras", "dask", "distributed", "pyarrow"}


def package(project: Path) -> str:
    return about(project)["name"].replace("-", "_")


def files_of(project: Path) -> set[str]:
    """What the package holds in the source tree."""
    paths = (project / package(project)).rglob("*")
    kept = (p for p in paths if p.is_file() and "__pycache__" not in p.parts)
    return {p.relative_to(project).as_posix() for p in kept}


@cache
def wheel(dist: Path, project: Path) -> zipfile.ZipFile:
    (path,) = dist.glob(f"{package(project)}-*.whl")
    return zipfile.ZipFile(path)


def info(dist: Path, project: Path, name: str) -> str:
    found = wheel(dist, project)
    (path,) = (n for n in found.namelist() if re.fullmatch(rf"[^/]+\.dist-info/{name}", n))
    return found.read(path).decode()


def test_there_is_a_wheel_and_an_sdist_of_each_and_nothing_else(dist: Path) -> None:
    expected = set()
    for project in PROJECTS:
        stem = f"{package(project)}-{fvx.__version__}"
        expected |= {f"{stem}-py3-none-any.whl", f"{stem}.tar.gz"}
    assert {path.name for path in dist.iterdir()} == expected


@pytest.mark.parametrize("project", PROJECTS, ids=NAMES)
class TestEachDistribution:
    def test_the_wheel_holds_the_package_and_nothing_else(self, dist: Path, project: Path) -> None:
        held = {name for name in wheel(dist, project).namelist() if ".dist-info/" not in name}
        assert held == files_of(project)

    def test_the_sdist_can_be_built_from(self, dist: Path, project: Path) -> None:
        stem = f"{package(project)}-{fvx.__version__}"
        with tarfile.open(dist / f"{stem}.tar.gz") as archive:
            held = {name.partition("/")[2] for name in archive.getnames()}
        assert held >= {*files_of(project), "pyproject.toml", "README.md", "PKG-INFO"}

    def test_the_metadata_is_valid_and_says_what_it_is(self, dist: Path, project: Path) -> None:
        metadata = Metadata.from_email(info(dist, project, "METADATA"), validate=True)
        assert metadata.name == about(project)["name"]
        assert str(metadata.version) == fvx.__version__
        assert metadata.license_expression == "Apache-2.0"
        assert str(metadata.requires_python) == ">=3.11"
        assert metadata.summary
        assert (metadata.description or "").startswith("# fvx")
        assert metadata.description_content_type == "text/markdown"

    def test_it_is_found_by_its_entry_point(self, dist: Path, project: Path) -> None:
        parser = configparser.ConfigParser()
        parser.read_string(info(dist, project, "entry_points.txt"))
        (module,) = parser["fvx"].values()
        assert module.partition(".")[0] == package(project)


class TestFvx:
    def test_the_licence_goes_along(self, dist: Path) -> None:
        assert info(dist, ROOT, "licenses/LICENSE") == (ROOT / "LICENSE").read_text()

    def test_it_says_that_it_is_typed(self, dist: Path) -> None:
        assert "fvx/py.typed" in wheel(dist, ROOT).namelist()

    def test_nothing_heavy_is_needed_but_by_an_extra(self, dist: Path) -> None:
        metadata = Metadata.from_email(info(dist, ROOT, "METADATA"), validate=True)
        needed = metadata.requires_dist or []
        plain = {one.name for one in needed if one.marker is None}
        assert plain
        assert not plain & HEAVY
        assert {one.name for one in needed} >= {"tensorflow", "distributed", "pyarrow"}

    def test_nothing_that_is_needed_needs_something_heavy(self) -> None:
        named = {found.name.lower() for found in licences.closure(about(ROOT)["dependencies"])}
        assert "numpy" in named
        assert not named & HEAVY

    def test_every_extra_can_be_asked_for(self, dist: Path) -> None:
        metadata = Metadata.from_email(info(dist, ROOT, "METADATA"), validate=True)
        extras = set(metadata.provides_extra or [])
        assert extras >= {"train", "cluster", "all"}
        (everything,) = about(ROOT)["optional-dependencies"]["all"]
        assert Requirement(everything).extras == extras - {"all"}

    def test_no_upper_bound_stands_in_the_way_of_a_newer_python(self) -> None:
        assert about(ROOT)["requires-python"] == ">=3.11"
        for line in about(ROOT)["dependencies"]:
            one = Requirement(line)
            bounds = {spec.operator for spec in one.specifier}
            assert bounds <= ({"=="} if one.name.startswith("fvx-") else {">="}), line
