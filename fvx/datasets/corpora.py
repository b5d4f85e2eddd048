"""The corpora fvx knows by name; a plugin adds its own in the same way."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import fvx
from fvx.datasets import corpora_asvspoof, corpora_human, corpora_spoofed
from fvx.datasets.layout import Layout
from fvx.datasets.table import Table
from fvx.hookspecs import hookimpl

DEMO = Table(
    name="demo",
    title="fvx demo corpus",
    shipped=Path(fvx.__file__).parent / "demo_corpus",
    licence="per clip, see ATTRIBUTION.md in its folder",
    n_bonafide=38,
    n_spoof=40,
    size="2.6 MB",
    traps=(
        "It is far too small to train a detector that is of use, or to measure one.",
        "Some spoof clips are re-synthesised recordings of the bona fide speakers.",
    ),
    protocols=("clips.csv",),
    system="system",
)


@hookimpl
def fvx_datasets() -> Iterable[Layout]:
    """Offer the corpora above, and those of the pages beside this one."""
    return (*corpora_asvspoof.ALL, *corpora_spoofed.ALL, *corpora_human.ALL, DEMO)
