"""Picture of an audit: how far each property tells the classes apart, and the most telling."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fvx.atomic import replacing
from fvx.report.plots import BLACK, BLUE, GREY, ORANGE

_N_SHOWN = 4
_N_BINS = 40


def save_audit(
    path: str | Path,
    title: str,
    rows: Sequence[tuple[str, float | None, tuple[float, float] | None]],
    values: pd.DataFrame,
) -> None:
    """Draw a bar per property, with its interval, and four histograms.

    Parameters
    ----------
    rows : sequence of (name, AUC, interval)
        In the order to show; None where it could not be measured.
    values : pandas.DataFrame
        A column per property, and ``label``.
    """
    numbers = [
        name
        for name, _, _ in rows
        if name in values and pd.api.types.is_numeric_dtype(values[name])
    ][:_N_SHOWN]
    figure = Figure((12, max(4.5, 0.32 * len(rows) + 1.5)), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 4, width_ratios=(1.2, 1.2, 1, 1))
    _bars(figure.add_subplot(grid[:, :2]), rows)
    for place, name in enumerate([*numbers, *[""] * (_N_SHOWN - len(numbers))]):
        axes = figure.add_subplot(grid[place // 2, 2 + place % 2])
        if name:
            _histogram(axes, name, values)
        else:
            axes.set_axis_off()
    figure.suptitle("\n".join(textwrap.wrap(title, 130)), color=BLACK, parse_math=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def _bars(axes: Axes, rows: Sequence[tuple[str, float | None, tuple[float, float] | None]]) -> None:
    places = np.arange(len(rows))[::-1]
    for place, (name, auc, interval) in zip(places, rows, strict=True):
        if auc is None:
            axes.text(0.51, place, "not measured", va="center", fontsize=8, color=GREY)
            continue
        together = name.startswith("all together")
        axes.barh(place, auc - 0.5, left=0.5, color=ORANGE if together else BLUE)
        if interval is not None:
            axes.plot(interval, [place, place], color=BLACK, linewidth=1.2)
    axes.axvline(0.5, color=BLACK, linewidth=0.8)
    axes.set_yticks(places, [name for name, _, _ in rows], fontsize=8)
    axes.set_xlim(0.3, 1.0)
    axes.set_xlabel("AUC on unseen speakers (0.5: says nothing), with 95 % interval")
    axes.grid(axis="x", color=GREY, alpha=0.3)


def _histogram(axes: Axes, name: str, values: pd.DataFrame) -> None:
    column = values[name].to_numpy(float)
    low, high = np.percentile(column, [0.5, 99.5])
    edges = np.linspace(low, high if high > low else low + 1, _N_BINS)
    for label, color in (("bonafide", BLUE), ("spoof", ORANGE)):
        inside = np.clip(column[(values["label"] == label).to_numpy()], edges[0], edges[-1])
        weights = np.full(len(inside), 1 / max(1, len(inside)))
        shown = "bona fide" if label == "bonafide" else label
        axes.hist(inside, edges.tolist(), weights=weights, color=color, alpha=0.55, label=shown)
    axes.set_xlabel(name, fontsize=9)
    axes.set_yticks([])
    axes.legend(fontsize=7)
