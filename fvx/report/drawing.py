"""Drawings of the page as SVG: waveform, relevance, courses; and the spectrogram as PNG.

They carry classes, not colours, so that the page's style sheet serves light, dark and paper.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.image import imsave
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.report.course import Course
from fvx.signal import stft

_WIDTH = 1000
_MAX_IMAGE_COLUMNS, _IMAGE_ROWS = 1200, 128
_RANGE_DB = 65.0
_MAX_POINTS = 240


def waveform(audio: Audio, height: int = 90) -> str:
    """The clip's envelope, over all of its length."""
    n_columns = min(_WIDTH, len(audio.samples))
    edges = np.linspace(0, len(audio.samples), n_columns + 1).astype(int)[:-1]
    peak = float(np.abs(audio.samples).max()) or 1.0
    high = np.maximum.reduceat(audio.samples, edges) / peak
    low = np.minimum.reduceat(audio.samples, edges) / peak
    x = edges / len(audio.samples) * _WIDTH
    half = height / 2
    up = [f"{a:.0f},{half - half * b:.1f}" for a, b in zip(x, high, strict=True)]
    down = [f"{a:.0f},{half - half * b:.1f}" for a, b in zip(x[::-1], low[::-1], strict=True)]
    points = " ".join(up + down)
    return _svg(height, f'<polygon class="wave" points="{points}"/>')


def relevance(slots: Sequence[Mapping[str, Any]], duration_s: float, height: int = 26) -> str:
    """A band over time: colour for the side, strength for the weight."""
    largest = max((abs(one["contribution"]) for one in slots), default=0.0) or 1.0
    parts = []
    for one in slots:
        share = abs(one["contribution"]) / largest
        side = "bona" if one["contribution"] >= 0 else "spoof"
        x, end = (_WIDTH * one[key] / duration_s for key in ("start_s", "end_s"))
        tall = 3 + (height - 3) * share
        parts.append(
            f'<rect class="{side}" x="{x:.1f}" width="{max(0.0, end - x):.1f}" '
            f'y="{height - tall:.1f}" height="{tall:.1f}" opacity="{0.25 + 0.75 * share:.2f}"/>'
        )
    return _svg(height, "".join(parts))


def course(one: Course, duration_s: float, height: int = 120) -> tuple[str, float, float]:
    """A measure over time, its window averages, and the band that is usual.

    Returns
    -------
    drawing, and the values at its lower and upper edge
    """
    averages = [value for _, value in one.windows if value is not None]
    frames = one.values[np.isfinite(one.values)]
    inner = np.percentile(frames, [5, 95]) if len(frames) else np.empty(0)
    seen = np.array([*one.usual, *averages, *inner])
    low, high = float(seen.min()), float(seen.max())
    margin = 0.08 * (high - low) or 1.0
    low, high = low - margin, high + margin

    def y(value: float) -> float:
        return height * (1 - float(np.clip((value - low) / (high - low), 0, 1)))

    top, bottom = y(one.usual[1]), y(one.usual[0])
    parts = [
        f'<rect class="usual" x="0" width="{_WIDTH}" y="{top:.1f}" '
        f'height="{max(1.0, bottom - top):.1f}"/>'
    ]
    for run in _runs(*_thinned(one.times_s, one.values)):
        points = " ".join(f"{_WIDTH * t / duration_s:.1f},{y(v):.1f}" for t, v in run)
        parts.append(f'<polyline class="frames" points="{points}"/>')
    for start_s, value in one.windows:
        if value is None:
            continue
        strange = "" if one.usual[0] <= value <= one.usual[1] else " strange"
        end_s = min(start_s + one.window_s, duration_s)
        x, end = _WIDTH * start_s / duration_s, _WIDTH * end_s / duration_s
        parts.append(
            f'<line class="average{strange}" x1="{x:.1f}" x2="{end:.1f}" '
            f'y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        )
    return _svg(height, "".join(parts)), low, high


def gauge(value: float, usual: tuple[float, float], height: int = 14) -> str:
    """Where a value lies beside the band that is usual, which fills the middle third."""
    low, high = usual
    width = (high - low) or abs(low) or 1.0
    place = float(np.clip((value - low) / width, -1, 2))
    strange = "" if low <= value <= high else " strange"
    third = _WIDTH / 3
    x = float(np.clip(third * (1 + place) - 6, 0, _WIDTH - 12))
    return _svg(
        height,
        f'<rect class="track" x="0" width="{_WIDTH}" y="5" height="4"/>'
        f'<rect class="usual" x="{third:.0f}" width="{third:.0f}" y="0" height="{height}"/>'
        f'<rect class="average{strange}" x="{x:.0f}" width="12" y="0" height="{height}"/>',
    )


def bars(values: Sequence[float], height: int = 70) -> str:
    """Bars side by side, up for bona fide and down for spoof."""
    largest = max((abs(value) for value in values), default=0.0) or 1.0
    width, half = _WIDTH / max(1, len(values)), height / 2
    parts = [f'<line class="axis" x1="0" x2="{_WIDTH}" y1="{half}" y2="{half}"/>']
    for i, value in enumerate(values):
        tall = (half - 1) * abs(value) / largest
        side, y = ("bona", half - tall) if value >= 0 else ("spoof", half)
        parts.append(
            f'<rect class="{side}" x="{i * width + 2:.1f}" width="{width - 4:.1f}" '
            f'y="{y:.1f}" height="{tall:.1f}"/>'
        )
    return _svg(height, "".join(parts))


def spectrogram_png(audio: Audio) -> bytes:
    """Level over time and frequency, low frequencies below; louder is more opaque black."""
    level_db = 20 * np.log10(np.abs(audio.shared(stft, 0.025, 0.010)) + 1e-8)
    n_columns = min(_MAX_IMAGE_COLUMNS, len(level_db))
    image = _shrunk(_shrunk(level_db, n_columns).T, _IMAGE_ROWS)[::-1]
    top = float(np.percentile(image, 99.8))
    opacity = np.clip(1 + (image - top) / _RANGE_DB, 0, 1)
    pixels = np.zeros((*image.shape, 4), np.uint8)
    pixels[..., 3] = (31 * opacity**1.3).round() * 8  # fewer levels pack better
    buffer = io.BytesIO()
    imsave(buffer, pixels, format="png")
    return buffer.getvalue()


def _shrunk(values: NDArray[np.floating], n_rows: int) -> NDArray[np.floating]:
    """Maxima of runs of rows, so that there are no more than ``n_rows``."""
    n_rows = min(n_rows, len(values))
    edges = np.linspace(0, len(values), n_rows + 1).astype(int)[:-1]
    largest: NDArray[np.floating] = np.maximum.reduceat(values, edges, axis=0)
    return largest


def _thinned(
    times: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Averages of as many frames as leave a line that a screen can show; NaN if none exists."""
    n_each = -(-len(values) // _MAX_POINTS)
    padding = -len(values) % n_each
    padded = np.concatenate([values, np.full(padding, np.nan)]).reshape(-1, n_each)
    exists = np.isfinite(padded)
    counts = exists.sum(axis=1)
    sums = np.where(exists, padded, 0).sum(axis=1)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return times[::n_each], means


def _runs(
    times: NDArray[np.float64], values: NDArray[np.float64]
) -> Iterable[list[tuple[float, float]]]:
    """Stretches without a gap."""
    run: list[tuple[float, float]] = []
    for time, value in zip(times.tolist(), values.tolist(), strict=True):
        if np.isfinite(value):
            run.append((time, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _svg(height: int, inner: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" preserveAspectRatio="none" aria-hidden="true" '
        f'focusable="false">{inner}</svg>'
    )
