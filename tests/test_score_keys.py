from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fvx.errors import ScoreError, UnknownLabel
from fvx.scores import Scores, read_asv, read_key, tandem

ASVSPOOF_2019 = "LA_0079 LA_E_1 - - bonafide\nLA_0080 LA_E_2 - A07 spoof\n"
ASVSPOOF_2021_LA = (
    "LA_0009 LA_E_1 alaw ita_tx bonafide bonafide notrim eval\n"
    "LA_0009 LA_E_2 alaw ita_tx A07 spoof notrim eval\n"
    "LA_0010 LA_E_3 none - A08 spoof notrim progress\n"
    "LA_0011 LA_E_4 none - bonafide bonafide trim hidden\n"
)
ASVSPOOF_2021_DF = (
    "LA_0023 DF_E_1 nocodec asvspoof A14 spoof notrim progress traditional_vocoder - - - -\n"
    "TEF2 DF_E_2 low_m4a vcc2020 Task1-team20 spoof notrim eval neural_vocoder_nonautoregressive "
    "Task1 team20 FF E\n"
    "TEF1 DF_E_3 low_m4a vcc2020 - bonafide notrim eval bonafide Task1 - FF E\n"
)
ASVSPOOF_5 = (
    "D_4461 D_0000000169 F - - - AC1 A14 spoof -\nD_4462 D_0000000170 M C01 3 1 - - bonafide -\n"
)


def key(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "key.txt"
    path.write_text(text)
    return path


class TestLayouts:
    @pytest.mark.parametrize(
        ("text", "clips", "labels", "column", "cells"),
        [
            (ASVSPOOF_2019, ("LA_E_1", "LA_E_2"), ("bonafide", "spoof"), "system", ("-", "A07")),
            (
                ASVSPOOF_2021_LA, ("LA_E_1", "LA_E_2", "LA_E_3", "LA_E_4"),
                ("bonafide", "spoof", "spoof", "bonafide"), "system", ("-", "A07", "A08", "-"),
            ),
            (
                ASVSPOOF_2021_DF, ("DF_E_1", "DF_E_2", "DF_E_3"), ("spoof", "spoof", "bonafide"),
                "codec", ("nocodec", "low_m4a", "low_m4a"),
            ),
            (
                ASVSPOOF_5, ("D_0000000169", "D_0000000170"), ("spoof", "bonafide"), "codec",
                ("-", "C01"),
            ),
            (
                "filename\tcm-label\nE_1\tbonafide\nE_2\tspoof\n", ("E_1", "E_2"),
                ("bonafide", "spoof"), None, (),
            ),
            (
                "file_name,label,Source\na b.wav,fake,web\nc.wav,bona-fide,\n",
                ("a b.wav", "c.wav"), ("spoof", "bonafide"), "source", ("web", "-"),
            ),
            ("my clip.wav spoof\nother bonafide\n", ("my clip.wav", "other"),
             ("spoof", "bonafide"), None, ()),
        ],
        ids=["2019", "2021 LA", "2021 DF", "5", "5 key", "csv", "two columns"],
    )  # fmt: skip
    def test_each_is_recognised(
        self,
        tmp_path: Path,
        text: str,
        clips: tuple[str, ...],
        labels: tuple[str, ...],
        column: str | None,
        cells: tuple[str, ...],
    ) -> None:
        read = read_key(key(tmp_path, text))
        assert read.clips == clips
        assert read.labels == labels
        if column:
            assert read.columns[column] == cells

    def test_a_score_file_with_labels_is_a_key(self, tmp_path: Path) -> None:
        Scores(("a", "b"), [1.0, 0.0], ("spoof", "bonafide"), ("ann", "bob")).write(tmp_path / "k")
        read = read_key(tmp_path / "k")
        assert (read.clips, read.labels) == (("a", "b"), ("spoof", "bonafide"))
        assert read.columns["speaker"] == ("ann", "bob")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "holds no trials"),
            ("# only a remark\n\n", "holds no trials"),
            ("one two three\n", ":1: no key of a form that is known, got 'one two three'"),
            ("file,label\n", "holds no trials"),
            ("file,label\na,spoof,x\n", ":2: expected 2 columns, got 3"),
            (ASVSPOOF_2019 + "LA_1 LA_E_3 - spoof\n", ":3: expected 5 columns, got 4"),
            ("a spoof\nb spoof\na spoof\n", "1 trials occur twice or more: 'a'"),
        ],
    )
    def test_what_is_wrong_is_said(self, tmp_path: Path, text: str, message: str) -> None:
        with pytest.raises(ScoreError, match=message):
            read_key(key(tmp_path, text))

    def test_a_label_that_is_unknown_is_named_with_its_line(self, tmp_path: Path) -> None:
        with pytest.raises(UnknownLabel, match=r"key.txt:3: label 'maybe' is unknown"):
            read_key(key(tmp_path, "file,label\na,spoof\nb,maybe\n"))

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ScoreError, match=r"none: cannot be read"):
            read_key(tmp_path / "none")


class TestJoining:
    def test_trials_come_in_the_keys_order_with_its_columns(self, tmp_path: Path) -> None:
        scores = Scores(("LA_E_2", "LA_E_1"), [-1.0, 1.0])
        labelled, words = read_key(key(tmp_path, ASVSPOOF_2019)).label(scores)
        assert labelled.clips == ("LA_E_1", "LA_E_2")
        assert labelled.values.tolist() == [1.0, -1.0]
        assert labelled.labels == ("bonafide", "spoof")
        assert labelled.speakers == ("LA_0079", "LA_0080")
        assert labelled.systems == ("-", "A07")
        assert words == "every trial"

    def test_the_eval_subset_is_taken_and_others_need_no_score(self, tmp_path: Path) -> None:
        read = read_key(key(tmp_path, ASVSPOOF_2021_LA))
        labelled, words = read.label(Scores(("LA_E_1", "LA_E_2"), [1.0, 0.0]))
        assert labelled.clips == ("LA_E_1", "LA_E_2")
        assert words == "subset eval, 2 of 4 trials"
        four = Scores(tuple(f"LA_E_{i}" for i in (1, 2, 3, 4)), np.arange(4.0))
        assert read.label(four)[0].clips == ("LA_E_1", "LA_E_2")
        assert read.label(four, "all")[0].clips == four.clips
        assert read.label(four, "development")[0].clips == ("LA_E_3",)
        with pytest.raises(ScoreError, match="no trial of the train subset; there are eval, hidd"):
            read.label(four, "train")

    def test_missing_trials_are_counted_and_named(self, tmp_path: Path) -> None:
        text = "".join(f"clip{i} {'spoof' if i % 2 else 'bonafide'}\n" for i in range(9))
        with pytest.raises(
            ScoreError, match=r"7 of 9 trials have no score, such as 'clip2', 'clip3', 'clip4', …"
        ):
            read_key(key(tmp_path, text)).label(Scores(("clip0", "clip1"), [1.0, 0.0]))

    def test_scores_of_unknown_trials_are_counted_and_named(self, tmp_path: Path) -> None:
        scores = Scores(("LA_E_1", "LA_E_2", "LA_E_9"), [1.0, 0.0, 2.0])
        with pytest.raises(ScoreError, match=r"1 of 3 scores .* does not list, such as 'LA_E_9'"):
            read_key(key(tmp_path, ASVSPOOF_2019)).label(scores)

    def test_ids_that_differ_by_a_file_ending_get_a_hint(self, tmp_path: Path) -> None:
        scores = Scores(("LA_E_1.flac", "LA_E_2.flac"), [1.0, 0.0])
        with pytest.raises(
            ScoreError, match=r"the key's are like 'LA_E_1'.*: one of the two has a"
        ):
            read_key(key(tmp_path, ASVSPOOF_2019)).label(scores)
        with pytest.raises(ScoreError, match=r"the key's are like 'LA_E_1', 'LA_E_2'$"):
            read_key(key(tmp_path, ASVSPOOF_2019)).label(Scores(("x",), [1.0]))

    def test_labels_that_contradict_are_counted(self, tmp_path: Path) -> None:
        scores = Scores(("LA_E_1", "LA_E_2"), [1.0, 0.0], ("spoof", "spoof"))
        with pytest.raises(ScoreError, match=r"1 of 2 trials have another label .* 'LA_E_1'"):
            read_key(key(tmp_path, ASVSPOOF_2019)).label(scores)


class TestVerification:
    TEXT = (
        "- target 2.0\n- target 1.0\nbonafide nontarget -1.0\nb nontarget -3\n"
        "b nontarget -4\nb nontarget -5\nA07 spoof 1.5\nA07 spoof -2\n"
    )

    def test_scores_are_sorted_by_the_kind_of_trial(self, tmp_path: Path) -> None:
        read = read_asv(key(tmp_path, self.TEXT))
        assert {kind: scores.tolist() for kind, scores in read.items()} == {
            "target": [2.0, 1.0], "nontarget": [-1.0, -3.0, -4.0, -5.0], "spoof": [1.5, -2.0],
        }  # fmt: skip

    def test_tandem_costs_come_with_the_errors_of_verification(self, tmp_path: Path) -> None:
        scores = Scores(("a", "b"), [1.0, 0.0], ("bonafide", "spoof"))
        record = tandem(scores, read_asv(key(tmp_path, self.TEXT)))
        # The score on the threshold, a nontarget's, counts as accepted: so do the challenges.
        assert (record["asv_miss"], record["asv_false_alarm"]) == (0.0, 0.25)
        assert record["asv_spoof_false_alarm"] == 0.5
        assert record["min_tdcf_2019"] == 0.0
        assert 0 < record["min_tdcf"] < 1

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a target 1\nb nontarget 0\n", "no spoof trial in it"),
            ("a target 1\nb impostor 0\n", ":2: expected target, nontarget or spoof"),
            ("a target high\n", ":1: expected target"),
            ("1.0\n", ":1: expected target"),
        ],
    )
    def test_what_is_wrong_is_said(self, tmp_path: Path, text: str, message: str) -> None:
        with pytest.raises(ScoreError, match=message):
            read_asv(key(tmp_path, text))
