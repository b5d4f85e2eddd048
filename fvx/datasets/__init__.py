"""Corpora: which clips there are, which are bona fide, and where their audio lies."""

from __future__ import annotations

from fvx.datasets.clip import Clip, Dataset
from fvx.datasets.combining import combine, open_datasets
from fvx.datasets.label import LABEL_WORDS, Label, parse_label
from fvx.datasets.layout import Layout
from fvx.datasets.listing import AUDIO_EXTENSIONS
from fvx.datasets.manifest import read_manifest
from fvx.datasets.opening import open_dataset
from fvx.datasets.paths import Paths
from fvx.datasets.remote import Remote
from fvx.datasets.table import Table
from fvx.datasets.tree import SPLIT_WORDS, Tree

__all__ = [
    "AUDIO_EXTENSIONS",
    "LABEL_WORDS",
    "SPLIT_WORDS",
    "Clip",
    "Dataset",
    "Label",
    "Layout",
    "Paths",
    "Remote",
    "Table",
    "Tree",
    "combine",
    "open_dataset",
    "open_datasets",
    "parse_label",
    "read_manifest",
]
