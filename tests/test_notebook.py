"""What a notebook shows of verdicts, explanations and scores."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest

from fvx import notebook
from fvx.detector import Verdict
from fvx.explanation import Explanation
from fvx.scores import Scores

EVIL = '<script>alert("x")</script>\n.wav'
RECORD = {
    "path": EVIL,
    "score": -1.5,
    "p_spoof": 0.82,
    "verdict": "spoof",
    "warnings": ["cut <short>"],
    "error": None,
}


class _Strict(HTMLParser):
    """Collects text and tags; every tag has to be closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "


def read(html: str) -> _Strict:
    parser = _Strict()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    assert "script" not in parser.tags
    return parser


def features(n_features: int) -> list[dict[str, object]]:
    return [
        {
            "name": f"feature_{number}",
            "contribution": 0.5 / (number + 1) * (-1) ** number,
            "perceptible": number == 0,
            "summary": "3 & 4 Hz",
        }
        for number in range(n_features)
    ]


def test_a_verdict_is_told_with_its_notes() -> None:
    shown = read(notebook.verdict_html(RECORD))
    assert "spoof, score -1.50" in shown.text
    assert "probability of a spoof 82 %" in shown.text
    assert "note: cut <short>" in shown.text
    assert "\\n.wav" in shown.text


def test_a_file_that_could_not_be_read_shows_why() -> None:
    shown = read(Verdict("a.wav", error="a.wav: no such file")._repr_html_())
    assert shown.text.split() == ["a.wav", ":", "a.wav:", "no", "such", "file"]


def test_an_explanation_shows_the_weightiest_features_with_bars() -> None:
    record = {**RECORD, "features": features(15)}
    explanation = Explanation(record, None, None)  # type: ignore[arg-type]
    html = explanation._repr_html_()
    shown = read(html)
    assert shown.tags.count("tr") == 1 + 12
    assert "feature_11" in shown.text
    assert "feature_12" not in shown.text
    assert "and 3 features of less weight" in shown.text
    assert "width:120px" in html
    assert "width:60px" in html
    assert shown.text.index("bona fide") < shown.text.index("+0.500")
    assert "3 & 4 Hz" in shown.text


@pytest.mark.parametrize("n_features", [0, 1])
def test_few_features_and_none_can_be_shown(n_features: int) -> None:
    found = features(n_features)
    for one in found:
        one["contribution"] = 0.0
    shown = read(notebook.explanation_html({**RECORD, "features": found}))
    assert shown.tags.count("tr") == 1 + n_features
    assert "less weight" not in shown.text


def test_scores_show_their_first_rows_and_how_many_there_are() -> None:
    clips = tuple(f"<{number}>" for number in range(25))
    scores = Scores(
        clips,
        np.arange(25.0),
        labels=("bonafide",) * 25,
        extra={"codec": ("mp3",) * 25},
    )
    shown = read(scores._repr_html_())
    assert shown.tags.count("tr") == 1 + 10
    assert shown.text.split()[:4] == ["clip", "score", "label", "codec"]
    assert "<9> +9.0000 bonafide mp3" in shown.text
    assert "25 clips" in shown.text
