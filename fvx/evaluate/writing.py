"""Writing: everything that an evaluation leaves in its folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fvx.atomic import write_json, write_text
from fvx.errors import ModelError
from fvx.evaluate.scoring import Subject
from fvx.report import plots
from fvx.report.evaluation_page import save_evaluation_page
from fvx.report.evaluation_plot import pictures
from fvx.report.evaluation_text import markdown
from fvx.scores import Format

METRICS, TABLES, PAGE, SCORES = "metrics.json", "metrics.md", "evaluation.html", "scores"
WINDOWS = "window_scores.csv"
_SUFFIXES = {"fvx": "csv", "asvspoof5": "tsv"}


def write(
    folder: Path, subjects: Sequence[Subject], record: dict[str, Any], format: Format
) -> tuple[Path, ...]:
    """Write metrics, score files, pictures and the page; return the paths, the page first.

    Raises
    ------
    ModelError
        If the folder cannot be written.
    """
    first, suffix = subjects[0], _SUFFIXES.get(format, "txt")
    names = [SCORES] if len(subjects) == 1 else [f"{SCORES}-{i + 1}" for i in range(len(subjects))]
    files = [folder / PAGE, folder / METRICS, folder / TABLES]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / METRICS, record)
        write_text(folder / TABLES, markdown(record))
        for name, subject in zip(names, subjects, strict=True):
            files.append(folder / f"{name}.{suffix}")
            subject.scores.write(files[-1], format)
        if first.windows is not None:
            files.append(folder / WINDOWS)
            first.windows.write(files[-1])
        drawn = pictures({subject.name: subject.scores for subject in subjects}, record)
        for name, picture in drawn.items():
            files.append(folder / f"{name}.png")
            plots.save(picture.figure, files[-1])
        files.append(folder / "evaluation.png")
        plots.save_evaluation(files[-1], first.scores, record)
        save_evaluation_page(folder / PAGE, record, drawn, files[-1].parent)
    except OSError as error:
        raise ModelError(f"{folder}: cannot be written ({error.strerror or error})") from error
    return tuple(files)
