import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from fvx import Audio, FvxError, load_model
from fvx.detector import Detector
from fvx.errors import AudioError, ModelError, ModelMismatch, UnknownFeature
from fvx.model import Card, Scorer
from fvx.predict import predict
from fvx.registry import Registry, discover

from .conftest import FVX, Demo

CORPUS = Path(__file__).parents[2] / "fvx" / "demo_corpus"


@pytest.fixture(scope="module")
def detector(demo: Demo) -> Detector:
    return load_model(demo.run)


def test_a_clip_s_score_is_the_mean_of_its_windows(detector: Detector) -> None:
    verdict = detector.predict(CORPUS / "00.flac")
    assert verdict.score == pytest.approx(np.mean([window.score for window in verdict.windows]))


def test_windows_cover_the_clip_in_order(detector: Detector) -> None:
    verdict = detector.predict(CORPUS / "00.flac")
    starts = [window.start_s for window in verdict.windows]
    assert starts == sorted(starts)
    assert starts[0] == 0
    assert verdict.windows[-1].end_s == pytest.approx(verdict.duration_s, abs=0.011)


def test_the_probability_is_the_score_at_even_odds(detector: Detector) -> None:
    verdict = detector.predict(CORPUS / "00.flac")
    assert verdict.p_spoof == pytest.approx(1 / (1 + np.exp(verdict.score)))


def test_the_verdict_turns_at_the_stored_threshold(detector: Detector) -> None:
    card = detector.scorer.card
    for name in ("00.flac", "01.flac", "05.flac", "08.flac", "20.flac"):
        verdict = detector.predict(CORPUS / name)
        margin = verdict.score - card.threshold
        if abs(margin) <= card.undecided:
            expected = "undecided"
        else:
            expected = "bona fide" if margin > 0 else "spoof"
        assert verdict.verdict == expected


def test_predict_and_evaluate_agree(demo: Demo, detector: Detector) -> None:
    from fvx.scores import Scores

    scores = Scores.read(demo.run / "scores.csv")
    for clip, value in zip(scores.clips, scores.values, strict=True):
        assert detector.predict(CORPUS / clip).score == pytest.approx(value, abs=1e-4)


def test_the_portable_form_scores_as_keras_does(demo: Demo, detector: Detector) -> None:
    code = (
        "import sys, json, numpy as np\n"
        "from fvx.quiet import quiet\n"
        "import fvx.model.network\n"
        "import keras\n"
        "model = keras.saving.load_model(sys.argv[1] + '/model.keras')\n"
        "windows = dict(np.load(sys.argv[2]))\n"
        "print(json.dumps(model.predict(windows, verbose=0).reshape(-1).tolist()))\n"
    )
    from fvx.windows import cut

    audio = Audio.read(CORPUS / "03.flac")
    card = detector.scorer.card
    starts = card.geometry.starts_s(audio.duration_s)
    windows = {f.name: cut(f(audio), card.geometry, starts, f.hop_s) for f in detector.features}
    np.savez(demo.folder / "windows.npz", **windows)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, demo.run, demo.folder / "windows.npz"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    expected = json.loads(done.stdout.splitlines()[-1])
    logits = detector.scorer.logits(detector.scorer.embed(windows))
    np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_an_8_khz_recording_is_scored_with_a_warning(detector: Detector, tmp_path: Path) -> None:
    audio = Audio.read(CORPUS / "00.flac", 8000)
    soundfile.write(tmp_path / "8k.wav", audio.samples, 8000)
    verdict = detector.predict(tmp_path / "8k.wav")
    assert verdict.score is not None
    assert any("nothing above 4 kHz" in warning for warning in verdict.warnings)


def test_a_clip_shorter_than_a_window_is_scored_with_a_warning(
    detector: Detector, tmp_path: Path
) -> None:
    samples = Audio.read(CORPUS / "00.flac").samples[:8000]
    soundfile.write(tmp_path / "short.wav", samples, 16000)
    verdict = detector.predict(tmp_path / "short.wav")
    assert len(verdict.windows) == 1
    assert verdict.windows[0].end_s == pytest.approx(0.5)
    assert any("shorter than one window" in warning for warning in verdict.warnings)


def test_clipping_is_warned_of(detector: Detector, tmp_path: Path) -> None:
    samples = np.clip(Audio.read(CORPUS / "00.flac").samples * 50, -1, 1)
    soundfile.write(tmp_path / "loud.wav", samples, 16000)
    verdict = detector.predict(tmp_path / "loud.wav")
    assert any("clipped" in warning for warning in verdict.warnings)


def test_one_bad_file_does_not_stop_the_others(detector: Detector, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"not audio")
    verdicts = list(predict([CORPUS / "00.flac", bad, CORPUS / "01.flac"], detector))
    assert [verdict.error is None for verdict in verdicts] == [True, False, True]
    assert "bad.wav" in verdicts[1].error


def test_a_verdict_without_a_score_cannot_be_explained(detector: Detector) -> None:
    (verdict,) = predict(["nowhere.wav"], detector)
    with pytest.raises(FvxError, match="no score to explain"):
        verdict.explain()


def test_the_library_raises_what_the_command_reports(detector: Detector) -> None:
    with pytest.raises(AudioError, match="no such file"):
        detector.predict("nowhere.wav")


def test_the_json_of_the_command_is_as_the_contract_says(demo: Demo, tmp_path: Path) -> None:
    bad = tmp_path / "empty.wav"
    bad.touch()
    done = subprocess.run(
        [FVX, "predict", CORPUS / "00.flac", bad, "--run", demo.run, "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    first, second = json.loads(done.stdout)
    assert first.keys() >= {
        "path", "score", "p_spoof", "verdict", "duration_s", "windows", "warnings", "error",
    }  # fmt: skip
    assert first["verdict"] in ("bona fide", "spoof", "undecided")
    assert first["windows"][0].keys() == {"start_s", "end_s", "score"}
    assert first["error"] is None
    assert second["score"] is None
    assert "empty file" in second["error"]
    assert done.stderr == ""


def test_predict_and_explain_never_load_tensorflow(demo: Demo) -> None:
    code = (
        "import sys\n"
        "from fvx import load_model\n"
        f"verdict = load_model({str(demo.run)!r}).predict({str(CORPUS / '00.flac')!r})\n"
        "verdict.explain()\n"
        "sys.exit(bool({'tensorflow', 'keras', 'pandas'} & sys.modules.keys() - {'pandas'}))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _copy(run: Path, to: Path) -> Path:
    to.mkdir()
    for name in ("card.json", "reference.json", "branches.tflite", "terminus.tflite"):
        (to / name).write_bytes((run / name).read_bytes())
    return to


@pytest.mark.parametrize("name", ["branches.tflite", "terminus.tflite"])
def test_a_truncated_model_file_is_refused(demo: Demo, tmp_path: Path, name: str) -> None:
    run = _copy(demo.run, tmp_path / "run")
    (run / name).write_bytes((run / name).read_bytes()[:1000])
    with pytest.raises(ModelError, match=f"{name}.*checksum"):
        load_model(run)


def test_a_file_that_is_no_model_is_refused(demo: Demo, tmp_path: Path) -> None:
    import hashlib

    run = _copy(demo.run, tmp_path / "run")
    (run / "branches.tflite").write_bytes(b"junk" * 100)
    card = json.loads((run / "card.json").read_text())
    card["checksums"]["branches.tflite"] = hashlib.sha256(b"junk" * 100).hexdigest()
    (run / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="not a LiteRT model"):
        load_model(run)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": "other"}, "not the card of an fvx run"),
        ({"format_version": 99}, "run format 99"),
        ({"features": None}, "incomplete or malformed"),
        ({"withheld": [[0.0]]}, "do not fit"),
        ({"geometry": {"length_s": 2.0, "hop_s": 0.5}}, "do not fit its card"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(
    demo: Demo, tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    run = _copy(demo.run, tmp_path / "run")
    card = json.loads((run / "card.json").read_text())
    (run / "card.json").write_text(json.dumps(card | change))
    with pytest.raises(ModelError, match=reason):
        load_model(run)


def test_a_folder_without_a_card_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no card\.json"):
        load_model(tmp_path)


def test_a_feature_whose_version_changed_is_refused(demo: Demo, tmp_path: Path) -> None:
    run = _copy(demo.run, tmp_path / "run")
    card = json.loads((run / "card.json").read_text())
    card["features"][0]["version"] += 1
    name = card["features"][0]["name"]
    (run / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelMismatch, match=f"was trained on {name} version"):
        load_model(run)


def test_a_feature_that_is_not_installed_is_named(demo: Demo) -> None:
    lacking = Card.load(demo.run).features[0].name
    features = {name: f for name, f in discover().features.items() if name != lacking}
    with pytest.raises(UnknownFeature, match=lacking):
        load_model(demo.run, Registry(features))


def test_other_features_than_the_model_s_are_refused(demo: Demo) -> None:
    scorer = Scorer.load(demo.run)
    with pytest.raises(ModelMismatch, match="the model reads"):
        scorer.embed({"cqcc": np.zeros((1, 100, 60), np.float32)})


def test_the_card_survives_storage(demo: Demo, tmp_path: Path) -> None:
    card = Card.load(demo.run)
    card.save(tmp_path)
    assert Card.load(tmp_path) == card
