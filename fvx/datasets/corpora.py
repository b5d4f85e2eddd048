"""The corpora fvx knows by name; a plugin adds its own in the same way."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import fvx
from fvx.datasets.layout import Layout
from fvx.datasets.table import Table
from fvx.hookspecs import hookimpl

IN_THE_WILD = Table(
    name="itw",
    title="In-the-Wild",
    folder="release_in_the_wild",
    urls=(
        "https://huggingface.co/datasets/mueller91/In-The-Wild/resolve/main/release_in_the_wild.zip",
        "https://deepfake-total.com/in_the_wild",
    ),
    licence="Apache-2.0 by its page, CC BY-SA 4.0 by its Hugging Face card",
    citation=(
        "Müller, Czempin, Dieckmann, Froghyar, Böttinger (2022), "
        "Does audio deepfake detection generalize?, Interspeech"
    ),
    n_bonafide=19_963,
    n_spoof=11_816,
    traps=(
        "Bona fide and spoof clips come from different recordings, so channel and room tell "
        "them apart as well as the voice does.",
        "There is no official division into training and test; its authors only test on it.",
        "Human speech is labelled bona-fide, with a hyphen.",
        "Samples are 32-bit float.",
    ),
    protocols=("meta.csv", "release_in_the_wild/meta.csv"),
    clip="file",
    audio=("{folder}/{file}",),
)

ASVSPOOF_2021_DF = Table(
    name="asvspoof2021_df",
    title="ASVspoof 2021 DF",
    folder="ASVspoof2021_DF",
    urls=(
        "https://zenodo.org/records/4835108",
        "https://www.asvspoof.org/asvspoof2021/DF-keys-full.tar.gz",
    ),
    licence="ODC-By (ODbL by other sources)",
    citation=(
        "Liu, Wang, Sahidullah et al. (2023), ASVspoof 2021: towards spoofed and deepfake "
        "speech detection in the wild, IEEE/ACM TASLP 31"
    ),
    n_bonafide=22_617,
    n_spoof=589_212,
    traps=(
        "Labels come apart from the audio, in an archive of their own.",
        "The audio comes in four archives that unpack into one folder.",
        "Figures are published for the subset eval; progress and hidden are to be left out.",
        "The clips of the subset hidden had their silence trimmed.",
    ),
    protocols=(
        "keys/DF/CM/trial_metadata.txt",
        "keys/CM/trial_metadata.txt",
        "trial_metadata.txt",
    ),
    delimiter=" ",
    columns=(
        "speaker",
        "trial",
        "compression",
        "source",
        "attack",
        "key",
        "trim",
        "subset",
        "vocoder",
        "task",
        "team",
        "gender_pair",
        "language",
    ),
    clip="trial",
    audio=("ASVspoof2021_DF_eval/flac/{trial}.flac", "flac/{trial}.flac"),
    label="key",
    system="attack",
    split="subset",
)

DEMO = Table(
    name="demo",
    title="fvx demo corpus",
    shipped=Path(fvx.__file__).parent / "demo_corpus",
    licence="per clip, see ATTRIBUTION.md in its folder",
    traps=(
        "It is far too small to train a detector that is of use, or to measure one.",
        "Some spoof clips are re-synthesised recordings of the bona fide speakers.",
    ),
    protocols=("clips.csv",),
    system="system",
)


@hookimpl
def fvx_datasets() -> Iterable[Layout]:
    """Offer the corpora above."""
    return (IN_THE_WILD, ASVSPOOF_2021_DF, DEMO)
