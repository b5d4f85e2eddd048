"""Altered copies of clips train, and are never counted as clips by what judges."""

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fvx import Store
from fvx.datasets import Clip, Label
from fvx.datasets.clip import Columns
from fvx.evaluate import evaluate
from fvx.model import Card
from fvx.registry import discover
from fvx.store import ShardWriter

from .conftest import FVX, Demo


@pytest.fixture(scope="module")
def augmented(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's store, with a copy of each clip that has other values."""
    plain = Store.open(demo.store)
    path = tmp_path_factory.mktemp("augmented") / "features"
    more = {
        key: plain.about[key] for key in ("dataset", "rate_hz", "clips_per_shard", "conversion")
    }
    store = Store.create(path, **more, augmentation={"seed": 0})
    for shard in demo.store.glob("*.h5"):
        (path / shard.name).write_bytes(shard.read_bytes())
    features = [discover().features[name] for name in plain.features]
    with ShardWriter(path / "copies.h5", features, plain.about["rate_hz"]) as shard:
        for position, (name, row) in enumerate(plain.clips.iterrows(), len(plain.clips)):
            extra = Columns(("original", "copy", "vocoded_by"), (str(name), "1", ""))
            clip = Clip(
                f"{name}~1", row["path"], Label(row["label"]), row["speaker"], row["system"],
                row["split"], extra,
            )  # fmt: skip
            values = {f.name: plain[f.name][str(name)] * np.float32(1.5) for f in features}
            shard.add(position, clip, values, row["n_samples"], row["sha256"])
    return store.path


@pytest.mark.parametrize("subset", ["test", "all"])
def test_figures_are_the_same_with_copies_in_the_store(
    demo: Demo, augmented: Path, tmp_path: Path, subset: str
) -> None:
    figures = [
        evaluate(demo.run, Store.open(store), subset=subset, out=tmp_path).metrics  # type: ignore[arg-type]
        for store in (demo.store, augmented)
    ]
    if subset == "all":
        assert "without 78 altered copies" in figures[1]["protocol"]
    assert all(figures[0][name] == figures[1][name] for name in figures[0] if name != "protocol")


def test_copies_train_and_neither_choose_nor_judge(
    demo: Demo, augmented: Path, tmp_path: Path
) -> None:
    names = [name for name, one in Store.open(augmented).features.items() if one.kind == "per_clip"]
    train = [FVX, "train", "--store", augmented, "--run", tmp_path / "run", "--epochs", "1"]
    subprocess.run([*train, "--features", names[0]], check=True, capture_output=True)
    card = Card.load(tmp_path / "run")
    plain = pd.read_csv(demo.run / "split.csv", index_col="clip")["part"]
    count = {name: part["n_bonafide"] + part["n_spoof"] for name, part in card.data.items()}
    assert count == {
        "train": 2 * (plain == "train").sum(),
        "development": (plain == "development").sum(),
        "test": (plain == "test").sum(),
    }
    assert card.data["train"]["n_copies"] == (plain == "train").sum()
    assert "altered copies" in card.protocol_sentence
    parts = pd.read_csv(tmp_path / "run" / "split.csv", index_col="clip", keep_default_na=False)
    assert all(parts.loc[f"{clip}~1", "part"] == part for clip, part in plain.items())
