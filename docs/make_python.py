"""Write ``docs/python.md`` from docstrings: ``make docs``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from make_features import rendered

import fvx
from fvx import errors, metrics

PAGE = Path(__file__).resolve().parent / "python.md"

CHAPTERS: dict[str, tuple[tuple[str, list[str]], ...]] = {
    "Public names": (("fvx", [name for name in fvx.__all__ if name != "API_VERSION"]),),
    "What they give": (
        ("fvx.detector", ["Verdict", "WindowScore"]),
        ("fvx.explanation", ["Explanation", "Settings"]),
        ("fvx.registry", ["Registry"]),
    ),
    "Commands as functions": tuple(
        (f"fvx.{verb}", [verb])
        for verb in ("extract", "window", "train", "evaluate", "predict", "explain", "audit")
    ),
    "Metrics": (
        ("fvx.metrics", [name for name in metrics.__all__ if callable(getattr(metrics, name))]),
    ),
    "Errors": (
        ("fvx.errors", [name for name, kind in vars(errors).items() if inspect.isclass(kind)]),
    ),
}

MARKERS = {
    "fvx.hookimpl": "Marks a function of a plugin's module as one of the [hooks](api.md#hooks).",
}
"""Objects without a docstring of their own."""

OPENING = """\
# Python

<!-- Made by `make docs` from docstrings: what is changed here is lost. -->

What scripts and notebooks use. Names of `fvx` follow its version
[semantically](https://semver.org); what plugins may rely on is [a page of its own](api.md), with
a version of its own. The other modules named here change with fvx's minor versions. Arrays are
float32 and time first, shape (n_frames, n_columns); seconds and hertz throughout; a score is higher
for bona fide.

```python
from fvx import Audio, discover, load_model

f0 = discover().features["f0"](Audio.read("sample.wav"))  # (n_frames, 2) float32
verdict = load_model().predict("sample.wav")
print(verdict.verdict, verdict.score)
verdict.explain().save_html("why.html")
```
"""


def page() -> str:
    """The whole page, in Markdown."""
    return "\n\n".join([OPENING.strip(), *_parts()]) + "\n"


def _parts() -> Iterator[str]:
    told: set[int] = set()
    for chapter, modules in CHAPTERS.items():
        yield f"## {chapter}"
        for module, names in modules:
            home = import_module(module)
            for name in names:
                one = getattr(home, name)
                if id(one) not in told:  # errors are public names, too
                    told.add(id(one))
                    yield from _entry(f"{module}.{name}", one)


def _entry(name: str, one: Any) -> Iterator[str]:
    yield f"### `{name}`"
    if not inspect.isclass(one):
        is_function = inspect.isroutine(one)
        if is_function:
            yield _code(f"{name}{_signature(one)}")
        yield from _said(one.__doc__ if is_function else MARKERS.get(name))
        return
    if not issubclass(one, BaseException) and "__init__" in vars(one):
        yield _code(f"{name}{_signature(one)}")
    yield from _said(one.__doc__)
    for member, value in vars(one).items():
        function = getattr(value, "__func__", getattr(value, "func", value))
        if isinstance(value, property):
            function = value.fget
        if (member.startswith("_") and member != "__call__") or not inspect.isfunction(function):
            continue
        is_read = isinstance(value, property) or hasattr(value, "func")
        shown = member if is_read else f"{member}{_signature(function)}"
        yield f"#### `{name.rpartition('.')[2]}.{member}`"
        yield _code(shown)
        yield from _said(function.__doc__)


def _said(docstring: str | None) -> Iterator[str]:
    text = inspect.cleandoc(docstring or "")
    first, _, _ = text.partition("\n\n")
    if "\n" in first:  # a summary of two lines
        text = text.replace(first, " ".join(first.split()), 1)
    if text:
        yield text.partition("\n")[0].replace("``", "`")
        yield from rendered(text)


def _code(text: str) -> str:
    return f"```python\n{text}\n```"


def _signature(function: Any) -> str:
    """As written, with the default model's place and the like left out."""
    signature = str(inspect.signature(function)).replace("'", "")
    signature = re.sub(r"\(self(?:, )?", "(", signature)
    return re.sub(r"<(?:[^<>]|<[^<>]*>)*>", "…", signature)  # functions, by their address


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote docs/{PAGE.name}")


if __name__ == "__main__":
    main()
