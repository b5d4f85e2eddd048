"""The verb plugin new: a complete plugin for a feature, to start from."""

from __future__ import annotations

import keyword
import re
import secrets
import shutil
from collections.abc import Container
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import get_args

from fvx import __version__
from fvx.errors import FeatureError
from fvx.feature import Kind

_KIND_WORDS = {"per_clip": "per clip", "contour": "contour, 10 ms", "matrix": "matrix, 10 ms"}


def new_plugin(name: str, kind: Kind, out: Path = Path(), *, taken: Container[str] = ()) -> Path:
    """Write the distribution ``fvx-NAME`` of one feature, whose tests pass as written.

    Parameters
    ----------
    name : str
        What the feature is to be called: lower-case letters, digits and underscores.
    kind : {"per_clip", "contour", "matrix"}
    out : Path
        Folder in which to make ``fvx-NAME``; made if need be.
    taken : container of str
        Names that are features already.

    Returns
    -------
    Path
        The folder written.

    Raises
    ------
    FeatureError
        If the name cannot be a feature's, or is taken, or the folder is there or cannot be
        written.
    """
    if kind not in get_args(Kind):
        raise FeatureError(f"kind {kind!r} is unknown; known: {', '.join(get_args(Kind))}")
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise FeatureError(
            f"{name!r} cannot be a feature's name; lower-case letters, digits and single "
            "underscores between them can: spectral_tilt"
        )
    if name in taken:
        raise FeatureError(f"a feature named {name!r} is installed; choose another name")
    folder = out / f"fvx-{name.replace('_', '-')}"
    if folder.exists():
        raise FeatureError(f"{folder}: exists, and nothing is overwritten; remove it, or --out")
    words = {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "class_name": name.title().replace("_", ""),
        "distribution": folder.name,
        "module": f"fvx_{name}",
        "kind_words": _KIND_WORDS[kind],
        "fvx_version": __version__,
    }
    targets = {
        f"{kind}.py": f"{words['module']}.py",
        f"test_{kind}.py": f"tests/test_{name}.py",
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        "workflow.yml": ".github/workflows/test.yml",
        "gitignore": ".gitignore",
    }
    # Written under another name first: what is there is whole, and else there is nothing.
    unfinished = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.tmp")
    try:
        for source, target in targets.items():
            text = files(__name__).joinpath("template", f"{source}.txt").read_text("utf-8")
            path = unfinished / target
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template(text).substitute(words), encoding="utf-8", newline="\n")
        unfinished.rename(folder)
    except OSError as error:
        raise FeatureError(f"{folder}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder
