"""The HTML page and the plots: jinja2 and matplotlib live in this package only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fvx.audio import Audio


def explanation_picture(path: str | Path, record: Mapping[str, Any], audio: Audio) -> None:
    """Draw an explanation as one PNG: waveform and window scores, cells, features."""
    from fvx.report.explanation_plot import save_explanation

    save_explanation(path, record, audio)


def explanation_page(path: str | Path, record: Mapping[str, Any], audio: Audio) -> None:
    """Write an explanation as one self-contained HTML page."""
    from fvx.report.page import save_page

    save_page(path, record, audio)
