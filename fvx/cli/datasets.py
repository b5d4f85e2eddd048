"""``fvx datasets``: known corpora, and what can be said of any."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fvx.cli import choose, complete
from fvx.cli.datasets_audit import audit
from fvx.cli.datasets_split import split
from fvx.cli.progress import clips_bar

if TYPE_CHECKING:
    from fvx.datasets import Layout
    from fvx.datasets.download import Progress

_WIDE = 220

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Known corpora.")
app.command()(split)
app.command()(audit)

HOME = Path("datasets")
_N_SHOWN = 12
Name = Annotated[str, typer.Argument(help="A corpus's name.", autocompletion=complete.datasets)]
Json = Annotated[bool, typer.Option("--json", help="Print it for programs.")]


@app.command("list")
def list_datasets(json: Json = False) -> None:
    """List the corpora that fvx can read by name."""
    from rich.console import Console
    from rich.table import Table

    from fvx.registry import discover

    if json:
        choose.print_json([record(layout) for layout in discover().datasets.values()])
        return
    # Nothing is cut where the lines go to a file or another program.
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    table = Table(box=None, pad_edge=False)
    right = ("bona fide", "spoof", "hours")
    for heading in ("dataset", *right, "size", "here", "get it"):
        table.add_column(heading, justify="right" if heading in right else "left", no_wrap=True)
    table.add_column("title", no_wrap=True, max_width=44)
    table.add_column("licence", no_wrap=True, ratio=1)  # gives way first; `info` has all of it
    for name, layout in discover().datasets.items():
        counts = ("-" if n is None else f"{n:,}" for n in (layout.n_bonafide, layout.n_spoof))
        hours = f"{layout.hours:g}" if layout.hours else "-"
        here = "yes" if layout.place(HOME).is_dir() else "-"
        table.add_row(
            name, *counts, hours, layout.size or "-", here, how_to_get(layout), layout.title,
            layout.licence,
        )  # fmt: skip
    console.print(table)


def how_to_get(layout: Layout) -> str:
    """In a word: whether fvx fetches it."""
    if layout.shipped:
        return "shipped"
    return "ask" if layout.gated else "download" if layout.remotes else "by hand"


def record(layout: Layout) -> dict[str, Any]:
    """What is known of a corpus, for programs."""
    plain = ("name", "title", "licence", "citation", "n_bonafide", "n_spoof", "hours", "size")
    return {
        **{field: getattr(layout, field) for field in plain},
        "n_parts": dict(layout.n_parts),
        "folder": str(layout.place(HOME)),
        "here": layout.place(HOME).is_dir(),
        "get": how_to_get(layout),
        "gated": layout.gated,
        "urls": list(layout.urls),
        "protocols": list(protocols_of(layout)),
        "traps": list(layout.traps),
    }


@app.command()
def info(name: Name, json: Json = False) -> None:
    """Show where a corpus comes from, its licence, citation, protocols and traps."""
    layout = known(name)
    if json:
        choose.print_json(record(layout))
        return
    typer.echo(f"{name}: {layout.title}")
    typer.echo(f"folder:   {layout.place(HOME)}")
    for what, count in (("bona fide", layout.n_bonafide), ("spoof", layout.n_spoof)):
        if count is not None:
            typer.echo(f"clips:    {count:,} {what}")
    for part, count in layout.n_parts.items():
        typer.echo(f"clips:    {count:,} in {part}")
    typer.echo(f"size:     {layout.size or 'not known'}")
    typer.echo(f"licence:  {layout.licence}")
    typer.echo(f"citation: {layout.citation or '-'}")
    typer.echo(f"protocol: {', '.join(protocols_of(layout))}")
    for url in layout.urls:
        typer.echo(f"from:     {url}")
    if layout.gated:
        typer.echo(f"ask:      {layout.gated}")
    for remote in layout.remotes:
        typer.echo(f"file:     {remote.name}  {remote.checksum or 'no checksum published'}")
    for trap in layout.traps:
        typer.echo(f"trap:     {trap}")


def protocols_of(layout: Layout) -> list[str]:
    """Names of the protocols that what is known of its clips allows."""
    told = layout.knows()
    if layout.n_bonafide == 0 or layout.n_spoof == 0:  # one class alone divides into nothing
        more = ["leave-one-system-out"] if "system" in told else []
        return ["with another corpus: cross", *more]
    suits = {
        "official": "split" in told,
        "speaker": "speaker" in told,
        "ancestor": layout.name == "itw",
        "leave-one-system-out": "system" in told,
        "cross": True,
        "random": True,
    }
    return [name for name, fits in suits.items() if fits]


def known(name: str) -> Layout:
    """The corpus of that name."""
    from fvx.errors import DatasetError
    from fvx.registry import discover

    datasets = discover().datasets
    if name not in datasets:
        raise DatasetError(f"no dataset {name!r}; known: {', '.join(datasets) or 'none'}")
    return datasets[name]


@app.command()
def download(
    name: Name,
    keep_archives: Annotated[
        bool, typer.Option("--keep-archives", help="Leave them in .archives once unpacked.")
    ] = False,
) -> None:
    """Fetch, check and unpack a corpus; given again, it goes on where it stopped."""
    from fvx.datasets.download import download as fetch

    layout = known(name)
    with download_bar() as update:
        done = fetch(layout, HOME, keep_archives=keep_archives, on_progress=update)
    for file, checksum in done.files.items():
        typer.echo(f"{file}  {checksum}")
    typer.echo(f"{name} -> {done.folder} ({done.n_there} of {len(done.files)} files there already)")


@app.command()
def verify(
    name: Annotated[str, typer.Argument(help="A corpus's name, or a path.")],
    jobs: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
) -> None:
    """Decode every clip, compare counts and checksums; exit 1 if amiss."""
    from functools import partial

    from fvx import executors
    from fvx.datasets.verify import verify as check
    from fvx.registry import discover

    opened = choose.dataset(name)
    layout = discover().datasets.get(name)
    with clips_bar("verify") as update:
        found = check(opened, layout, run=partial(executors.run, jobs=jobs), on_progress=update)
    for file, word in found.checksums.items():
        typer.echo(f"{file}: {word}")
    for clip in found.missing[:_N_SHOWN]:
        typer.echo(f"missing: {clip}")
    for clip, reason in list(found.unreadable.items())[:_N_SHOWN]:
        typer.echo(f"unreadable: {clip}: {reason}")
    typer.echo(
        f"{found.n_bonafide} bona fide, {found.n_spoof} spoof; {len(found.missing)} missing, "
        f"{len(found.unreadable)} unreadable"
    )
    if not found.is_whole:
        raise typer.Exit(1)


@contextmanager
def download_bar() -> Iterator[Callable[[Progress], None]]:
    """Yield a function that draws how far each file is: bytes, speed, and time left."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[doing]}"),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, TaskID] = {}

        def update(one: Progress) -> None:
            if one.file not in tasks:
                # What an earlier download brought does not count as speed.
                tasks[one.file] = bar.add_task(one.file, total=one.n_all, doing="")
                bar.update(tasks[one.file], completed=one.n_done)
            if one.doing == "fetch":
                bar.update(tasks[one.file], completed=one.n_done, total=one.n_all)
            else:
                files = f" {one.n_done:,} files" if one.doing == "unpack" else ""
                bar.update(tasks[one.file], doing=one.doing + files)

        yield update
