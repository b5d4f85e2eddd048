"""What the repository says of itself is true: documentation, packaging, import contracts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import types
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import click
import numpy as np
import pytest
import typer
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.testing import CliRunner

import fvx
from fvx import cli, errors
from fvx.feature import Feature
from fvx.registry import discover
from fvx.testing import FeatureContract, silence, sine

ROOT = Path(__file__).resolve().parents[1]
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
PLUGIN_PACKAGES = [path.name.replace("-", "_") for path in PLUGINS]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "datasets/README.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
]
HEAVY = {"ai_edge_litert", "h5py", "lime", "matplotlib", "numpy", "pandas", "scipy", "tensorflow"}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def project(folder: Path = ROOT) -> dict:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command, as the words that follow ``fvx``."""
    for name, command in getattr(group, "commands", {}).items():
        yield (*path, name)
        yield from commands(command, (*path, name))


def error_tree(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for below in kind.__subclasses__():
        yield from error_tree(below)


def fenced(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)


COMMANDS = list(commands(typer.main.get_command(cli.app)))
ERRORS = [kind for kind in error_tree(errors.FvxError) if kind.__module__ == errors.__name__]


@pytest.fixture(scope="module")
def help_run() -> tuple[str, set[str]]:
    """What ``fvx --help`` prints, and which top-level modules it loads."""
    script = (
        "import atexit, sys; from fvx.cli import main; sys.argv = ['fvx', '--help']\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    return done.stdout, {name.partition(".")[0] for name in done.stderr.split()}


class TestCommandLine:
    def test_help_loads_no_heavy_library(self, help_run: tuple[str, set[str]]) -> None:
        _, loaded = help_run
        assert "typer" in loaded
        assert not loaded & HEAVY

    def test_the_readme_shows_what_help_prints(self, help_run: tuple[str, set[str]]) -> None:
        printed, _ = help_run
        (shown,) = re.findall(
            r"<!-- fvx --help -->\n```\n(.*?)```\n<!-- /fvx --help -->", text("README.md"), re.S
        )
        assert shown == printed

    @pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
    def test_every_command_explains_itself(self, words: tuple[str, ...]) -> None:
        result = CliRunner().invoke(cli.app, [*words, "--help"])
        assert result.exit_code == 0, result.output
        assert result.output.startswith(f"Usage: fvx {' '.join(words)}")
        assert re.search(r"\n\n  [A-Z].*\.", result.output), "no sentence says what it does"

    @pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
    def test_every_command_is_in_the_readme(self, words: tuple[str, ...]) -> None:
        name = " ".join(words)
        assert re.search(rf"(?:\bfvx |^  ){name}\b", text("README.md"), re.M)


class TestDocumentation:
    @pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
    def test_every_error_is_in_the_guide_and_in_the_tree(self, kind: type[Exception]) -> None:
        assert f"`{kind.__name__}`" in text("docs/guide.md")
        assert re.search(rf"\b{kind.__name__}\b", errors.__doc__ or "")

    def test_every_feature_is_documented(self) -> None:
        registry = discover()
        ours = [f for name, f in registry.features.items() if is_ours(registry.plugins[name])]
        assert len(ours) >= 10
        for feature in ours:
            assert f"`{feature.name}`" in text("docs/features.md"), feature.name

    @pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
    def test_every_link_leads_somewhere(self, page: Path) -> None:
        prose = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
        links = re.findall(r"\]\(([^)#]+)\)", prose)
        assert not [
            link for link in links if "://" not in link if not (page.parent / link).exists()
        ]

    def test_every_make_target_named_exists(self) -> None:
        targets = re.findall(r"^([a-z]+):", text("Makefile"), re.M)
        for name in ("README.md", ".ci/run"):
            named = re.findall(r"^(?:\$ )?make ([a-z]+)", text(name), re.M)
            assert named
            assert set(named) <= set(targets)

    def test_the_changelog_tells_of_this_version(self) -> None:
        assert re.search(rf"^## .*\b{re.escape(fvx.__version__)}\b", text("CHANGELOG.md"), re.M)

    def test_the_citation_is_of_this_version(self) -> None:
        citation = yaml.safe_load(text("CITATION.cff"))
        assert citation["cff-version"] == "1.2.0"
        assert citation["version"] == fvx.__version__
        assert citation["license"] == project()["project"]["license"]


class TestPackaging:
    def test_only_the_python_that_is_tested_is_claimed(self) -> None:
        claimed = re.findall(r"Python :: (3\.\d+)", "\n".join(project()["project"]["classifiers"]))
        assert claimed == ["3.11"]

    @pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
    def test_plugins_keep_step_with_fvx(self, folder: Path) -> None:
        plugin, host = project(folder)["project"], project()["project"]
        assert plugin["version"] == fvx.__version__
        assert plugin["license"] == host["license"]
        assert plugin["requires-python"] == host["requires-python"]
        assert "fvx" in plugin["dependencies"]

    def test_fvx_brings_every_plugin_of_its_own_version(self) -> None:
        asked = {one for one in project()["project"]["dependencies"] if one.startswith("fvx-")}
        assert asked == {f"{folder.name}=={fvx.__version__}" for folder in PLUGINS}

    def test_the_tools_know_every_plugin(self) -> None:
        tools = project()["tool"]
        assert tools["importlinter"]["root_packages"] == ["fvx", *PLUGIN_PACKAGES]
        for contract in tools["importlinter"]["contracts"]:
            if contract["type"] == "forbidden":
                assert set(PLUGIN_PACKAGES) <= set(contract["source_modules"]), contract["id"]
        searched = {ROOT / path for path in tools["mypy"]["mypy_path"].split(":")}
        assert searched == set(PLUGINS)

    def test_constraints_are_exact_versions(self) -> None:
        lines = text("constraints.txt").splitlines()
        assert not [line for line in lines if not re.fullmatch(r"[\w.-]+==\d[\w.]*", line)]
        names = [canonicalize_name(line.partition("==")[0]) for line in lines]
        assert len(set(names)) == len(names)

    def test_constraints_cover_all_that_is_asked_for(self) -> None:
        pinned = dict(line.split("==") for line in text("constraints.txt").splitlines())
        pinned = {canonicalize_name(name): version for name, version in pinned.items()}
        this = project()
        groups = [this["project"]["dependencies"], this["build-system"]["requires"]]
        groups += this["project"]["optional-dependencies"].values()
        groups += this["dependency-groups"].values()
        for one in map(Requirement, chain.from_iterable(groups)):
            if one.name == "fvx" or one.name in {folder.name for folder in PLUGINS}:
                continue
            version = pinned.get(canonicalize_name(one.name))
            assert version is not None, one.name
            assert one.specifier.contains(version), f"{one} is pinned to {version}"

    def test_the_conda_environment_installs_the_same(self) -> None:
        environment = yaml.safe_load(text("environment.yml"))
        (pip,) = [part["pip"] for part in environment["dependencies"] if isinstance(part, dict)]
        assert "python=3.11" in environment["dependencies"]
        assert "pip" in environment["dependencies"]
        plugins = [f"-e {folder.relative_to(ROOT)}" for folder in PLUGINS]
        assert pip == ["-c constraints.txt", "-e .[all]", *plugins]

    def test_the_extra_all_holds_every_other_extra(self) -> None:
        extras = project()["project"]["optional-dependencies"]
        (everything,) = map(Requirement, extras["all"])
        assert everything.name == "fvx"
        assert everything.extras == set(extras) - {"all"}

    def test_the_licence_is_whole(self) -> None:
        licence = text("LICENSE")
        assert licence.split()[:4] == ["Apache", "License", "Version", "2.0,"]
        assert "APPENDIX: How to apply the Apache License to your work." in licence
        assert licence.rstrip().endswith("limitations under the License.")

    def test_no_file_names_a_place_on_one_machine(self) -> None:
        # Put together here, so that this file does not find itself.
        folders, hosts = ("work", "root", "home"), ("pypi" + ".org", "files" + ".pythonhosted")
        place = re.compile(rf"(?<![\w.:/-])/(?:{'|'.join(folders)})/|{'|'.join(hosts)}".encode())
        listed = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        if listed.returncode:
            pytest.skip("not a git checkout: which files belong to it is not known")
        paths = [ROOT / os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]
        contents = {path: path.read_bytes() for path in paths if path.is_file()}
        assert len(contents) > 100
        found = [p for p, content in contents.items() if b"\0" not in content]
        assert not [p for p in found if place.search(contents[p])]


def test_imports_keep_to_their_contracts() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def is_ours(module: str) -> bool:
    return module.partition(".")[0] in PLUGIN_PACKAGES


def plugin_of_the_readme() -> types.ModuleType:
    source = next(code for code in fenced(text("README.md"), "python") if "@hookimpl" in code)
    module = types.ModuleType("fvx_centroid")
    sys.modules[module.__name__] = module  # dataclasses and pickle look it up by its name
    exec(compile(source, "README.md", "exec"), module.__dict__)
    return module


CENTROID: Feature = plugin_of_the_readme().Centroid()


class TestThePluginOfTheReadme(FeatureContract):
    feature = CENTROID

    @pytest.mark.parametrize("hz", [250.0, 1000.0, 5000.0])
    def test_a_sine_sits_at_its_own_frequency(self, hz: float) -> None:
        inside = self.feature(sine(hz))[5:-5]  # away from the ends, where the sine is cut
        np.testing.assert_allclose(inside, hz, rtol=0.01)

    def test_silence_has_no_brightness(self) -> None:
        assert not self.feature(silence()).any()

    def test_it_takes_eight_lines_of_toml(self) -> None:
        (toml,) = fenced(text("README.md"), "toml")
        assert len([line for line in toml.splitlines() if line]) == 8

    def test_it_is_found_once_it_is_installed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (toml,) = fenced(text("README.md"), "toml")
        about = tomllib.loads(toml)["project"]
        (entry,) = about["entry-points"]["fvx"].items()
        info = tmp_path / f"{about['name'].replace('-', '_')}-{about['version']}.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n"
        (info / "METADATA").write_text(metadata)
        (info / "entry_points.txt").write_text(f"[fvx]\n{' = '.join(entry)}\n")
        monkeypatch.syspath_prepend(tmp_path)
        registry = discover()
        assert registry.features["centroid"] == self.feature
        assert registry.plugins["centroid"] == "fvx_centroid"
