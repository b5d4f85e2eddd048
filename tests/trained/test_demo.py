import json
import re

from fvx.registry import discover

from .conftest import Demo


def test_the_demo_prints_each_command_that_it_stands_for(demo: Demo) -> None:
    printed = re.findall(r"^\$ fvx (\w+)", demo.output, re.MULTILINE)
    assert printed == ["extract", "window", "train", "evaluate", "explain", "explain"]


def test_the_demo_ends_with_paths_that_exist_and_a_caveat(demo: Demo) -> None:
    ending = demo.output[demo.output.rindex("\nrun:") :]
    paths = re.findall(r"out/[\w./-]+", ending)
    assert len(paths) == 4
    for path in paths:
        assert (demo.folder.parent / path).exists(), path
    assert "do not show how well" in ending


def test_the_demo_shows_what_is_chosen_and_how_each_fold_is_judged(demo: Demo) -> None:
    rounds = re.findall(
        r"^choosing, round (\d): (\d+) branches, loss [\d.]+ on sources held out",
        demo.messages,
        re.M,
    )
    assert [int(number) for number, _ in rounds] == list(range(1, len(rounds) + 1))
    assert int(rounds[0][1]) == 43
    folds = re.findall(r"^fold (\d) held out: EER [\d.]+ %", demo.messages, re.M)
    assert folds == ["1", "2", "3", "4", "5"]


def test_nothing_but_our_own_words_reaches_the_terminal(demo: Demo) -> None:
    for chatter in ("Traceback", "Warning", "WARNING", "INFO", "cuda", "absl"):
        assert chatter not in demo.messages
        assert chatter not in demo.output


def test_every_clip_of_the_embedded_corpus_was_extracted(demo: Demo) -> None:
    n_features = len(discover().select())
    assert f"78 clips, {n_features} features" in demo.output


def test_the_card_says_what_the_run_was_made_of(demo: Demo) -> None:
    card = json.loads((demo.run / "card.json").read_text())
    assert card["format"] == "fvx-run"
    assert card["dataset"] == "demo"
    assert "disjoint by speaker" in card["protocol_sentence"]
    assert card["polarity"] == "log-likelihood ratio, higher means bona fide"
    assert [feature["name"] for feature in card["features"]] == sorted(
        feature["name"] for feature in card["features"]
    )
    for part in ("train", "development", "test"):
        assert card["data"][part]["n_bonafide"] > 0
        assert card["data"][part]["n_spoof"] > 0


def test_no_speaker_is_in_two_parts(demo: Demo) -> None:
    import pandas as pd

    from fvx import Store

    parts = pd.read_csv(demo.run / "split.csv", index_col="clip")["part"]
    speakers = Store.open(demo.store).clips["speaker"]
    per_speaker = parts.groupby(speakers.reindex(parts.index)).nunique()
    assert per_speaker.max() == 1


def test_the_pages_are_self_contained(demo: Demo) -> None:
    for name in ("spoof.html", "bonafide.html"):
        page = (demo.folder / name).read_text()
        assert "data:audio/flac;base64," in page
        assert "data:image/png;base64," in page
        assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page)
        assert len(page) < 3_000_000
