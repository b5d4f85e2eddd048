from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fvx import metrics
from fvx.errors import ScoreError
from fvx.scores import POLARITY, Format, Scores, files, summarise

FORMATS = ("fvx", "asvspoof2019", "asvspoof2021", "asvspoof5")
SETTINGS = settings(derandomize=True, deadline=None, max_examples=80, database=None)

names = (
    st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)
    .map(str.strip)
    .filter(bool)
)
values = st.floats(allow_nan=False, allow_infinity=False)
tables = st.dictionaries(
    names,
    st.tuples(values, st.sampled_from(["bonafide", "spoof"]), names, names),
    min_size=1,
    max_size=8,
)


def scores_of(table: dict[str, tuple[float, str, str, str]]) -> Scores:
    scores, labels, speakers, systems = zip(*table.values(), strict=True)
    return Scores(tuple(table), np.array(scores), labels, speakers, systems)


def by_clip(scores: Scores) -> dict[str, tuple[Any, ...]]:
    nothing = (None,) * len(scores.clips)
    columns = (scores.labels or nothing, scores.speakers or nothing, scores.systems or nothing)
    return {
        clip: cells
        for clip, *cells in zip(scores.clips, scores.values.tolist(), *columns, strict=True)
    }


@pytest.fixture
def small() -> Scores:
    return Scores(
        ("LA_E_1", "LA_E_2", "my clip.wav"),
        np.array([1.0, -2.5, 1 / 3]),
        ("bonafide", "spoof", "bonafide"),
        ("ann", "ann", "-"),
        ("-", "A11", "-"),
    )


class TestFiles:
    @pytest.mark.parametrize(
        ("format", "text"),
        [
            (
                "fvx",
                "# fvx scores: log-likelihood ratio, higher means bona fide\n"
                "clip,score,label,speaker,system\n"
                "LA_E_1,1.0,bonafide,ann,-\n"
                "LA_E_2,-2.5,spoof,ann,A11\n"
                "my clip.wav,0.3333333333333333,bonafide,-,-\n",
            ),
            (
                "asvspoof2019",
                "LA_E_1 - bonafide 1.0\n"
                "LA_E_2 A11 spoof -2.5\n"
                "my clip.wav - bonafide 0.3333333333333333\n",
            ),
            ("asvspoof2021", "LA_E_1 1.0\nLA_E_2 -2.5\nmy clip.wav 0.3333333333333333\n"),
            (
                "asvspoof5",
                "filename\tcm-score\nLA_E_1\t1.0\nLA_E_2\t-2.5\nmy clip.wav\t0.3333333333333333\n",
            ),
        ],
    )
    def test_each_format_looks_as_its_script_expects_and_is_told_apart(
        self, small: Scores, tmp_path: Path, format: Format, text: str
    ) -> None:
        path = tmp_path / "scores.txt"
        small.write(path, format)
        assert path.read_bytes() == text.encode()
        read = Scores.read(path)
        assert read.clips == small.clips
        assert read.values.tolist() == small.values.tolist()

    @SETTINGS
    @given(table=tables)
    def test_fvx_gives_back_everything(
        self, table: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        path = tmp_path_factory.mktemp("fvx") / "scores.csv"
        scores_of(table).write(path)
        assert by_clip(Scores.read(path)) == {clip: list(row) for clip, row in table.items()}
        assert list(Scores.read(path).clips) == list(table)

    @SETTINGS
    @given(table=tables)
    def test_the_official_formats_give_back_what_they_hold(
        self, table: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        folder = tmp_path_factory.mktemp("official")
        for format in ("asvspoof2019", "asvspoof2021", "asvspoof5"):
            scores_of(table).write(folder / format, format)
            read = by_clip(Scores.read(folder / format, format))
            for clip, (score, label, _, system) in table.items():
                key = [label, None, "_".join(system.split())] if format == "asvspoof2019" else None
                assert read[clip] == [score, *(key or [None, None, None])]

    @SETTINGS
    @given(table=tables)
    def test_missing_columns_stay_missing(
        self, table: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        path = tmp_path_factory.mktemp("bare") / "scores.csv"
        bare = Scores(tuple(table), [row[0] for row in table.values()])
        bare.write(path)
        assert by_clip(Scores.read(path)) == by_clip(bare)

    def test_other_readers_of_csv_understand_fvx(self, tmp_path: Path) -> None:
        path = tmp_path / "scores.csv"
        Scores(('a "b", c',), np.array([0.5])).write(path)
        comment, *rest = path.read_text().splitlines()
        assert comment == POLARITY
        assert next(csv.DictReader(rest))["clip"] == 'a "b", c'

    def test_a_file_name_that_is_no_utf8_survives(self, tmp_path: Path) -> None:
        clip = b"caf\xe9.wav".decode("utf-8", "surrogateescape")
        for format in FORMATS:
            Scores((clip,), np.array([0.5]), ("spoof",)).write(tmp_path / "s", format)
            assert Scores.read(tmp_path / "s", format).clips == (clip,)

    @pytest.mark.parametrize("value", [0.1, 1e-300, -1.7976931348623157e308, 123456789.123456789])
    def test_every_digit_survives(self, tmp_path: Path, value: float) -> None:
        for format in FORMATS:
            Scores(("a",), np.array([value]), ("spoof",)).write(tmp_path / "s", format)
            assert Scores.read(tmp_path / "s", format).values[0] == value

    def test_files_of_others_with_tabs_or_windows_line_ends_are_read(self, tmp_path: Path) -> None:
        path = tmp_path / "scores.txt"
        path.write_bytes(b"LA_E_1   0.5\r\nLA_E_2\t-1e-3 \r\n")
        assert by_clip(Scores.read(path)) == {
            "LA_E_1": [0.5, None, None, None],
            "LA_E_2": [-0.001, None, None, None],
        }

    def test_a_failed_write_leaves_the_old_file_and_no_other(
        self, small: Scores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "scores.csv"
        small.write(path)
        before = path.read_bytes()

        def broken(*_: object) -> Any:
            yield "half a li"
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(files, "lines", broken)
        with pytest.raises(ScoreError, match=r"cannot be written \(No space left"):
            small.write(path)
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]

    def test_a_folder_that_is_not_there_is_named(self, small: Scores, tmp_path: Path) -> None:
        with pytest.raises(ScoreError, match=r"nowhere.*cannot be written"):
            small.write(tmp_path / "nowhere" / "scores.csv")

    def test_asvspoof2019_needs_labels(self, tmp_path: Path) -> None:
        with pytest.raises(ScoreError, match="states the key of each clip"):
            Scores(("a",), np.array([0.0])).write(tmp_path / "s", "asvspoof2019")

    def test_an_unknown_format_is_refused_with_those_known(
        self, small: Scores, tmp_path: Path
    ) -> None:
        for action in (small.write, Scores.read):
            with pytest.raises(ScoreError, match="no score format 'mat'; known: fvx, asvspoof2019"):
                action(tmp_path / "s", "mat")


HEADER = f"{POLARITY}\nclip,score,label,speaker,system\n"


class TestBadFiles:
    @pytest.mark.parametrize(
        ("format", "text", "message"),
        [
            ("fvx", "clip,score\n", ":1: expected '# fvx scores"),
            ("fvx", "# fvx scores: lower means bona fide\n", ":1: expected .*higher means"),
            ("fvx", f"{POLARITY}\nclip,score\n", ":2: expected the columns clip,score,label"),
            ("fvx", POLARITY, ":2: expected the columns"),
            ("fvx", HEADER, "holds no scores"),
            ("fvx", f"{HEADER}a,1,spoof,x\n", ":3: expected 5 columns, got 4"),
            ("fvx", f"{HEADER}a,1,spoof,x,y\n\nb,1,spoof,x,y\n", ":4: expected 5 columns, got 0"),
            ("fvx", f'{HEADER}"a,1,spoof,x,y\n', ":3: unexpected end of data"),
            ("fvx", f"{HEADER}a,1,spoof,x,y\nb,high,spoof,x,y\n", ":4: score 'high' is no number"),
            ("fvx", f"{HEADER}a,1,spoof,x,y\na,2,spoof,x,y\n", ":4: clip 'a' occurs twice"),
            ("fvx", f"{HEADER}a,nan,spoof,x,y\n", ":3: clip 'a' has the score nan"),
            ("fvx", f"{HEADER}a,1,fake,x,y\n", ":3: clip 'a': label 'fake' is not"),
            ("fvx", f"{HEADER}a,1,spoof,x,y\nb,1,,x,y\n", ":4: clip 'b': label '' is not"),
            ("fvx", f"{HEADER}a,1,spoof,x,y\nb,1,spoof,,y\n", ":4: clip 'b': '' cannot be a name"),
            ("fvx", f"{HEADER},1,spoof,x,y\n", ":3: clip '': '' cannot be a name"),
            ("asvspoof2019", "a - spoof 1\nb spoof 1\n", ":2: expected an id, a system, a key"),
            ("asvspoof2019", "a - fake 1\n", ":1: clip 'a': label 'fake' is not"),
            ("asvspoof2021", "a 1\nb\n", ":2: expected an id and a score, got 'b'"),
            ("asvspoof2021", "a 1\nb -inf\n", ":2: clip 'b' has the score -inf"),
            ("asvspoof2021", "a 1\nb 2\na 1\n", ":3: clip 'a' occurs twice"),
            ("asvspoof2021", "", ":1: expected an id and a score, got ''"),
            ("asvspoof5", "a\t1\n", r":1: expected 'filename\\tcm-score', got 'a"),
            ("asvspoof5", "filename\tcm-score\na 1\n", ":2: expected an id and a score with a tab"),
        ],
    )
    def test_what_is_wrong_is_said_with_its_line(
        self, tmp_path: Path, format: Format, text: str, message: str
    ) -> None:
        path = tmp_path / "bad.txt"
        path.write_text(text)
        with pytest.raises(ScoreError, match=message) as caught:
            Scores.read(path, format)
        assert str(path) in str(caught.value)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ScoreError, match=r"none\.csv: cannot be read"):
            Scores.read(tmp_path / "none.csv")

    def test_any_bytes_are_an_error_and_no_traceback(self, tmp_path: Path) -> None:
        path = tmp_path / "noise"
        path.write_bytes(np.random.default_rng(0).bytes(4000))
        for format in (None, *FORMATS):
            with pytest.raises(ScoreError, match="noise:1: expected"):
                Scores.read(path, format)


class TestScores:
    def test_classes_are_told_apart(self, small: Scores) -> None:
        np.testing.assert_array_equal(small.bonafide, [1.0, 1 / 3])
        np.testing.assert_array_equal(small.spoof, [-2.5])

    def test_values_are_read_only_and_not_shared(self) -> None:
        mine = np.array([1.0])
        scores = Scores(("a",), mine)
        mine[0] = 7.0
        assert scores.values[0] == 1.0
        with pytest.raises(ValueError, match="read-only"):
            scores.values[0] = 2.0

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (((), []), "0 clips"),
            ((("a",), [1.0, 2.0]), "1 clips, but scores of shape"),
            ((("a", "b"), [1.0, 2.0], ("spoof",)), "2 clips, but 1 labels"),
            ((("a",), [1.0], ("fake",)), "label 'fake' is not bonafide or spoof"),
            ((("a", "a"), [1.0, 2.0]), "'a' occurs twice"),
            ((("a",), [float("nan")]), "has the score nan"),
            ((("a\nb",), [1.0]), "cannot be a name in a score file"),
            (((" a",), [1.0]), "cannot be a name in a score file"),
            ((("a",), [1.0], None, ("",)), "cannot be a name in a score file"),
        ],
    )
    def test_nonsense_is_refused(self, arguments: tuple[Any, ...], message: str) -> None:
        with pytest.raises(ScoreError, match=message):
            Scores(*arguments)

    def test_classes_without_labels_are_refused(self) -> None:
        with pytest.raises(ScoreError, match="without labels"):
            _ = Scores(("a",), np.array([1.0])).bonafide


def labelled(
    n_bonafide: int,
    n_spoof: int,
    speaker: Callable[[int], str] | None = None,
    system: Callable[[int], str] | None = None,
) -> Scores:
    rng = np.random.default_rng(3)
    n_clips = n_bonafide + n_spoof
    return Scores(
        tuple(f"{i}.wav" for i in range(n_clips)),
        np.concatenate((rng.normal(1, 1, n_bonafide), rng.normal(-1, 1, n_spoof))),
        ("bonafide",) * n_bonafide + ("spoof",) * n_spoof,
        tuple(speaker(i) for i in range(n_clips)) if speaker else None,
        ("-",) * n_bonafide + tuple(system(i) for i in range(n_spoof)) if system else None,
    )


class TestSummary:
    def test_holds_what_the_functions_say(self) -> None:
        scores = labelled(60, 90)
        record = summarise(scores, 0.25, "dev")
        pair = scores.bonafide, scores.spoof
        counts = metrics.confusion(*pair, 0.25)
        low, high = metrics.bootstrap_ci(*pair, lambda b, s: metrics.eer(b, s)[0])
        reliability, ci95 = record.pop("reliability"), record.pop("ci95")
        assert record == {
            "protocol": "dev",
            "n_bonafide": 60,
            "n_spoof": 90,
            "eer": metrics.eer(*pair)[0],
            "eer_ci95": pytest.approx([low, high]),
            "interval": "bootstrap over 150 clips, no speaker known",
            "eer_asvspoof": metrics.eer_asvspoof(*pair)[0],
            "eer_hull": metrics.eer_hull(*pair),
            "auc": metrics.auc(*pair),
            "tpr_at_fpr_1pct": metrics.tpr_at_fpr(*pair, 0.01),
            "tpr_at_fpr_0.1pct": metrics.tpr_at_fpr(*pair, 0.001),
            "min_dcf": metrics.min_dcf(*pair),
            "act_dcf": metrics.act_dcf(*pair),
            "cllr": metrics.cllr(*pair),
            "cllr_min": metrics.cllr_min(*pair),
            "calibration_loss": metrics.calibration_loss(*pair),
            "brier": metrics.brier(*pair),
            "accuracy": counts.accuracy,
            "balanced_accuracy": counts.balanced_accuracy,
            "f1": counts.f1,
            "confusion": {"tp": counts.tp, "fn": counts.fn, "fp": counts.fp, "tn": counts.tn},
            "threshold": 0.25,
            "by_system": {},
            "by_speaker": {},
            "by": {},
        }
        assert sum(reliability["n"]) == 150
        for name, (lower, upper) in ci95.items():
            assert lower <= record[name] <= upper, name

    def test_survives_json_unchanged(self) -> None:
        scores = labelled(6, 9, lambda i: f"speaker {i % 4}", lambda i: f"A{i % 2}")
        record = summarise(scores, np.float64(0), "dev")
        assert json.loads(json.dumps(record, allow_nan=False)) == record

    def test_each_system_is_set_against_all_bona_fide_clips(self) -> None:
        scores = labelled(20, 30, system=lambda i: "A07" if i < 10 else "A08")
        record = summarise(scores, 0, "dev")["by_system"]
        assert list(record) == ["A07", "A08"]
        assert record["A07"] == {
            "n": 10,
            "eer": metrics.eer(scores.bonafide, scores.spoof[:10])[0],
            "eer_ci95": pytest.approx(
                metrics.bootstrap_ci(
                    scores.bonafide, scores.spoof[:10], lambda b, s: metrics.eer(b, s)[0]
                )
            ),
            "mean_score": pytest.approx(scores.spoof[:10].mean()),
        }
        assert record["A08"]["n"] == 20

    def test_each_speaker_gets_a_rate_or_a_mean(self) -> None:
        scores = Scores(
            ("a", "b", "c", "d"),
            [1.0, -1.0, 4.0, 2.0],
            ("bonafide", "spoof", "spoof", "spoof"),
            ("ann", "ann", "bob", "bob"),
        )
        assert summarise(scores, 0, "dev")["by_speaker"] == {
            "ann": {"n": 2, "n_bonafide": 1, "n_spoof": 1, "eer": 0.0, "mean_score": None},
            "bob": {"n": 2, "n_bonafide": 0, "n_spoof": 2, "eer": None, "mean_score": 3.0},
        }

    @pytest.mark.parametrize(
        ("speaker", "interval"),
        [
            (lambda i: f"s{i % 7}", "bootstrap over 7 speakers"),
            (
                lambda i: f"s{i % 7}" if i < 40 else "unknown (web)",
                "bootstrap over 7 speakers and 10 clips of unknown speakers",
            ),
            (lambda i: "-", "bootstrap over 50 clips, no speaker known"),
            (lambda i: "Unknown", "bootstrap over 50 clips, no speaker known"),
            (
                lambda i: "ann" if i < 20 else f"tts{i % 3}",
                "bootstrap over 50 clips, since all bona fide clips are of one speaker",
            ),
            (
                lambda i: f"s{i}" if i < 20 else "tts",
                "bootstrap over 50 clips, since all spoofs are of one speaker",
            ),
        ],
    )
    def test_the_interval_says_what_was_resampled(
        self, speaker: Callable[[int], str], interval: str
    ) -> None:
        record = summarise(labelled(20, 30, speaker), 0, "dev")
        assert record["interval"] == interval
        low, high = record["eer_ci95"]
        assert low <= record["eer"] <= high

    def test_unknown_speakers_are_nobody(self) -> None:
        def speaker(i: int) -> str:
            return ("ann", "-", "unknown (web)", "bob")[i % 4]

        record = summarise(labelled(20, 20, speaker), 0, "dev")
        assert list(record["by_speaker"]) == ["ann", "bob"]

    def test_there_is_no_interval_over_a_single_clip(self) -> None:
        record = summarise(labelled(1, 20), 0, "dev")
        assert record["eer_ci95"] is None
        assert record["interval"] == "none: a class has a single clip"

    def test_an_empty_class_is_refused(self) -> None:
        with pytest.raises(ScoreError, match="got 3 bona fide and 0 spoof"):
            summarise(labelled(3, 0), 0, "dev")


def grouped() -> Scores:
    """Three sources: one with both classes, one with few of either, one of spoofs alone."""
    rng = np.random.default_rng(0)
    sources = ["a"] * 30 + ["b"] * 6 + ["c"] * 20
    labels = ["bonafide", "spoof"] * 15 + ["bonafide"] * 2 + ["spoof"] * 24
    values = rng.normal(0, 1, 56) + np.where(np.array(labels) == "bonafide", 1, -1)
    return Scores(
        tuple(map(str, range(56))), values, tuple(labels), extra={"source": tuple(sources)}
    )


class TestGroups:
    def test_a_group_is_judged_by_its_own_clips(self) -> None:
        scores = grouped()
        found = summarise(scores, 0, "dev", by=["source"])["by"]["source"]
        assert list(found) == ["a", "b", "c"]
        own = scores.values[:30]
        assert found["a"]["eer"] == metrics.eer(own[::2], own[1::2])[0]
        assert (found["a"]["n_bonafide"], found["a"]["n_spoof"]) == (15, 15)
        low, high = found["a"]["eer_ci95"]
        assert low <= found["a"]["eer"] <= high

    def test_a_group_of_one_class_is_set_against_all_of_the_other_and_says_so(self) -> None:
        scores = grouped()
        found = summarise(scores, 0, "dev", by=["source"])["by"]["source"]
        assert found["c"]["against"] == "all bona fide clips"
        assert found["c"]["eer"] == metrics.eer(scores.bonafide, scores.values[36:])[0]
        assert found["a"]["against"] == "its own clips"

    def test_within_is_the_mean_over_sources_with_five_of_each_class(self) -> None:
        record = summarise(grouped(), 0, "dev", within="source")
        assert record["within"]["n_sources"] == 1
        assert record["within"]["n_sources_all"] == 3
        assert record["within_source_eer"] == record["by_source"]["a"]["eer"]
        low, high = record["within"]["eer_ci95"]
        assert low <= record["within_source_eer"] <= high

    def test_within_averages_sources_whatever_their_sizes(self) -> None:
        values = [1, 1, 1, 1, 1, 0, 0, 0, 0, 0] + [0] * 50 + [1] * 50
        labels = ["bonafide"] * 5 + ["spoof"] * 5 + ["bonafide"] * 50 + ["spoof"] * 50
        sources = ["good"] * 10 + ["reversed"] * 100
        scores = Scores(
            tuple(map(str, range(110))), np.array(values, float), tuple(labels),
            extra={"source": tuple(sources)},
        )  # fmt: skip
        assert summarise(scores, 0.5, "dev", within="source")["within_source_eer"] == 0.5

    def test_within_is_undefined_where_no_source_has_both_classes(self) -> None:
        scores = labelled(6, 6, system=lambda i: "A07")
        record = summarise(scores, 0, "dev", within="system")
        assert record["within_source_eer"] is None
        assert record["within"]["eer_ci95"] is None

    def test_a_column_that_is_not_there_is_refused_with_those_that_are(self) -> None:
        with pytest.raises(ScoreError, match=r"no column 'codec'; there are: source"):
            summarise(grouped(), 0, "dev", by=["codec"])

    def test_clips_without_a_value_are_no_group_if_they_are_of_one_class(self) -> None:
        scores = Scores(
            ("a", "b", "c", "d"), [2.0, 3.0, 0.0, 1.0],
            ("bonafide", "bonafide", "spoof", "spoof"),
            extra={"vocoder": ("-", "-", "world", "lpc"), "codec": ("", "x", "", "x")},
        )  # fmt: skip
        found = summarise(scores, 0, "dev", by=["vocoder", "codec"])["by"]
        assert list(found["vocoder"]) == ["lpc", "world"]
        assert list(found["codec"]) == ["-", "x"]

    def test_numbers_in_names_are_in_order(self) -> None:
        names = ("4 to 8 s", "16 s or more", "1 to 2 s")
        scores = Scores(
            tuple("abcdef"), np.arange(6.0), ("bonafide",) * 3 + ("spoof",) * 3,
            extra={"duration": names * 2},
        )  # fmt: skip
        found = summarise(scores, 0, "dev", by=["duration"])["by"]["duration"]
        assert list(found) == ["1 to 2 s", "4 to 8 s", "16 s or more"]


class TestExtraColumns:
    @SETTINGS
    @given(cells=st.lists(st.text(st.characters(exclude_categories=("Cc", "Cs"))), min_size=3,
                          max_size=3))  # fmt: skip
    def test_survive_the_file(
        self, cells: list[str], tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        path = tmp_path_factory.mktemp("extra") / "scores.csv"
        scores = Scores(("a", "b", "c"), [1.0, 2.0, 3.0], extra={"co, dec": tuple(cells)})
        scores.write(path)
        assert Scores.read(path).extra == {"co, dec": tuple(cells)}

    @pytest.mark.parametrize("names", ["label", "x,x", ""])
    def test_a_name_that_occurs_twice_or_is_empty_is_refused(
        self, tmp_path: Path, names: str
    ) -> None:
        path = tmp_path / "scores.csv"
        path.write_text(f"{POLARITY}\nclip,score,label,speaker,system,{names}\n")
        with pytest.raises(ScoreError, match=":2: expected the columns"):
            Scores.read(path)

    def test_a_control_character_is_refused(self) -> None:
        with pytest.raises(ScoreError, match="codec 'a\\\\nb' holds a control character"):
            Scores(("a",), [1.0], extra={"codec": ("a\nb",)})


class TestCounts:
    def test_every_nan_is_counted_and_some_are_named(self, tmp_path: Path) -> None:
        path = tmp_path / "scores.txt"
        path.write_text("".join(f"clip{i} {'nan' if i % 2 else i}\n" for i in range(10)))
        with pytest.raises(
            ScoreError,
            match=r":2: clip 'clip1' has the score nan \(5 NaN or infinite in all, also 'clip3', "
            r"'clip5', 'clip7', …\)",
        ):
            Scores.read(path)

    def test_every_repetition_is_counted(self) -> None:
        with pytest.raises(ScoreError, match=r"'a' occurs 3 times \(3 repetitions in all"):
            Scores(("a", "a", "b", "a", "b"), np.arange(5.0))
