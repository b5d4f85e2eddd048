"""Corpora, stores and plugins made on the spot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import soundfile
from numpy.typing import NDArray

from fvx.datasets import Clip, Dataset, Label, open_dataset
from fvx.feature import Feature
from fvx.store import ShardWriter, Store
from fvx.testing import noise

RATE_HZ = 16_000


def write_clip(path: Path, seconds: float = 0.2, seed: int = 0, **settings: Any) -> Path:
    """A file of noise; ``settings`` are soundfile's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, noise(seconds, seed).samples, RATE_HZ, **settings)
    return path


def write_tree(root: Path, n_clips: int = 6, n_long: int = 0) -> Path:
    """A folder tree of clips of 0.2 s, half of them spoof; the first ``n_long`` last 0.4 s."""
    for number in range(n_clips):
        label = ("bonafide", "spoof")[number % 2]
        seconds = 0.4 if number < n_long else 0.2
        write_clip(root / label / f"{number:03d}.wav", seconds, seed=number)
    return root


def tree(root: Path, n_clips: int = 6, n_long: int = 0) -> Dataset:
    """The same, opened."""
    return open_dataset(write_tree(root, n_clips, n_long))


def clip(name: str, label: Label = Label.BONAFIDE, **more: Any) -> Clip:
    return Clip(name, f"{name}.wav", label, **more)


def write_shard(
    path: Path,
    features: Iterable[Feature],
    clips: Iterable[Clip],
    values: Mapping[tuple[str, str], NDArray[np.float32]],
    rate_hz: int = RATE_HZ,
    first: int = 0,
) -> None:
    """A shard of clips a tenth of a second long; ``values`` by feature and clip."""
    with ShardWriter(path, tuple(features), rate_hz) as shard:
        for position, one in enumerate(clips, first):
            found = {name: rows for (name, id_), rows in values.items() if id_ == one.id}
            shard.add(position, one, found, rate_hz // 10, "0" * 64)


def new_store(path: Path, **about: Any) -> Store:
    return Store.create(
        path, **{"dataset": "corpus", "rate_hz": RATE_HZ, "clips_per_shard": 16, **about}
    )


def contents(store: Path) -> dict[str, Any]:
    """All that stands in a store's shards: file -> attributes and arrays, as plain lists."""
    found: dict[str, Any] = {}
    for path in sorted(store.glob("[!.]*.h5")):
        with h5py.File(path, "r") as file:
            found[path.name] = dict(file.attrs)

            def visit(name: str, item: Any, file_name: str = path.name) -> None:
                found[f"{file_name}/{name}"] = dict(item.attrs)
                if isinstance(item, h5py.Dataset):
                    found[f"{file_name}/{name}:"] = (str(item.dtype), item[:].tolist())

            file.visititems(visit)
    return found


def install_plugin(
    folder: Path, distribution: str, module: str, code: str | None = None, entry: str = ""
) -> None:
    """A distribution as pip leaves it; ``folder`` on the path makes it installed."""
    if code is not None:
        (folder / f"{module}.py").write_text(code)
    info = folder / f"{distribution.replace('-', '_')}-0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text(f"[fvx]\n{entry or module} = {module}\n")
