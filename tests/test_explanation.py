"""Explanations by the model that ships with fvx: what they say, and what they are written to."""

import csv
import dataclasses
import itertools
import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from fvx import Audio, cli, load_model
from fvx.detector import DEFAULT_RUN, SHIPPED, Detector, Verdict
from fvx.explanation.analysis import Analysis
from fvx.explanation.game import mean_of_windows
from fvx.explanation.gradients import inside
from fvx.explanation.localisation import on_grid
from fvx.explanation.placing import placed
from fvx.explanation.reasons import mattered
from fvx.explanation.words import column_words, strength
from fvx.store import FeatureRecord
from fvx.windows import Geometry, cut

CORPUS = Path(__file__).parents[1] / "fvx" / "demo_corpus"
CLIP = CORPUS / "08.flac"


@pytest.fixture(scope="module")
def detector() -> Detector:
    return load_model(DEFAULT_RUN)


@pytest.fixture(scope="module")
def verdict(detector: Detector) -> Verdict:
    return detector.predict(CLIP)


def run(*words: object) -> str:
    result = CliRunner().invoke(cli.app, ["explain", *map(str, words)])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


class TestRecord:
    @pytest.mark.parametrize("method", ["lime", "shapley", "occlusion", "gradients"])
    def test_features_families_times_and_cells_are_the_same_sum(
        self, verdict: Verdict, method: str
    ) -> None:
        record = verdict.explain(method).record
        total = sum(cell["contribution"] for cell in record["cells"])
        by_feature = {}
        for cell in record["cells"]:
            name = cell["feature"]
            by_feature[name] = by_feature.get(name, 0.0) + cell["contribution"]
        for feature in record["features"]:
            assert feature["contribution"] == pytest.approx(by_feature[feature["name"]])
        assert sum(record["families"]["by_ear"].values()) == pytest.approx(total)
        assert sum(record["families"]["by_plugin"].values()) == pytest.approx(total)
        assert sum(one["contribution"] for one in record["times"]) == pytest.approx(total)

    @pytest.mark.parametrize("method", ["shapley", "gradients"])
    def test_what_is_explained_is_the_score(self, verdict: Verdict, method: str) -> None:
        record = verdict.explain(method).record
        total = record["base"] + sum(cell["contribution"] for cell in record["cells"])
        assert total == pytest.approx(record["score"], abs=0.02)
        assert record["score"] == verdict.score

    def test_methods_agree_on_the_order_of_features(self, verdict: Verdict) -> None:
        found = {}
        for method in ("lime", "shapley", "occlusion", "gradients"):
            features = verdict.explain(method).record["features"]
            found[method] = {one["name"]: one["contribution"] for one in features}
        names = list(found["shapley"])
        for method in ("lime", "occlusion", "gradients"):
            rows = [[found[m][name] for name in names] for m in ("shapley", method)]
            assert np.corrcoef(rows)[0, 1] > 0.9, method

    def test_relevance_covers_the_clip_without_gap_or_overlap(self, verdict: Verdict) -> None:
        slots = verdict.explain().record["relevance"]
        assert slots[0]["start_s"] == 0
        assert slots[-1]["end_s"] == pytest.approx(verdict.duration_s, abs=0.02)
        for one, following in itertools.pairwise(slots):
            assert one["end_s"] == following["start_s"]

    def test_moments_give_reasons_on_their_own_side(self, verdict: Verdict) -> None:
        moments = verdict.explain().record["moments"]
        weights = [abs(moment["contribution"]) for moment in moments]
        assert weights == sorted(weights, reverse=True)
        for moment in moments:
            for reason in moment["reasons"]:
                assert reason["contribution"] * moment["contribution"] > 0
                assert "in the reference" in reason["summary"] or "not to be" in reason["summary"]

    def test_the_record_says_what_another_examiner_needs(self, verdict: Verdict) -> None:
        import hashlib

        record = verdict.explain(seed=7).record
        assert record["file"]["sha256"] == hashlib.sha256(CLIP.read_bytes()).hexdigest()
        assert record["model"]["checksums"].keys() >= {"branches.tflite", "terminus.tflite"}
        assert "--seed 7" in record["command"]
        assert str(CLIP) in record["command"]
        assert record["versions"]["fvx"]
        json.dumps(record, allow_nan=False)

    def test_check_adds_seeds_and_a_model_of_random_weights(self, verdict: Verdict) -> None:
        figures = verdict.explain().checked().record["faithfulness"]
        assert figures["seed_spearman"] > 0.98
        assert figures["randomised_spearman"] < 0.6
        assert figures["deletion_area"] < figures["deletion_area_random"]


class TestPage:
    @pytest.mark.parametrize("side", ["human", "synthetic"])
    def test_a_verdict_against_most_of_the_reasons_is_explained(
        self, detector: Detector, tmp_path: Path, side: str
    ) -> None:
        explanation = detector.predict(CORPUS / "00.flac").explain()
        record = explanation.record
        assert record["verdict"] == "bona fide"
        record |= {"base": record["score"] + 1}
        if side == "synthetic":
            record |= {"verdict": "spoof", "score": -1.0, "base": -3.0}
        explanation.save_html(tmp_path / "why.html")
        text = (tmp_path / "why.html").read_text()
        assert f"it ends up on the {side} side" in text
        record |= {"base": record["score"] - 1 if side == "human" else record["score"] + 1}
        explanation.save_html(tmp_path / "why.html")
        assert "it ends up on" not in (tmp_path / "why.html").read_text()


class TestInside:
    def test_bands_and_times_of_a_feature_are_the_same_sum(self, verdict: Verdict) -> None:
        analysis = verdict._analysis
        assert analysis is not None
        found = {one.feature: one for one in inside(analysis, [0], n_steps=4)}
        for name in ("lfcc", "log_cqt", "tonality"):
            bands = sum(value for _, _, value in found[name].bands)
            times = sum(value for _, _, value in found[name].times)
            assert bands == pytest.approx(times, abs=0.02)

    def test_they_add_up_to_what_the_usual_level_would_change(self, verdict: Verdict) -> None:
        from fvx.explanation.gradients import _above_usual
        from fvx.windows import cut

        analysis = verdict._analysis
        assert analysis is not None
        card = analysis.scorer.card
        place = [one.name for one in card.features].index("lfcc")
        windows = {
            one.name: cut(
                analysis.values[one.name], card.geometry, analysis.starts_s[:1], one.hop_s
            )
            for one in card.features
        }
        median = analysis.reference().median("lfcc")
        windows["lfcc"] = windows["lfcc"] - _above_usual(
            card.features[place], windows["lfcc"], median
        )
        changed = analysis.embeddings.copy()
        changed[0, place] = analysis.scorer.embed(windows)[0, place]
        scores = [analysis.pool(analysis.scorer.llr(e)) for e in (analysis.embeddings, changed)]
        (found,) = [one for one in inside(analysis, [0], n_steps=16) if one.feature == "lfcc"]
        total = sum(value for _, _, value in found.bands)
        assert total == pytest.approx(float(scores[0] - scores[1]), abs=0.02)

    def test_gradients_name_the_bands(self, verdict: Verdict) -> None:
        record = verdict.explain("gradients").record
        assert record["inside"]
        for one in record["inside"]:
            bands = [band["contribution"] for band in one["bands"]]
            assert one["contribution"] == pytest.approx(sum(bands))
            assert one["bands"][0]["first"] != one["bands"][-1]["last"]


class Level:
    """A model that hears the level of its one feature, and nothing else."""

    def __init__(self, length_s: float, hop_s: float) -> None:
        level = FeatureRecord("level", 1, {}, ("a", "b"), "matrix", True, 0.01)
        geometry = Geometry(length_s, hop_s)
        self.card = SimpleNamespace(features=(level,), geometry=geometry)
        self.withheld = np.zeros((1, 1), np.float32)

    def embed(self, windows: dict[str, np.ndarray]) -> np.ndarray:
        return windows["level"][..., 0].mean(axis=1)[:, np.newaxis, np.newaxis]

    def score(self, windows: dict[str, np.ndarray]) -> np.ndarray:
        return self.llr(self.embed(windows))

    def llr(self, embeddings: np.ndarray) -> np.ndarray:
        return embeddings[:, 0, 0].astype(np.float64)

    def analysis(self, low: slice, n_frames: int) -> Analysis:
        """A clip at level 0, but for some frames at -1."""
        values = np.zeros((n_frames, 2), np.float32)
        values[low, 0] = -1.0
        geometry = self.card.geometry
        audio = Audio(np.zeros(160 * n_frames, np.float32), 16000)
        starts_s = geometry.starts_s(audio.duration_s)
        embedded = self.embed({"level": cut(values, geometry, starts_s, 0.01)})
        reference = SimpleNamespace(median=lambda _: np.zeros(2))
        return Analysis(
            "clip", audio, {"level": values}, starts_s, embedded, self.llr(embedded), self,
            lambda: reference,
        )  # fmt: skip


class TestPlaced:
    def test_the_tenths_of_a_window_add_up_to_it(self, verdict: Verdict) -> None:
        analysis = verdict._analysis
        assert analysis is not None
        first = {name: getattr(analysis, name)[:1] for name in ("embeddings", "starts_s")}
        alone = dataclasses.replace(analysis, pool=mean_of_windows, **first)
        cells = np.linspace(-1, 2, alone.embeddings.shape[1])[np.newaxis]
        tenths = placed(alone, cells)
        assert len(tenths) == 10
        assert np.mean([value for _, _, value in tenths]) == pytest.approx(cells.sum())

    @pytest.mark.parametrize("hop_s", [0.1, 1.0])
    def test_what_is_heard_is_found_within_the_windows(self, hop_s: float) -> None:
        analysis = Level(2.0, hop_s).analysis(slice(320, 360), 600)
        cells = analysis.embeddings[:, :, 0].astype(np.float64) / len(analysis.starts_s)
        found = on_grid(placed(analysis, cells), analysis.audio.duration_s)
        assert set(np.flatnonzero(found < 0.9 * found.min())) <= set(range(315, 365))

    def test_short_windows_are_left_whole(self) -> None:
        analysis = Level(0.5, 0.5).analysis(slice(60, 80), 150)
        cells = analysis.embeddings[:, :, 0].astype(np.float64) / len(analysis.starts_s)
        found = placed(analysis, cells)
        assert [start for start, _, _ in found] == pytest.approx([0.0, 0.5, 1.0])
        assert [value for _, _, value in found] == pytest.approx(cells[:, 0].tolist())

    def test_a_clip_that_fills_a_window_several_times_is_laid_out_once(self) -> None:
        analysis = Level(2.0, 1.0).analysis(slice(56, 70), 70)
        (only,) = inside(analysis, [0])
        times = [(start, value) for start, _, value in only.times]
        assert times[-1][0] == pytest.approx(0.63)
        assert sum(value for _, value in times) == pytest.approx(-0.16, abs=1e-6)
        cells = analysis.embeddings[:, :, 0].astype(np.float64)
        moments = placed(analysis, cells)
        assert [start for start, _, _ in moments] == pytest.approx([start for start, _ in times])
        assert min(moments, key=lambda one: one[2])[0] >= 0.56


def test_what_mattered_is_long_enough_to_be_heard_and_near_pieces_are_one() -> None:
    values = [0.0, 3, -9, 2, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1]
    slots = [
        {"start_s": i / 10, "end_s": (i + 1) / 10, "contribution": value}
        for i, value in enumerate(values)
    ]
    found = mattered(slots, 1.0, 1.35)
    assert found == [{"start_s": 0.0, "end_s": 0.55}, {"start_s": 1.05, "end_s": 1.35}]
    assert mattered(slots, -1.0, 1.4) == [{"start_s": 0.05, "end_s": 0.45}]
    assert mattered(slots[-1:], -1.0, 1.4) == []


class TestWords:
    @pytest.mark.parametrize(
        ("column", "words"),
        [
            ("f0_hz", ("f0", " Hz")),
            ("jitter_local_percent", ("jitter local", " %")),
            ("contrast_800_1600_hz_db", ("contrast 800 to 1600 Hz", " dB")),
            ("share_0_250_hz", ("share 0 to 250 Hz", "")),
            ("syllables_per_s", ("syllables per s", "")),
            ("lfcc_3", ("lfcc 3", "")),
            ("excess_6762_hz_db", ("excess 6762 Hz", " dB")),
            ("loudness_7_8_bark_sone", ("loudness 7 to 8 Bark", " sone")),
        ],
    )
    def test_a_column_s_name_becomes_words(self, column: str, words: tuple[str, str]) -> None:
        assert column_words(column) == words

    @pytest.mark.parametrize(
        ("score", "begins"),
        [
            (0.1, "By itself this recording says almost nothing"),
            (-1.0, "Weak support for synthetic speech: such a recording is about 3 times"),
            (3.0, "Moderate support for human speech"),
            (-5.0, "Moderately strong support for synthetic"),
            (40.0, "Strong support for human speech: such a recording is more than 1000 times"),
        ],
    )
    def test_strength_grows_with_the_score(self, score: float, begins: str) -> None:
        assert strength(score).startswith(begins)

    def test_half_of_the_reference_is_usual_and_its_middle_has_z_0(
        self, detector: Detector
    ) -> None:
        reference = detector.reference
        middle = float(reference.median("lfcc")[0])
        assert reference.z_score("lfcc", 0, middle) == pytest.approx(0, abs=1e-9)
        assert reference.percentile("lfcc", 0, middle) == pytest.approx(50, abs=0.1)
        low, high = reference.usual("lfcc", 0)
        assert reference.z_score("lfcc", 0, low) < 0 < reference.z_score("lfcc", 0, high)

    def test_windows_stray_further_than_clips(self) -> None:
        reference = load_model(SHIPPED["partial"]).reference  # whose windows are short
        assert reference.has_windows
        widths = [
            [np.ptp(reference.usual("band_flutter", column, window=window)) for column in range(20)]
            for window in (False, True)
        ]
        assert np.mean(np.array(widths[1]) > np.array(widths[0])) > 0.8

    def test_what_is_0_in_every_clip_is_not_measured_in_one_and_is_in_its_moments(self) -> None:
        record = load_model(SHIPPED["partial"]).predict(CLIP).explain().record
        summaries = {one["name"]: one["summary"] for one in record["features"]}
        assert "the clip's own average" in summaries["log_spectrum"]
        reasons = [one for moment in record["moments"] for one in moment["reasons"]]
        of_moments = [one["summary"] for one in reasons if one["feature"] == "log_spectrum"]
        assert of_moments
        assert all(one.startswith("level ") for one in of_moments)


class TestCommand:
    def test_every_kind_of_file_is_written(self, tmp_path: Path) -> None:
        targets = {kind: tmp_path / f"a.{kind}" for kind in ("json", "csv", "html", "png")}
        words = [word for kind, path in targets.items() for word in (f"--{kind}", path)]
        output = run(CLIP, "--run", DEFAULT_RUN, *words)
        for heading in ("speaks for", "What a person could hear", "The seconds that mattered"):
            assert heading in output
        record = json.loads(targets["json"].read_text())
        with targets["csv"].open(newline="") as lines:
            rows = list(csv.DictReader(lines))
        assert len(rows) == len(record["cells"])
        assert sum(float(row["contribution"]) for row in rows) == pytest.approx(
            sum(cell["contribution"] for cell in record["cells"])
        )
        assert targets["png"].read_bytes().startswith(b"\x89PNG")
        assert "<!doctype html>" in targets["html"].read_text()

    def test_check_prints_each_figure_beside_chance(self) -> None:
        output = run(CLIP, "--run", DEFAULT_RUN, "--check", "--method", "occlusion")
        for name in ("deletion area", "insertion area", "comprehensiveness", "sufficiency"):
            assert f"{name}: " in output
        assert output.count("in random order") == 4
        for name in ("seed spearman", "randomised spearman", "completeness residual"):
            assert f"{name}: " in output

    def test_a_folder_makes_an_index_that_leads_to_every_page(self, tmp_path: Path) -> None:
        folder, pages = tmp_path / "in", tmp_path / "out"
        (folder / "sub").mkdir(parents=True)
        (folder / "a <b>.flac").write_bytes(CLIP.read_bytes())
        (folder / "sub" / "c.flac").write_bytes((CORPUS / "00.flac").read_bytes())
        (folder / "damaged.wav").write_bytes(b"RIFF")
        words = ["explain", folder, "--run", DEFAULT_RUN, "--html", pages, "--csv", tmp_path / "c"]
        result = CliRunner().invoke(cli.app, [str(word) for word in words])
        assert result.exit_code == 1  # one could not be read
        index = (pages / "index.html").read_text()
        assert "a &lt;b&gt;.flac" in index
        assert "damaged.wav" in index
        linked = [page.name for page in pages.iterdir() if f'href="{page.name}"' in index]
        assert len(linked) == 2
        with (tmp_path / "c").open(newline="") as lines:
            assert len({row["path"] for row in csv.DictReader(lines)}) == 2

    def test_a_name_that_is_no_utf_8_is_explained_all_the_same(self, tmp_path: Path) -> None:
        try:
            name = tmp_path / os.fsdecode(b"caf\xe9.flac")
            name.write_bytes(CLIP.read_bytes())
        except OSError:
            pytest.skip("this file system takes UTF-8 names only")
        targets = {kind: tmp_path / f"a.{kind}" for kind in ("json", "csv", "html", "png")}
        words = [word for kind, path in targets.items() for word in (f"--{kind}", path)]
        run(name, "--run", DEFAULT_RUN, *words)
        assert "\\xe9" in targets["html"].read_text() or "\\udce9" in targets["html"].read_text()

    def test_neither_file_nor_global_is_wrong_usage(self) -> None:
        for words in (["explain"], ["explain", str(CLIP), "--global"]):
            result = CliRunner().invoke(cli.app, words)
            assert result.exit_code == 2
            assert "--global" in result.output


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reliance")
    rows = [("file", "label", "speaker", "system")]
    for label, names in (("bonafide", ("00", "01")), ("spoof", ("40", "41"))):
        for name in names:
            samples, rate_hz = soundfile.read(CORPUS / f"{name}.flac", dtype="float32")
            soundfile.write(folder / f"{name}.flac", samples[: 2 * rate_hz], rate_hz)
            system = "-" if label == "bonafide" else "vocoder <x>"
            rows.append((f"{name}.flac", label, f"speaker{name}", system))
    manifest = folder / "clips.csv"
    manifest.write_text("\n".join(",".join(row) for row in rows))
    store = folder / "store"
    words = ["extract", "--dataset", manifest, "--features", "all", "--store", store]
    result = CliRunner().invoke(cli.app, [str(word) for word in (*words, "--jobs", 1)])
    assert result.exit_code == 0, result.output
    return store


class TestReliance:
    def test_importance_and_trust_are_means_over_clips(
        self, store: Path, detector: Detector, tmp_path: Path
    ) -> None:
        targets = {kind: tmp_path / f"g.{kind}" for kind in ("json", "csv", "html", "png")}
        words = [word for kind, path in targets.items() for word in (f"--{kind}", path)]
        method = ("--method", "occlusion")
        run("--global", "--run", DEFAULT_RUN, "--store", store, *method, *words)
        record = json.loads(targets["json"].read_text())
        assert (record["n_bonafide"], record["n_spoof"]) == (2, 2)
        w = {
            name: {
                one["name"]: one["contribution"]
                for one in detector.predict(store.parent / f"{name}.flac")
                .explain("occlusion")
                .record["features"]
            }
            for name in ("00", "01", "40", "41")
        }
        for row in record["features"]:
            values = np.array([w[name][row["feature"]] for name in w])
            assert row["importance"] == pytest.approx(np.abs(values).mean(), abs=1e-3)
            assert row["trust"] == pytest.approx((values * [1, 1, -1, -1]).mean(), abs=1e-3)
        (system,) = record["groups"]["system"]
        assert (system["name"], system["n_clips"]) == ("vocoder <x>", 2)
        assert len(record["groups"]["speaker"]) == 4
        assert "vocoder &lt;x&gt;" in targets["html"].read_text()
        assert targets["png"].read_bytes().startswith(b"\x89PNG")
        with targets["csv"].open(newline="") as lines:
            by = {row["by"] for row in csv.DictReader(lines)}
        assert by == {"all", "class", "system", "speaker"}

    def test_a_limit_explains_fewer_clips(self, store: Path) -> None:
        method = ("--method", "occlusion")
        output = run("--global", "--run", DEFAULT_RUN, "--store", store, "--limit", 2, *method)
        assert output.startswith("2 clips: 1 bona fide, 1 spoof") or "\n2 clips: 1" in output
