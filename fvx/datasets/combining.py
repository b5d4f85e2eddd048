"""open_datasets: several corpora as one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from fvx.datasets.clip import Clip, Columns, Dataset
from fvx.datasets.layout import Layout
from fvx.datasets.opening import open_dataset
from fvx.errors import DatasetError

CORPUS = "corpus"  # column of a combination that says which of its corpora a clip is from


def open_datasets(
    names_or_paths: Sequence[str | Path],
    known: Mapping[str, Layout] | None = None,
    home: Path = Path("datasets"),
) -> Dataset:
    """Open corpora as `open_dataset` does, and combine them if there is more than one.

    Raises
    ------
    DatasetError
        If none is named, one cannot be opened, or one is named twice.
    """
    if not names_or_paths:
        raise DatasetError("no dataset is named")
    opened = [open_dataset(one, known, home) for one in names_or_paths]
    return opened[0] if len(opened) == 1 else combine(opened)


def combine(datasets: Sequence[Dataset]) -> Dataset:
    """Join corpora: ids and paths get the corpus's name in front, ``wavefake/…``.

    Each clip keeps its corpus's name in the column ``corpus``, so that one can train on some
    and test on others.

    Raises
    ------
    DatasetError
        If the same folder or manifest is there twice.
    """
    names = _distinct([dataset.name for dataset in datasets])
    seen: dict[Path, str] = {}
    clips: list[Clip] = []
    for name, dataset in zip(names, datasets, strict=True):
        wrapped: dict[int, Columns] = {}
        for clip in dataset.clips:
            columns = wrapped.get(id(clip.extra))
            if columns is None:
                columns = _with_corpus(clip.extra, name)
                wrapped[id(clip.extra)] = columns
            clips.append(
                replace(clip, id=f"{name}/{clip.id}", path=f"{name}/{clip.path}", extra=columns)
            )
        for clip in dataset.clips[:1]:
            audio = dataset.audio_path(clip).resolve()
            if audio in seen:
                raise DatasetError(f"{dataset.root}: named twice, as {seen[audio]} and {name}")
            seen[audio] = name
    roots = [dataset.root for dataset in datasets]
    pairs = list(zip(names, datasets, strict=True))
    return Dataset(
        name="+".join(names),
        root=Path(os.path.commonpath(roots)),
        clips=tuple(clips),
        layout="; ".join(f"{name}: {one.layout} ({len(one.clips):,})" for name, one in pairs),
        notes=tuple(f"{name}: {note}" for name, one in pairs for note in one.notes),
        missing=tuple(f"{name}/{clip}" for name, one in pairs for clip in one.missing),
        mounts=dict(zip(names, roots, strict=True)),
    )


def _distinct(names: Sequence[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        plain = name.replace("/", "_") or "corpus"
        candidate, number = plain, 2
        while candidate in found:
            candidate, number = f"{plain}-{number}", number + 1
        found.append(candidate)
    return found


def _with_corpus(extra: Mapping[str, str], name: str) -> Columns:
    kept = {column: word for column, word in extra.items() if column != CORPUS}
    return Columns((*kept, CORPUS), (*kept.values(), name))
