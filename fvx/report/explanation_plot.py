"""Picture of an explanation: what spoke for and against, and when."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fvx.atomic import replacing
from fvx.audio import Audio
from fvx.report.plots import BLACK, BLUE, GREY, ORANGE

_CELLS = LinearSegmentedColormap.from_list("spoof_bonafide", [ORANGE, "#FFFFFF", BLUE])
_SIZE_IN = (11.0, 8.0)
_N_FEATURES = 14


def save_explanation(path: str | Path, record: Mapping[str, Any], audio: Audio) -> None:
    """Draw an explanation, 1100 × 800 pixels; the file appears whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(explanation_png(record, audio))


def explanation_png(record: Mapping[str, Any], audio: Audio) -> bytes:
    """The picture as PNG bytes."""
    figure = Figure(_SIZE_IN, dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(3, 2, width_ratios=(3, 2), height_ratios=(2, 2, 4))
    wave = figure.add_subplot(grid[0, 0])
    scores = figure.add_subplot(grid[1, 0], sharex=wave)
    cells = figure.add_subplot(grid[2, 0], sharex=wave)
    bars = figure.add_subplot(grid[:, 1])
    names, starts, matrix = _matrix(record)
    _waveform(wave, audio)
    _window_scores(scores, record)
    _draw_cells(figure, cells, starts, matrix, names, record)
    _bars(bars, names, matrix.sum(axis=1), record)
    title = (
        f"{_printable(Path(record['path']).name)}: {record['verdict']}, "
        f"score {record['score']:+.2f}, probability of a spoof {100 * record['p_spoof']:.0f} %"
    )
    figure.suptitle(title, fontsize=14, color=BLACK, parse_math=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _printable(name: str) -> str:
    """A name without what no font has: controls, and bytes that are no UTF-8."""
    known = name.encode("utf-8", "backslashreplace").decode()
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in known
    )


def _matrix(record: Mapping[str, Any]) -> tuple[list[str], list[float], NDArray[np.float64]]:
    """Contributions by feature and window; what is too light to be shown is one row, the last."""
    names = [feature["name"] for feature in record["features"]]
    starts = sorted({cell["start_s"] for cell in record["cells"]})
    matrix = np.zeros((len(names), len(starts)))
    for cell in record["cells"]:
        matrix[names.index(cell["feature"]), starts.index(cell["start_s"])] = cell["contribution"]
    n_light = len(names) - _N_FEATURES
    if n_light > 1:
        rest = matrix[_N_FEATURES:].sum(axis=0, keepdims=True)
        names = [*names[:_N_FEATURES], f"{n_light} others"]
        matrix = np.concatenate([matrix[:_N_FEATURES], rest])
    return names, starts, matrix


def _waveform(axes: Axes, audio: Audio) -> None:
    n_columns = min(2000, len(audio.samples))
    edges = np.linspace(0, len(audio.samples), n_columns + 1).astype(int)[:-1]
    low = np.minimum.reduceat(audio.samples, edges)
    high = np.maximum.reduceat(audio.samples, edges)
    axes.fill_between(edges / audio.rate_hz, low, high, color=GREY, linewidth=0)
    axes.set(xlim=(0, audio.duration_s), ylabel="waveform", yticks=[])
    axes.tick_params(labelbottom=False)


def _window_scores(axes: Axes, record: Mapping[str, Any]) -> None:
    threshold = record["threshold"]
    middles = [(w["start_s"] + w["end_s"]) / 2 for w in record["windows"]]
    values = [w["score"] for w in record["windows"]]
    axes.axhline(threshold, color=BLACK, linewidth=0.8, linestyle="--")
    axes.plot(middles, values, color=GREY, linewidth=1)
    colours = [BLUE if value >= threshold else ORANGE for value in values]
    axes.scatter(middles, values, c=colours, s=28, zorder=3)
    axes.set_ylabel("window score\n(LLR)")
    axes.tick_params(labelbottom=False)


def _draw_cells(
    figure: Figure,
    axes: Axes,
    starts: list[float],
    matrix: NDArray[np.float64],
    names: list[str],
    record: Mapping[str, Any],
) -> None:
    """Windows overlap: each is drawn from half-way to its neighbours' middles."""
    ends = {w["start_s"]: w["end_s"] for w in record["windows"]}
    middles = [(start + ends[start]) / 2 for start in starts]
    between = [(a + b) / 2 for a, b in itertools.pairwise(middles)]
    edges = [0.0, *between, max(ends.values())]
    limit = max(float(np.abs(matrix).max()), 1e-6)
    mesh = axes.pcolormesh(
        edges, np.arange(len(names) + 1), matrix, cmap=_CELLS,
        norm=TwoSlopeNorm(0, -limit, limit),
    )  # fmt: skip
    axes.invert_yaxis()
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    axes.set_xlabel("time (s)")
    figure.colorbar(
        mesh, ax=axes, location="bottom", aspect=40, pad=0.02,
        label="contribution (LLR): orange speaks for spoof, blue for bona fide",
    )  # fmt: skip


def _bars(
    axes: Axes, names: list[str], values: NDArray[np.float64], record: Mapping[str, Any]
) -> None:
    audible = {feature["name"] for feature in record["features"] if feature["perceptible"]}
    labels = [f"{name} (audible)" if name in audible else name for name in names]
    axes.barh(labels, values, color=[BLUE if value >= 0 else ORANGE for value in values])
    axes.invert_yaxis()
    axes.axvline(0, color=BLACK, linewidth=0.8)
    axes.set_xlabel("contribution to the score (LLR)\n← spoof        bona fide →")
    axes.set_title("What moved the score", fontsize=12)
    for place in ("top", "right"):
        axes.spines[place].set_visible(False)
