"""``fvx datasets split``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fvx.cli import choose
from fvx.cli.progress import clips_bar

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from fvx.datasets import Dataset
    from fvx.protocol import Protocol

_N_SHOWN = 12


def split(
    names: Annotated[list[str], typer.Argument(help="Names of corpora, or paths.")],
    protocol: Annotated[
        Literal["speaker", "official", "ancestor", "random", "cross", "leave-one-system-out"]
        | None,
        typer.Option(help="How to divide; default the corpus's own parts, else by speaker."),
    ] = None,
    held_out: Annotated[
        str | None, typer.Option(help="System or corpus to test on; default each system in turn.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of all that is random.")] = 0,
    audio: Annotated[
        bool, typer.Option(help="Look for the same recording in two parts, too.")
    ] = True,
    csv: Annotated[Path | None, typer.Option(help="Write the part of each clip.")] = None,
) -> None:
    """Show how a protocol divides a corpus, and prove that its parts are disjoint."""
    from fvx import protocol as protocols
    from fvx.atomic import replacing

    opened = choose.dataset(*names)
    clips = protocols.clip_table(opened)
    folds = [held_out]
    if protocol == "leave-one-system-out" and held_out is None:
        folds = list(protocols.systems(clips)) or [None]
    prints = fingerprints(opened) if audio else None
    for fold in folds:
        made = protocols.split(clips, protocol, seed, fold)
        show_split(made, clips, full=len(folds) == 1)
        if prints is not None:
            show_duplicates(made, prints)
    if csv is not None:
        with replacing(csv) as temporary:
            made.parts.rename("part").to_csv(temporary, index_label="clip")
        typer.echo(f"wrote {csv}")


def show_split(made: Protocol, clips: pd.DataFrame, full: bool) -> None:
    """Print counts by part, and what is shared."""
    from fvx.protocol import PARTS

    typer.echo(f"protocol {made.name}: {made.sentence}")
    for part in (*PARTS, ""):
        inside = clips[(made.parts == part).to_numpy()]
        if len(inside):
            spoof = inside["label"] == "spoof"
            typer.echo(
                f"  {part or '(in no part)':12s} {len(inside):7d} clips  {(~spoof).sum():7d} bona "
                f"fide  {spoof.sum():7d} spoof  {_named(inside['speaker']):5d} speakers  "
                f"{_named(inside['system'][spoof]):4d} systems"
            )
    for column in ("speaker", "system") if full else ():
        counts = _counts(made, clips, column)
        for name, row in counts.head(_N_SHOWN).iterrows():
            each = "  ".join(f"{row[part]:7d} {part}" for part in PARTS)
            typer.echo(f"  {column} {str(name)[:32]:32s} {each}")
        if len(counts) > _N_SHOWN:
            typer.echo(f"  … and {len(counts) - _N_SHOWN} {column}s more")
    for column in ("speaker", "system"):
        typer.echo(f"  {_proof(made, clips, column)}")


def _proof(made: Protocol, clips: pd.DataFrame, column: str) -> str:
    """What can be said of a column's names, and of how many clips nothing can."""
    asked = made.parts != ""
    if column == "system":
        asked &= clips["label"] == "spoof"
    unnamed = int((asked & clips[column].isin(["", "-"])).sum())
    if unnamed == asked.sum():
        return f"NOT KNOWN: no clip names its {column}"
    but = f"; {unnamed} of {asked.sum()} clips name none" if unnamed else ""
    shared = made.shared(clips, column)
    if shared.empty:
        return f"disjoint: no {column} is in two parts{but}"
    return (
        f"SHARED: {len(shared)} {column}s are in two parts or more: "
        f"{', '.join(map(str, shared.index[:3]))}{but}"
    )


def _named(names: pd.Series) -> int:
    return len(set(names) - {"", "-"})


def _counts(made: Protocol, clips: pd.DataFrame, column: str) -> pd.DataFrame:
    import pandas as pd

    from fvx.protocol import PARTS

    inside = ~clips[column].isin(["", "-"])
    counts = pd.crosstab(clips[column][inside], made.parts[inside])
    counts = counts.reindex(columns=list(PARTS), fill_value=0)
    return counts.loc[counts.sum(axis=1).sort_values(ascending=False, kind="stable").index]


def fingerprints(opened: Dataset) -> dict[str, NDArray[np.uint32]]:
    """Fingerprint every clip that can be read."""
    from fvx.audio import Audio
    from fvx.datasets.fingerprint import fingerprint
    from fvx.errors import FvxError

    prints: dict[str, NDArray[np.uint32]] = {}
    n_failed = 0
    with clips_bar("fingerprint") as update:
        for n_done, clip in enumerate(opened.clips, 1):
            try:
                prints[clip.id] = fingerprint(Audio.read(opened.audio_path(clip)))
            except FvxError:
                n_failed += 1
            update(n_done, len(opened.clips), n_failed)
    if n_failed:
        choose.say(f"{n_failed} clips cannot be read and were not compared")
    return prints


def show_duplicates(made: Protocol, prints: dict[str, NDArray[np.uint32]]) -> None:
    """Print which recordings are in two parts."""
    from fvx.datasets.fingerprint import near_duplicates

    parts = {str(clip): part for clip, part in made.parts.items() if part and clip in prints}
    found = near_duplicates({clip: prints[clip] for clip in parts}, parts)
    if not found:
        typer.echo(
            f"  disjoint: no recording is in two parts ({len(parts)} compared by fingerprint)"
        )
        return
    typer.echo(f"  SHARED: {len(found)} pairs of clips across parts are the same recording:")
    for match in found[:_N_SHOWN]:
        typer.echo(
            f"    {match.one} ({parts[match.one]}) and {match.other} ({parts[match.other]}): "
            f"{100 * match.distance:.0f} % of bits differ, over {match.overlap_s:.1f} s"
        )
