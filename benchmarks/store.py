"""How a store's values might be kept: what each way occupies, and how fast it is written and read.

The values of a real store are written again in shards, clip by clip as `fvx extract` does, with
other chunks, number types and filters, and read: each feature whole, and one-second windows of
clips and features drawn by chance, the file opened for each. Times are CPU time of this process,
the least of several rounds, the files in memory: what a disk or network adds is proportional to
the size. Then, what half precision would lose.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.datasets import open_dataset
from fvx.detector import DEFAULT_RUN, Detector, load_model
from fvx.errors import FvxError
from fvx.extract import extract
from fvx.feature import Feature
from fvx.registry import discover
from fvx.store import Store
from fvx.store.writer import CHUNK_BYTES, FILTERS

try:
    import hdf5plugin
except ImportError:  # zstd and Blosc are not part of HDF5
    hdf5plugin = None

WINDOW_S, N_WINDOWS, N_ROUNDS = 1.0, 300, 3
Values = tuple[NDArray[np.float32], NDArray[np.int64]]  # as `FeatureView.gather` gives them
GZIP: Mapping[str, Any] = {"shuffle": True, "compression": "gzip", "compression_opts": 1}
LZF: Mapping[str, Any] = {"shuffle": True, "compression": "lzf"}


@dataclass(frozen=True)
class Layout:
    """One way of keeping values."""

    title: str
    readers: str  # who can read it
    chunk_bytes: int = 1 << 16
    dtype: str = "<f4"
    filters: Mapping[str, Any] = field(default_factory=dict)
    whole_chunks: bool = True  # written at a time, or each clip's rows as they come

    @property
    def chosen(self) -> bool:
        """Whether fvx keeps values so."""
        filters = {**self.filters, "fletcher32": True}
        same = (self.chunk_bytes, self.dtype, filters) == (CHUNK_BYTES, "<f4", {**FILTERS})
        return same and self.whole_chunks


def layouts() -> list[Layout]:
    """All that are compared; a checksum of each chunk is part of every one."""
    found = [Layout("none, 64 KiB, each clip's rows", "all", whole_chunks=False)]
    for kib in (16, 64, 256, 1024):
        found.append(Layout(f"none, {kib} KiB", "all", kib << 10))
    for kib in (16, 64, 256, 1024):
        found.append(Layout(f"shuffle, gzip 1, {kib} KiB", "all", kib << 10, filters=GZIP))
    gzip_4 = {**GZIP, "compression_opts": 4}
    found += [
        Layout("gzip 1, 64 KiB", "all", filters={**GZIP, "shuffle": False}),
        Layout("shuffle, gzip 4, 64 KiB", "all", filters=gzip_4),
        Layout("shuffle, lzf, 64 KiB", "h5py", filters=LZF),
    ]
    if hdf5plugin is not None:
        zstd = {"shuffle": True, **hdf5plugin.Zstd(clevel=3)}
        blosc = dict(hdf5plugin.Blosc(cname="lz4", clevel=5, shuffle=1))
        found.append(Layout("shuffle, zstd 3, 64 KiB", "with a plugin", filters=zstd))
        found.append(Layout("blosc lz4, 64 KiB", "with a plugin", filters=blosc))
    found.append(Layout("float16, none, 64 KiB", "all", dtype="<f2"))
    found.append(Layout("float16, shuffle, gzip 1, 64 KiB", "all", dtype="<f2", filters=GZIP))
    found.append(Layout("float16, shuffle, lzf, 64 KiB", "h5py", dtype="<f2", filters=LZF))
    if hdf5plugin is not None:
        found.append(
            Layout("float16, shuffle, zstd 3, 64 KiB", "with a plugin", dtype="<f2", filters=zstd)
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, help="a store; default: made of the demo corpus")
    parser.add_argument("--clips", type=int, default=128, help="clips taken")
    parser.add_argument("--clips-per-shard", type=int, default=64, help="a store's own: 16 to 1024")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        store = Store.open(options.store or _demo_store(Path(folder) / "demo"))
        shards = _shards(store, options.clips, options.clips_per_shard)
        record = {
            "machine": f"{_processor()}, HDF5 {h5py.version.hdf5_version}",
            **_about(store, shards),
            "layouts": [measure(shards, layout, Path(folder)) for layout in layouts()],
            "float16": _losses(store),
            "scores": _scores(),
        }
    print(report(record))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def measure(shards: Sequence[Mapping[str, Values]], layout: Layout, folder: Path) -> dict[str, Any]:
    """Write and read all shards in one layout."""
    n_bytes = sum(values.nbytes for shard in shards for values, _ in shard.values())
    least_s = dict.fromkeys(("write", "read", "window"), np.inf)
    paths = [folder / f"{number}.h5" for number in range(len(shards))]
    size = 0
    for _ in range(N_ROUNDS):
        begun_s = process_time()
        for path, shard in zip(paths, shards, strict=True):
            _write(path, shard, layout)
        least_s["write"] = min(least_s["write"], process_time() - begun_s)
        begun_s = process_time()
        for path, shard in zip(paths, shards, strict=True):
            with h5py.File(path, "r") as file:
                for name in shard:
                    file[name][:]
        least_s["read"] = min(least_s["read"], process_time() - begun_s)
        drawn = _draw(shards)
        begun_s = process_time()
        for number, name, first in drawn:
            with h5py.File(paths[number], "r") as file:
                file[name][first : first + round(WINDOW_S / 0.01)]
        least_s["window"] = min(least_s["window"], process_time() - begun_s)
        size = sum(path.stat().st_size for path in paths)
    return {
        "title": layout.title,
        "chosen": layout.chosen,
        "readers": layout.readers,
        "size": round(size / n_bytes, 3),
        "write_mb_per_s": round(n_bytes / least_s["write"] / 1e6),
        "read_mb_per_s": round(n_bytes / least_s["read"] / 1e6),
        "window_ms": round(1000 * least_s["window"] / N_WINDOWS, 2),
    }


def _write(path: Path, shard: Mapping[str, Values], layout: Layout) -> None:
    with h5py.File(path, "w") as file:
        for name, (values, offsets) in shard.items():
            width = values.shape[1]
            chunk_rows = max(1, layout.chunk_bytes // (np.dtype(layout.dtype).itemsize * width))
            if layout.whole_chunks:
                chunk_rows = max(1, min(chunk_rows, len(values)))
                ends = [*range(chunk_rows, len(values), chunk_rows), len(values)]
            else:
                ends = [int(end) for end in offsets[1:]]
            dataset = file.create_dataset(
                name, (0, width), layout.dtype, maxshape=(None, width), chunks=(chunk_rows, width),
                fletcher32=True, **layout.filters,
            )  # fmt: skip
            first = 0
            for end in ends:
                dataset.resize(end, axis=0)
                dataset[first:] = values[first:end].astype(layout.dtype)  # HDF5 itself is slow
                first = end


def _draw(shards: Sequence[Mapping[str, Values]]) -> list[tuple[int, str, int]]:
    """Windows by chance: shard, feature over time, first row."""
    rng = np.random.default_rng(0)
    drawn: list[tuple[int, str, int]] = []
    while len(drawn) < N_WINDOWS:
        number = int(rng.integers(len(shards)))
        name = str(rng.choice(list(shards[number])))
        values, offsets = shards[number][name]
        if len(values) > 2 * len(offsets):  # not one row a clip
            drawn.append((number, name, int(rng.choice(offsets[:-1]))))
    return drawn


def _losses(store: Store) -> list[dict[str, Any]]:
    """What half precision costs each feature, at its worst column; the largest first."""
    found = []
    for name in store.features:
        values, _ = store[name].gather(list(store[name]))
        with np.errstate(over="ignore"):
            half = values.astype("<f2").astype(np.float64)
        there = np.isfinite(half)
        error = np.where(there, half - values, 0.0)
        deviation = values.std(axis=0, dtype=np.float64)
        share = np.sqrt((error**2).mean(axis=0)) / np.where(deviation > 0, deviation, np.inf)
        worst = int(share.argmax())
        found.append(
            {
                "feature": name,
                "column": store.features[name].columns[worst],
                "error": float(share[worst]),
                "exact": float((half == values).mean()),
                "lost": float((~there | ((half == 0) & (values != 0))).mean()),
            }
        )
    return sorted(found, key=lambda one: -one["error"])


class Halved:
    """A feature whose values went through half precision."""

    def __init__(self, feature: Feature) -> None:
        self.feature = feature
        self.name, self.hop_s = feature.name, feature.hop_s

    def __call__(self, audio: Audio) -> NDArray[np.float32]:
        """Return the values, rounded."""
        return self.feature(audio).astype("<f2").astype(np.float32)


def _scores() -> dict[str, Any]:
    """How far the shipped model's scores of the demo corpus move."""
    try:
        detector = load_model(DEFAULT_RUN)
    except FvxError as error:
        return {"error": str(error)}
    halved = tuple(Halved(feature) for feature in detector.features)
    other = Detector(detector.run, detector.scorer, halved)  # type: ignore[arg-type]
    corpus = open_dataset("demo", discover().datasets)
    moved: list[float] = []
    for clip in corpus.clips:
        path = corpus.audio_path(clip)
        score, rounded = (float(one.predict(path).score or 0.0) for one in (detector, other))
        moved.append(abs(rounded - score))
    return {"n": len(moved), "mean": float(np.mean(moved)), "max": float(np.max(moved))}


def _demo_store(path: Path) -> Path:
    registry = discover()
    return extract(open_dataset("demo", registry.datasets), registry.select(), path).store


def _shards(store: Store, n_clips: int, per_shard: int) -> list[dict[str, Values]]:
    complete = store.complete(tuple(store.features))[:n_clips]
    return [
        {name: store[name].gather(complete[first : first + per_shard]) for name in store.features}
        for first in range(0, len(complete), per_shard)
    ]


def _about(store: Store, shards: Sequence[Mapping[str, Values]]) -> dict[str, Any]:
    first = next(iter(store.features))
    clips = sum(len(shard[first][1]) - 1 for shard in shards)
    hours = float(store.clips["duration_s"].iloc[:clips].sum()) / 3600
    n_bytes = sum(values.nbytes for shard in shards for values, _ in shard.values())
    return {
        "clips": clips,
        "shards": len(shards),
        "features": len(store.features),
        "columns": sum(len(record.columns) for record in store.features.values()),
        "hours": round(hours, 3),
        "raw_mb": round(n_bytes / 1e6, 1),
        "raw_gb_per_hour": round(n_bytes / 1e9 / hours, 2),
    }


def report(record: Mapping[str, Any]) -> str:
    """The figures as lines to read."""
    lines = [
        record["machine"],
        f"{record['clips']} clips in {record['shards']} shards, {record['features']} features of "
        f"{record['columns']} columns: {record['raw_mb']} MB as float32, "
        f"{record['raw_gb_per_hour']} GB an hour",
        "",
        f"{'':<36}{'size':>7}{'write':>8}{'read':>8}{'window':>9}  read by",
        f"{'':<36}{'':>7}{'MB/s':>8}{'MB/s':>8}{'ms':>9}",
    ]
    for one in record["layouts"]:
        lines.append(
            f"{one['title']:<36}{one['size']:7.3f}{one['write_mb_per_s']:8d}"
            f"{one['read_mb_per_s']:8d}{one['window_ms']:9.2f}  {one['readers']}"
            f"{'   <- fvx' if one['chosen'] else ''}"
        )
    lines += [
        "size: of the float32 values alone; MB/s of those; window: one second of one feature",
        "",
        "float16: error (root mean square) over the column's standard deviation, at the worst",
        f"{'feature':<26}{'error':>9}{'exact':>8}{'lost':>8}  column",
    ]
    for one in record["float16"]:
        lines.append(
            f"{one['feature']:<26}{one['error']:9.1e}{100 * one['exact']:7.1f}%"
            f"{100 * one['lost']:7.2f}%  {one['column']}"
        )
    lines.append("exact: values that float16 holds; lost: to zero or infinity")
    scores = record["scores"]
    if "error" in scores:
        lines.append(f"scores of the shipped model: {scores['error']}")
    else:
        lines.append(
            f"scores of the shipped model, {scores['n']} clips of the demo corpus: moved by "
            f"{scores['mean']:.1e} on average, {scores['max']:.1e} at most"
        )
    return "\n".join(lines)


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


if __name__ == "__main__":
    main()
