"""``fvx doctor``: what is well, and what it says of what is not."""

from __future__ import annotations

import json
import re
import shutil
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import fakes
import pytest
from makers import install_plugin
from typer.testing import CliRunner, Result

from fvx import __version__, cli, doctor
from fvx.doctor import Finding
from fvx.errors import FeatureError
from fvx.registry import ONLY, Registry, discover


def run(*words: str) -> Result:
    return CliRunner().invoke(cli.app, ["doctor", *words])


@pytest.fixture
def few_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what the shipped model does not read: everything is quick, and the model fails."""
    monkeypatch.setenv(ONLY, "fvx-timbre")


@pytest.fixture(scope="module")
def healthy() -> Result:
    return run("--json")


def found(findings: list[Finding] | list[dict[str, str]]) -> dict[str, Finding]:
    return {
        one.what: one for one in (f if isinstance(f, Finding) else Finding(**f) for f in findings)
    }


class TestAHealthyMachine:
    def test_nothing_is_broken(self, healthy: Result) -> None:
        assert healthy.exit_code == 0, healthy.output
        states = found(json.loads(healthy.stdout))
        assert not [one for one in states.values() if one.state == "broken"]

    def test_it_says_what_is_there(self, healthy: Result) -> None:
        states = found(json.loads(healthy.stdout))
        assert states["fvx"].words.startswith(f"{__version__} in ")
        assert f"numpy {metadata.version('numpy')}" in states["libraries"].words
        n_voice = list(discover().distributions.values()).count("fvx-voice")
        assert f"fvx-voice {__version__} ({n_voice})" in states["plugins"].words
        assert "gave a verdict" in states["shipped model"].words
        assert states["disk, here"].words.endswith(f"free in {Path.cwd()}")

    def test_every_extra_is_looked_for(self, healthy: Result) -> None:
        extras = set(metadata.metadata("fvx").get_all("Provides-Extra") or []) - {"all"}
        looked = {
            w.removeprefix("extra ") for w in found(json.loads(healthy.stdout)) if "extra" in w
        }
        assert looked >= extras

    def test_what_is_not_ok_says_what_to_do(self, healthy: Result) -> None:
        for one in found(json.loads(healthy.stdout)).values():
            assert one.remedy or one.state in ("ok", "slow"), one


@pytest.mark.usefixtures("few_features")
class TestWhatIsBroken:
    def test_a_broken_plugin_is_named_and_exits_with_1(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        install_plugin(tmp_path, "fvx-torn", "fvx_torn_too", "raise RuntimeError('torn\x1b')")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setenv(ONLY, "fvx-timbre,fvx-torn")
        result = run()
        assert result.exit_code == 1
        assert "broken  plugin fvx-torn: RuntimeError: torn\\x1b\n        -> " in result.stdout
        assert "pip uninstall fvx-torn" in result.stdout

    def test_a_model_that_cannot_be_used_is_a_finding_and_the_rest_goes_on(self) -> None:
        result = run()
        assert result.exit_code == 1
        assert "broken  shipped model: UnknownFeature: no feature" in result.stdout
        assert "disk, temporary" in result.stdout
        assert "fvx: 1 broken, see above" in result.stderr

    def test_plugins_that_are_switched_off_are_said_to_be(self) -> None:
        words = rf"fvx-timbre {re.escape(__version__)} \(\d+\); {ONLY} switches others off"
        assert re.search(words, run().stdout)

    def test_plugins_that_clash_end_it_with_a_finding(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def clash() -> Registry:
            raise FeatureError("a and b both register 'x'")

        monkeypatch.setattr(doctor, "discover", clash)
        last = list(doctor.doctor())[-1]
        assert (last.what, last.state) == ("plugins", "broken")
        assert "both register 'x'" in last.words


class TestSingleFindings:
    def test_a_feature_that_fails_on_speech_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FVX_TEST_MOOD", "raise")
        registry = doctor.discover()
        sick = Registry({"moody": fakes.Moody()}, registry.datasets)
        one = doctor._features(sick)
        assert one.state == "broken"
        assert "moody (ZeroDivisionError" in one.words

    def test_a_feature_that_takes_long_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "slow").write_text("0.6")
        monkeypatch.setenv("FVX_TEST_SLOW", str(tmp_path / "slow"))
        monkeypatch.setattr(doctor, "_SLOW_SHARE", 0.2)
        registry = doctor.discover()
        one = doctor._features(Registry({"slow": fakes.Slow()}, registry.datasets))
        assert one.state == "slow"
        assert "slow 0.6" in one.words

    def test_a_disk_that_is_nearly_full_is_broken(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2e8))
        states = [one.state for one in doctor._disk(tmp_path)]
        assert states == ["broken", "broken"]

    def test_a_folder_that_cannot_be_written_to_is_broken(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(doctor.os, "access", lambda place, _: place != tmp_path)
        here, temporary = doctor._disk(tmp_path)
        assert (here.state, temporary.state) == ("broken", "ok")
        assert "cannot be written to" in here.words

    def test_what_is_not_installed_is_missing_if_it_is_an_extra_and_broken_if_it_is_not(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        needs = ["numpy>=2", "no-such-library", "no-such-framework>=1; extra == 'train'"]
        monkeypatch.setattr(doctor, "requires", lambda _: needs)
        states = found(list(doctor._libraries()))
        assert states["libraries"] == Finding(
            "libraries", "broken", "not installed: no-such-library", "pip install fvx"
        )
        assert states["extra train"].state == "missing"
        assert states["extra train"].remedy == "pip install 'fvx[train]'"

    def test_no_plugin_at_all_is_broken(self) -> None:
        (one,) = doctor._plugins(Registry({}))
        assert one.state == "broken"
