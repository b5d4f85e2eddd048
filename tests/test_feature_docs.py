"""``docs/features.md`` says of every installed feature what the feature says of itself."""

from __future__ import annotations

import importlib.util
import re
import struct
import types
from pathlib import Path

import pytest
from fakes import Ends, Grid, Level

from fvx.registry import collect, discover

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "features.md"


def generator() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("make_features", ROOT / "docs/make_features.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKE = generator()
FEATURES = MAKE.first_party(discover())
PLUGINS = sorted({discover().plugins[name].partition(".")[0] for name in FEATURES})


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_there_are_features_to_document() -> None:
    assert len(FEATURES) >= 10


@pytest.mark.parametrize("name", FEATURES)
def test_the_page_says_what_the_feature_says(page: str, name: str) -> None:
    assert MAKE.section(FEATURES[name]) in page, "out of date; `make docs` renews it"


@pytest.mark.parametrize("name", FEATURES)
def test_every_feature_has_its_row_in_the_table(page: str, name: str) -> None:
    feature = FEATURES[name]
    rows = [line for line in page.splitlines() if line.startswith(f"| [`{name}`](#{name})")]
    assert len(rows) == 1
    (row,) = rows
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[2:6] == [
        feature.kind.replace("_", " "),
        str(len(feature.columns)),
        "yes" if feature.perceptible else "",
        "–" if feature.hop_s is None else f"{1000 * feature.hop_s:g} ms",
    ], "out of date; `make docs` renews it"


@pytest.mark.parametrize("plugin", PLUGINS)
def test_the_page_holds_what_each_plugin_says_of_agreement(page: str, plugin: str) -> None:
    folder = ROOT / "plugins" / plugin.replace("_", "-")
    assert MAKE.chapter(folder) in page, "out of date; `make docs` renews it"


def test_nothing_is_documented_that_an_installed_plugin_no_longer_offers(page: str) -> None:
    documented = {}
    for line in page.splitlines():
        if row := re.match(r"\| \[`(\w+)`\]\(#\w+\)(?: [*+])? \| ([\w-]+) \|", line):
            documented[row[1]] = row[2].replace("-", "_")
    assert len(documented) >= len(FEATURES)
    gone = {name for name, plugin in documented.items() if plugin in PLUGINS} - set(FEATURES)
    assert not gone, "out of date; `make docs` renews it"


@pytest.mark.parametrize("name", FEATURES)
def test_every_feature_has_a_picture_of_two_clips(name: str) -> None:
    data = (ROOT / f"docs/pictures/{name}.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width_px, height_px = struct.unpack(">II", data[16:24])
    assert width_px == 1100
    assert height_px >= 100


def test_no_picture_is_of_a_feature_that_is_gone(page: str) -> None:
    shown = set(re.findall(r"\]\(pictures/(\w+)\.png\)", page))
    assert {path.stem for path in (ROOT / "docs/pictures").glob("*.png")} == shown


def test_every_link_of_the_page_leads_somewhere(page: str) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", page)
    anchors = {
        re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    }
    assert targets
    for target in targets:
        path, _, anchor = target.partition("#")
        if "://" not in target:
            assert not path or (PAGE.parent / path).exists(), target
            assert path or anchor in anchors, target


class TestTheGenerator:
    def test_numpy_sections_become_markdown(self) -> None:
        section = MAKE.section(Level())
        assert section.startswith("### `level`\n\n**Magnitude of the sample in the middle")
        assert "- contour, every 10 ms, audible, version 1\n- columns: 1: `level`" in section
        assert "`gain = 1.0`" in section
        assert section.endswith("**References**\n\n- Made up for these tests.")

    def test_a_feature_without_sections_needs_none(self) -> None:
        assert "**References**" not in MAKE.section(Grid())

    def test_one_row_a_clip_has_no_hop(self) -> None:
        assert "- per clip, version 1\n" in MAKE.section(Ends())

    def test_features_of_other_peoples_plugins_are_left_out(self) -> None:
        import fakes

        registry = collect([fakes])
        assert registry.features
        assert not MAKE.first_party(registry)

    def test_links_of_a_readme_lead_from_the_page(self, tmp_path: Path) -> None:
        (tmp_path / "README.md").write_text("# a\n\n[b](sub/b.md) [c](https://c.example)\n")
        chapter = MAKE.chapter(tmp_path)
        link = re.search(r"\[b\]\(([^)]*)\)", chapter)
        assert chapter.startswith("## a\n")
        assert link is not None
        assert (PAGE.parent / link[1]).resolve() == (tmp_path / "sub/b.md").resolve()
        assert "(https://c.example)" in chapter

    def test_without_measured_costs_the_page_leaves_them_out(self) -> None:
        page = MAKE.page(discover(), {})
        assert "## Where the time goes" not in page
        assert "| [`f0`](#f0) | fvx-voice | contour | 2 | yes | 10 ms | – |" in page
