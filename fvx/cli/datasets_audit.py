"""``fvx datasets audit``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fvx.cli import choose
from fvx.cli.progress import clips_bar

if TYPE_CHECKING:
    from fvx.audit import Property


def audit(
    names: Annotated[list[str], typer.Argument(help="Names of corpora, or paths.")],
    limit: Annotated[int | None, typer.Option(min=4, help="So many clips, at random.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of all that is random.")] = 0,
    png: Annotated[Path | None, typer.Option(help="Draw the result.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write every clip's properties.")] = None,
) -> None:
    """Show whether trivial properties of the files already tell the classes apart."""
    from fvx.atomic import replacing
    from fvx.audit import audit as examine
    from fvx.registry import discover
    from fvx.report import audit_picture

    opened = choose.dataset(*names)
    (feature,) = discover().select(["audit"])
    with clips_bar("audit") as update:
        found = examine(opened, feature, limit=limit, jobs=jobs, seed=seed, on_progress=update)
    typer.echo(f"{opened.name}: {found.how}")
    typer.echo(f"{'property':38s} {'AUC, unseen speakers':24s} {'plain AUC':>9s}  medians")
    for one in found.properties:
        show_property(one)
    if found.failures:
        clip, reason = next(iter(found.failures.items()))
        choose.say(f"{len(found.failures)} clips cannot be read (e.g. {clip}: {reason})")
    typer.echo(found.warning)
    if png is not None:
        rows = [(one.name, one.auc_cv, one.auc_cv_ci95) for one in found.properties]
        audit_picture(png, f"{opened.name}: {found.warning}", rows, found.values)
        typer.echo(f"wrote {png}")
    if csv is not None:
        with replacing(csv) as temporary:
            found.values.to_csv(temporary)
        typer.echo(f"wrote {csv}")


def show_property(one: Property) -> None:
    """Print one line of the table."""
    judged = "not measured: too few speakers"
    if one.auc_cv is not None and one.auc_cv_ci95 is not None:
        low, high = one.auc_cv_ci95
        judged = f"{one.auc_cv:.2f} ({low:.2f} to {high:.2f})"
    plain = "" if one.auc is None else f"{one.auc:.2f}"
    medians = ""
    if one.bonafide is not None and one.spoof is not None:
        medians = f"bona fide {one.bonafide:.4g}, spoof {one.spoof:.4g}"
    typer.echo(f"{one.name:38s} {judged:24s} {plain:>9s}  {medians}".rstrip())
