"""The HTML page and the plots: jinja2 and matplotlib live in this package only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fvx.audio import Audio

if TYPE_CHECKING:
    import pandas as pd


def explanation_picture(path: str | Path, record: Mapping[str, Any], audio: Audio) -> None:
    """Draw an explanation as one PNG: waveform and window scores, cells, features."""
    from fvx.report.explanation_plot import save_explanation

    save_explanation(path, record, audio)


def explanation_page(path: str | Path, record: Mapping[str, Any], audio: Audio) -> None:
    """Write an explanation as one self-contained HTML page."""
    from fvx.report.page import save_page

    save_page(path, record, audio)


def audit_picture(
    path: str | Path,
    title: str,
    rows: Sequence[tuple[str, float | None, tuple[float, float] | None]],
    values: pd.DataFrame,
) -> None:
    """Draw how far each property tells the classes apart as one PNG."""
    from fvx.report.audit_plot import save_audit

    save_audit(path, title, rows, values)
