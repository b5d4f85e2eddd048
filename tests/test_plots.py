from __future__ import annotations

import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fvx.errors import ScoreError
from fvx.report import evaluation_plot, plots
from fvx.scores import Scores, summarise


def classes(mean: float, n_clips: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(mean, 1, n_clips), rng.normal(-mean, 1, n_clips)


def size_px(path: Path) -> tuple[int, int]:
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", data[16:24])


def legend(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


CASES = {
    "usual": classes(1.0),
    "worse than chance": classes(-0.6),
    "reversed": classes(-20.0),
    "no errors": classes(20.0),
    "all the same": (np.zeros(5), np.zeros(5)),
    "one clip each": (np.array([1.0]), np.array([0.0])),
    "far outlier": (np.append(classes(1.0)[0], 1e4), classes(1.0)[1]),
}


@pytest.mark.parametrize("scores", CASES.values(), ids=CASES)
def test_every_kind_of_scores_can_be_drawn(
    scores: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    plots.save_roc(tmp_path / "roc.png", *scores)
    plots.save_det(tmp_path / "det.png", *scores)
    plots.save_histogram(tmp_path / "histogram.png", *scores, threshold=0.0)
    assert len(list(tmp_path.iterdir())) == 3
    assert {size_px(path) for path in tmp_path.iterdir()} == {(800, 600)}


def evaluation(protocol: str) -> tuple[Scores, dict[str, object]]:
    pooled = np.concatenate(classes(1.0))
    clips = tuple(f"{i}.wav" for i in range(len(pooled)))
    scores = Scores(clips, pooled, ("bonafide",) * 200 + ("spoof",) * 200)
    return scores, summarise(scores, 0.1, protocol)


@pytest.mark.parametrize("protocol", ["demos dev", "half a $formula", "$\\nonsense{$"])
def test_the_three_panels_fit_in_one_picture(tmp_path: Path, protocol: str) -> None:
    path = tmp_path / "evaluation.png"
    plots.save_evaluation(path, *evaluation(protocol))
    assert size_px(path) == (1600, 560)


def test_an_evaluation_without_an_interval_is_drawn(tmp_path: Path) -> None:
    scores, record = evaluation("dev")
    plots.save_evaluation(tmp_path / "e.png", scores, {**record, "eer_ci95": None})
    assert size_px(tmp_path / "e.png") == (1600, 560)


def test_same_scores_same_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        plots.save_det(tmp_path / name, *classes(1.0))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_threads_draw_the_same_picture_as_one_after_another(tmp_path: Path) -> None:
    plots.save_roc(tmp_path / "alone.png", *classes(1.0))
    paths = [tmp_path / f"{i}.png" for i in range(6)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda path: plots.save_roc(path, *classes(1.0)), paths))
    assert {path.read_bytes() for path in paths} == {(tmp_path / "alone.png").read_bytes()}


def test_the_equal_error_rate_is_printed_and_marked_where_it_is() -> None:
    bonafide, spoof = np.array([1.0, 2.0, 3.0, -1.0]), np.array([0.0, -2.0, 1.5, -3.0])
    axes = Figure().add_subplot()
    plots._roc(axes, bonafide, spoof)
    assert "EER 25.00 %" in legend(axes)
    dot = axes.get_lines()[-1]
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (0.25, 0.75)
    (axes,) = plots.det_figure(bonafide, spoof).axes
    assert "EER 25.00 %" in legend(axes)
    assert axes.get_lines()[-1].get_xdata()[0] == pytest.approx(-0.67449, abs=1e-5)


def test_det_axes_are_probit_with_percent_ticks() -> None:
    (axes,) = plots.det_figure(*classes(1.0)).axes
    ticks = dict(
        zip((t.get_text() for t in axes.get_xticklabels()), axes.get_xticks(), strict=True)
    )
    assert ticks["50"] == pytest.approx(0.0, abs=1e-12)
    assert ticks["20"] == pytest.approx(-0.84162, abs=1e-5)


def test_det_axes_reach_beyond_half_where_the_rate_does() -> None:
    (axes,) = plots.det_figure(*classes(-0.6)).axes
    assert "80" in [text.get_text() for text in axes.get_xticklabels()]


def test_histogram_counts_the_wrong_decisions_of_each_class() -> None:
    axes = Figure().add_subplot()
    plots._histogram(axes, [1.0, 2.0, -1.0], [0.0, 3.0, -2.0, 4.0], 0.5)
    assert legend(axes) == [
        "spoof, 4 clips, 2 accepted",
        "bona fide, 3 clips, 1 rejected",
        "threshold 0.50",
    ]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match=r"nowhere.*cannot be written"):
        plots.save_roc(tmp_path / "nowhere" / "roc.png", *classes(1.0))


def test_pyplot_is_never_imported() -> None:
    code = "import sys, fvx.report.plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_several_systems_are_drawn_on_the_same_axes_with_their_rates() -> None:
    curves = {"a $b": classes(1.0), "c": classes(0.5)}
    (axes,) = plots.det_overlay(curves, [(plots.BLUE, "-"), (plots.ORANGE, "--")]).axes
    assert [text.partition(",")[0] for text in legend(axes)] == ["equal errors", "a $b", "c"]
    assert all(not text.get_parse_math() for text in axes.get_legend().get_texts())


def test_a_million_points_are_thinned_and_the_curve_stays() -> None:
    x = np.sort(np.random.default_rng(0).random(200_000))
    y = x**2
    kept = plots.thinned(x, y)
    assert 1_000 < kept.sum() < 25_000
    assert kept[0]
    assert kept[-1]
    assert np.abs(np.interp(x, x[kept], y[kept]) - y).max() < 1e-4


class TestEvaluationPictures:
    @staticmethod
    def judged(mean: float, n_clips: int = 60) -> tuple[Scores, dict[str, Any]]:
        scores = Scores(
            tuple(f"{i}" for i in range(2 * n_clips)), np.concatenate(classes(mean, n_clips)),
            ("bonafide",) * n_clips + ("spoof",) * n_clips, None,
            ("-",) * n_clips + ("A01", "A$2", "A" * 90) * (n_clips // 3),
            {"source": ("x", "y") * n_clips},
        )  # fmt: skip
        return scores, summarise(scores, 0.1, "dev", by=["source"])

    @pytest.mark.parametrize("mean", [-0.6, 20.0], ids=["worse than chance", "no errors"])
    def test_every_kind_of_scores_can_be_drawn(self, mean: float, tmp_path: Path) -> None:
        scores, record = self.judged(mean)
        drawn = evaluation_plot.pictures({"run": scores}, record)
        assert list(drawn) == [
            "det", "roc", "histogram", "reliability", "tippett", "systems", "by_source",
        ]  # fmt: skip
        for name, picture in drawn.items():
            plots.save(picture.figure, tmp_path / f"{name}.png")
            assert picture.words.endswith(".")
        assert size_px(tmp_path / "reliability.png") == (800, 600)

    def test_the_hardest_system_is_on_top_with_its_interval(self) -> None:
        scores, record = self.judged(1.0)
        figure = evaluation_plot.pictures({"run": scores}, record)["systems"].figure
        (axes,) = figure.axes
        shown = [label.get_text().split("  ")[0] for label in axes.get_yticklabels()]
        hardest = max(record["by_system"], key=lambda name: record["by_system"][name]["eer"])
        assert hardest.startswith(shown[0][:10])
        intervals = [line.get_xdata() for line in axes.get_lines() if len(line.get_xdata()) == 2]
        expected = [100 * bound for bound in record["by_system"][hardest]["eer_ci95"]]
        assert any(list(interval) == expected for interval in intervals)

    def test_a_tippett_curve_says_how_many_are_on_the_wrong_side(self) -> None:
        scores = Scores(
            ("a", "b", "c", "d"), [1.0, -1.0, -2.0, -3.0], ("bonafide",) * 2 + ("spoof",) * 2
        )
        drawn = evaluation_plot.pictures({"run": scores}, summarise(scores, 0, "dev"))
        (axes,) = drawn["tippett"].figure.axes
        assert legend(axes) == [
            "bona fide, 50.0 % on the wrong side of 0", "spoof, 0.0 % on the wrong side of 0",
        ]  # fmt: skip
