"""``fvx predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fvx.cli import choose, names

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
    json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
    null: Annotated[
        bool, typer.Option("--null", "-0", help="Names on stdin end with a null: find -print0.")
    ] = False,
) -> None:
    """Say of each file whether it is bona fide or spoof."""
    from fvx.detector import load_model
    from fvx.predict import predict as score

    chosen = names.files(files, null=null)
    detector = load_model(run)
    if run is None:
        choose.say_model(detector.run)
    verdicts = []
    for verdict in score(chosen, detector):
        verdicts.append(verdict)
        if not json:
            _show(verdict)
    if json:
        import json as writer

        typer.echo(writer.dumps([one.to_json() for one in verdicts], indent=2, allow_nan=False))
    if any(verdict.error for verdict in verdicts):
        raise typer.Exit(1)


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
