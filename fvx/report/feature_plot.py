"""Picture of one feature on one or more clips, side by side."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fvx.atomic import replacing
from fvx.report.plots import BLACK, BLUE, GREY, ORANGE

_WIDTH_IN, _HEIGHT_IN = 5.5, 3.4
_COMPANIONS = ("voiced", "defined")


def save_feature(
    path: str | Path,
    title: str,
    columns: Sequence[str],
    hop_s: float | None,
    clips: Mapping[str, NDArray[np.float32]],
) -> None:
    """Draw a feature's values of several clips on common scales.

    A matrix is shown as an image over time, each column against its own spread; a contour as a
    line, with gaps where its companion column says it is not defined; a per-clip feature as
    bars.

    Parameters
    ----------
    hop_s : float or None
        None for a per-clip feature.
    clips : mapping of str to float32 array, shape (n_frames, n_columns)
        By the name to write above each panel.
    """
    figure = Figure((_WIDTH_IN * len(clips), _HEIGHT_IN), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(clips), squeeze=False, sharey=True)[0]
    shown = [i for i, name in enumerate(columns) if not _is_companion(name)]
    every = np.concatenate(list(clips.values()))[:, shown]
    for panel, (name, values) in zip(panels, clips.items(), strict=True):
        panel.set_title("\n".join(textwrap.wrap(name, 48)), fontsize=10, parse_math=False)
        if hop_s is None:
            _bars(panel, [columns[i] for i in shown], values[0, shown], every)
        elif len(shown) == 1:
            _line(panel, columns, shown[0], values, hop_s)
        else:
            _image(panel, [columns[i] for i in shown], values[:, shown], every, hop_s)
    figure.suptitle(title, fontsize=12, color=BLACK, parse_math=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def _is_companion(column: str) -> bool:
    return column in _COMPANIONS or column.endswith(tuple(f"_{word}" for word in _COMPANIONS))


def _line(
    axes: Axes, columns: Sequence[str], shown: int, values: NDArray[np.float32], hop_s: float
) -> None:
    time_s = np.arange(len(values)) * hop_s
    line = values[:, shown].astype(float)
    for companion in (i for i, name in enumerate(columns) if _is_companion(name)):
        line = np.where(values[:, companion] > 0.5, line, np.nan)
    axes.plot(time_s, line, color=BLUE, linewidth=1.5, marker=".", markersize=3)
    axes.set(xlabel="time (s)", ylabel=columns[shown], xlim=(0, time_s[-1]))
    axes.grid(color=GREY, alpha=0.3)


def _image(
    axes: Axes,
    columns: Sequence[str],
    values: NDArray[np.float32],
    every: NDArray[np.float32],
    hop_s: float,
) -> None:
    # Columns differ in unit and spread: each is shown between its own 2nd and 98th percentile.
    low, high = np.percentile(every, [2, 98], axis=0)
    scaled = (values - low) / np.where(high > low, high - low, 1)
    axes.imshow(
        scaled.T, origin="lower", aspect="auto", cmap="viridis", vmin=0, vmax=1,
        extent=(0, len(values) * hop_s, -0.5, len(columns) - 0.5), interpolation="nearest",
    )  # fmt: skip
    step = max(1, -(-len(columns) // 12))
    axes.set_yticks(range(0, len(columns), step), columns[::step], fontsize=7)
    axes.set_xlabel("time (s)")


def _bars(
    axes: Axes, columns: Sequence[str], values: NDArray[np.float32], every: NDArray[np.float32]
) -> None:
    # Units differ from row to row: bars are relative to the largest of the clips shown.
    largest = np.abs(every).max(axis=0)
    shares = values / np.where(largest > 0, largest, 1)
    places = np.arange(len(columns))
    axes.barh(places, shares, color=[BLUE if share >= 0 else ORANGE for share in shares])
    box = {"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.5}
    for place, value in enumerate(values):
        axes.text(0.02, place, f"{value:.4g}", va="center", fontsize=7, color=BLACK, bbox=box)
    axes.axvline(0, color=BLACK, linewidth=0.8)
    axes.set_yticks(places, columns, fontsize=7)
    axes.set_xlim(-1.05 if (every < 0).any() else 0, 1.05)  # the same in every panel
    axes.set_xticks([])
    axes.set_xlabel("relative to the largest of the clips shown")
