"""``fvx extract``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fvx.cli import choose
from fvx.cli.progress import clips_bar

if TYPE_CHECKING:
    from fvx.extract import Extraction


def extract(
    dataset: Annotated[str, typer.Option(help="Name of a known corpus, or a path.")],
    features: Annotated[str, typer.Option(help="all, or names with commas.")] = "all",
    store: Annotated[
        Path | None, typer.Option(help="Folder to write; default features/<dataset>.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N clips.")] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what failed before.")
    ] = False,
) -> None:
    """Extract features from every clip of a dataset; goes on where it stopped."""
    from fvx.extract import extract as run
    from fvx.registry import discover

    opened = choose.dataset(dataset)
    chosen = discover().select(names_of(features))
    target = store or choose.STORES / opened.name
    with clips_bar("extract") as update:
        done = run(
            opened, chosen, target, jobs=jobs, limit=limit, retry_failed=retry_failed,
            on_progress=update,
        )  # fmt: skip
    report(done, len(chosen))


def names_of(features: str) -> list[str]:
    """Names in a ``--features`` option; [] for ``all``."""
    names = [name.strip() for name in features.split(",") if name.strip()]
    if not names:
        raise typer.BadParameter("no feature is named; say all, or names with commas")
    return [] if names == ["all"] else names


def report(done: Extraction, n_features: int) -> None:
    """Say what was done and, grouped by reason, what failed; failures exit with 1."""
    from collections import Counter

    typer.echo(
        f"{done.n_clips} clips, {n_features} features -> {done.store} "
        f"({done.n_done} extracted now, {done.n_skipped} there already)"
    )
    groups = Counter((f.feature, f.error, f.reason) for f in done.failures)
    for (feature, error, reason), count in groups.most_common():
        example = next(
            f.clip
            for f in done.failures
            if (f.feature, f.error, f.reason) == (feature, error, reason)
        )
        what = feature or "clip"
        typer.echo(f"fvx: {count} failed, {what}: {error}: {reason} (e.g. {example!r})", err=True)
    if done.failures:
        raise typer.Exit(1)
