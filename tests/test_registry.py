from __future__ import annotations

import pickle
import re
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import fakes
import pytest
from makers import install_plugin

from fvx import cli, hookimpl, registry
from fvx.datasets import Tree, corpora
from fvx.errors import FeatureError, UnknownFeature
from fvx.feature import Feature

OFFERED = sorted(feature.name for feature in fakes.fvx_features())


def plugin(name: str, **hooks: Callable[..., object]) -> types.ModuleType:
    module = types.ModuleType(name)
    for hook, function in hooks.items():
        setattr(module, hook, hookimpl(function))
    return module


def raising(error: BaseException) -> Callable[[], object]:
    def hook() -> object:
        raise error

    return hook


def test_features_and_corpora_are_sorted_by_name() -> None:
    early = plugin("early", fvx_features=lambda: [fakes.Tally()])
    found = registry.collect([fakes, early, corpora])
    assert list(found.features) == sorted([*OFFERED, "tally"])
    assert list(found.datasets) == sorted(found.datasets) != []
    assert [f.name for f in found.select(["level", "ends", "level"])] == ["ends", "level"]
    assert found.plugins["tally"] == "early"
    assert found.plugins["level"] == "fakes"


def test_the_order_of_installation_does_not_matter() -> None:
    early = plugin("early", fvx_features=lambda: [fakes.Tally()])
    one, other = registry.collect([fakes, early]), registry.collect([early, fakes])
    assert list(one.features.items()) == list(other.features.items())


def test_the_same_plugin_twice_counts_once() -> None:
    assert len(registry.collect([fakes, fakes]).features) == len(OFFERED)


def test_two_plugins_cannot_share_a_feature_name() -> None:
    twin = plugin("twin", fvx_features=lambda: [fakes.Level()])
    with pytest.raises(FeatureError, match=r"(fakes and twin|twin and fakes) both register"):
        registry.collect([fakes, twin])


def test_one_plugin_cannot_offer_a_name_twice() -> None:
    with pytest.raises(FeatureError, match="twin and twin both register 'level'"):
        registry.collect([plugin("twin", fvx_features=lambda: [fakes.Level(), fakes.Level(2.0)])])


def test_two_plugins_cannot_share_a_corpus_name() -> None:
    twin = plugin("twin", fvx_datasets=lambda: [Tree("itw")])
    with pytest.raises(FeatureError, match="two plugins register a dataset named 'itw'"):
        registry.collect([corpora, twin])


def test_a_misspelt_hook_is_refused() -> None:
    with pytest.raises(FeatureError, match=r"a hook that fvx does not have.*fvx_feature"):
        registry.collect([plugin("typo", fvx_feature=lambda: [])])


def test_a_hook_with_an_argument_that_fvx_does_not_give_is_refused() -> None:
    with pytest.raises(FeatureError, match=r"(?s)a hook that fvx does not have.*audio"):
        registry.collect([plugin("greedy", fvx_features=lambda audio: [])])


def late() -> object:
    yield fakes.Moody()
    raise OSError("gone")


@pytest.mark.parametrize(
    ("hook", "reason"),
    [
        (raising(RuntimeError("no model file")), "RuntimeError: no model file"),
        (raising(SystemExit(3)), "SystemExit: 3"),
        (late, "OSError: gone"),
        (lambda: None, "TypeError: 'NoneType' object is not iterable"),
        (lambda: [fakes.Level], "TypeError: fvx_features gave .*, which is no Feature"),
        (lambda: ["level"], "TypeError: fvx_features gave 'level', which is no Feature"),
    ],
    ids=["raises", "exits", "raises late", "nothing", "class", "text"],
)
def test_a_plugin_whose_hook_fails_is_reported_and_the_rest_work(
    hook: Callable[[], object], reason: str
) -> None:
    found = registry.collect([plugin("sour", fvx_features=hook), fakes])
    assert list(found.broken) == ["sour"]
    assert re.fullmatch(reason, found.broken["sour"])
    assert list(found.features) == OFFERED
    with pytest.raises(FeatureError, match=r"cannot load sour: .*name the features you want"):
        found.select()


def test_a_plugin_whose_corpora_fail_is_reported_and_the_rest_work() -> None:
    found = registry.collect(
        [corpora, plugin("sour", fvx_datasets=raising(KeyError("x")))], {"other": "ImportError: y"}
    )
    assert found.broken == {"other": "ImportError: y", "sour": "KeyError: 'x'"}
    assert "itw" in found.datasets


def test_an_unknown_feature_names_the_known_ones() -> None:
    with pytest.raises(UnknownFeature, match="no feature 'mfc'; installed: ends, grid, level"):
        registry.collect([fakes]).select(["level", "mfc"])


def test_no_plugin_at_all_is_an_error() -> None:
    with pytest.raises(FeatureError, match="no feature plugin is installed"):
        registry.collect([]).select()
    with pytest.raises(UnknownFeature, match="no feature 'x'; installed: none"):
        registry.collect([]).select(["x"])


def test_errors_survive_a_worker_process() -> None:
    error = UnknownFeature("mfc", ("level",))
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_what_ships_is_found_by_its_entry_points() -> None:
    found = registry.discover()
    assert found.broken == {}
    assert {"mfcc", "spectral_flux", "f0", "intensity"} <= found.features.keys()
    assert {"itw", "asvspoof2021_df", "demo"} <= found.datasets.keys()
    assert all(isinstance(feature, Feature) for feature in found.select())


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_module", "no_such_module"),
        ("x = (", "SyntaxError"),
        ("raise SystemExit(7)", "SystemExit: 7"),
        (
            "import fvx\n@fvx.hookimpl\ndef fvx_features():\n    raise ValueError('sour')\n",
            "ValueError: sour",
        ),
    ],
)
def test_one_broken_plugin_does_not_take_fvx_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, reason: str
) -> None:
    install_plugin(tmp_path, "fvx-broken", "fvx_broken_plugin", code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "fvx_broken_plugin", raising=False)
    found = registry.discover()
    assert reason in found.broken["fvx-broken"]
    assert [f.name for f in found.select(["spectral_flux"])] == ["spectral_flux"]
    with pytest.raises(FeatureError, match="fvx-broken"):
        found.select()


def test_a_distribution_broken_twice_gives_both_reasons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_plugin(tmp_path, "fvx-broken", "fvx_no_1")
    (tmp_path / "fvx_broken-0.1.dist-info" / "entry_points.txt").write_text(
        "[fvx]\none = fvx_no_1\ntwo = fvx_no_2\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    reason = registry.discover().broken["fvx-broken"]
    assert "fvx_no_1" in reason
    assert "fvx_no_2" in reason


def test_two_distributions_cannot_share_an_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_plugin(tmp_path, "fvx-one", "fakes", entry="same")
    install_plugin(tmp_path, "fvx-two", "fakes", entry="same")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(FeatureError, match="'same' is claimed by fvx-one, fvx-two; uninstall"):
        registry.discover()


def test_a_distribution_found_twice_on_the_path_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        install_plugin(tmp_path / name, "fvx-fakes", "fakes")
        monkeypatch.syspath_prepend(str(tmp_path / name))
    assert "level" in registry.discover().features


def test_the_list_of_features_names_what_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    install_plugin(tmp_path, "fvx-broken", "fvx_unlisted", "import no_such_module")
    monkeypatch.syspath_prepend(str(tmp_path))
    result = CliRunner().invoke(cli.app, ["features", "list"])
    assert result.exit_code == 0
    assert "spectral_flux" in result.stdout
    assert "broken: fvx-broken: ModuleNotFoundError: No module named 'no_such" in result.stderr


def test_help_loads_nothing_heavy() -> None:
    heavy = {
        "ai_edge_litert", "h5py", "keras", "librosa", "lime", "matplotlib", "numpy", "pandas",
        "scipy", "soundfile", "tensorflow",
    }  # fmt: skip
    code = f"import sys, fvx.cli; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def deep(inputs: object) -> object:
    return inputs


def test_a_plugin_may_bring_the_branch_of_its_own_feature() -> None:
    own = plugin("own", fvx_features=lambda: [fakes.Tally()], fvx_branches=lambda: {"tally": deep})
    for order in ([own, fakes], [fakes, own]):
        found = registry.collect(order)
        assert found.branches == {"tally": deep}
        assert found.broken == {}


@pytest.mark.parametrize(
    ("hook", "reason"),
    [
        (lambda: {"level": deep}, "FeatureError: fvx_branches gave one for 'level', which is no"),
        (lambda: {"tallie": deep}, "FeatureError: .* 'tallie', which is no feature of this plugin"),
        (lambda: {"tally": "deep"}, "TypeError: fvx_branches gave 'deep' for 'tally', which can"),
        (lambda: [deep], "AttributeError"),
        (raising(ImportError("no keras")), "ImportError: no keras"),
    ],
    ids=["another plugin's", "nobody's", "no function", "no mapping", "raises"],
)
def test_a_branch_that_is_none_is_reported_and_the_rest_work(
    hook: Callable[[], object], reason: str
) -> None:
    own = plugin("own", fvx_features=lambda: [fakes.Tally()], fvx_branches=hook)
    found = registry.collect([own, fakes])
    assert re.match(reason, found.broken["own"])
    assert found.branches == {}
    assert "level" in found.features


def test_plugins_are_asked_for_branches_without_tensorflow() -> None:
    code = (
        "import sys; from fvx import discover; discover()\n"
        "assert not {'keras', 'tensorflow'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_features_know_the_distribution_that_brought_them() -> None:
    found = registry.discover()
    assert found.distributions["f0"] == "fvx-voice"
    assert found.distributions.keys() == found.features.keys()


class TestTheExactSet:
    def test_only_the_distributions_named_are_loaded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(registry.ONLY, "fvx_voice, FVX-Timbre")
        found = registry.discover()
        assert set(found.distributions.values()) == {"fvx-voice", "fvx-timbre"}
        assert "itw" in found.datasets  # fvx's own corpora are no plugin

    def test_a_broken_plugin_can_be_switched_off(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        install_plugin(tmp_path, "fvx-broken", "fvx_off", "raise RuntimeError")
        monkeypatch.syspath_prepend(tmp_path)
        assert "fvx-broken" in registry.discover().broken
        monkeypatch.setenv(registry.ONLY, "fvx-voice")
        found = registry.discover()
        assert found.broken == {}
        assert found.select()

    def test_nothing_named_is_nothing_loaded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(registry.ONLY, "")
        found = registry.discover()
        assert not found.features
        assert found.datasets

    def test_a_name_that_is_not_installed_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(registry.ONLY, "fvx-voice,fvx-vioce")
        with pytest.raises(FeatureError, match=r"FVX_PLUGINS names fvx-vioce, .*: fvx-audit, fvx"):
            registry.discover()
