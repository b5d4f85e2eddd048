from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from fvx.audit import Audit, audit
from fvx.datasets import Clip, Dataset, Label, combine, corpora, open_dataset
from fvx.errors import DatasetError
from fvx.registry import discover
from fvx.report import audit_picture

RATE_HZ = 16_000
FEATURE = discover().features["audit"]
KNOWN = {layout.name: layout for layout in corpora.fvx_datasets()}


def write(
    root: Path, n_each: int = 40, lead_s: float = 0.0, n_speakers: int = 10, ending: str = "wav"
) -> Dataset:
    """Noise of both classes, alike but for silence before that of the spoof side."""
    rng = np.random.default_rng(0)
    clips = []
    for number in range(2 * n_each):
        label = (Label.BONAFIDE, Label.SPOOF)[number % 2]
        speech = rng.uniform(-0.3, 0.3, 3200 + int(rng.integers(1600)))
        lead = np.zeros(int(lead_s * RATE_HZ) if label is Label.SPOOF else 0)
        name = f"{number}.{ending if label is Label.SPOOF else 'wav'}"
        root.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, np.concatenate([lead, speech]).astype(np.float32), RATE_HZ)
        speaker = f"{label}{number // 2 % n_speakers}" if n_speakers else "-"
        clips.append(Clip(name, name, label, speaker))
    return Dataset("made", root, tuple(clips), "by hand")


def run(dataset: Dataset, **more: object) -> Audit:
    return audit(dataset, FEATURE, **{"jobs": 0, **more})  # type: ignore[arg-type]


def value(found: Audit, name: str) -> float:
    (one,) = [one for one in found.properties if one.name == name]
    assert one.auc_cv is not None
    return one.auc_cv


def test_classes_that_differ_in_nothing_are_cleared(tmp_path: Path) -> None:
    found = run(write(tmp_path))
    assert "hardly or not at all" in found.warning
    assert value(found, "all together, logistic regression") < 0.7
    assert "20 speakers" in found.how
    for name in ("file_rate_hz", "extension", "leading_zeros_s"):  # the same in every clip
        assert value(found, name) == 0.5


def test_silence_before_one_class_is_found_and_warned_of(tmp_path: Path) -> None:
    found = run(write(tmp_path, lead_s=0.15))
    assert value(found, "leading_zeros_s") > 0.95
    assert value(found, "all together, random forest") > 0.95
    assert found.warning.startswith("WARNING: ")
    assert "almost wholly" in found.warning
    assert "leading_zeros_s" in found.warning
    (one,) = [one for one in found.properties if one.name == "leading_zeros_s"]
    assert one.auc is not None
    assert one.auc < 0.05  # longer in spoof
    assert (one.bonafide, one.spoof) == (0.0, pytest.approx(0.15, abs=1e-3))
    assert one.auc_cv_ci95 is not None
    assert 0.5 < one.auc_cv_ci95[0] <= value(found, "leading_zeros_s") <= one.auc_cv_ci95[1]


def test_a_kind_of_file_that_goes_with_a_class_is_found(tmp_path: Path) -> None:
    found = run(write(tmp_path, ending="flac"))
    assert value(found, "extension") > 0.95
    (one,) = [one for one in found.properties if one.name == "extension"]
    assert one.auc is None  # words have no order


def test_a_codec_that_the_protocol_names_is_a_property(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    clips = tuple(
        Clip(c.id, c.path, c.label, c.speaker, extra={"codec": "mp3" if c.label is Label.SPOOF
             else "none"})
        for c in dataset.clips
    )  # fmt: skip
    assert value(run(Dataset("x", dataset.root, clips, "")), "codec") > 0.95


def test_the_most_telling_property_stands_first(tmp_path: Path) -> None:
    found = run(write(tmp_path, lead_s=0.15))
    alone = [one for one in found.properties if not one.name.startswith("all together")]
    assert len(alone) == len(FEATURE.columns) + 2
    assert max(one.auc_cv or 0 for one in alone) == alone[0].auc_cv
    assert [one.name for one in found.properties[-2:]] == [
        "all together, logistic regression",
        "all together, random forest",
    ]


def test_what_goes_with_a_speaker_alone_is_not_taken_for_a_shortcut(tmp_path: Path) -> None:
    # Each speaker has a level of their own: among known speakers it would tell the class.
    rng = np.random.default_rng(1)
    clips = []
    levels = rng.permutation(np.linspace(0.02, 0.9, 16))
    for number in range(160):
        speaker = number % 16
        label = (Label.BONAFIDE, Label.SPOOF)[speaker % 2]
        noise = levels[speaker] * rng.uniform(-1, 1, 3600)
        soundfile.write(tmp_path / f"{number}.wav", noise.astype(np.float32), RATE_HZ)
        clips.append(Clip(f"{number}.wav", f"{number}.wav", label, f"s{speaker}"))
    named = run(Dataset("x", tmp_path, tuple(clips), ""))
    nameless = tuple(Clip(c.id, c.path, c.label) for c in clips)
    leaky = run(Dataset("x", tmp_path, nameless, ""))
    assert value(leaky, "speech_level_db") > 0.9
    assert value(named, "speech_level_db") < 0.8


def test_the_same_seed_gives_the_same_table(tmp_path: Path) -> None:
    dataset = write(tmp_path, 12)
    assert run(dataset, seed=1).properties == run(dataset, seed=1).properties


def test_too_few_speakers_are_said_and_nothing_is_claimed(tmp_path: Path) -> None:
    found = run(write(tmp_path, 6, n_speakers=1))
    assert "Too few speakers" in found.warning
    assert all(one.auc_cv is None for one in found.properties)
    assert any(one.auc is not None for one in found.properties)


def test_clips_that_cannot_be_read_are_named_and_the_others_compared(tmp_path: Path) -> None:
    dataset = write(tmp_path, 12)
    (tmp_path / "3.wav").write_bytes(b"no audio")
    found = run(dataset)
    assert list(found.failures) == ["3.wav"]
    assert "cannot be read" in found.failures["3.wav"]
    assert len(found.values) == 23


def test_a_limit_draws_clips_at_random_and_not_the_first(tmp_path: Path) -> None:
    dataset = write(tmp_path, 20)
    found = run(dataset, limit=20)
    assert len(found.values) == 20
    assert list(found.values.index) != [clip.id for clip in dataset.clips[:20]]
    assert list(run(dataset, limit=20).values.index) == list(found.values.index)


def test_one_class_alone_is_refused(tmp_path: Path) -> None:
    dataset = write(tmp_path, 4)
    human = tuple(clip for clip in dataset.clips if clip.label is Label.BONAFIDE)
    with pytest.raises(DatasetError, match="4 bona fide and 0 spoof clips"):
        run(Dataset("x", tmp_path, human, ""))


def test_several_corpora_are_audited_as_one(tmp_path: Path) -> None:
    both = combine([write(tmp_path / "a", 6), write(tmp_path / "b", 6)])
    assert len(run(both).values) == 24


def test_the_demo_corpus_is_audited_and_drawn(tmp_path: Path) -> None:
    found = run(open_dataset("demo", KNOWN))
    assert not found.failures
    assert len(found.values) == 78
    rows = [(one.name, one.auc_cv, one.auc_cv_ci95) for one in found.properties]
    audit_picture(tmp_path / "a.png", f"$demo_: {found.warning}", rows, found.values)
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    nothing = [(name, None, None) for name, _, _ in rows]
    audit_picture(tmp_path / "b.png", "few", nothing, found.values)
    assert (tmp_path / "b.png").stat().st_size > 5000
