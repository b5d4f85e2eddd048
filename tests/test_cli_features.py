"""``fvx features``: the table, the definition, the picture, and what goes wrong."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from makers import install_plugin
from matplotlib.figure import Figure
from typer.testing import CliRunner, Result

from fvx import cli
from fvx.audio import Audio
from fvx.contract import CLAUSES
from fvx.errors import AudioError, UnknownFeature
from fvx.registry import ONLY, discover
from fvx.report.feature_plot import save_feature
from fvx.testing import noise, vowel


def run(*words: object) -> Result:
    return CliRunner().invoke(cli.app, ["features", *map(str, words)])


def write(path: Path, audio: Audio) -> Path:
    soundfile.write(path, audio.samples, audio.rate_hz)
    return path


def size_px(path: Path) -> tuple[int, int]:
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", data[16:24])


@pytest.fixture(scope="module")
def listed() -> Result:
    return run("list")


class TestList:
    def test_it_has_a_row_for_every_feature(self, listed: Result) -> None:
        assert listed.exit_code == 0, listed.output
        registry = discover()
        assert registry.features
        for name, feature in registry.features.items():
            mark = r" \+" if feature.by_name_only else "" if feature.evidence else r" \*"
            words = (f"{name}{mark}", registry.plugins[name], feature.kind, len(feature.columns))
            row = " +".join(map(str, words))
            assert re.search(rf"^{row} ", listed.stdout, re.MULTILINE), name

    def test_audible_features_say_so_and_others_do_not(self, listed: Result) -> None:
        rows = {line.split()[0]: line for line in listed.stdout.splitlines() if line.strip()}
        assert " yes " in rows["f0"]
        assert " yes " not in rows["mfcc"]

    def test_costs_are_in_milliseconds_and_say_of_what(self, listed: Result) -> None:
        assert re.search(r"^f0 .*10 ms +\d+\.\d ms +Boersma", listed.stdout, re.MULTILINE)
        assert re.search(r"^cost: of one clip of \d\.\d s", listed.stdout, re.MULTILINE)

    def test_nothing_is_cut_where_a_program_reads_it(self, listed: Result) -> None:
        assert "…" not in listed.stdout

    def test_a_broken_plugin_is_named_with_its_reason(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        install_plugin(tmp_path, "fvx-torn", "fvx_torn", "raise RuntimeError('torn apart')")
        monkeypatch.syspath_prepend(tmp_path)
        result = run("list")
        assert result.exit_code == 0
        assert "broken: fvx-torn: RuntimeError: torn apart" in result.stderr


class TestInfo:
    def test_it_shows_columns_settings_and_source(self) -> None:
        result = run("info", "f0")
        assert result.exit_code == 0, result.output
        feature = discover().features["f0"]
        assert result.stdout.startswith(f"f0 (contour, plugin {discover().plugins['f0']}, version")
        assert "columns: f0_hz, voiced" in result.stdout
        assert "floor_hz=75.0" in result.stdout
        assert feature.summary in result.stdout
        assert "Boersma (1993)" in result.stdout

    def test_an_unknown_name_is_refused_with_those_there_are(self) -> None:
        result = run("info", "fo")
        assert result.exit_code != 0
        assert isinstance(result.exception, UnknownFeature)
        assert "f0" in str(result.exception)

    def test_a_name_is_needed(self) -> None:
        assert run("info").exit_code == 2

    def test_it_can_be_read_by_a_program(self) -> None:
        record = json.loads(run("info", "f0", "--json").stdout)
        feature = discover().features["f0"]
        assert record["columns"] == list(feature.columns)
        assert record["settings"] == feature.settings
        assert (record["distribution"], record["own_branch"]) == ("fvx-voice", False)
        records = json.loads(run("list", "--json").stdout)
        assert [one["name"] for one in records] == list(discover().features)
        assert record in records


BAD = """
from dataclasses import dataclass
import numpy as np
from fvx import Feature, hookimpl

@dataclass(frozen=True)
class Sour(Feature):
    \"\"\"Sour.\"\"\"
    name = "sour"
    columns = ("sour",)
    kind = "per_clip"
    perceptible = False
    hop_s = None
    def extract(self, audio):
        with np.errstate(all="ignore"):
            return np.array([[np.log(np.abs(audio.samples).max())]], np.float32)

@hookimpl
def fvx_features():
    return [Sour()]
"""


class TestCheck:
    def test_a_feature_that_keeps_the_contract_is_said_to(self) -> None:
        result = run("check", "intensity")
        assert result.exit_code == 0, result.output
        assert result.stdout == f"intensity: keeps the contract ({len(CLAUSES)} clauses)\n"

    def test_a_distribution_stands_for_its_features(self) -> None:
        result = run("check", "FVX_timbre")
        assert result.exit_code == 0, result.output
        assert [line.partition(":")[0] for line in result.stdout.splitlines()] == [
            "modulation_spectrum", "specific_loudness", "timbre", "timbre_contour", "tonality",
        ]  # fmt: skip

    def test_what_is_broken_is_told_with_its_remedy(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        install_plugin(tmp_path, "fvx-sour", "fvx_sour", BAD)
        monkeypatch.syspath_prepend(tmp_path)
        result = run("check", "sour")
        assert result.exit_code == 1
        assert result.stdout.startswith(f"sour: breaks 3 of {len(CLAUSES)} clauses\n")
        assert (
            "  Digital silence gives finite values.\n    found: sour: returned NaN or infinity\n"
            "    mend:  Say in the docstring what the value is where" in result.stdout
        )
        assert "found: a clip of one sample was" not in result.stdout  # NaN is found before
        (record,) = json.loads(run("check", "sour", "--json").stdout)
        assert len(record["breaches"]) == 3

    def test_a_plugin_that_cannot_be_loaded_is_named_with_its_reason(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        install_plugin(tmp_path, "fvx-split", "fvx_split", "raise RuntimeError('in two')")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setenv(ONLY, "fvx-split")
        for words in (("check",), ("check", "fvx_split")):
            result = run(*words)
            assert result.exit_code == 1
            assert "fvx: fvx-split cannot be loaded: RuntimeError: in two" in result.stderr

    def test_an_unknown_name_is_refused_with_those_there_are(self) -> None:
        result = run("check", "fvx-voise")
        assert isinstance(result.exception, UnknownFeature)
        assert "fvx-voice" in str(result.exception)

    def test_it_does_without_pytest(self) -> None:
        code = (
            "import sys; sys.modules['pytest'] = None\n"
            "sys.argv = ['fvx', 'features', 'check', 'f0']\n"
            "from fvx.cli import main; main()"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


class TestPlot:
    def test_two_files_stand_side_by_side(self, tmp_path: Path) -> None:
        files = [write(tmp_path / "a.wav", vowel()), write(tmp_path / "b.wav", noise(1.0))]
        one, two = tmp_path / "one.png", tmp_path / "two.png"
        assert run("plot", "f0", files[0], "--png", one).exit_code == 0
        assert run("plot", "f0", *files, "--png", two).exit_code == 0
        assert size_px(two)[0] == 2 * size_px(one)[0]

    def test_it_says_where_the_picture_went(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        result = run("plot", "intensity", write(tmp_path / "a.wav", vowel()))
        assert result.exit_code == 0, result.output
        assert "wrote intensity.png" in result.stderr
        assert size_px(tmp_path / "intensity.png")

    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        result = run("plot", "f0", tmp_path / "none.wav")
        assert result.exit_code != 0
        assert isinstance(result.exception, AudioError)
        assert "none.wav: no such file" in str(result.exception)

    def test_an_unknown_feature_is_refused(self, tmp_path: Path) -> None:
        result = run("plot", "fo", write(tmp_path / "a.wav", vowel()))
        assert isinstance(result.exception, UnknownFeature)
        assert not list(tmp_path.glob("*.png"))

    def test_at_least_one_file_is_needed(self) -> None:
        assert run("plot", "f0").exit_code == 2


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are saved meanwhile."""
    figures: list[Figure] = []
    save = Figure.savefig

    def keep(figure: Figure, *given: object, **named: object) -> None:
        figures.append(figure)
        save(figure, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


class TestPicture:
    def test_a_contour_has_gaps_where_it_is_not_defined(
        self, tmp_path: Path, drawn: list[Figure]
    ) -> None:
        values = np.array([[100, 1], [110, 1], [0, 0], [120, 1]], np.float32)
        save_feature(tmp_path / "f0.png", "f0", ("f0_hz", "voiced"), 0.01, {"a": values})
        (axes,) = drawn[0].axes
        (line,) = axes.lines
        np.testing.assert_array_equal(line.get_ydata(), [100, 110, np.nan, 120])
        np.testing.assert_allclose(line.get_xdata(), [0, 0.01, 0.02, 0.03])

    def test_columns_of_one_kind_and_unit_share_a_panel(
        self, tmp_path: Path, drawn: list[Figure]
    ) -> None:
        columns = ("f1_hz", "f2_hz", "b1_hz", "b2_hz", "voiced")
        values = np.ones((5, 5), np.float32)
        save_feature(tmp_path / "x.png", "x", columns, 0.01, {"a": values, "b": values})
        per_panel = [[line.get_label() for line in axes.lines] for axes in drawn[0].axes]
        assert per_panel == 2 * [["f1_hz", "f2_hz"]] + 2 * [["b1_hz", "b2_hz"]]

    def test_levels_in_decibels_share_one_scale_and_coefficients_do_not(
        self, tmp_path: Path, drawn: list[Figure]
    ) -> None:
        steep = np.outer(np.linspace(0, 1, 50), np.arange(1, 21)).astype(np.float32)
        for pattern in ("level_{}_db", "shape_{}"):
            columns = tuple(pattern.format(i) for i in range(20))
            save_feature(tmp_path / "x.png", "x", columns, 0.01, {"a": steep})
        levels, shapes = (figure.axes[0].images[0].get_array() for figure in drawn)
        assert levels[0].max() < 0.1 < 0.9 < levels[-1].max()
        np.testing.assert_allclose(shapes[0], shapes[-1], atol=1e-6)

    def test_frames_without_a_value_are_blank_in_an_image(
        self, tmp_path: Path, drawn: list[Figure]
    ) -> None:
        columns = (*(f"level_{i}_db" for i in range(20)), "defined")
        values = np.ones((6, 21), np.float32)
        values[2:4] = 0
        save_feature(tmp_path / "x.png", "x", columns, 0.01, {"a": values})
        blank = np.ma.getmaskarray(drawn[0].axes[0].images[0].get_array())
        np.testing.assert_array_equal(blank.all(axis=0), [0, 0, 1, 1, 0, 0])

    def test_bars_are_relative_to_the_largest_clip_and_name_the_value(
        self, tmp_path: Path, drawn: list[Figure]
    ) -> None:
        clips = {"a": np.array([[2.0, 1]], np.float32), "b": np.array([[-4.0, 1]], np.float32)}
        save_feature(tmp_path / "x.png", "x", ("slope_db", "defined"), None, clips)
        assert [axes.patches[0].get_width() for axes in drawn[0].axes] == [0.5, -1.0]
        assert [axes.texts[0].get_text() for axes in drawn[0].axes] == ["2", "-4"]

    def test_a_companion_of_one_column_blanks_that_one_alone(
        self, tmp_path: Path, drawn: list[Figure]
    ) -> None:
        columns = ("jitter_local", "jitter_ppq55", "defined", "jitter_ppq55_defined")
        values = np.array([[3, 0, 1, 0]], np.float32)
        save_feature(tmp_path / "x.png", "x", columns, None, {"a": values})
        assert [text.get_text() for text in drawn[0].axes[0].texts] == ["3", "not defined"]

    @pytest.mark.parametrize("hop_s", [None, 0.01])
    @pytest.mark.parametrize("n_columns", [1, 7, 30])
    def test_a_clip_in_which_nothing_is_defined_can_be_drawn(
        self, tmp_path: Path, hop_s: float | None, n_columns: int
    ) -> None:
        columns = (*(f"level_{i}_db" for i in range(n_columns)), "defined")
        values = np.zeros((1 if hop_s is None else 4, n_columns + 1), np.float32)
        save_feature(tmp_path / "x.png", "$ x_", columns, hop_s, {"$a_{": values})
        assert size_px(tmp_path / "x.png")[0] == 550
