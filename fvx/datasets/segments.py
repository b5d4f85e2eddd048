"""Segments: which spans of a partly fake clip are bona fide."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from fvx.datasets.clip import Dataset
from fvx.datasets.label import Label
from fvx.datasets.table import Table
from fvx.errors import DatasetError, UnknownLabel

# A label file is a pickle inside a .npy, and a pickle can name any function to be called when it
# is read. These build arrays, and are all that such a file needs.
_ALLOWED = {
    (f"numpy.{core}.{module}", name)
    for core in ("core", "_core")
    for module, name in (
        ("multiarray", "_reconstruct"),
        ("multiarray", "scalar"),
        ("numeric", "_frombuffer"),
    )
} | {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")}


@dataclass(frozen=True, slots=True)
class Segment:
    """A span of one kind.

    Attributes
    ----------
    start_s, end_s : float
        Whole multiples of the resolution; the last may end after the clip does.
    label : Label
    """

    start_s: float
    end_s: float
    label: Label


def read_segments(
    table: Table, dataset: Dataset, resolution_s: float = 0.02
) -> dict[str, tuple[Segment, ...]]:
    """Read the spans of every clip of a corpus, neighbours of one kind joined.

    Parameters
    ----------
    table : Table
        Says where the label files lie; it names them by split and resolution.
    dataset : Dataset
        Read by that table.
    resolution_s : float
        One of those published, in seconds.

    Returns
    -------
    dict of str to tuple of Segment
        By clip id; a clip that its label file does not list is absent.

    Raises
    ------
    DatasetError
        If the corpus has no such labels, or a file cannot be read, or holds more than arrays.
    """
    if not table.segments:
        raise DatasetError(f"{table.name}: has no segment labels")
    found: dict[str, tuple[Segment, ...]] = {}
    for split in sorted({clip.split for clip in dataset.clips}):
        path = _label_file(table, dataset.root, split, resolution_s)
        words = _load(path)
        for clip in dataset.clips:
            if clip.split == split and clip.id in words:
                where = f"{path}, {clip.id}"
                found[clip.id] = _joined(table, words[clip.id], resolution_s, where)
    return found


def _label_file(table: Table, root: Path, split: str, resolution_s: float) -> Path:
    names = [
        template.format(split=split, resolution_s=f"{resolution_s:g}")
        for template in table.segments
    ]
    for name in names:
        if (root / name).is_file():
            return root / name
    raise DatasetError(f"{root}: holds no {' or '.join(names)}")


def _joined(table: Table, words: Any, resolution_s: float, where: str) -> tuple[Segment, ...]:
    segments, place = [], 0
    for word, run in groupby(str(word) for word in np.ravel(words)):
        if word not in table.segment_words:
            raise UnknownLabel(word, where, tuple(table.segment_words))
        n_steps = sum(1 for _ in run)
        start_s, end_s = place * resolution_s, (place + n_steps) * resolution_s
        segments.append(Segment(round(start_s, 6), round(end_s, 6), table.segment_words[word]))
        place += n_steps
    return tuple(segments)


class _Arrays(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise DatasetError(f"holds {module}.{name}, which is no array: it is not read")
        return super().find_class(module, name)


def _load(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read_header = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, _, dtype = read_header(file)
            if shape != () or dtype != np.dtype(object):
                raise DatasetError("holds an array and no dictionary")
            array = _Arrays(file).load()
            words = array.item() if isinstance(array, np.ndarray) else array
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from error
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, EOFError, AttributeError, TypeError, IndexError) as error:
        raise DatasetError(f"{path}: damaged, or of another kind ({error})") from error
    except pickle.UnpicklingError as error:
        raise DatasetError(f"{path}: damaged ({error})") from error
    if not isinstance(words, dict):
        raise DatasetError(f"{path}: holds a {type(words).__name__} and no dictionary")
    return words
