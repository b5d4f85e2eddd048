"""Write ``docs/features.md`` and its pictures from the installed plugins: ``make docs``.

Nothing on that page has another source: definitions are the features' docstrings, figures of
agreement the plugins' README files, costs what ``benchmarks/features.py`` measured last.
"""

from __future__ import annotations

import inspect
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from fvx.audio import Audio
from fvx.datasets import open_dataset
from fvx.feature import Feature
from fvx.registry import Registry, discover
from fvx.report.feature_plot import save_feature

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
PAGE, PICTURES = DOCS / "features.md", DOCS / "pictures"
COSTS = ROOT / "benchmarks" / "results" / "features.json"
# One speaker (Carlo Flora, CC BY 3.0): recorded, and another sentence rebuilt from its spectrum.
CLIPS = {"bona fide: a recording": "55.flac", "spoof: the same speaker through HiFi-GAN": "74.flac"}
N_PARTS = 12
NOTHING = "–"

Costs = Mapping[str, Any]


def main() -> None:
    """Write the page, and the pictures beside it; those of features that are gone go too."""
    registry = discover()
    features = first_party(registry)
    PAGE.write_text(page(registry, read_costs()), encoding="utf-8")
    PICTURES.mkdir(exist_ok=True)
    for picture in PICTURES.glob("*.png"):
        if picture.stem not in features:
            picture.unlink()
    corpus = open_dataset("demo", registry.datasets)
    paths = {clip.id: corpus.audio_path(clip) for clip in corpus.clips}
    clips = {title: Audio.read(paths[name]) for title, name in CLIPS.items()}
    for name, feature in features.items():
        values = {title: feature(audio) for title, audio in clips.items()}
        title = f"{name}: {feature.summary}"
        save_feature(PICTURES / f"{name}.png", title, feature.columns, feature.hop_s, values)
    print(f"wrote {PAGE.relative_to(ROOT)} and {len(features)} pictures")


def read_costs() -> Costs:
    """What the benchmark measured last; nothing where it has not been run."""
    return json.loads(COSTS.read_text(encoding="utf-8")) if COSTS.exists() else {}


def first_party(registry: Registry) -> dict[str, Feature]:
    """The installed features that this repository's plugins offer, sorted by name."""
    packages = {path.parent.name.replace("-", "_") for path in _projects()}
    return {
        name: feature
        for name, feature in registry.features.items()
        if _package(registry, name) in packages
    }


def page(registry: Registry, costs: Costs) -> str:
    """The whole page, in Markdown."""
    features = first_party(registry)
    parts = [_opening(), _table(registry, features, costs), *_time(costs)]
    for path in _projects():
        plugin = path.parent.name.replace("-", "_")
        offered = [f for name, f in features.items() if _package(registry, name) == plugin]
        if offered:
            parts += [chapter(path.parent), *(section(feature) for feature in offered)]
    return "\n\n".join(parts) + "\n"


def chapter(folder: Path) -> str:
    """What a plugin's README says, agreement with the reference tools included."""
    readme = folder / "README.md"
    if not readme.exists():  # a plugin in the making
        return f"## {folder.name}"
    text = readme.read_text(encoding="utf-8").strip()

    def moved(link: re.Match[str]) -> str:
        target = link[1]
        is_here = "://" not in target and not target.startswith("#")
        return f"]({os.path.relpath(folder / target, DOCS) if is_here else target})"

    text = re.sub(r"\]\(([^)\s]+)\)", moved, text)
    return re.sub(r"^#", "##", text, flags=re.MULTILINE)


def section(feature: Feature) -> str:
    """One feature: picture, record, and its docstring as Markdown."""
    name = feature.name
    facts = [
        feature.kind.replace("_", " "),
        *([f"every {_hop(feature)}"] if feature.hop_s is not None else []),
        *(["audible"] if feature.perceptible else []),
        *([] if feature.evidence else ["not in `all`: a known shortcut, no evidence"]),
        *(["not in `all`: only by name"] if feature.by_name_only else []),
        f"version {feature.version}",
    ]
    settings = ", ".join(f"`{field} = {value!r}`" for field, value in feature.settings.items())
    return "\n\n".join(
        [
            f"### `{name}`",
            f"**{feature.summary}**",
            f"![{name} of a recording and of synthetic speech](pictures/{name}.png)",
            f"- {', '.join(facts)}\n- columns: {_columns(feature.columns)}\n"
            f"- settings: {settings or NOTHING}",
            *rendered(feature.__doc__),
        ]
    )


def rendered(docstring: str | None) -> Iterator[str]:
    """A docstring after its first line, numpy's sections as Markdown."""
    text = inspect.cleandoc(docstring or "")
    text = re.sub(r":math:`([^`]*)`", r"$\1$", text).replace("``", "`")
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", text, flags=re.MULTILINE)
    _, _, body = parts[0].partition("\n")
    if body.strip():
        yield body.strip()
    for heading, content in zip(parts[1::2], parts[2::2], strict=True):
        items = _citations(content) if heading == "References" else _items(content)
        yield f"**{heading}**\n\n" + "\n".join(items)


def _items(content: str) -> Iterator[str]:
    """``name : type`` and what is indented under it, as a list; other text as it is."""
    entries = re.split(r"^(?=\S)", content.strip("\n"), flags=re.MULTILINE)
    for entry in filter(None, entries):
        head, _, body = entry.partition("\n")
        said, *listed = re.split(r"^ *- ", body, flags=re.MULTILINE)
        said, *listed = (" ".join(text.split()) for text in (said, *listed))
        name, colon, kind = head.partition(" : ")
        if not said and not listed:
            yield f"- `{name}` ({kind})" if colon else head
            continue
        yield f"- `{name}` ({kind}): {said}".rstrip() if colon else f"- {head}: {said}".rstrip()
        yield from (f"  - {text}" for text in listed)


def _citations(content: str) -> Iterator[str]:
    """One entry a work: the next begins after a line that ends with a full stop."""
    for work in re.split(r"(?<=\.)\n", content.strip()):
        yield f"- {' '.join(work.split())}"


def _columns(columns: Sequence[str]) -> str:
    """The names, numbered runs shortened to their ends."""
    shown = []
    for _, run in groupby(columns, lambda name: re.sub(r"\d+", "#", name)):
        names = [f"`{name}`" for name in run]
        shown += names if len(names) < 4 else [f"{names[0]} … {names[-1]}"]
    return f"{len(columns)}: {', '.join(shown)}"


def _opening() -> str:
    return """# Features

<!-- Made by `make docs` from docstrings, plugin READMEs and benchmarks/results/features.json:
     what is changed here is lost. -->

Everything that the plugins of this repository measure, what it means, how well it agrees with the
tools of the field, and what it costs. The same, for what is installed on your machine:

```console
$ fvx features list
$ fvx features info jitter
$ fvx features plot jitter a.wav b.wav
```

A feature gives one row *per clip*, a *contour* (one quantity over time) or a *matrix* (many over
time). Frame *k* is centred at *k* times the hop. There is never a NaN: a column named `voiced` or
`defined`, or ending so, is 0 where the quantity does not exist. *Audible* marks what a listener can
check by ear.

The pictures show two clips of the [demo corpus](../fvx/demo_corpus/ATTRIBUTION.md) (55 and 74,
recorded by Carlo Flora, CC BY 3.0): one recorded, the other rebuilt by the neural vocoder HiFi-GAN
from a recording of the same speaker. The sentences differ, so not every difference that meets
the eye is a trace of synthesis; and clips of 1.6 s hold neither a pause nor an intake of breath."""


def _table(registry: Registry, features: Mapping[str, Feature], costs: Costs) -> str:
    heads = ("feature", "plugin", "kind", "columns", "audible", "hop", "ms", "source")
    lines = [
        "## All of them",
        "",
        f"| {' | '.join(heads)} |",
        "|---|---|---|--:|---|---|--:|---|",
    ]
    for name, feature in features.items():
        cost = costs.get("features", {}).get(name)
        cells = (
            f"[`{name}`](#{name})" + _mark(feature),
            _package(registry, name).replace("_", "-"),
            feature.kind.replace("_", " "),
            str(len(feature.columns)),
            "yes" if feature.perceptible else "",
            _hop(feature),
            f"{cost['alone_ms']:.1f}" if cost else NOTHING,
            _short(feature.source),
        )
        lines.append(f"| {' | '.join(cells)} |")
    note = (
        "ms: for a clip of 4.3 s, by itself, on one core; features that share results cost less "
        "together."
    )
    if not all(feature.evidence for feature in features.values()):
        note += " \\* tells recordings apart and not voices: not in `all`."
    if any(feature.by_name_only for feature in features.values()):
        note += " + is large, and slow to learn from: not in `all`, only by name."
    lines += ["", note]
    return "\n".join(lines)


def _mark(feature: Feature) -> str:
    if not feature.evidence:
        return " *"
    return " +" if feature.by_name_only else ""


def _time(costs: Costs) -> Iterator[str]:
    if not costs:
        return
    yield "## Where the time goes"
    total_ms, decode_ms = costs["all_ms"], costs["decode_ms"]
    floor_ms = decode_ms + costs["fourier_ms"]
    n_together = sum(of["in_run_ms"] is not None for of in costs["features"].values())
    tools = ", ".join(f"{name} {version}" for name, version in costs["versions"].items())
    share = floor_ms / (total_ms + decode_ms)
    yield (
        f"All {n_together} features of `all` together take {total_ms:.1f} ms for a clip of "
        f"{costs['clips']['scaled_to_s']} s on one core; with decoding ({decode_ms:.1f} ms), that "
        f"is {costs['times_real_time']:.0f} times real time. The floor is decoding and the Fourier "
        f"transforms that the features ask for, {floor_ms:.1f} ms together: {100 * share:.0f} %."
        "\n\n"
        f"Measured over {costs['clips']['n']} clips of the demo corpus, speakers' clips end to end "
        f"and cut at {costs['clips']['mean_s']:.1f} s; CPU time, of each clip the least of several "
        f"rounds; {costs['machine']}; {tools}. Again, and with this page's figures renewed:\n\n"
        "```console\n$ .venv/bin/python benchmarks/features.py "
        f"--json {COSTS.relative_to(ROOT)}\n$ make docs\n```"
    )
    parts = [*costs["shared"], *({**part, "what": f"`{part['what']}`"} for part in costs["own"])]
    parts.sort(key=lambda part: -part["ms"])
    rest_ms = sum(part["ms"] for part in parts[N_PARTS:])
    rows = [(part["what"], part["ms"]) for part in parts[:N_PARTS]]
    rows.append((f"{len(parts) - N_PARTS} more", rest_ms))
    sum_ms = sum(cost for _, cost in rows)
    yield "\n".join(
        [
            "The largest parts, each without what it asks of others. Names in code are features, "
            "the others intermediate results that are computed once and shared.",
            "",
            "| part | ms | share |",
            "|---|--:|--:|",
            *(f"| {what} | {cost:.2f} | {100 * cost / sum_ms:.0f} % |" for what, cost in rows),
        ]
    )
    yield "\n".join(
        [
            "Beside other tools, each doing by itself what comes nearest. The predecessor is the "
            "research prototype whose published formulas fvx replaces.",
            "",
            "| feature | fvx, ms | beside | ms | times as long |",
            "|---|--:|---|--:|--:|",
            *_peers(costs),
        ]
    )


def _peers(costs: Costs) -> Iterator[str]:
    for peer in costs["peers"]:
        name = peer["feature"]
        if peer["ms"] is None or name not in (*costs["features"], "all"):
            continue
        ours_ms = costs["all_ms"] if name == "all" else costs["features"][name]["alone_ms"]
        ratio = peer["ms"] / ours_ms
        times = f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}"
        yield f"| `{name}` | {ours_ms:.1f} | {peer['title']} | {peer['ms']:.1f} | {times} |"


def _projects() -> list[Path]:
    return sorted(ROOT.glob("plugins/*/pyproject.toml"))


def _package(registry: Registry, name: str) -> str:
    return registry.plugins[name].partition(".")[0]


def _hop(feature: Feature) -> str:
    return NOTHING if feature.hop_s is None else f"{1000 * feature.hop_s:g} ms"


def _short(source: str) -> str:
    """Authors and year of the first work cited."""
    found = re.match(r"[^()\"]*\(\d{4}\)", source)
    return found[0] if found else source.partition(",")[0]


if __name__ == "__main__":
    main()
