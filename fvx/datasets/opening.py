"""open_dataset: from what a user typed to the clips it stands for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from fvx.datasets.clip import Dataset
from fvx.datasets.layout import Layout
from fvx.datasets.manifest import read_manifest
from fvx.datasets.plain import label_and_path, read_plain
from fvx.datasets.tree import Tree
from fvx.errors import DatasetError


def open_dataset(
    name_or_path: str | Path,
    known: Mapping[str, Layout] | None = None,
    home: Path = Path("datasets"),
) -> Dataset:
    """Open a corpus by its name, or any folder or manifest by its path.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a known corpus, which goes before a path of that name (``./itw`` is always a
        path); or a manifest; or a folder that a known corpus is recognised in, or else whose
        subfolders are named for labels; or a label word, a colon, and the path of an audio
        file or of a folder of them: ``spoof:my_takes``.
    known : mapping of str to Layout
        The corpora that plugins offer, by name.
    home : Path
        Folder in which known corpora are looked for.

    Returns
    -------
    Dataset
        Named after the corpus, the folder or the manifest; paths of clips are relative to an
        absolute root.

    Raises
    ------
    DatasetError
        If nothing is found, or it cannot be read whole.
    """
    known = known or {}
    if str(name_or_path) in known:
        return _open_known(known[str(name_or_path)], home)
    path = Path(name_or_path).absolute()
    if not os.path.exists(path) and (plain := label_and_path(str(name_or_path))):
        return read_plain(*plain)
    # os.path, unlike Path, takes a name that no file can have for one that is not there.
    if os.path.isdir(path) and name_or_path != "":
        return _open_folder(path, known)
    if os.path.isfile(path):
        return read_manifest(path)
    names = ", ".join(known) or "none"
    raise DatasetError(
        f"{str(name_or_path)!r}: neither a known corpus ({names}) nor a folder or file there is"
    )


def _open_known(layout: Layout, home: Path) -> Dataset:
    place = layout.place(home).absolute()
    if place.is_dir():
        return layout.read(place)
    if not layout.shipped and layout.marker(home):  # its archives were unpacked right there
        return layout.read(home.absolute())
    source = f"; get it from {layout.urls[0]}" if layout.urls else ""
    also = Path(layout.name)
    hint = f"; for the path write {also.absolute()}" if also.exists() else ""
    raise DatasetError(f"{layout.name}: expected in {place}, which is not there{source}{hint}")


def _open_folder(root: Path, known: Mapping[str, Layout]) -> Dataset:
    name = root.resolve().name
    fitting = [layout for layout in known.values() if _fits(layout, root)]
    if not fitting:
        return Tree(name).read(root)
    dataset = replace(fitting[0].read(root), name=name)
    if others := ", ".join(layout.name for layout in fitting[1:]):
        note = f"read as {fitting[0].name}, though the folder holds {others} too"
        dataset = replace(dataset, notes=(*dataset.notes, note))
    return dataset


def _fits(layout: Layout, root: Path) -> bool:
    if layout.shipped:  # its form is too plain to be recognised anywhere else
        return root.resolve() == layout.shipped.resolve()
    return bool(layout.marker(root))
