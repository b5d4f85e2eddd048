"""What a command takes when it is not told: what the one before it wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from fvx.datasets import Dataset

STORES, RUNS = Path("features"), Path("runs")


def say(line: str) -> None:
    """Tell the person at the terminal something that is not the result."""
    typer.echo(line, err=True)


def store(given: Path | None) -> Path:
    """The store named, or else the one written last under ``features/``."""
    from fvx.errors import StoreError

    if given is not None:
        return given
    found = sorted((path.parent for path in STORES.glob("*/store.json")), key=_last_used)
    if not found:
        raise StoreError(f"no store under {STORES}/; make one with: fvx extract --dataset …")
    chosen = found[-1]
    others = f", the newest of {len(found)}; --store names another" if len(found) > 1 else ""
    say(f"store {chosen}{others}")
    return chosen


def _last_used(store: Path) -> float:
    """When a store was last extracted into, even if nothing was left to do."""
    return max(path.stat().st_mtime for path in (store, store / ".lock") if path.exists())


def run(given: Path | None) -> Path:
    """The run named, or else the one trained last under ``runs/``."""
    from fvx.errors import ModelError
    from fvx.model import latest_run

    if given is not None:
        return given
    chosen, n_found = latest_run(RUNS)
    if chosen is None:
        raise ModelError(f"no run under {RUNS}/; make one with: fvx train")
    others = f", the newest of {n_found}; --run names another" if n_found > 1 else ""
    say(f"run {chosen}{others}")
    return chosen


def say_model(run: Path) -> None:
    """Say which model was taken when none was named."""
    from fvx.detector import DEFAULT_RUN

    say("model: the one shipped with fvx" if run == DEFAULT_RUN else f"model: run {run}")


def new_run(given: Path | None, name: str) -> Path:
    """The run named, or else a name under ``runs/`` that is free."""
    if given is not None:
        return given
    candidate, number = RUNS / name, 2
    while candidate.exists():
        candidate, number = RUNS / f"{name}-{number}", number + 1
    return candidate


def dataset(*names_or_paths: str) -> Dataset:
    """Open a corpus by name or path, or several as one; say what was found, and what is amiss."""
    from fvx.datasets import open_datasets
    from fvx.registry import discover

    opened = open_datasets(names_or_paths, discover().datasets)
    say(f"dataset {opened.name}: {opened.layout}; {len(opened.clips)} clips")
    for note in opened.notes:
        say(f"  note: {note}")
    return opened
