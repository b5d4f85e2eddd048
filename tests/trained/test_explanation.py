import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fvx import load_model
from fvx.detector import Verdict
from fvx.errors import FvxError
from fvx.registry import discover

from .conftest import FVX, Demo

CORPUS = Path(__file__).parents[2] / "fvx" / "demo_corpus"


@pytest.fixture(scope="module")
def verdict(demo: Demo) -> Verdict:
    return load_model(demo.run).predict(CORPUS / "08.flac")


def test_shapley_contributions_add_up_to_the_score(verdict: Verdict) -> None:
    record = verdict.explain("shapley").record
    total = record["base"] + sum(cell["contribution"] for cell in record["cells"])
    assert total == pytest.approx(verdict.score, abs=1e-5)
    assert record["faithfulness"]["completeness_residual"] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("method", ["lime", "shapley"])
def test_features_are_the_sums_of_their_cells(verdict: Verdict, method: str) -> None:
    record = verdict.explain(method).record
    for feature in record["features"]:
        cells = [c["contribution"] for c in record["cells"] if c["feature"] == feature["name"]]
        assert len(cells) == len(verdict.windows)
        assert feature["contribution"] == pytest.approx(sum(cells))


def test_features_come_with_the_weightiest_first(verdict: Verdict) -> None:
    weights = [abs(f["contribution"]) for f in verdict.explain().record["features"]]
    assert weights == sorted(weights, reverse=True)


def test_the_same_seed_gives_the_same_explanation(verdict: Verdict) -> None:
    assert verdict.explain(seed=3).to_json() == verdict.explain(seed=3).to_json()


def test_lime_and_shapley_agree_on_what_matters_most(verdict: Verdict) -> None:
    lime, shapley = (
        np.array([cell["contribution"] for cell in verdict.explain(method).record["cells"]])
        for method in ("lime", "shapley")
    )
    assert np.corrcoef(lime, shapley)[0, 1] > 0.9


def test_withholding_what_it_names_moves_the_score_faster_than_chance(demo: Demo) -> None:
    detector = load_model(demo.run)
    better = 0
    names = [f"{number:02d}.flac" for number in range(12)]
    for name in names:
        figures = detector.predict(CORPUS / name).explain().record["faithfulness"]
        better += figures["deletion_area"] < figures["deletion_area_random"]
    assert better >= 11


def test_an_unknown_method_names_the_known_ones(verdict: Verdict) -> None:
    with pytest.raises(FvxError, match="known: lime, shapley, occlusion, gradients"):
        verdict.explain("magic")  # type: ignore[arg-type]


def test_perceptible_features_are_marked(verdict: Verdict) -> None:
    installed = discover().features
    for one in verdict.explain().record["features"]:
        assert one["perceptible"] == installed[one["name"]].perceptible


def test_a_summary_is_a_sentence_about_the_clip(verdict: Verdict) -> None:
    summaries = {f["name"]: f["summary"] for f in verdict.explain().record["features"]}
    for summary in summaries.values():
        assert "the human speech in the reference" in summary or summary.startswith("not to be")


def test_training_measures_windows_for_the_reference(demo: Demo) -> None:
    detector = load_model(demo.run)
    assert detector.reference.has_windows
    framed = [one for one in detector.features if one.hop_s is not None]
    for one in framed:
        spans = [
            np.ptp([detector.reference.usual(one.name, column, window=window)
                    for column in range(len(one.columns))], axis=1)
            for window in (False, True)
        ]  # fmt: skip
        assert np.median(spans[1] - spans[0]) >= 0  # a window strays further than a clip


def test_check_adds_the_agreement_of_seeds(verdict: Verdict) -> None:
    figures = verdict.explain().check()
    assert 0.98 < figures["seed_spearman"] <= 1
    assert 0.8 <= figures["seed_top5"] <= 1


def test_a_hostile_file_name_is_escaped_in_the_page(demo: Demo, tmp_path: Path) -> None:
    hostile = tmp_path / '<img src=x onerror="alert(1)"> $x$.flac'
    hostile.write_bytes((CORPUS / "08.flac").read_bytes())
    explanation = load_model(demo.run).predict(hostile).explain()
    explanation.save_html(tmp_path / "page.html")
    explanation.save_png(tmp_path / "picture.png")
    page = (tmp_path / "page.html").read_text()
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_writes_what_the_contract_says(demo: Demo, tmp_path: Path) -> None:
    command = [
        FVX, "explain", CORPUS / "08.flac", "--run", demo.run, "--check", "--method", "shapley",
        "--json", tmp_path / "a.json", "--png", tmp_path / "a.png", "--html", tmp_path / "a.html",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "a.json").read_text())
    assert record.keys() >= {
        "path", "score", "p_spoof", "verdict", "duration_s", "windows", "warnings", "error",
        "features", "cells", "faithfulness", "method", "seed",
    }  # fmt: skip
    assert record["features"][0].keys() >= {"name", "perceptible", "contribution", "summary"}
    assert record["cells"][0].keys() >= {"feature", "start_s", "end_s", "contribution"}
    assert record["method"] == "shapley"
    for heading in ("speaks for", "The seconds that mattered", "true to the model"):
        assert heading in done.stdout
    assert (tmp_path / "a.png").stat().st_size > 10_000
    assert (tmp_path / "a.html").stat().st_size > 10_000


def test_a_place_that_cannot_be_written_is_one_clear_line(demo: Demo, tmp_path: Path) -> None:
    command = [
        FVX, "explain", CORPUS / "08.flac", "--run", demo.run, "--png", tmp_path / "no" / "a.png",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("fvx: ")
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
