"""``fvx extract``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fvx.cli import choose
from fvx.cli.progress import clips_bar

if TYPE_CHECKING:
    from fvx.extract import Extraction


def extract(
    dataset: Annotated[
        list[str], typer.Option(help="Name of a known corpus, or a path; may be repeated.")
    ],
    features: Annotated[str, typer.Option(help="all, or names with commas.")] = "all",
    store: Annotated[
        Path | None, typer.Option(help="Folder to write; default features/<dataset>.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes; default 1.")] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler whose cluster does the work.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N clips.")] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what failed before.")
    ] = False,
    clip_timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds that one feature may take on one clip.")
    ] = 60.0,
    clip_memory: Annotated[int, typer.Option(min=200, help="Megabytes that it may take.")] = 2_000,
    augment: Annotated[
        Path | None, typer.Option(help="Recipe (TOML) for altered copies of the clips.")
    ] = None,
    copies: Annotated[
        int | None, typer.Option(min=1, help="Copies of each clip, with --augment; default 1.")
    ] = None,
) -> None:
    """Extract features from every clip of a dataset; goes on where it stopped."""
    from fvx.extract import extract as run
    from fvx.isolation import Limits
    from fvx.registry import discover

    if jobs and scheduler:
        raise typer.BadParameter("--jobs is for this machine, --scheduler for a cluster")
    if copies and not augment:
        raise typer.BadParameter("--copies needs a recipe to make them by: --augment")
    recipe = None
    if augment:
        from fvx.augment import Recipe

        recipe = Recipe.read(augment)
    opened = choose.dataset(*dataset)
    chosen = discover().select(names_of(features))
    kind = f"-{recipe.name}" if recipe else ""
    target = store or choose.STORES / f"{opened.name}{kind}"
    limits = Limits(clip_timeout, clip_memory)
    with resumable(target), clips_bar("extract") as update:
        done = run(
            opened, chosen, target, jobs=jobs or 1, scheduler=scheduler, limit=limit,
            retry_failed=retry_failed, limits=limits, on_progress=update,
            recipe=recipe, n_copies=copies or 1,
        )  # fmt: skip
    report(done, len(chosen))


@contextmanager
def resumable(store: Path) -> Iterator[None]:
    """Make of Ctrl-C one line that says what is kept, and exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        choose.say(f"fvx: stopped; what was finished is kept in {store}: the same command goes on")
        raise typer.Exit(130) from None


def names_of(features: str) -> list[str]:
    """Names in a ``--features`` option; [] for ``all``."""
    names = [name.strip() for name in features.split(",") if name.strip()]
    if not names:
        raise typer.BadParameter("no feature is named; say all, or names with commas")
    return [] if names == ["all"] else names


def report(done: Extraction, n_features: int) -> None:
    """Say what was done and, grouped by reason, what failed; failures exit with 1."""
    from collections import Counter

    copied = f" ({done.n_copies} of them copies)" if done.n_copies else ""
    typer.echo(
        f"{done.n_clips} clips{copied}, {n_features} features -> {done.store} "
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
