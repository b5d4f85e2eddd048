"""What a command takes when it is not told: what the one before it wrote."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from fvx.cli import habits

if TYPE_CHECKING:
    from fvx.datasets import Dataset

Shipped = Literal["default", "partial"]
STORES, RUNS = Path("features"), Path("runs")


def say(line: str) -> None:
    """Tell the person at the terminal something that is not the result.

    With ``--quiet`` only what went wrong: lines that begin with the program's name.
    """
    if line.startswith("fvx:") or not habits.is_quiet():
        typer.echo(shown(line), err=True)


def shown(line: str) -> str:
    """A line as this terminal can show it: names of files may hold all but a null and a slash."""
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
    known = sys.stdout.encoding or "utf-8"
    return plain.encode(known, "backslashreplace").decode(known)


def print_json(record: object) -> None:
    """Print a result for programs."""
    import json

    typer.echo(json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False))


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


def folder(place: Path) -> Path:
    """The folder named, made if need be."""
    from fvx.errors import FvxError

    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FvxError(f"{place}: cannot be made ({error.strerror or error})") from error
    return place


def write(path: Path, save: Callable[[Path], None], *, quietly: bool = False) -> None:
    """Have a result written, and say so."""
    from fvx.errors import FvxError

    try:
        save(path)
    except OSError as error:
        raise FvxError(f"{path}: cannot be written ({error.strerror or error})") from error
    if not quietly:
        say(f"wrote {path}")


def model(run: Path | None, name: Shipped | None) -> Path | None:
    """The run named, or the shipped model named; None when neither is."""
    from fvx.detector import SHIPPED

    if run is not None and name is not None:
        raise typer.BadParameter("--run names a model already; give one of the two")
    return SHIPPED[name] if name is not None else run


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
