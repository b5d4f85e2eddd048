"""Stores of made-up numbers in place of features, to train and score on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from fvx.datasets import Clip, Label
from fvx.feature import Feature
from fvx.store import ShardWriter, Store

RATE_HZ = 16_000


def numbers_store(
    path: Path,
    features: Iterable[Feature],
    n_clips: int = 12,
    *,
    seconds: Iterable[float] = (1.7, 0.4, 2.3, 1.0),
    shift: float = 1.0,
    clips_per_shard: int = 4,
    seed: int = 0,
    spans: Mapping[int, str] | None = None,
) -> Store:
    """Noise for each feature; spoof clips, every other one, lie ``shift`` deviations higher.

    The clips are of ``speaker`` and ``system`` in turn, and divided into train, dev and test.
    The clip table has a column ``spans`` if any are given, by a clip's number.
    """
    features, seconds = tuple(features), tuple(seconds)
    rng = np.random.default_rng(seed)
    store = Store.create(path, dataset="numbers", rate_hz=RATE_HZ, clips_per_shard=clips_per_shard)
    for first in range(0, n_clips, clips_per_shard):
        name = f"{first // clips_per_shard:06d}-{'0' * 12}.h5"
        with ShardWriter(path / name, features, RATE_HZ) as shard:
            for number in range(first, min(first + clips_per_shard, n_clips)):
                spoof = number % 2 == 1
                n_samples = round(seconds[number % len(seconds)] * RATE_HZ)
                clip = Clip(
                    f"{number:03d}.wav",
                    f"{number:03d}.wav",
                    Label.SPOOF if spoof else Label.BONAFIDE,
                    speaker=f"s{number}",
                    system=f"y{number}" if spoof else "-",
                    split=("train", "train", "dev", "dev", "test", "test")[number // 2 % 6],
                    extra={
                        "source": "ab"[number // 2 % 8 == 0],
                        **({} if spans is None else {"spans": spans.get(number, "")}),
                    },
                )
                values = {}
                for feature in features:
                    n_rows = 1
                    if feature.hop_s is not None:
                        n_rows = 1 + int(n_samples / (feature.hop_s * RATE_HZ))
                    rows = rng.standard_normal((n_rows, len(feature.columns)))
                    values[feature.name] = (rows + shift * spoof).astype(np.float32)
                shard.add(number, clip, values, n_samples, "0" * 64)
    return Store.open(store.path)
