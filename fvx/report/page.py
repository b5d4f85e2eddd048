"""The page: one self-contained HTML file that a lay reader can open offline."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from fvx.atomic import write_text
from fvx.audio import Audio
from fvx.report.explanation_plot import explanation_png

_TEMPLATE = "explanation.html"


def save_page(path: str | Path, record: Mapping[str, Any], audio: Audio) -> None:
    """Write the page; every name from outside is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    largest = max((abs(f["contribution"]) for f in record["features"]), default=0.0) or 1.0
    page = environment.get_template(_TEMPLATE).render(
        record=record,
        name=Path(record["path"]).name,
        picture=base64.b64encode(explanation_png(record, audio)).decode(),
        sound=base64.b64encode(_flac(audio)).decode(),
        largest=largest,
        seconds=_seconds(record),
    )
    write_text(path, page)


def _flac(audio: Audio) -> bytes:
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, audio.samples, audio.rate_hz, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def _seconds(record: Mapping[str, Any]) -> list[dict[str, float]]:
    """The three windows that moved the score most, in order of weight."""
    sums: dict[tuple[float, float], float] = {}
    for cell in record["cells"]:
        span = (cell["start_s"], cell["end_s"])
        sums[span] = sums.get(span, 0.0) + cell["contribution"]
    ranked = sorted(sums.items(), key=lambda item: -abs(item[1]))[:3]
    return [{"start_s": a, "end_s": b, "contribution": value} for (a, b), value in ranked]
