"""The pages: self-contained HTML files that a lay reader can open offline."""

from __future__ import annotations

import base64
import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from fvx.atomic import write_text
from fvx.audio import Audio
from fvx.report import drawing
from fvx.report.course import Course

_FOLDER = Path(__file__).parent
_N_SHOWN = 6  # features of a group that are not folded away
_BARELY_LLR = 0.69  # twice as likely
_R2_GOOD, _AGREEMENT_GOOD, _RESIDUAL_GOOD, _RANDOMISED_GOOD = 0.8, 0.98, 0.1, 0.5


def save_page(
    path: str | Path,
    record: Mapping[str, Any],
    audio: Audio,
    courses: Mapping[str, Course | None],
) -> None:
    """Write the page of one clip; every name from outside is escaped."""
    largest = max((abs(f["contribution"]) for f in record["features"]), default=0.0) or 1.0
    rows = [_row(feature, record, courses, audio.duration_s) for feature in record["features"]]
    groups = [
        (title, record["families"]["by_ear"][key], [r for r in rows if r["perceptible"] is heard])
        for title, key, heard in (
            ("What a person could hear", "perceptible", True),
            ("What only measurement shows", "imperceptible", False),
        )
    ]
    page = (
        _environment()
        .get_template("explanation.html")
        .render(
            record=record,
            name=_shown(Path(record["path"]).name),
            place=_shown(record["path"]),
            command=_shown(record["command"]),
            title=_title(record),
            wave=drawing.waveform(audio),
            band=drawing.relevance(record["relevance"], audio.duration_s),
            spectrogram=base64.b64encode(drawing.spectrogram_png(audio)).decode(),
            sound=base64.b64encode(_flac(audio)).decode(),
            top_hz=audio.rate_hz / 2,
            ticks=_ticks(audio.duration_s),
            largest=largest,
            groups=[group for group in groups if group[2]],
            n_shown=_N_SHOWN,
            insides=[_inside(one) for one in record["inside"]],
            mattered=record["mattered"],
            trust=_trust(record["faithfulness"], record),
        )
    )
    write_text(path, page)


def save_index(path: str | Path, entries: Sequence[Mapping[str, Any]]) -> None:
    """Write the page that leads to the pages of many clips, the most suspicious first.

    Parameters
    ----------
    entries : sequence of mapping
        ``path``, ``page`` (a file name beside this one, or None), ``error``, and, without an
        error, the verdict's fields and ``features``.
    """
    ranked = sorted(entries, key=lambda one: (one["error"] is not None, -(one["p_spoof"] or 0)))
    counts = {
        words: sum(one["verdict"] == verdict for one in entries)
        for verdict, words in (
            ("spoof", "lean towards synthetic"),
            ("undecided", "undecided"),
            ("bona fide", "lean towards human"),
        )
    }
    page = (
        _environment()
        .get_template("index.html")
        .render(
            entries=ranked, counts=counts, n_failed=sum(one["error"] is not None for one in entries)
        )
    )
    write_text(path, page)


def save_reliance(path: str | Path, record: Mapping[str, Any], picture: bytes) -> None:
    """Write the page of what a model relies on over a corpus."""
    page = (
        _environment()
        .get_template("reliance.html")
        .render(record=record, picture=base64.b64encode(picture).decode())
    )
    write_text(path, page)


_VERDICTS = {
    "bona fide": "a human recording",
    "spoof": "synthetic speech",
    "undecided": "Undecided: too close to call",
}


def _title(record: Mapping[str, Any]) -> str:
    """The verdict in words, as weak as it is."""
    kind = _VERDICTS[record["verdict"]]
    if record["verdict"] == "undecided":
        return kind
    return f"Leans {'barely ' if abs(record['score']) < _BARELY_LLR else ''}towards {kind}"


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    environment.filters["shown"] = _shown
    environment.filters["clock"] = _clock
    environment.filters["side"] = lambda value: "bona" if value >= 0 else "spoof"
    environment.filters["kind"] = lambda value: "human" if value >= 0 else "synthetic"
    # The style sheet and the script are parts of the page, not of what a visitor could change.
    for name in ("page.css", "page.js"):
        environment.globals[name.replace(".", "_")] = (_FOLDER / name).read_text(encoding="utf-8")
    return environment


def _row(
    feature: Mapping[str, Any],
    record: Mapping[str, Any],
    courses: Mapping[str, Course | None],
    duration_s: float,
) -> dict[str, Any]:
    course = courses.get(feature["name"])
    drawn = None
    if course is not None:
        picture, low, high = drawing.course(course, duration_s)
        unit = f" {course.unit}" if course.unit else ""
        drawn = {
            "picture": picture,
            "low": f"{low:.3g}{unit}",
            "high": f"{high:.3g}{unit}",
            "quantity": course.quantity,
        }
    cells = [cell["contribution"] for cell in record["cells"] if cell["feature"] == feature["name"]]
    has_strip = len(cells) > 1 and feature["kind"] != "per_clip"
    return {
        **feature,
        "course": drawn,
        "strip": drawing.bars(cells, 44) if has_strip else "",
        "columns": [
            {**column, "gauge": drawing.gauge(column["value"], tuple(column["usual"]))}
            for column in feature["columns"]
        ],
    }


def _inside(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **one,
        "picture": drawing.bars([band["contribution"] for band in one["bands"]]),
        "strongest": max(one["bands"], key=lambda band: abs(band["contribution"])),
    }


def _trust(figures: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """How sure the explanation is: a summary, and what it rests on, in words."""
    tests = list(_tests(figures, record))
    n_passed = sum(passed for passed, _ in tests)
    if n_passed == len(tests):
        words = "The list of reasons passes all its tests: it shows what the model went by."
    elif tests[0][0]:
        words = f"The list of reasons passes {n_passed} of its {len(tests)} tests: a fair account."
    else:
        words = "The list of reasons fails its main test: do not rely on it for this recording."
    return {"words": words, "tests": tests}


def _tests(figures: Mapping[str, Any], record: Mapping[str, Any]) -> Iterator[tuple[bool, str]]:
    """Whether each test is passed, and what it says."""
    own, chance = figures["deletion_area"], figures["deletion_area_random"]
    yield (
        own < chance,
        "Leaving out what it names first moves the score "
        f"{'more' if own < chance else 'no more'} quickly than leaving out parts by chance "
        f"(on average by {own:+.2f} against {chance:+.2f}).",
    )
    own, chance = figures["insertion_area"], figures["insertion_area_random"]
    yield (
        own > chance,
        "Starting from usual human speech, putting back what it names first restores the score "
        f"{'more' if own > chance else 'no more'} quickly than putting back parts by chance "
        f"({own:+.2f} against {chance:+.2f}).",
    )
    if (r2 := figures["surrogate_r2"]) is not None:
        yield (
            r2 >= _R2_GOOD,
            f"Its simple picture of the model accounts for {100 * r2:.0f} % of how the score "
            "reacts when parts are left out; the rest is interplay that no list can show.",
        )
    residual = abs(figures["completeness_residual"])
    yield (
        residual <= _RESIDUAL_GOOD * max(abs(record["score"] - record["base"]), 1e-3),
        f"The contributions add up to the score but for {residual:.2f}."
        if residual >= 0.005
        else "The contributions add up to the score.",
    )
    measured = "seed_spearman" in figures
    agreement = figures["seed_spearman"] if measured else figures["expected_agreement"]
    if agreement is None:
        yield True, "Nothing in it was drawn by lot: repeated, it comes out the same."
    else:
        yield (
            agreement >= _AGREEMENT_GOOD,
            "Repeated with other random numbers, it puts the parts in nearly the same order (rank "
            f"correlation {agreement:.3f}{', five repetitions' if measured else ', estimated'}).",
        )
    if (changed := figures.get("randomised_spearman")) is not None:
        yield (
            changed < _RANDOMISED_GOOD,
            "A model of random weights would be explained "
            f"{'otherwise' if changed < _RANDOMISED_GOOD else 'much the same'} "
            f"(rank correlation {changed:.2f}).",
        )


def _ticks(duration_s: float) -> list[dict[str, float]]:
    """Round times for the axis, at most eleven."""
    step = next(s for s in (0.5, 1, 2, 5, 10, 30, 60, 120) if duration_s / s <= 11 or s == 120)
    times = itertools.takewhile(lambda t: t <= duration_s, (i * step for i in itertools.count()))
    return [{"time_s": t, "percent": 100 * t / duration_s} for t in times]


def _shown(name: str) -> str:
    """A name that can be written as UTF-8: a file's need not be."""
    return name.encode("utf-8", "backslashreplace").decode()


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    shown = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return shown.replace("-", "−")


def _clock(time_s: float) -> str:
    minutes, seconds = divmod(time_s, 60)
    return f"{int(minutes)}:{seconds:04.1f}" if minutes else f"{seconds:.1f} s"


def _flac(audio: Audio) -> bytes:
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, audio.samples, audio.rate_hz, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()
