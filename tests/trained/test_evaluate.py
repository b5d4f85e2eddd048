import json
import math
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fvx import Store, metrics
from fvx.errors import ModelMismatch
from fvx.evaluate import evaluate
from fvx.registry import discover
from fvx.scores import Scores

from .conftest import FVX, Demo

CORPUS = Path(__file__).parents[2] / "fvx" / "demo_corpus"


def test_the_metrics_file_is_as_the_contract_says(demo: Demo) -> None:
    record = json.loads((demo.run / "metrics.json").read_text())
    assert record.keys() >= {
        "protocol", "n_bonafide", "n_spoof", "eer", "eer_ci95", "eer_asvspoof", "auc", "min_dcf",
        "act_dcf", "cllr", "cllr_min", "accuracy", "threshold", "by_system", "by_speaker",
    }  # fmt: skip
    assert "demo" in record["protocol"]
    low, high = record["eer_ci95"]
    assert low <= record["eer"] <= high


def test_the_metrics_are_those_of_the_score_file(demo: Demo) -> None:
    record = json.loads((demo.run / "metrics.json").read_text())
    scores = Scores.read(demo.run / "scores.csv")
    assert record["eer"] == pytest.approx(metrics.eer(scores.bonafide, scores.spoof)[0])
    assert record["n_bonafide"] == len(scores.bonafide)
    accepted = np.concatenate(
        [scores.bonafide >= record["threshold"], scores.spoof < record["threshold"]]
    )
    assert record["accuracy"] == pytest.approx(accepted.mean())


def test_the_pictures_are_there(demo: Demo) -> None:
    for name in ("evaluation", "roc", "det", "histogram"):
        assert (demo.run / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_only_the_test_part_is_scored(demo: Demo) -> None:
    import pandas as pd

    parts = pd.read_csv(demo.run / "split.csv", index_col="clip")["part"]
    scores = Scores.read(demo.run / "scores.csv")
    assert set(scores.clips) == set(parts.index[parts == "test"])


def test_another_subset_has_a_folder_and_a_protocol_of_its_own(demo: Demo) -> None:
    done = evaluate(demo.run, Store.open(demo.store), subset="all")
    assert done.folder == demo.run / "demo-all"
    assert "this flatters" in done.metrics["protocol"]
    assert done.metrics["n_bonafide"] + done.metrics["n_spoof"] == 78


@pytest.mark.parametrize(
    ("format", "name", "columns"),
    [
        ("asvspoof2019", "scores.txt", 4),
        ("asvspoof2021", "scores.txt", 2),
        ("asvspoof5", "scores.tsv", 2),
    ],
)
def test_score_files_are_in_the_challenges_formats(
    demo: Demo, tmp_path: Path, format: str, name: str, columns: int
) -> None:
    evaluate(demo.run, Store.open(demo.store), format=format, out=tmp_path)  # type: ignore[arg-type]
    lines = (tmp_path / name).read_text().splitlines()
    if format == "asvspoof5":
        assert lines.pop(0) == "filename\tcm-score"
    expected = Scores.read(demo.run / "scores.csv")
    assert len(lines) == len(expected.clips)
    for line, clip, value in zip(lines, expected.clips, expected.values, strict=True):
        fields = line.split()
        assert len(fields) == columns
        assert fields[0] == clip
        assert math.isclose(float(fields[-1]), value, rel_tol=1e-9)


def test_another_corpus_is_scored_whole_and_called_cross_corpus(demo: Demo, tmp_path: Path) -> None:
    for label, clips in {"real": ("00", "02", "04"), "fake": ("01", "05", "08")}.items():
        (tmp_path / "mine" / label).mkdir(parents=True)
        for clip in clips:
            source = CORPUS / f"{clip}.flac"
            (tmp_path / "mine" / label / source.name).write_bytes(source.read_bytes())
    done = subprocess.run(
        [FVX, "evaluate", "--run", demo.run, "--dataset", "mine", "--out", "judged"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "cross-corpus" in done.stdout
    record = json.loads((tmp_path / "judged" / "metrics.json").read_text())
    assert (record["n_bonafide"], record["n_spoof"]) == (3, 3)


def test_a_store_without_a_feature_of_the_model_says_how_to_add_it(
    demo: Demo, tmp_path: Path
) -> None:
    from fvx.datasets import open_dataset
    from fvx.extract import extract

    registry = discover()
    dataset = open_dataset("demo", registry.datasets)
    extract(dataset, registry.select(["shimmer"]), tmp_path / "thin", limit=4)
    first = min(discover().select(), key=lambda feature: feature.name).name
    with pytest.raises(ModelMismatch, match=f"fvx extract --features {first}"):
        evaluate(demo.run, Store.open(tmp_path / "thin"))
