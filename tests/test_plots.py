from __future__ import annotations

import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fvx.errors import ScoreError
from fvx.report import plots
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
    axes = Figure().add_subplot()
    plots._det(axes, bonafide, spoof)
    assert "EER 25.00 %" in legend(axes)
    assert axes.get_lines()[-1].get_xdata()[0] == pytest.approx(-0.67449, abs=1e-5)


def test_det_axes_are_probit_with_percent_ticks() -> None:
    axes = Figure().add_subplot()
    plots._det(axes, *classes(1.0))
    ticks = dict(
        zip((t.get_text() for t in axes.get_xticklabels()), axes.get_xticks(), strict=True)
    )
    assert ticks["50"] == pytest.approx(0.0, abs=1e-12)
    assert ticks["20"] == pytest.approx(-0.84162, abs=1e-5)


def test_det_axes_reach_beyond_half_where_the_rate_does() -> None:
    axes = Figure().add_subplot()
    plots._det(axes, *classes(-0.6))
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
