import json
import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fvx import Store, metrics
from fvx.errors import ModelError, ModelMismatch, ScoreError
from fvx.evaluate import Options, evaluate, evaluate_runs
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
    for name in (
        "evaluation", "roc", "det", "histogram", "reliability", "tippett", "systems",
    ):  # fmt: skip
        assert (demo.run / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_and_the_tables_are_there(demo: Demo) -> None:
    page = (demo.run / "evaluation.html").read_text()
    assert page.count("data:image/png;base64,") >= 6
    assert "| EER |" in (demo.run / "metrics.md").read_text()


def test_windows_are_scored_and_their_mean_is_the_clips_score(demo: Demo) -> None:
    record = json.loads((demo.run / "metrics.json").read_text())
    windows = Scores.read(demo.run / "window_scores.csv")
    assert record["windows"]["n_spoof"] == len(windows.spoof)
    assert record["windows"]["eer"] == metrics.eer(windows.bonafide, windows.spoof)[0]
    scores = Scores.read(demo.run / "scores.csv")
    of_clip = np.array([name.rpartition("@")[0] for name in windows.clips])
    for clip, value in zip(scores.clips, scores.values, strict=True):
        own = windows.values[of_clip == clip]
        assert own.min() - 1e-9 <= value <= own.max() + 1e-9


def test_each_feature_is_withheld_in_turn(demo: Demo, tmp_path: Path) -> None:
    store = Store.open(demo.store)
    done = evaluate(
        demo.run, store, out=tmp_path, options=Options(ablate=True, by=("licence", "duration"))
    )
    card = json.loads((demo.run / "card.json").read_text())
    ablation = done.metrics["ablation"]
    assert ablation.keys() == {feature["name"] for feature in card["features"]}
    for one in ablation.values():
        assert one["brings"] == pytest.approx(one["eer_without"] - done.metrics["eer"])
    assert any(one["cllr_brings"] != 0 for one in ablation.values())
    assert (tmp_path / "ablation.png").exists()
    n_clips = done.metrics["n_bonafide"] + done.metrics["n_spoof"]
    for column in ("licence", "duration"):
        groups = done.metrics["by"][column].values()
        assert sum(one["n_bonafide"] + one["n_spoof"] for one in groups) == n_clips


def test_a_column_that_is_not_there_is_refused_with_those_that_are(demo: Demo) -> None:
    with pytest.raises(ScoreError, match="no column 'weather'; there are: speaker, system, dura"):
        evaluate(demo.run, Store.open(demo.store), options=Options(by=("weather",)))


def test_a_run_does_not_differ_from_its_copy(demo: Demo, tmp_path: Path) -> None:
    twin = tmp_path / "twin"
    shutil.copytree(demo.run, twin)
    done = evaluate_runs([demo.run, twin], Store.open(demo.store), out=tmp_path / "out")
    assert list(done.metrics["runs"]) == ["run", "twin"]
    (found,) = done.metrics["comparison"]
    assert (found["eer_difference"], found["p_value"], found["mcnemar_p"]) == (0.0, 1.0, 1.0)
    assert done.metrics["eer"] == json.loads((demo.run / "metrics.json").read_text())["eer"]
    with pytest.raises(ScoreError, match="two different runs"):
        evaluate_runs([twin, twin], Store.open(demo.store))


def test_runs_are_compared_on_clips_that_neither_has_trained_on(demo: Demo, tmp_path: Path) -> None:
    twin = tmp_path / "twin"
    shutil.copytree(demo.run, twin)
    lines = (twin / "split.csv").read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.endswith(",test"))
    lines[at] = lines[at].replace(",test", ",train")
    (twin / "split.csv").write_text("\n".join(lines) + "\n")
    record = evaluate_runs([demo.run, twin], Store.open(demo.store), out=tmp_path / "out").metrics
    own = json.loads((demo.run / "metrics.json").read_text())
    n_own = own["n_bonafide"] + own["n_spoof"]
    assert record["n_bonafide"] + record["n_spoof"] == n_own - 1
    assert f"of its {n_own} clips the {n_own - 1} that every run leaves out" in record["protocol"]


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


def test_a_run_without_its_split_is_judged_by_every_clip_only_if_asked(
    demo: Demo, tmp_path: Path
) -> None:
    twin = tmp_path / "twin"
    shutil.copytree(demo.run, twin)
    (twin / "split.csv").unlink()
    with pytest.raises(ModelError, match=r"came without split.csv.*--subset all"):
        evaluate(twin, Store.open(demo.store))
    assert "flatters" in evaluate(twin, Store.open(demo.store), subset="all").metrics["protocol"]
