"""The site builds without the network, and its generated pages say what the program says."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest
import typer

import fvx
from fvx.cli import app

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


def load(name: str) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # generators import one another
    spec.loader.exec_module(module)
    return module


make_features = load("make_features")
make_cli = load("make_cli")
make_python = load("make_python")
make_start = load("make_start")
build_site = load("build_site")

CLI = (DOCS / "cli.md").read_text(encoding="utf-8")
START = (DOCS / "start.md").read_text(encoding="utf-8")
LOADED = re.compile(
    r"<(?:script|img|iframe|source|audio|video)\b[^>]*\bsrc=[\"']?(?:https?:)?//[^>]*"
    r"|<link\b[^>]*\bhref=[\"']?(?:https?:)?//[^>]*"
)
"""What a browser would fetch from another place."""

SAME = [block for block in make_start.blocks(START) if block.kind == "same"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    # No proxy answers there: whatever wanted the network would fail.
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "ALL_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, **nowhere, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class TestTheSite:
    def test_every_page_is_built(self, site: Path) -> None:
        for page in DOCS.rglob("*.md"):
            assert (site / page.relative_to(DOCS).with_suffix(".html")).is_file(), page
        assert (site / "repository" / "datasets" / "index.html").is_file()  # its README

    def test_it_loads_nothing_from_elsewhere(self, site: Path) -> None:
        pages = list(site.rglob("*.html"))
        assert len(pages) > 30
        for page in pages:
            text = page.read_text(encoding="utf-8")
            assert not LOADED.findall(text), page
            assert 'class="mermaid"' not in text, "the theme fetches its renderer"
        for sheet in site.rglob("*.css"):
            text = sheet.read_text(encoding="utf-8")
            assert not re.search(r"url\([\"']?(?:https?:)?//|@import", text), sheet

    @pytest.mark.parametrize(
        "element",
        [
            '<script async src="https://cdn.example/a.js">',
            "<link rel=stylesheet href=//fonts.example/b.css>",
            '<img alt="" src="http://example.org/c.png">',
        ],
    )
    def test_what_would_be_loaded_from_elsewhere_is_noticed(self, element: str) -> None:
        assert LOADED.search(element)
        assert not LOADED.search(re.sub(r"(https?:)?//[^/]*/", "assets/", element))

    def test_no_formula_is_left_unwritten(self, site: Path) -> None:
        text = (site / "features.html").read_text(encoding="utf-8")
        assert "<i>T</i><sub><i>i</i></sub>" in text
        assert "\\pi" not in text

    def test_links_that_lead_out_of_the_folder_arrive(self, site: Path) -> None:
        guide = (site / "guide.html").read_text(encoding="utf-8")
        assert 'href="repository/datasets/index.html"' in guide
        nested = (site / "guides" / "your-own-data.html").read_text(encoding="utf-8")
        assert 'href="../repository/datasets/index.html"' in nested

    def test_every_decision_is_in_the_list(self, site: Path) -> None:
        listed = (site / "decisions" / "index.html").read_text(encoding="utf-8")
        decisions = build_site.decisions()
        assert len(decisions) >= 8
        for path in decisions:
            assert f'href="{path.with_suffix(".html").name}"' in listed


class TestFormulas:
    @pytest.mark.parametrize(
        ("formula", "html"),
        [
            ("T_i", "<i>T</i><sub><i>i</i></sub>"),
            ("A_{i+1} / 2\\pi", "<i>A</i><sub><i>i</i>+1</sub> / 2π"),
            ("-\\ln(r)", "−ln(<i>r</i>)"),
            ("x^2", "<i>x</i><sup>2</sup>"),
        ],
    )
    def test_they_become_html(self, formula: str, html: str) -> None:
        assert build_site.html_of(formula) == html

    def test_what_is_not_known_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"cannot write this formula as HTML: \\sum"):
            build_site.html_of("\\sum_i x_i")


class TestTheCommandLine:
    def test_the_page_is_what_help_prints(self) -> None:
        assert make_cli.page() == CLI, "make docs"

    def test_every_option_is_on_the_page(self) -> None:
        root = typer.main.get_command(app)
        n_options = 0
        for words in make_cli.commands():
            command = root
            for word in words:
                command = command.commands[word]
            heading = f"## `{' '.join(('fvx', *words))}`\n"
            section = CLI.partition(heading)[2].partition("\n## ")[0]
            for parameter in command.params:
                if parameter.param_type_name == "option":
                    n_options += 1
                    for option in (*parameter.opts, *parameter.secondary_opts):
                        assert re.search(rf"(?<!\S){option}(?![\w-])", section), (words, option)
        assert n_options > 100

    def test_every_exit_code_is_on_the_page_and_no_other(self) -> None:
        used = {0, 2}  # all went well; and what the parser makes of wrong usage
        for source in (ROOT / "fvx" / "cli").glob("*.py"):
            for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
                if not (isinstance(node, ast.Call) and node.args):
                    continue
                if ast.unparse(node.func) in {"typer.Exit", "sys.exit"}:
                    assert isinstance(node.args[0], ast.Constant), f"{source.name}:{node.lineno}"
                    used.add(node.args[0].value)
        table = CLI.partition("## Exit codes")[2].partition("\n## ")[0]
        assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)} == used

    def test_every_variable_of_the_environment_is_on_the_page(self) -> None:
        read = set()
        for source in (ROOT / "fvx").rglob("*.py"):
            read |= set(re.findall(r"\"(FVX_[A-Z_]+)\"", source.read_text(encoding="utf-8")))
        assert read
        for name in read:
            assert f"`{name}`" in CLI


class TestThePythonPage:
    def test_it_is_what_the_docstrings_say(self) -> None:
        assert make_python.page() == (DOCS / "python.md").read_text(encoding="utf-8"), "make docs"

    @pytest.mark.parametrize("name", [name for name in fvx.__all__ if name != "API_VERSION"])
    def test_every_public_name_is_told_of(self, name: str) -> None:
        page = make_python.page()
        heading = f"### `fvx.{name}`\n\n"
        assert heading in page
        assert not page.partition(heading)[2].startswith("#"), "nothing is said of it"

    def test_sections_of_docstrings_become_lists(self) -> None:
        def louder(gain_db: float) -> float:
            """Do what is said.

            Parameters
            ----------
            gain_db : float
                In decibels.
            """
            return gain_db

        said = list(make_python._entry("louder", louder))
        assert said[1] == "```python\nlouder(gain_db: float) -> float\n```"
        assert said[2:] == [
            "Do what is said.",
            "**Parameters**\n\n- `gain_db` (float): In decibels.",
        ]


def alike(shown: str, printed: str) -> bool:
    """Same words in the same order, and numbers that differ no more than processors do."""
    number = re.compile(r"[+-]?\d+(?:\.\d+)?")
    if number.sub("#", shown).split() != number.sub("#", printed).split():
        return False
    pairs = zip(number.findall(shown), number.findall(printed), strict=True)
    return all(float(a) == pytest.approx(float(b), rel=0.02, abs=0.02) for a, b in pairs)


class TestTheStartPage:
    def test_its_outputs_are_those_of_now(self, tmp_path: Path) -> None:
        assert SAME
        for block in SAME:
            printed = block.run(tmp_path)
            assert alike(block.text, printed), f"make docs: the page does not say\n{printed}"
        assert (tmp_path / make_start.MADE).read_bytes().startswith(b"\x89PNG")

    def test_every_block_has_an_output(self) -> None:
        for block in make_start.blocks(START):
            assert block.commands
            assert len(block.text.splitlines()) > len(block.commands), block.text

    def test_no_other_block_of_the_page_shows_an_output(self) -> None:
        by_hand = make_start.BLOCK.sub("", START)
        for block in re.findall(r"^```console\n(.*?)^```$", by_hand, re.DOTALL | re.MULTILINE):
            assert all(line.startswith("$ ") for line in block.splitlines())

    def test_a_block_is_written_anew_and_cut(self, tmp_path: Path) -> None:
        page = (
            "a\n<!-- run: once lines=2 -->\n```console\n$ printf '1\\n2\\n3\\n'\nold\n```\n"
            "<!-- /run -->\nb\n"
        )
        new = make_start.written(page, tmp_path)
        assert new == page.replace("\nold\n", "\n1\n2\n…\n")
        assert make_start.written(new, tmp_path) == new

    def test_a_command_that_fails_is_not_pasted(self, tmp_path: Path) -> None:
        block = make_start.Block("once", None, "$ echo no; exit 3\n")
        with pytest.raises(RuntimeError, match="exit code 3\nno"):
            block.run(tmp_path)

    @pytest.mark.parametrize(
        ("printed", "same"),
        [
            ("score +0.54 (37 %)", True),
            ("score +0.75 (37 %)", False),
            ("scores +0.55 (37 %)", False),
        ],
    )
    def test_outputs_are_compared_by_words_and_nearly_by_numbers(
        self, printed: str, same: bool
    ) -> None:
        assert alike("score +0.55\n(37 %)", printed) is same
