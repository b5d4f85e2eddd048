"""Score files of any system: judged, compared, written and parsed back."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from fvx import cli, metrics
from fvx.errors import FvxError, ScoreError
from fvx.evaluate import Evaluation, Options, evaluate_files, writing
from fvx.scores import Scores, read_key

CONTRACT = {
    "protocol", "n_bonafide", "n_spoof", "eer", "eer_ci95", "eer_asvspoof", "auc", "min_dcf",
    "act_dcf", "cllr", "cllr_min", "accuracy", "threshold", "by_system", "by_speaker",
}  # fmt: skip


def system(mean: float = 1.5, n_clips: int = 90, seed: int = 0, name: str = "clip") -> Scores:
    rng = np.random.default_rng(seed)
    labels = np.array(["bonafide", "spoof"] * (n_clips // 2))
    values = rng.normal(0, 1, n_clips) + np.where(labels == "bonafide", mean, -mean)
    return Scores(
        tuple(f"{name} {i}.wav" for i in range(n_clips)),
        values,
        tuple(labels),
        tuple(f"s{i % 11}" for i in range(n_clips)),
        tuple("-" if label == "bonafide" else f"A0{i % 3}" for i, label in enumerate(labels)),
        {"source": tuple(f"site <{i % 4 // 2}>" for i in range(n_clips))},
    )


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """One score file, judged once, drawn and written: that takes a second or two."""
    home = tmp_path_factory.mktemp("judged")
    system().write(home / "first.csv")
    return evaluate_files([home / "first.csv"], home / "out")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pictures, where they are not what is tested."""
    monkeypatch.setattr(writing, "pictures", lambda *_: {})
    monkeypatch.setattr(writing.plots, "save_evaluation", lambda path, *_: path.touch())


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    system().write(first)
    noise = np.random.default_rng(9).normal(0, 1.5, 90)
    scores = system()
    Scores(
        scores.clips[::-1],
        (scores.values + noise)[::-1],
        scores.labels[::-1],
        scores.speakers[::-1],
    ).write(second)
    return first, second


class TestOneFile:
    def test_everything_is_written(self, judged: Evaluation) -> None:
        assert {path.name for path in judged.files} == {
            "evaluation.html", "metrics.json", "metrics.md", "scores.csv", "det.png", "roc.png",
            "histogram.png", "reliability.png", "tippett.png", "systems.png", "by_source.png",
            "evaluation.png",
        }  # fmt: skip
        assert all(path.stat().st_size for path in judged.files)
        record = json.loads((judged.folder / "metrics.json").read_text())
        assert record == judged.metrics
        assert record.keys() >= CONTRACT
        assert record["eer"] == metrics.eer(system().bonafide, system().spoof)[0]

    @pytest.mark.usefixtures("undrawn")
    def test_the_threshold_is_said_to_flatter_unless_it_is_given(
        self, files: tuple[Path, Path], judged: Evaluation, tmp_path: Path
    ) -> None:
        free, given = judged.metrics, evaluate_files(files[:1], tmp_path, threshold=0.25).metrics
        assert "flatter" in free["threshold_from"]
        assert free["threshold"] == metrics.eer(system().bonafide, system().spoof)[1]
        assert given["threshold"] == 0.25
        assert "flatter" not in given["threshold_from"]

    def test_the_page_holds_everything_and_reaches_for_nothing(self, judged: Evaluation) -> None:
        page = (judged.folder / "evaluation.html").read_text()
        assert page.count("data:image/png;base64,") == 7
        assert not re.search(r"""(src|href)\s*=\s*["'](?!data:)|@import|url\(""", page)
        assert "site &lt;1&gt;" in page
        assert "site <1>" not in page
        assert "EER within a source" in page

    def test_markdown_has_a_table_for_each_division_and_no_markup_of_others(
        self, judged: Evaluation
    ) -> None:
        text = (judged.folder / "metrics.md").read_text()
        titles = re.findall("^## (.*)$", text, re.M)
        assert titles[1:] == ["Within source", "By system", "By source", "By speaker"]
        assert r"site \<1\>" in text
        for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
            assert len({line.replace("---|", "| ").count("|") for line in table.splitlines()}) == 1

    def test_the_score_files_survive_with_every_column(self, judged: Evaluation) -> None:
        given = judged.folder.parent / "first.csv"
        assert (judged.folder / "scores.csv").read_bytes() == given.read_bytes()

    @pytest.mark.usefixtures("undrawn")
    def test_tandem_costs_come_with_verification_scores(
        self, files: tuple[Path, Path], tmp_path: Path
    ) -> None:
        rng = np.random.default_rng(0)
        asv = tmp_path / "asv.txt"
        asv.write_text(
            "".join(
                f"- {kind} {value}\n"
                for kind, mean in (("target", 2), ("nontarget", -2), ("spoof", 1))
                for value in rng.normal(mean, 1, 200)
            )
        )
        record = evaluate_files(files[:1], tmp_path / "out", options=Options(asv=asv)).metrics
        rates = metrics.AsvRates(
            *(
                record["tandem"][f"asv_{name}"]
                for name in ("miss", "false_alarm", "spoof_false_alarm")
            )
        )
        pair = system().bonafide, system().spoof
        assert record["tandem"]["min_tdcf"] == metrics.min_tdcf(*pair, rates)
        assert "min t-DCF (2019)" in (tmp_path / "out" / "metrics.md").read_text()

    def test_a_folder_that_cannot_be_written_is_named(
        self, files: tuple[Path, Path], tmp_path: Path
    ) -> None:
        (tmp_path / "out").write_text("a file")
        with pytest.raises(FvxError, match=r"out: cannot be written"):
            evaluate_files(files[:1], tmp_path / "out")


class TestSeveralFiles:
    def test_the_better_one_is_found_whatever_the_order_of_clips(
        self, files: tuple[Path, Path], tmp_path: Path
    ) -> None:
        record = evaluate_files(files, tmp_path / "out").metrics
        assert list(record["runs"]) == ["first.csv", "second.csv"]
        (found,) = record["comparison"]
        rates = [one["eer"] for one in record["runs"].values()]
        assert found["eer_difference"] == pytest.approx(rates[1] - rates[0])
        assert found["eer_difference"] > 0.05
        assert found["p_value"] < 0.05
        assert found["only_first_right"] > found["only_second_right"]
        assert record["eer"] == rates[0]
        text = (tmp_path / "out" / "metrics.md").read_text()
        assert text.startswith("# Evaluation of first.csv and second.csv\n\n## Side by side")
        page = (tmp_path / "out" / "evaluation.html").read_text()
        assert page.index("second.csv less first.csv") < page.index("All figures of first.csv")
        assert record.keys() >= CONTRACT
        assert {path.name for path in (tmp_path / "out").iterdir()} >= {
            "scores-1.csv", "scores-2.csv",
        }  # fmt: skip

    @pytest.mark.usefixtures("undrawn")
    def test_scores_do_not_differ_from_themselves(
        self, files: tuple[Path, Path], tmp_path: Path
    ) -> None:
        system().write(files[1])
        (found,) = evaluate_files(files, tmp_path / "out").metrics["comparison"]
        assert found["eer_difference_ci95"] == [0.0, 0.0]
        assert (found["p_value"], found["mcnemar_p"]) == (1.0, 1.0)

    def test_the_same_file_twice_is_refused(self, files: tuple[Path, Path], tmp_path: Path) -> None:
        with pytest.raises(ScoreError, match="named twice"):
            evaluate_files([files[0], files[0]], tmp_path / "out")

    @pytest.mark.parametrize(
        ("other", "message"),
        [
            (system(n_clips=80), r"second.csv has none for 10, such as 'clip 80.wav'"),
            (system(n_clips=96), r"first.csv has none for 6, such as 'clip 90.wav'"),
            (system(name="other"), r"second.csv has none for 90"),
        ],
        ids=["fewer", "more", "others"],
    )
    def test_other_clips_are_refused_with_counts(
        self, files: tuple[Path, Path], tmp_path: Path, other: Scores, message: str
    ) -> None:
        other.write(files[1])
        with pytest.raises(ScoreError, match=message):
            evaluate_files(files, tmp_path / "out")

    def test_labels_that_differ_are_refused_with_counts(
        self, files: tuple[Path, Path], tmp_path: Path
    ) -> None:
        scores = system()
        swapped = (*scores.labels[1::-1], *scores.labels[2:])
        Scores(scores.clips, scores.values, swapped).write(files[1])
        with pytest.raises(ScoreError, match="disagree on the labels of 2 clips, such as 'clip 0"):
            evaluate_files(files, tmp_path / "out")


def parsed_as_published(path: Path, format: str) -> dict[str, float]:
    """An independent reader, written from the formats as the challenges describe them."""
    lines = path.read_text().splitlines()
    if format == "asvspoof5":  # TAB, with a header
        header, *lines = lines
        assert header.split("\t") == ["filename", "cm-score"]
        rows = [line.split("\t") for line in lines]
        assert all(len(row) == 2 for row in rows)
    elif format == "asvspoof2021":  # two columns, one space, no header, one line a trial
        rows = [line.split(" ") for line in lines]
        assert all(len(row) == 2 for row in rows)
    else:  # utterance, system or "-", key, score
        rows = [line.split(" ") for line in lines]
        assert all(len(row) == 4 for row in rows)
        assert all(row[2] in ("bonafide", "spoof") for row in rows)
        assert all((row[1] == "-") == (row[2] == "bonafide") for row in rows)
    assert len({row[0] for row in rows}) == len(rows)
    assert all(len(re.sub(r"\D", "", row[-1].partition("e")[0]).strip("0")) >= 9 for row in rows)
    return {row[0]: float(row[-1]) for row in rows}


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("format", ["asvspoof2019", "asvspoof2021", "asvspoof5"])
def test_an_independent_parser_reads_the_challenge_formats_back(
    tmp_path: Path, format: str
) -> None:
    scores = system()
    trials = tuple(f"LA_E_{1000 + i}" for i in range(90))
    Scores(trials, scores.values, scores.labels, scores.speakers, scores.systems).write(
        tmp_path / "given.csv"
    )
    out = tmp_path / "out"
    evaluate_files([tmp_path / "given.csv"], out, format=format)  # type: ignore[arg-type]
    suffix = "tsv" if format == "asvspoof5" else "txt"
    read = parsed_as_published(out / f"scores.{suffix}", format)
    assert read == dict(zip(trials, scores.values.tolist(), strict=True))
    # And the file is judged as the scores were, by the key that the challenge would give.
    key = tmp_path / "key.txt"
    key.write_text(
        "".join(
            f"spk {trial} - A07 {label}\n"
            for trial, label in zip(trials, scores.labels, strict=True)
        )
    )
    again = evaluate_files([out / f"scores.{suffix}"], tmp_path / "again", key=read_key(key))
    assert again.metrics["eer"] == metrics.eer(scores.bonafide, scores.spoof)[0]


class TestCommand:
    def run(self, *words: object) -> tuple[int, str, str]:
        result = CliRunner().invoke(cli.app, ["evaluate", *map(str, words)])
        error = result.stderr
        if isinstance(result.exception, FvxError):  # `main` prints these
            error += str(result.exception)
        return result.exit_code, result.stdout, error

    @pytest.mark.usefixtures("undrawn")
    def test_one_table_comes_first_with_its_protocol_and_intervals(
        self, files: tuple[Path, Path], tmp_path: Path
    ) -> None:
        code, output, _ = self.run(files[0], "--out", tmp_path / "out")
        assert code == 0
        title, head, first, *_ = output.splitlines()
        assert title == "first.csv, as the score file labels them"
        assert head.split("  ")[0] == "figure"
        rate = metrics.eer(system().bonafide, system().spoof)[0]
        assert re.match(rf"EER +{100 * rate:.2f} % +[\d.]+ to [\d.]+ %$", first)
        assert f"wrote {tmp_path / 'out' / 'evaluation.html'}" in output

    @pytest.mark.usefixtures("undrawn")
    def test_a_key_labels_scores_that_have_none(
        self, files: tuple[Path, Path], tmp_path: Path
    ) -> None:
        scores = system()
        Scores(scores.clips, scores.values).write(tmp_path / "bare.txt", "asvspoof2021")
        code, _, error = self.run(tmp_path / "bare.txt", "--out", tmp_path / "out")
        assert code == 1
        assert "name a key file: --key" in error
        code, output, _ = self.run(
            tmp_path / "bare.txt", "--key", files[0], "--out", tmp_path / "out"
        )
        assert code == 0
        assert output.startswith("bare.txt, first.csv, every trial")

    @pytest.mark.usefixtures("undrawn")
    def test_several_files_are_set_side_by_side(
        self, files: tuple[Path, Path], tmp_path: Path
    ) -> None:
        code, output, _ = self.run(*files, "--out", tmp_path / "out")
        assert code == 0
        assert output.startswith("Side by side")
        assert "second.csv less first.csv" in output

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--ablate"], "score files are judged as they are"),
            (["--perturb", "mp3"], "score files are judged as they are"),
            (["--run", "r"], "score files are judged as they are"),
        ],
    )
    def test_what_files_cannot_be_asked_is_wrong_usage(
        self, files: tuple[Path, Path], words: list[str], message: str
    ) -> None:
        code, _, error = self.run(files[0], *words)
        assert code == 2
        assert message in " ".join(error.replace("│", " ").split())

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--key", "k"], "--key and --threshold are for score files"),
            (["--threshold", "0"], "--key and --threshold are for score files"),
            (["--perturb", "mp3", "--store", "s"], "--perturb needs --dataset"),
            (["--store", "s", "--dataset", "d"], "give --store or --dataset, not both"),
            (["--perturb", "mp3", "--dataset", "d", "--run", "a", "--run", "b"], "takes one run"),
        ],
    )
    def test_options_that_contradict_are_wrong_usage(self, words: list[str], message: str) -> None:
        code, _, error = self.run(*words)
        assert code == 2
        assert message in " ".join(error.replace("│", " ").split())

    @pytest.mark.parametrize(
        ("condition", "message"),
        [("mp4", "no condition 'mp4'; known: mp3"), ("noise", "no condition 'noise'"),
         ("mp3,mp3", "asked for twice")],
    )  # fmt: skip
    def test_a_condition_that_is_none_is_said_before_anything_is_done(
        self, condition: str, message: str
    ) -> None:
        code, _, error = self.run("--dataset", "demo", "--perturb", condition)
        assert code == 1
        assert message in error

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a 1\nb nan\n", ":2: clip 'b' has the score nan"),
            ("a 1\na 2\n", ":2: clip 'a' occurs twice"),
            ("a - spoof 1\nb - spoof 2\n", "got 0 bona fide and 2 spoof"),
        ],
        ids=["nan", "duplicate", "one class"],
    )
    def test_bad_files_are_one_clear_line(self, tmp_path: Path, text: str, message: str) -> None:
        (tmp_path / "scores.txt").write_text(text)
        code, _, error = self.run(tmp_path / "scores.txt", "--out", tmp_path / "out")
        assert code == 1
        assert message in error
        assert not (tmp_path / "out").exists()
