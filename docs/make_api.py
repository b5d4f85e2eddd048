"""Write the signatures into ``docs/api.md``: ``make docs``.

What plugins rely on is what this prints. ``tests/golden/api.json`` has a checksum of it for each
version of the API, so that it does not change without a word.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import fvx

PAGE = Path(__file__).resolve().parent / "api.md"
BLOCK = re.compile(r"(<!-- signatures -->\n```text\n).*?(```\n<!-- /signatures -->)", re.DOTALL)
OF_THE_LIBRARY = {"Detector", "Store", "discover", "load_model"}
"""Public, for scripts and notebooks; plugins have no use for them."""
MODULES = {
    "fvx": sorted(set(fvx.__all__) - OF_THE_LIBRARY - {"API_VERSION"}),
    "fvx.hookspecs": ["Branch", "fvx_branches", "fvx_datasets", "fvx_features"],
    "fvx.signal": ["frames", "power", "power_alone", "stft"],
    "fvx.testing": ["FeatureContract", "noise", "pulse_train", "silence", "sine", "vowel"],
    "fvx.datasets": ["Clip", "Dataset", "Layout", "Paths", "Remote", "Table", "Tree"],
}


def surface() -> str:
    """Every name that plugins may rely on, with its signature, one a line."""
    return "".join(f"{line}\n" for module, names in MODULES.items() for line in _of(module, names))


def digest() -> str:
    """Checksum of the surface."""
    return hashlib.sha256(surface().encode()).hexdigest()


def written(page: str) -> str:
    """The page with the signatures of now."""
    return BLOCK.sub(lambda found: f"{found[1]}{surface()}{found[2]}", page)


def _of(module: str, names: list[str]) -> Iterator[str]:
    home = import_module(module)
    for name in names:
        one = getattr(home, name)
        if not inspect.isclass(one):
            signature = _signature(one) if inspect.isfunction(one) else f": {_plain(one)}"
            yield f"{module}.{name}{signature}"
            continue
        bases = ", ".join(base.__name__ for base in one.__bases__ if base is not object)
        yield f"class {module}.{name}({bases})"
        for attribute, kind in _attributes(one):
            yield f"    {attribute}: {kind}"
        for member, value in sorted(vars(one).items()):
            function = getattr(value, "__func__", value)  # of a class method
            if member.startswith("_") and member != "__call__":
                continue
            if isinstance(value, property):
                yield f"    {member} -> {value.fget.__annotations__['return']}"
            elif inspect.isfunction(function):
                yield f"    {member}{_signature(function)}"


def _attributes(one: type[Any]) -> Iterator[tuple[str, str]]:
    """Fields and class attributes that are declared here, with their defaults."""
    fields = {f.name: f for f in dataclasses.fields(one)} if dataclasses.is_dataclass(one) else {}
    for name, kind in vars(one).get("__annotations__", {}).items():
        if name.startswith("_"):
            continue
        default = vars(one).get(name, dataclasses.MISSING)
        if name in fields:
            default = fields[name].default
        if name in fields and fields[name].default_factory is not dataclasses.MISSING:
            yield name, f"{kind} = ..."
        elif default is not dataclasses.MISSING:
            yield name, f"{kind} = {default!r}"
        else:
            yield name, str(kind)
    if hasattr(one, "__members__"):
        yield from ((name, repr(value.value)) for name, value in one.__members__.items())


def _signature(function: Any) -> str:
    return str(inspect.signature(function)).replace("'", "")


def _plain(one: object) -> str:
    """A type as it is written, or the type of anything else."""
    kind = type(one)
    return str(one) if kind.__module__.startswith(("collections", "typing")) else kind.__name__


def main() -> None:
    """Write the page."""
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote docs/{PAGE.name}; API {fvx.API_VERSION} is {digest()}")


if __name__ == "__main__":
    main()
