"""Picture of one feature on one or more clips, side by side."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from fvx.atomic import replacing
from fvx.report.plots import BLACK, BLUE, GREY, ORANGE

_WIDTH_IN = 5.5
_IMAGE_IN, _LINE_IN, _BAR_IN, _MARGIN_IN = 2.5, 1.3, 0.25, 0.9
_COMPANIONS = ("voiced", "defined")
_MOST_LINES, _MOST_PANELS, _MOST_BARS = 4, 8, 40
_COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7")

Values = NDArray[np.float64]


def save_feature(
    path: str | Path,
    title: str,
    columns: Sequence[str],
    hop_s: float | None,
    clips: Mapping[str, NDArray[np.float32]],
) -> None:
    """Draw a feature's values of several clips on common scales.

    Few quantities over time are drawn as lines, those of one kind and unit in one panel; many
    as an image, levels in decibels on one scale and all else each against its own spread; a
    per-clip feature as bars, the largest of many. Nothing is drawn where a companion column says
    that the quantity is not defined.

    Parameters
    ----------
    hop_s : float or None
        None for a per-clip feature.
    clips : mapping of str to float32 array, shape (n_frames, n_columns)
        By the name to write above each panel.
    """
    shown = [i for i, name in enumerate(columns) if not _is_companion(name)]
    if hop_s is None and len(shown) > _MOST_BARS:
        largest = np.max([np.abs(rows[0, shown]) for rows in clips.values()], axis=0)
        title = f"{title} (the {_MOST_BARS} largest of {len(shown)} columns)"
        shown = [shown[i] for i in np.sort(largest.argsort(kind="stable")[-_MOST_BARS:])]
    names = [columns[i] for i in shown]
    values = [_defined(columns, rows)[:, shown] for rows in clips.values()]
    blocks = _blocks(names)
    are_lines = len(blocks) <= _MOST_PANELS and max(map(len, blocks)) <= _MOST_LINES
    if hop_s is None:
        n_rows, height_in = 1, _BAR_IN * len(names)
    elif are_lines:
        n_rows, height_in = len(blocks), max(_LINE_IN * len(blocks), _IMAGE_IN)
    else:
        n_rows, height_in = 1, _IMAGE_IN
    size_in = (_WIDTH_IN * len(clips), height_in + _MARGIN_IN)
    figure = Figure(size_in, dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(n_rows, len(clips), squeeze=False, sharex="col", sharey="row")
    for panel, name in zip(panels[0], clips, strict=True):
        panel.set_title("\n".join(textwrap.wrap(name, 48)), fontsize=10, parse_math=False)
    if hop_s is None:
        _bars(panels[0], names, blocks, values)
    elif are_lines:
        _lines(panels, names, blocks, values, hop_s)
    else:
        _images(figure, panels[0], names, blocks, values, hop_s)
    figure.suptitle(title, fontsize=12, color=BLACK, parse_math=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", pil_kwargs={"optimize": True})


def _is_companion(column: str) -> bool:
    return column in _COMPANIONS or column.endswith(tuple(f"_{word}" for word in _COMPANIONS))


def _defined(columns: Sequence[str], values: NDArray[np.float32]) -> Values:
    """The values, NaN where a companion says no: ``defined`` of all, ``x_defined`` of ``x_…``."""
    masked = values.astype(np.float64)
    for place, companion in enumerate(columns):
        if _is_companion(companion):
            stem = companion.rpartition("_")[0]
            of = np.array([name.startswith(stem) for name in columns])
            masked[np.outer(values[:, place] <= 0.5, of)] = np.nan
    return masked


def _blocks(names: Sequence[str]) -> list[list[int]]:
    """Neighbouring columns whose names begin and end alike: of one kind and unit."""

    def kind(place: int) -> tuple[str, str]:
        words = re.sub(r"\d+", "#", names[place]).split("_")
        return words[0], words[-1]

    return [list(places) for _, places in groupby(range(len(names)), kind)]


def _lines(
    panels: NDArray[np.object_],
    names: Sequence[str],
    blocks: Sequence[Sequence[int]],
    values: Sequence[Values],
    hop_s: float,
) -> None:
    for row, block in zip(panels, blocks, strict=True):
        for axes, rows in zip(row, values, strict=True):
            time_s = np.arange(len(rows)) * hop_s
            for place, colour in zip(block, _COLOURS, strict=False):
                axes.plot(
                    time_s, rows[:, place], color=colour, linewidth=1.4, marker=".", markersize=3,
                    label=names[place],
                )  # fmt: skip
            axes.set_xlim(0, max(time_s[-1], hop_s))
            axes.grid(color=GREY, alpha=0.3)
            axes.tick_params(labelsize=8)
        if len(block) > 1 or len(blocks) > 1:
            row[0].margins(y=0.3)  # room for the names
        if len(block) > 1:
            row[0].legend(fontsize=7, loc="upper right", ncols=len(block), framealpha=0.8)
        elif len(blocks) == 1:
            row[0].set_ylabel(names[block[0]])
        else:
            _name_inside(row[0], names[block[0]])
    for axes in panels[-1]:
        axes.set_xlabel("time (s)")


def _name_inside(axes: Axes, name: str) -> None:
    """A long name beside a low panel would reach into the next one."""
    box = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1}
    axes.text(
        0.01, 0.94, name, transform=axes.transAxes, va="top", fontsize=8, color=BLACK, bbox=box
    )


def _images(
    figure: Figure,
    panels: NDArray[np.object_],
    names: Sequence[str],
    blocks: Sequence[Sequence[int]],
    values: Sequence[Values],
    hop_s: float,
) -> None:
    every = np.concatenate(values)
    seen = every[np.isfinite(every).all(axis=1)]
    low, high = np.percentile(seen, [2, 98], axis=0) if len(seen) else np.zeros((2, len(names)))
    is_level = [name.endswith("_db") for name in names]
    for block in blocks:
        if is_level[block[0]]:
            low[block], high[block] = (
                np.percentile(seen[:, block], [2, 98]) if len(seen) else (0, 0)
            )
    scale = np.where(high > low, high - low, 1)
    colours = matplotlib.colormaps["viridis"].with_extremes(bad="#E8E8E8")
    for axes, rows in zip(panels, values, strict=True):
        image = axes.imshow(
            np.ma.masked_invalid((rows - low) / scale).T, origin="lower", aspect="auto",
            cmap=colours, vmin=0, vmax=1, interpolation="nearest",
            extent=(0, len(rows) * hop_s, -0.5, len(names) - 0.5),
        )  # fmt: skip
        axes.set_xlabel("time (s)")
    step = -(-len(names) // 16)
    panels[0].set_yticks(range(0, len(names), step), names[::step], fontsize=7)
    if len(blocks) == 1 and is_level[0]:
        _scale_of(figure, image, panels, low[0], high[0])


def _scale_of(
    figure: Figure, image: AxesImage, panels: NDArray[np.object_], low: float, high: float
) -> None:
    bar = figure.colorbar(image, ax=list(panels), pad=0.01, fraction=0.03)
    bar.set_ticks([0, 0.5, 1], labels=[f"{low + part * (high - low):.0f}" for part in (0, 0.5, 1)])
    bar.set_label("dB")


def _bars(
    panels: NDArray[np.object_],
    names: Sequence[str],
    blocks: Sequence[Sequence[int]],
    values: Sequence[Values],
) -> None:
    # Units differ from block to block: bars are relative to the largest of the clips shown.
    every = np.nan_to_num(np.concatenate(values))
    largest = np.abs(every).max(axis=0)
    for block in blocks:
        largest[block] = largest[block].max()
    places = np.arange(len(names))
    box = {"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.5}
    for axes, rows in zip(panels, values, strict=True):
        shares = np.nan_to_num(rows[0]) / np.where(largest > 0, largest, 1)
        axes.barh(places, shares, color=[BLUE if share >= 0 else ORANGE for share in shares])
        for place, value in enumerate(rows[0]):
            text = _figure(value) if np.isfinite(value) else "not defined"
            axes.text(0.02, place, text, va="center", fontsize=7, color=BLACK, bbox=box)
        axes.axvline(0, color=BLACK, linewidth=0.8)
        axes.set_xlim(-1.05 if (every < 0).any() else 0, 1.05)  # the same in every panel
        axes.set_xticks([])
        axes.set_xlabel("relative to the largest of the clips shown", fontsize=8)
    panels[0].set_yticks(places, names, fontsize=8)
    panels[0].set_ylim(len(names) - 0.5, -0.5)  # read from the top


def _figure(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1e4 else f"{value:.4g}"
