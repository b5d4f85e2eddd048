"""Distributions of fvx and its plugins, built once; a clean environment to install them into.

Nothing is fetched. The environment is one without packages; the libraries that are asked for, and
theirs, are lent to it by the one that runs the tests: what nobody asks for is not there.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECTS = [ROOT, *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
_BUILD = (
    "import sys; from setuptools import build_meta as backend\n"
    "folder = sys.argv[1]; backend.build_sdist(folder); backend.build_wheel(folder)"
)
_UNTRACKED = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "*.pyc")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:  # all on one worker, so that all is built once
            item.add_marker(pytest.mark.xdist_group("packaging"))


def script(name: str) -> ModuleType:
    """A module of ``release/``, which is no package."""
    path = ROOT / "release" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"release_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look it up by its name
    spec.loader.exec_module(module)
    return module


licences = script("licences")


def about(project: Path) -> dict:
    return tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel and an sdist of each; ``make dist`` names its own in FVX_DIST."""
    if given := os.environ.get("FVX_DIST"):
        return ROOT / given
    dist, sources = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("sources")
    for project in PROJECTS:
        source = sources / about(project)["name"]
        source.mkdir()
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            if (project / name).exists():
                shutil.copy(project / name, source)
        package = about(project)["name"].replace("-", "_")
        shutil.copytree(project / package, source / package, ignore=_UNTRACKED)
        done = subprocess.run(
            [sys.executable, "-c", _BUILD, dist],
            cwd=source,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    return dist


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and a folder to work in."""

    folder: Path
    home: Path
    dist: Path

    @property
    def site(self) -> Path:
        return self.folder / "lib" / PYTHON / "site-packages"

    def run(
        self, *words: object, stdin: str = "", code: int = 0, folder: Path | None = None
    ) -> str:
        """Run a program; its stdout, or where it is to fail, stderr, if it exits as expected."""
        program, *rest = map(str, words)
        done = subprocess.run(
            [self.folder / "bin" / program, *rest],
            cwd=folder or self.home,
            input=stdin,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"{words}: {done.stdout}{done.stderr}"
        return done.stderr if code else done.stdout

    def install(self, *what: str) -> None:
        """``pip install``, from the distributions built and what was lent alone."""
        done = subprocess.run(
            [
                sys.executable, "-m", "pip", "--python", self.folder / "bin" / "python",
                "--isolated", "--disable-pip-version-check", "install", "--no-index",
                "--no-build-isolation", "--no-compile", "--find-links", self.dist, *what,
            ],
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    def lend(self, requirements: Iterable[str]) -> None:
        """Make what is required, and what that requires, importable here."""
        for found in licences.closure(requirements):
            for path in found.files or ():
                source, target = Path(str(found.locate_file(path))), self.site / path
                if ".." not in path.parts and not target.exists() and source.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.symlink_to(source)


@pytest.fixture(scope="session")
def environment(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Where ``pip install fvx`` was run and nothing else."""
    folder, home = tmp_path_factory.mktemp("environment"), tmp_path_factory.mktemp("home")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    made = Environment(folder, home, dist)
    made.lend(about(ROOT)["dependencies"])
    made.install("fvx")
    return made
