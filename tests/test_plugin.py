"""``fvx plugin new``: what it writes is a plugin, and works as written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from fvx import __version__, cli
from fvx.contract import breaches
from fvx.errors import FeatureError
from fvx.plugin import new_plugin
from fvx.registry import collect, discover

KINDS = {"breathiness": "contour", "vocal_fry_2": "per_clip", "creak": "matrix"}


def run(*words: object) -> Result:
    return CliRunner().invoke(cli.app, ["plugin", "new", *map(str, words)])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a new plugin of each kind."""
    home = tmp_path_factory.mktemp("new")
    for name, kind in KINDS.items():
        result = run(name, "--kind", kind, "--out", home)
        assert result.exit_code == 0, result.output
    return home


def folder(home: Path, name: str) -> Path:
    return home / f"fvx-{name.replace('_', '-')}"


def load(path: Path) -> object:
    import importlib.util

    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses and pickle look it up by its name
    spec.loader.exec_module(module)
    return module


class TestWhatIsWritten:
    def test_its_tests_pass_as_written(self, home: Path) -> None:
        """Under its own settings, that make an error of every warning."""
        folders = [folder(home, name) for name in KINDS]
        done = subprocess.run(
            [
                sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                "-c", folders[0] / "pyproject.toml", *(one / "tests" for one in folders),
            ],
            cwd=home,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        assert "skipped" not in done.stdout

    @pytest.mark.parametrize("name", KINDS)
    def test_it_offers_the_feature_and_keeps_the_contract(self, home: Path, name: str) -> None:
        found = collect([load(folder(home, name) / f"fvx_{name}.py")])
        assert found.broken == {}
        (feature,) = found.features.values()
        assert (feature.name, feature.kind) == (name, KINDS[name])
        assert breaches(feature) == []

    @pytest.mark.parametrize("name", KINDS)
    def test_its_entry_point_names_its_module(self, home: Path, name: str) -> None:
        path = folder(home, name) / "pyproject.toml"
        project = tomllib.loads(path.read_text(encoding="utf-8"))
        assert project["project"]["name"] == path.parent.name
        assert project["project"]["entry-points"]["fvx"] == {name: f"fvx_{name}"}
        assert project["tool"]["setuptools"]["py-modules"] == [f"fvx_{name}"]
        assert project["project"]["dependencies"][0] == f"fvx>={__version__}"

    def test_its_ci_runs_its_tests(self, home: Path) -> None:
        workflow = folder(home, "creak") / ".github" / "workflows" / "test.yml"
        (job,) = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values()
        commands = [step["run"] for step in job["steps"] if "run" in step]
        assert "python -m pytest" in commands
        assert commands[-1] == "fvx features check creak"

    def test_no_placeholder_is_left(self, home: Path) -> None:
        for path in filter(Path.is_file, home.rglob("*.*")):
            if path.suffix != ".pyc":
                assert "$class" not in (content := path.read_text(encoding="utf-8")), path
                assert "${" not in content.replace("{{", ""), path

    def test_the_readme_tells_where_to_begin(self, home: Path) -> None:
        readme = (folder(home, "breathiness") / "README.md").read_text(encoding="utf-8")
        assert readme.startswith("# fvx-breathiness\n")
        assert "$ fvx features check breathiness\n" in readme

    def test_the_template_holds_nothing_else(self) -> None:
        templates = {path.name for path in files("fvx.plugin").joinpath("template").iterdir()}
        shared = {"pyproject.toml.txt", "README.md.txt", "workflow.yml.txt", "gitignore.txt"}
        kinds = {f"{test}{kind}.py.txt" for kind in KINDS.values() for test in ("", "test_")}
        assert templates == shared | kinds


class TestTheCommand:
    def test_it_prints_what_it_wrote_and_what_comes_next(self, tmp_path: Path) -> None:
        result = run("hush", "--out", tmp_path)
        assert result.exit_code == 0
        assert f"{tmp_path / 'fvx-hush' / 'fvx_hush.py'}\n" in result.stdout
        assert all(Path(line).is_file() for line in result.stdout.splitlines())
        assert "pip install -e" in result.stderr
        assert "fvx features check hush" in result.stderr

    @pytest.mark.parametrize(
        "name", ["Breathiness", "2nd", "a-b", "../x", "a__b", "_a", "a_", "class", "", "é"]
    )
    def test_a_name_that_no_feature_can_have_is_refused(self, tmp_path: Path, name: str) -> None:
        result = run("--out", tmp_path, "--", name)
        assert isinstance(result.exception, FeatureError)
        assert "cannot be a feature's name" in str(result.exception)
        assert not list(tmp_path.iterdir())

    def test_a_name_that_is_taken_is_refused(self, tmp_path: Path) -> None:
        result = run("jitter", "--out", tmp_path)
        assert isinstance(result.exception, FeatureError)
        assert "a feature named 'jitter' is installed" in str(result.exception)

    def test_nothing_is_overwritten(self, tmp_path: Path) -> None:
        path = new_plugin("hush", "contour", tmp_path) / "fvx_hush.py"
        path.write_text("mine")
        with pytest.raises(FeatureError, match=r"fvx-hush: exists, and nothing is overwritten"):
            new_plugin("hush", "contour", tmp_path)
        assert path.read_text() == "mine"

    def test_a_folder_that_cannot_be_made_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(FeatureError, match="cannot be written"):
            new_plugin("hush", "contour", tmp_path / "file")

    def test_a_disk_that_fills_leaves_nothing_behind(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = Path.write_text

        def full(path: Path, *given: object, **named: object) -> int:
            if path.name == "README.md":
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(path, *given, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(Path, "write_text", full)
        with pytest.raises(FeatureError, match=r"fvx-hush: cannot be written \(No space left"):
            new_plugin("hush", "contour", tmp_path)
        assert not list(tmp_path.iterdir())

    def test_an_unknown_kind_is_refused(self, tmp_path: Path) -> None:
        assert run("hush", "--kind", "curve", "--out", tmp_path).exit_code == 2
        with pytest.raises(FeatureError, match="kind 'curve' is unknown; known: per_clip, contour"):
            new_plugin("hush", "curve", tmp_path)  # type: ignore[arg-type]

    def test_names_are_not_taken_by_chance(self) -> None:
        assert not set(KINDS) & set(discover().features)
