"""The HTML page and the plots: jinja2 and matplotlib live in this package only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fvx.audio import Audio
from fvx.report.course import Course

if TYPE_CHECKING:
    import pandas as pd


def explanation_picture(path: str | Path, record: Mapping[str, Any], audio: Audio) -> None:
    """Draw an explanation as one PNG: waveform and window scores, cells, features."""
    from fvx.report.explanation_plot import save_explanation

    save_explanation(path, record, audio)


def explanation_page(
    path: str | Path,
    record: Mapping[str, Any],
    audio: Audio,
    courses: Mapping[str, Course | None],
) -> None:
    """Write an explanation as one self-contained HTML page."""
    from fvx.report.page import save_page

    save_page(path, record, audio, courses)


def index_page(path: str | Path, entries: Sequence[Mapping[str, Any]]) -> None:
    """Write the page that leads to the pages of many clips."""
    from fvx.report.page import save_index

    save_index(path, entries)


def reliance_picture(path: str | Path, record: Mapping[str, Any]) -> None:
    """Draw what a model relies on over a corpus as one PNG."""
    from fvx.report.reliance_plot import save_reliance

    save_reliance(path, record)


def reliance_page(path: str | Path, record: Mapping[str, Any]) -> None:
    """Write what a model relies on over a corpus as one HTML page."""
    from fvx.report.page import save_reliance
    from fvx.report.reliance_plot import reliance_png

    save_reliance(path, record, reliance_png(record))


def audit_picture(
    path: str | Path,
    title: str,
    rows: Sequence[tuple[str, float | None, tuple[float, float] | None]],
    values: pd.DataFrame,
) -> None:
    """Draw how far each property tells the classes apart as one PNG."""
    from fvx.report.audit_plot import save_audit

    save_audit(path, title, rows, values)
