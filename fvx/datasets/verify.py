"""verify: is what lies there whole, and what was published?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from fvx.audio import Audio
from fvx.datasets.clip import Clip, Dataset
from fvx.datasets.download import ARCHIVES, checksum_of, read_record
from fvx.datasets.label import Label
from fvx.datasets.layout import Layout
from fvx.errors import AudioError, DatasetError

_CLIPS_PER_TASK = 64


class Run(Protocol):
    """How tasks are carried out; `fvx.executors.run` with its settings filled in."""

    def __call__(self, task: Callable[[Any], Any], items: Sequence[Any]) -> Iterable[Any]: ...  # noqa: D102


@dataclass(frozen=True)
class Verified:
    """What was found.

    Attributes
    ----------
    n_bonafide, n_spoof : int
        Clips with audio.
    notes : tuple of str
        What the reader counted: counts that differ, lines without audio, audio without a line.
    missing : tuple of str
        Clips that are listed and not there.
    unreadable : dict of str to str
        Clip to reason.
    checksums : dict of str to str
        Archive to ``as published``, ``as first seen``, ``differs``, ``not kept`` (it was
        checked when it came) or ``not known``.
    """

    n_bonafide: int
    n_spoof: int
    notes: tuple[str, ...]
    missing: tuple[str, ...]
    unreadable: dict[str, str]
    checksums: dict[str, str]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, unreadable, or another file than it should be."""
        return not (self.missing or self.unreadable or "differs" in self.checksums.values())


def _here(task: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
    return map(task, items)


def verify(
    dataset: Dataset,
    layout: Layout | None = None,
    *,
    run: Run = _here,
    on_progress: Callable[[int, int, int], None] = lambda *_: None,
) -> Verified:
    """Decode every clip of a corpus, and check its archives where they were kept.

    Parameters
    ----------
    layout : Layout or None
        Knows what was published; None for a corpus of one's own.
    run : callable
        Applies a task to items, in this process or in several.
    on_progress : callable
        Called with the numbers of clips done, to do and unreadable.
    """
    checksums = {} if layout is None else _checksums(layout, dataset.root)
    bare = Dataset(dataset.name, dataset.root, (), dataset.layout, mounts=dataset.mounts)
    clips = dataset.clips
    tasks = [clips[i : i + _CLIPS_PER_TASK] for i in range(0, len(clips), _CLIPS_PER_TASK)]
    bad: dict[str, str] = {}
    n_done = 0
    for n_clips, found in run(partial(unreadable, dataset=bare), tasks):
        bad |= found
        n_done += n_clips
        on_progress(n_done, len(clips), len(bad))
    return Verified(
        dataset.count(Label.BONAFIDE),
        dataset.count(Label.SPOOF),
        dataset.notes,
        dataset.missing,
        {clip.id: bad[clip.id] for clip in clips if clip.id in bad},
        checksums,
    )


def unreadable(clips: Sequence[Clip], dataset: Dataset) -> tuple[int, dict[str, str]]:
    """Return how many clips these are, and the reason for each that cannot be decoded."""
    found = {}
    for clip in clips:
        try:
            Audio.read(dataset.audio_path(clip))
        except (AudioError, DatasetError) as error:
            found[clip.id] = str(error)
    return len(clips), found


def _checksums(layout: Layout, root: Path) -> dict[str, str]:
    record = read_record(root)
    found = {}
    for remote in layout.remotes:
        expected = remote.checksum or record.get(remote.name, {}).get("checksum", "")
        path = _kept(root, remote.name, remote.into)
        if not expected:
            found[remote.name] = "not known"
        elif path is None:
            found[remote.name] = "not kept"
        elif checksum_of(path, expected.partition(":")[0]) != expected:
            found[remote.name] = "differs"
        else:
            found[remote.name] = "as published" if remote.checksum else "as first seen"
    return found


def _kept(root: Path, name: str, into: str) -> Path | None:
    """Where the file lies: as fvx left it, or beside what was unpacked by hand."""
    places = (root / ARCHIVES / name, root / into / name, root.parent / name)
    return next((place for place in places if place.is_file()), None)
