"""Ways a recording may come: real files that fvx reads, the same each time."""

from __future__ import annotations

import csv
import importlib
import sys
import types
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from fvx import Audio
from fvx.synthetic import RATE_HZ, noise, vowel

ROOT = Path(__file__).resolve().parents[1]


def load() -> types.ModuleType:
    sys.path.insert(0, str(ROOT / "training"))
    try:
        return importlib.import_module("arrivals")
    finally:
        sys.path.remove(str(ROOT / "training"))


script = load()
LACKING = {name: script.lacks(name) for name in script.ARRIVALS}
WAYS = [
    pytest.param(name, marks=pytest.mark.skipif(bool(lacking), reason=lacking))
    for name, lacking in LACKING.items()
]
COMPUTED = [name for name, way in script.ARRIVALS.items() if not way.program]
# The file's own rate, as the reader finds it.
RATES_HZ = {
    "48k": 48_000, "44.1k": 44_100, "24k": 24_000, "22.05k": 22_050, "mp3-128k": 44_100,
    "mp3-64k": 44_100, "aac-96k": 44_100, "aac-48k": 44_100, "opus-24k": 48_000,
    "opus-16k": 48_000, "amr-nb-12.2k": 8_000, "gsm": 8_000, "mu-law-8k": 8_000,
    "a-law-8k": 8_000,
}  # fmt: skip
FORMATS = {
    "mp3-128k": "MPEG_LAYER_III", "opus-16k": "OPUS", "vorbis": "VORBIS", "gsm": "GSM610",
    "mu-law-8k": "ULAW", "a-law-8k": "ALAW", "aac-48k": "PCM_16", "48k": "PCM_16",
}  # fmt: skip


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two manifests: one states native rates, and both have a file of the same name."""
    root = tmp_path_factory.mktemp("corpus")
    folds = ["source,fold,bonafide,spoof,within"]
    for folder, n_sources, head in (("one", 3, ",original_rate"), ("two", 4, "")):
        rows = ["file,label,source" + head]
        for number in range(8 * n_sources):
            source, label = (
                f"{folder}/{number % n_sources}",
                ("bona-fide", "spoof")[number // 4 % 2],
            )
            file = f"clips/{number:02}.flac"
            write(root / folder / file, 0.6 + 0.01 * number, number)
            rows.append(f"{file},{label},{source}" + (",24000" if head else ""))
        (root / folder / "clips.csv").write_text("\n".join(rows) + "\n")
        folds += [f"{folder}/{number},{number % 2},4,4,False" for number in range(n_sources)]
    (root / "folds.csv").write_text("\n".join(folds) + "\n")
    return root


def write(path: Path, seconds: float, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    hiss = noise(seconds, seed).samples
    samples = 0.1 * vowel(seconds=seconds).samples[: len(hiss)] + 0.005 * hiss[: len(hiss)]
    soundfile.write(path, samples, RATE_HZ, "PCM_16", format="FLAC")


def run(corpus: Path, out: Path, *more: str) -> list[dict[str, str]]:
    with pytest.MonkeyPatch.context() as patch:
        manifests = [str(corpus / folder / "clips.csv") for folder in ("one", "two")]
        folds = ["--folds", str(corpus / "folds.csv"), "--out", str(out)]
        patch.setattr(sys, "argv", ["arrivals.py", *manifests, *folds, *more])
        script.main()
    with (out / "arrivals.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def clips_of(corpus: Path) -> pd.DataFrame:
    manifests = [corpus / folder / "clips.csv" for folder in ("one", "two")]
    return script.read(manifests, corpus / "folds.csv")


@pytest.mark.parametrize("name", WAYS)
def test_what_comes_is_a_file_that_fvx_reads(corpus: Path, tmp_path: Path, name: str) -> None:
    clips = clips_of(corpus).iloc[[0, 30]]
    assert script.arrive(name, clips, tmp_path) == 2
    for clip, path in zip(clips["clip"], clips["path"], strict=True):
        target = tmp_path / script.file_of(name, clip)
        audio, own = Audio.read(target), Audio.read(path)
        assert audio.original_rate_hz == RATES_HZ.get(name, 16_000)
        assert soundfile.info(target).subtype == FORMATS.get(name, soundfile.info(target).subtype)
        assert audio.notes == ()
        # Codecs fill their last frame.
        longer_s = audio.duration_s - own.duration_s - (10 if "silence" in name else 0)
        assert -0.001 < longer_s < 0.1
        n_samples = min(len(own.samples), len(audio.samples))
        level_db = 20 * np.log10(rms(audio.samples[:n_samples]) / rms(own.samples[:n_samples]))
        assert level_db == pytest.approx(-40 if name == "gain-40db-down" else 0, abs=6)
        assert not np.array_equal(audio.samples, own.samples)


@pytest.mark.parametrize("name", WAYS)
def test_it_comes_the_same_each_time(corpus: Path, tmp_path: Path, name: str) -> None:
    clips = clips_of(corpus).iloc[[0, 7, 30]]
    script.arrive(name, clips, tmp_path / "first")
    script.arrive(name, clips.iloc[::-1], tmp_path / "again")
    for clip in clips["clip"]:
        first, again = (
            (tmp_path / out / script.file_of(name, clip)).read_bytes() for out in ("first", "again")
        )
        assert first == again


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


class TestChanges:
    """Of samples, before a file is made of them."""

    clip = 0.1 * np.random.default_rng(0).standard_normal(32_000)

    def changed(self, change: object, seed: int = 0) -> tuple[np.ndarray, int]:
        return change(self.clip, np.random.default_rng(seed))  # type: ignore[operator]

    def test_noise_is_pink_and_20_db_below(self) -> None:
        added = self.changed(script.noisy)[0] - self.clip
        assert 20 * np.log10(rms(self.clip) / rms(added)) == pytest.approx(20)
        power, hz = np.abs(np.fft.rfft(added)) ** 2, np.fft.rfftfreq(len(added), 1 / 16_000)
        octaves = [power[(hz >= low) & (hz < 2 * low)].sum() for low in (500, 1000, 2000, 4000)]
        np.testing.assert_allclose(10 * np.log10(np.array(octaves) / octaves[0]), 0, atol=1)

    def test_a_room_decays_by_60_db_in_0_4_s(self) -> None:
        click = np.zeros(16_000)
        click[0] = 0.5
        heard, _ = script.in_room(click, np.random.default_rng(0))
        direct, tail = heard[0] ** 2, heard[1:] ** 2
        assert 10 * np.log10(direct / tail.sum()) == pytest.approx(6)
        early, late = tail[800:1600].sum(), tail[4000:4800].sum()  # 0.2 s apart
        assert 10 * np.log10(early / late) == pytest.approx(30, abs=1.5)

    @pytest.mark.parametrize("resample", [script.by_soxr, script.by_scipy])
    def test_there_and_back_keeps_a_tone(self, resample: object) -> None:
        tone = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)
        back, rate_hz = script.there_and_back(24_000, resample)(tone, None)
        assert (len(back), rate_hz) == (16_000, 16_000)
        np.testing.assert_allclose(back[500:-500], tone[500:-500], atol=1e-3)

    def test_straight_lines_dull_what_is_high(self) -> None:
        for hz, gain in ((200, 1.0), (7900, 0.5)):  # 3/4 + cos(2 pi f / 16 kHz) / 4
            tone = np.sin(2 * np.pi * hz * np.arange(16_000) / 16_000)
            back, _ = script.there_and_back(32_000, script.by_lines)(0.5 * tone, None)
            assert rms(back) / rms(0.5 * tone) == pytest.approx(gain, abs=0.01)

    def test_a_telephone_has_its_band(self) -> None:
        heard, rate_hz = self.changed(script.telephone_8k)
        assert rate_hz == 8000
        power, hz = np.abs(np.fft.rfft(heard)) ** 2, np.fft.rfftfreq(len(heard), 1 / rate_hz)
        inside = power[(hz > 400) & (hz < 3000)].mean()
        assert power[hz < 100].mean() < 1e-3 * inside
        assert power[hz > 3900].mean() < 0.2 * inside

    def test_what_comes_after_a_clip_is_silent_or_quiet(self) -> None:
        for change, level in ((script.then_silence, 0), (script.then_noise, 10**-3.5)):
            longer, rate_hz = self.changed(change)
            np.testing.assert_array_equal(longer[: len(self.clip)], self.clip)
            after = longer[len(self.clip) :]
            assert len(after) == 10 * rate_hz
            assert rms(after) == pytest.approx(level, rel=0.01)


class TestSample:
    def test_classes_folds_and_sources_are_balanced(self, corpus: Path) -> None:
        drawn = script.draw(clips_of(corpus), 28, seed=0)
        assert Counter(drawn["label"]) == {"bonafide": 14, "spoof": 14}
        for _, clips in drawn.groupby("label"):
            assert Counter(clips["fold"]) == {"0": 7, "1": 7}
            for _, of_fold in clips.groupby("fold"):
                n_of_source = Counter(of_fold["source"]).values()
                assert max(n_of_source) - min(n_of_source) <= 1

    def test_the_seed_decides_and_not_the_order_of_rows(self, corpus: Path) -> None:
        clips = clips_of(corpus)
        first = script.draw(clips, 10, seed=0)
        pd.testing.assert_frame_equal(first, script.draw(clips.iloc[::-1], 10, seed=0))
        assert set(first["clip"]) != set(script.draw(clips, 10, seed=1)["clip"])

    def test_names_tell_manifests_apart(self, corpus: Path) -> None:
        clips = clips_of(corpus).set_index("clip")
        assert clips.loc["one/clips/00.flac", "original_rate"] == "24000"
        assert clips.loc["two/clips/00.flac", "original_rate"] == ""

    def test_a_source_without_a_fold_is_an_error(self, corpus: Path, tmp_path: Path) -> None:
        (tmp_path / "folds.csv").write_text("source,fold\none/0,1\n")
        with pytest.raises(SystemExit, match="no fold for the source one/1"):
            script.read([corpus / "one" / "clips.csv"], tmp_path / "folds.csv")

    def test_a_name_twice_is_an_error(self, corpus: Path) -> None:
        with pytest.raises(SystemExit, match=r"two clips are called one/clips/00\.flac"):
            script.read([corpus / "one" / "clips.csv"] * 2, corpus / "folds.csv")


def test_the_command_writes_files_and_their_table(corpus: Path, tmp_path: Path) -> None:
    more = ("--n", "8", "--ways", "gsm", "room")
    rows = run(corpus, tmp_path / "out", *more)
    assert list(rows[0]) == script.COLUMNS
    assert Counter(row["way"] for row in rows) == {"as is": 8, "gsm": 8, "room": 8}
    assert Counter(row["label"] for row in rows) == {"bonafide": 12, "spoof": 12}
    for row in rows:
        path = tmp_path / "out" / row["path"]
        assert Audio.read(path).duration_s > 0.5
        own = row["way"] == "as is"
        assert Path(row["path"]).is_absolute() == own
        assert own or row["path"] == f"{row['way']}/{row['clip']}.wav"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "arrivals.csv", "gsm", "room",
    ]  # fmt: skip


def test_what_is_there_is_not_made_again_and_stays_in_the_table(
    corpus: Path, tmp_path: Path
) -> None:
    run(corpus, tmp_path, "--n", "4", "--ways", "24k")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("24k/**/*.wav")}
    rows = run(corpus, tmp_path, "--n", "4", "--ways", "24k", "gsm")
    assert len(before) == 4
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert Counter(row["way"] for row in rows) == {"as is": 4, "24k": 4, "gsm": 4}


def test_a_missing_program_is_named(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="mp3-64k: needs the program no-ffmpeg, which is not"):
        run(corpus, tmp_path, "--ways", "gsm", "mp3-64k", "--ffmpeg", "no-ffmpeg")
    assert not list(tmp_path.iterdir())


def test_a_missing_encoder_is_named(corpus: Path, tmp_path: Path) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho ' A....D aac  AAC (Advanced Audio Coding)'\n")
    program.chmod(0o755)
    with pytest.raises(SystemExit, match="needs the encoder libopencore_amrnb"):
        run(corpus, tmp_path / "out", "--ways", "amr-nb-12.2k", "--ffmpeg", str(program))
    assert script.lacks("aac-48k", str(program)) == ""


def test_what_a_program_says_is_passed_on(corpus: Path, tmp_path: Path) -> None:
    if LACKING["mp3-64k"]:
        pytest.skip(LACKING["mp3-64k"])
    clips = clips_of(corpus).iloc[:1].assign(path=str(tmp_path / "none.flac"))
    with pytest.raises(SystemExit, match=r"ffmpeg failed: .*No such file"):
        script.arrive("mp3-64k", clips, tmp_path / "out")


def test_other_rates_are_refused(corpus: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", noise(0.5).samples, 8000)
    clips = clips_of(corpus).iloc[:1].assign(path=str(tmp_path / "x.wav"))
    with pytest.raises(SystemExit, match="expected 16000 Hz, mono"):
        script.arrive("gsm", clips, tmp_path / "out")


def test_every_way_has_a_group() -> None:
    groups = {way.group for way in script.ARRIVALS.values()}
    assert groups == {"rate", "round trip", "codec", "telephone", "scene"}
    assert len(COMPUTED) > 10
