"""``fvx store``: what a store holds, whether it is sound, and a copy for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fvx.cli import choose
from fvx.cli.extract import names_of
from fvx.cli.progress import clips_bar

if TYPE_CHECKING:
    from fvx.store import Summary

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Stores of features.")

_Store = Annotated[Path | None, typer.Argument(help="A store; default the newest.")]


@app.command()
def info(
    store: _Store = None,
    json: Annotated[bool, typer.Option("--json", help="Print it for programs.")] = False,
) -> None:
    """Show what a store holds: clips, features with their settings, failures, size."""
    from fvx.store import Store, summarise
    from fvx.windows import saved_geometry

    opened = Store.open(choose.store(store))
    if json:
        choose.print_json({"store": str(opened.path), **summarise(opened).to_json()})
        return
    _show(summarise(opened), opened.path)
    if geometry := saved_geometry(opened):
        typer.echo(f"windows   {geometry.length_s:g} s every {geometry.hop_s:g} s")


@app.command()
def verify(store: _Store = None) -> None:
    """Compare every shard with its checksums; damage is listed, with exit code 1."""
    from fvx.store import verify as check

    path = choose.store(store)
    with clips_bar("verify", "shards") as update:
        found = check(path, update)
    for note in found.notes:
        choose.say(f"note: {note}")
    for damage in found.damages:
        choose.say(f"fvx: {damage}")
    what = (
        f"{path}: {found.n_shards} shards, {found.n_clips} clips in the sound ones, "
        f"{_bytes(found.n_bytes)}"
    )
    typer.echo(f"{what}: {len(found.damages)} damages" if found.damages else f"{what}: all sound")
    if found.damages:
        raise typer.Exit(1)


@app.command()
def export(
    store: _Store = None,
    hdf5: Annotated[Path | None, typer.Option(help="HDF5 file to make.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="Folder of Parquet files to make.")] = None,
    features: Annotated[str, typer.Option(help="all, or names with commas.")] = "all",
) -> None:
    """Copy a store into one HDF5 file, or Parquet files, for MATLAB, R or pandas."""
    from fvx.store import Store, export_hdf5, export_parquet

    if (hdf5 is None) == (parquet is None):
        raise typer.BadParameter("give --hdf5 FILE or --parquet FOLDER, and not both")
    names = names_of(features)
    opened = Store.open(choose.store(store))
    with clips_bar("export") as update:
        if hdf5 is not None:
            export_hdf5(opened, hdf5, names, update)
        elif parquet is not None:
            export_parquet(opened, parquet, names, update)
    n_features = len(names or opened.features)
    typer.echo(f"{len(opened.clips)} clips, {n_features} features -> {hdf5 or parquet}")


def _show(summary: Summary, path: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    typer.echo(
        f"store     {path}: {summary.n_shards} shards, {_bytes(summary.n_bytes)}, "
        f"format {summary.format_version}"
    )
    typer.echo(f"dataset   {summary.dataset}, measured at {summary.rate_hz} Hz")
    typer.echo(f"clips     {int(summary.clips.to_numpy().sum())}, {summary.hours:.2f} h")
    for split, counts in summary.clips.iterrows():
        by_label = ", ".join(f"{n} {label}" for label, n in counts.items())
        typer.echo(f"  {split or 'no split'}: {by_label}")
    table = Table(box=None, pad_edge=False)
    for heading in ("feature", "version", "kind", "columns", "clips", "rows", "size", "settings"):
        right = heading in ("version", "columns", "clips", "rows", "size")
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for one in summary.features:
        record = one.record
        settings = ", ".join(f"{key}={value}" for key, value in record.settings.items())
        numbers = (len(record.columns), one.n_clips, one.n_rows)
        table.add_row(
            record.name, str(record.version), record.kind, *map(str, numbers),
            _bytes(one.n_bytes), settings,
        )  # fmt: skip
    Console(width=None if Console().is_terminal else 500).print(table)  # into a file, whole lines
    for clip, note in list(summary.noted.items())[:1]:
        typer.echo(f"noted     {len(summary.noted)}, e.g. {clip!r}: {note}")
    for group in summary.failures:
        what = f"{group.feature or 'clip'}: {group.error}: {group.reason}"
        typer.echo(f"failed    {group.n}, {what} (e.g. {group.example!r})")


def _bytes(n_bytes: int) -> str:
    size, units = float(n_bytes), ["B", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{size:.3g} {units[0]}"
