"""What plugins rely on does not change without a word."""

from __future__ import annotations

import importlib.util
import json
import re
import types
from pathlib import Path

import fakes
import pytest

import fvx
from fvx import hookspecs
from fvx.registry import collect

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
PLUGINS = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
GOLDEN = json.loads((ROOT / "tests" / "golden" / "api.json").read_text(encoding="utf-8"))


def load_script() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("make_api", ROOT / "docs" / "make_api.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_api = load_script()


def test_it_has_not_changed_since_its_version_was_given() -> None:
    assert make_api.digest() == GOLDEN.get(fvx.API_VERSION), (
        "What plugins rely on has changed: see the difference by `make docs` in docs/api.md. If it "
        "is meant, raise fvx.API_VERSION, add its checksum to tests/golden/api.json, and tell of "
        "it in CHANGELOG.md."
    )


def test_the_latest_version_is_the_current_one() -> None:
    versions = [tuple(map(int, version.split("."))) for version in GOLDEN]
    assert versions == sorted(set(versions))
    assert list(GOLDEN)[-1] == fvx.API_VERSION


def test_the_page_shows_the_signatures_of_now() -> None:
    assert make_api.written(PAGE) == PAGE, "make docs"


def test_the_page_and_the_changelog_tell_of_this_version() -> None:
    assert f"API {fvx.API_VERSION}" in PAGE
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"\bAPI {re.escape(fvx.API_VERSION)}\b", changelog)


@pytest.mark.parametrize("name", fvx.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(fvx, name) is not None
    assert re.search(rf"\b{name}\b", PAGE)


def test_nothing_else_is_public() -> None:
    assert sorted(fvx.__all__) == fvx.__all__
    assert set(fvx.__all__) == {*fvx._HOME, "API_VERSION"}
    with pytest.raises(AttributeError, match="module 'fvx' has no attribute 'Nothing'"):
        _ = fvx.Nothing


def test_every_hook_is_on_the_page() -> None:
    hooks = [name for name in vars(hookspecs) if name.startswith("fvx_")]
    assert len(hooks) == 3
    for name in hooks:
        assert f"`{name}()`" in PAGE
        assert name in make_api.surface()


def test_a_change_of_a_signature_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = make_api.digest()

    def extract(self: fvx.Feature, audio: fvx.Audio, more: int) -> None: ...

    monkeypatch.setattr(fvx.Feature, "extract", extract)
    assert make_api.digest() != before


def test_the_examples_of_plugins_do_what_the_page_says() -> None:
    branches, corpora = re.findall(r"^```python\n(.*?)^```$", PLUGINS, re.DOTALL | re.MULTILINE)

    def module(name: str, code: str) -> types.ModuleType:
        made = types.ModuleType(name)
        exec(compile(code, "plugins.md", "exec"), made.__dict__)
        return made

    with_branch = module("with_branch", branches)
    with_branch.fvx_features = fvx.hookimpl(lambda: [Breathiness()])  # type: ignore[attr-defined]
    found = collect([with_branch, module("with_corpus", corpora)])
    assert found.broken == {}
    assert list(found.branches) == ["breathiness"]
    assert list(found.datasets) == ["my_corpus"]


class Breathiness(fakes.Level):
    name = "breathiness"
