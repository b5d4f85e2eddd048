"""``fvx doctor``."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from fvx.cli import choose


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Say what is installed, broken, slow or missing."""
    from fvx.doctor import doctor as look

    findings = []
    for finding in look():
        findings.append(finding)
        if not json:
            typer.echo(choose.shown(f"{finding.state:8}{finding.what}: {finding.words}"))
            if finding.remedy:
                typer.echo(f"        -> {finding.remedy}")
    if json:
        import json as writer

        typer.echo(writer.dumps([dataclasses.asdict(one) for one in findings], indent=2))
    if n_broken := sum(finding.state == "broken" for finding in findings):
        choose.say(f"fvx: {n_broken} broken, see above")
        raise typer.Exit(1)
