"""``fvx features``: what is installed, what it costs, what it looks like, what is broken."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fvx.cli import choose, complete

if TYPE_CHECKING:
    from fvx.audio import Audio
    from fvx.feature import Feature
    from fvx.registry import Registry

_WIDE, _ROOM_FOR_SOURCE = 200, 125

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Installed features and broken plugins."
)


@app.command("list")
def list_features(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """List the installed features, and the plugins that could not be loaded."""
    from rich.console import Console
    from rich.table import Table

    from fvx.registry import discover

    registry = discover()
    if json:
        choose.print_json([_record(registry, name) for name in registry.features])
        _say_broken(registry)
        return
    # Nothing is cut where the lines go to a file or another program.
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    headings = ["feature", "plugin", "kind", "columns", "audible", "hop", "cost", "source"]
    if console.width < _ROOM_FOR_SOURCE:
        headings.remove("source")
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        right = heading in ("columns", "hop", "cost")
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    sample = _sample()
    for name, feature in registry.features.items():
        hop = "-" if feature.hop_s is None else f"{1000 * feature.hop_s:g} ms"
        audible = "yes" if feature.perceptible else ""
        source = re.match(r"[^()]{1,40}\(\d{4}\)", feature.source)
        cells = (
            f"{name}{_mark(feature)}",
            registry.plugins[name], feature.kind, str(len(feature.columns)), audible, hop,
            _cost(feature, sample), source[0] if source else feature.source[:40],
        )  # fmt: skip
        table.add_row(*cells[: len(headings)])
    console.print(table)
    typer.echo(
        f"cost: of one clip of {sample.duration_s:.1f} s, by itself; features that share "
        "intermediate results cost less together"
    )
    if not all(feature.evidence for feature in registry.features.values()):
        typer.echo("* tells recordings apart and not voices: not in 'all', not trained on")
    if any(feature.by_name_only for feature in registry.features.values()):
        typer.echo("+ large, and slow to learn from: not in 'all', only by name")
    _say_broken(registry)


def _mark(feature: Feature) -> str:
    if not feature.evidence:
        return " *"
    return " +" if feature.by_name_only else ""


def _say_broken(registry: Registry) -> None:
    for distribution, reason in registry.broken.items():
        typer.echo(choose.shown(f"broken: {distribution}: {reason}"), err=True)


def _record(registry: Registry, name: str) -> dict[str, Any]:
    feature = registry.features[name]
    return {
        "name": name,
        "plugin": registry.plugins[name],
        "distribution": registry.distributions[name],
        "version": feature.version,
        "kind": feature.kind,
        "columns": list(feature.columns),
        "perceptible": feature.perceptible,
        "evidence": feature.evidence,
        "by_name_only": feature.by_name_only,
        "hop_s": feature.hop_s,
        "settings": feature.settings,
        "summary": feature.summary,
        "source": feature.source,
        "own_branch": name in registry.branches,
    }


@app.command()
def info(
    name: Annotated[
        str, typer.Argument(help="A feature's name.", autocompletion=complete.features)
    ],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what a feature measures, its columns, settings and source."""
    from fvx.registry import discover

    registry = discover()
    (feature,) = registry.select([name])
    if json:
        choose.print_json(_record(registry, name))
        return
    typer.echo(
        f"{name} ({feature.kind}, plugin {registry.plugins[name]}, version {feature.version})"
    )
    typer.echo(f"columns: {', '.join(feature.columns)}")
    typer.echo(f"settings: {', '.join(f'{k}={v!r}' for k, v in feature.settings.items()) or '-'}")
    typer.echo(f"\n{inspect.cleandoc(feature.__doc__ or '')}")


@app.command()
def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Features or distributions; default all that are installed.",
            metavar="NAME|DIST",
            autocompletion=complete.features,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Hold installed features to the contract, and say how to mend what they break."""
    import dataclasses

    from fvx.contract import CLAUSES, breaches
    from fvx.registry import discover

    registry = discover()
    chosen, unloaded = _chosen(registry, names or [])
    records = []
    for name in chosen:
        found = breaches(registry.features[name])
        records.append({"name": name, "breaches": [dataclasses.asdict(one) for one in found]})
        if json:
            continue
        if not found:
            typer.echo(f"{name}: keeps the contract ({len(CLAUSES)} clauses)")
            continue
        typer.echo(f"{name}: breaks {len(found)} of {len(CLAUSES)} clauses")
        for breach in found:
            typer.echo(f"  {breach.demand}")
            typer.echo(choose.shown(f"    found: {breach.found}"))
            typer.echo(f"    mend:  {breach.remedy}")
    if json:
        choose.print_json(records)
    for distribution in unloaded:
        choose.say(f"fvx: {distribution} cannot be loaded: {registry.broken[distribution]}")
    if unloaded or any(record["breaches"] for record in records):
        raise typer.Exit(1)


def _chosen(registry: Registry, names: list[str]) -> tuple[list[str], list[str]]:
    """Features to check, and distributions that offer none since they are broken."""
    from fvx.errors import UnknownFeature
    from fvx.registry import canonical

    if not names:
        return list(registry.features), list(registry.broken)
    features, unloaded = [], []
    for name in names:
        here = [
            feature
            for feature, distribution in registry.distributions.items()
            if name == feature or canonical(name) == canonical(distribution)
        ]
        broken = [one for one in registry.broken if canonical(one) == canonical(name)]
        if not here and not broken:
            known = {*registry.features, *registry.distributions.values(), *registry.broken}
            raise UnknownFeature(name, tuple(sorted(known)))
        features += here
        unloaded += broken
    return features, unloaded


@app.command()
def plot(
    name: Annotated[
        str, typer.Argument(help="A feature's name.", autocompletion=complete.features)
    ],
    files: Annotated[list[Path], typer.Argument(help="Audio files.", metavar="FILE…")],
    png: Annotated[Path | None, typer.Option(help="Picture to write; default NAME.png.")] = None,
) -> None:
    """Draw a feature of one or more files side by side."""
    from fvx.audio import Audio
    from fvx.registry import discover
    from fvx.report.feature_plot import save_feature

    (feature,) = discover().select([name])
    clips = {str(file): feature(Audio.read(file)) for file in files}
    target = png or Path(f"{name}.png")
    save_feature(target, f"{name}: {feature.summary}", feature.columns, feature.hop_s, clips)
    choose.say(f"wrote {target}")


def _sample() -> Audio:
    """A clip to time features on: the first of the embedded corpus."""
    from fvx.audio import Audio
    from fvx.datasets import open_dataset
    from fvx.registry import discover

    corpus = open_dataset("demo", discover().datasets)
    return Audio.read(corpus.audio_path(corpus.clips[0]))


def _cost(feature: Feature, sample: Audio) -> str:
    """Time for one clip, nothing shared; the better of two, since the first may warm caches."""
    from time import perf_counter

    from fvx.audio import Audio
    from fvx.errors import FvxError

    costs = []
    for _ in range(2):
        fresh = Audio(sample.samples, sample.rate_hz)
        start_s = perf_counter()
        try:
            feature(fresh)
        except FvxError:  # weights that are not there; `features check` says what is missing
            return "-"
        costs.append(1000 * (perf_counter() - start_s))
    return f"{min(costs):.1f} ms"
