"""``fvx predict``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fvx.cli import choose, habits, names

if TYPE_CHECKING:
    from fvx.detector import Verdict


def predict(
    files: Annotated[
        list[Path],
        typer.Argument(help="Audio files; - reads their names from stdin.", metavar="FILE…"),
    ],
    run: Annotated[
        Path | None, typer.Option(help="Run to use; default newest, or shipped.")
    ] = None,
    model: Annotated[
        choose.Shipped | None, typer.Option(help="A model shipped with fvx, instead of a run.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
    null: Annotated[
        bool, typer.Option("--null", "-0", help="Names on stdin end with a null: find -print0.")
    ] = False,
) -> None:
    """Say of each file whether it is bona fide or spoof."""
    habits.keep_to_one_thread()
    from fvx.detector import load_model
    from fvx.predict import predict as score

    chosen = names.files(files, null=null)
    detector = load_model(choose.model(run, model))
    if run is None and model is None:
        choose.say_model(detector.run)
    records = []
    n_failed = 0
    n_files = 0 if Path("-") in files else len(files)  # of stdin nobody knows how many come
    with _bar(n_files, json=json) as update:
        # A verdict holds its clip's features: of a thousand files, one at a time.
        for n_done, verdict in enumerate(score(chosen, detector), 1):
            n_failed += verdict.error is not None
            if json:
                records.append(verdict.to_json())
            else:
                _show(verdict)
            update(n_done, n_files, n_failed)
    if json:
        import json as writer

        typer.echo(writer.dumps(records, indent=2, allow_nan=False))
    if n_failed:
        raise typer.Exit(1)


@contextmanager
def _bar(n_files: int, *, json: bool) -> Iterator[Callable[[int, int, int], None]]:
    """A bar on a terminal, unless the verdicts themselves appear there one by one."""
    if n_files < 2 or not sys.stderr.isatty() or (sys.stdout.isatty() and not json):
        yield lambda *_: None
        return
    from fvx.cli.progress import clips_bar

    with clips_bar("predict", "files") as update:
        yield update


def _show(verdict: Verdict) -> None:
    if verdict.error is not None:
        choose.say(f"fvx: {verdict.error}")
        return
    typer.echo(choose.shown(f"{verdict.path}: {headline(verdict)}"))
    for warning in verdict.warnings:
        typer.echo(choose.shown(f"  note: {warning}"))


def headline(verdict: Verdict) -> str:
    """Verdict, score and probability on one line."""
    return (
        f"{verdict.verdict}  (score {verdict.score:+.2f}, higher means bona fide; "
        f"probability of a spoof {100 * (verdict.p_spoof or 0.0):.0f} %)"
    )
