"""Write ``docs/licences.md`` from what is installed: ``make docs``.

A licence is what the distribution's own metadata say, as an SPDX expression. What is only in a
compiled file, or said nowhere, stands in this file.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "licences.md"

SPDX = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
}
"""What metadata call them, in lower case."""

UNSAID = {
    "lime": "BSD-2-Clause",
    "matplotlib": "PSF-2.0",  # matplotlib's own, modelled on it
    "namex": "Apache-2.0",
    "pyworld-prebuilt": "MIT AND BSD-3-Clause",
}
"""Read off the licence file, where metadata say nothing or too little."""

_LIBSNDFILE = "contains libsndfile (LGPL-2.1-or-later) with LAME (LGPL-2.0) and mpg123 (LGPL-2.1)"
_FORTRAN = "contains GCC's runtime libraries (GPL-3.0 with the runtime exception)"
INSIDE = {
    "numpy": _FORTRAN,
    "pillow": "contains FreeType, libjpeg-turbo and others under permissive licences",
    "scikit-learn": _FORTRAN,
    "scipy": _FORTRAN,
    "soundfile": _LIBSNDFILE,
    "soxr": "contains libsoxr under the same licence",
}
"""What a wheel for Linux brings along in compiled form."""

STATED = {
    "certifi": "a list of certificates, used unchanged",
    "soundfile": "libsndfile is a file of its own, which may be replaced",
    "soxr": "used through its Python interface, which may be replaced",
    "tqdm": "used unchanged, by LIME and by others",
}
"""The copyleft in the default install, and why it binds nobody who installs fvx."""

PERMISSIVE = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "HPND", "ISC", "MIT", "MIT-0",
    "MIT-CMU", "PSF-2.0", "Unlicense", "Zlib",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One distribution.

    Attributes
    ----------
    name : str
    licence : str
        SPDX expression.
    wanted_for : str
        "fvx" for what every installation has, else the extra.
    """

    name: str
    licence: str
    wanted_for: str

    @property
    def copyleft(self) -> bool:
        """Whether any part of it asks for more than that its notices be kept."""
        words = self.licence.replace("(", " ").replace(")", " ").split()
        terms = {word for word in words if word not in ("AND", "OR", "WITH")}
        return not terms <= PERMISSIVE or "LGPL" in INSIDE.get(canonicalize_name(self.name), "")


def closure(requirements: Iterable[str]) -> list[Distribution]:
    """Installed distributions that requirements lead to, without fvx and its plugins.

    Raises
    ------
    PackageNotFoundError
        If one is not installed.
    """
    found: dict[str, Distribution] = {}
    waiting = [(Requirement(line), "") for line in requirements]
    seen: set[tuple[str, str]] = set()
    while waiting:
        one, wanted_by = waiting.pop()
        if one.marker is not None and not one.marker.evaluate({"extra": wanted_by}):
            continue
        name = canonicalize_name(one.name)
        for extra in ("", *one.extras):
            if (name, extra) in seen or name.partition("-")[0] == "fvx":
                continue
            seen.add((name, extra))
            found[name] = distribution(name)
            waiting += [(Requirement(line), extra) for line in found[name].requires or ()]
    return [found[name] for name in sorted(found)]


def licence(one: Distribution) -> str:
    """Return its licence as an SPDX expression.

    Raises
    ------
    ValueError
        If neither metadata nor this file say it.
    """
    name = canonicalize_name(one.metadata["Name"])
    if name in UNSAID:
        return UNSAID[name]
    if said := one.metadata.get_all("License-Expression"):
        return str(said[0])
    classifiers = one.metadata.get_all("Classifier") or []
    candidates = list(one.metadata.get_all("License") or ())
    candidates += [c.rpartition("::")[2] for c in classifiers if c.startswith("License ::")]
    for words in candidates:
        first = words.strip().split("\n")[0].strip()
        if first.lower() in SPDX:
            return SPDX[first.lower()]
        terms = {term for term in first.split() if term not in ("AND", "OR")}
        if terms and terms <= PERMISSIVE | {"MPL-2.0"}:
            return str(first)
    raise ValueError(f"{name}: licence not known, see its files; add it to release/licences.py")


def rows(*, complete: bool = False) -> Iterator[Row]:
    """Every distribution, those of the default install first.

    Extras that are not installed are left out, unless the table is to be complete.

    Raises
    ------
    PackageNotFoundError
        If something is not installed that has to be.
    """
    about = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {"fvx": about["dependencies"], **about["optional-dependencies"]}
    listed: set[str] = set()
    for purpose, requirements in wanted.items():
        if purpose == "all":
            continue
        try:
            found = closure(requirements)
        except PackageNotFoundError:
            if complete or purpose == "fvx":
                raise
            continue
        for one in found:
            if one.metadata["Name"] not in listed:
                listed.add(one.metadata["Name"])
                yield Row(one.metadata["Name"], licence(one), purpose)


def cells(row: Row) -> str:
    """A line of the table."""
    inside = INSIDE.get(canonicalize_name(row.name), "")
    mark = "\\*" if row.copyleft else ""
    return f"| {row.name} | {row.licence}{mark} | {row.wanted_for} | {inside} |"


def page(found: Iterable[Row]) -> str:
    """The page as Markdown."""
    stated = "\n".join(f"- {name}: {why}." for name, why in STATED.items())
    table = "\n".join(map(cells, found))
    return f"""\
# Licences

fvx and the plugins that come with it are under the Apache License 2.0. This is what `pip install`
brings along on Linux, by the metadata of each. Rows for "fvx" are in every installation; the others
come with the extra named, such as `fvx[train]`.

What is not in the default install: Praat's code (GPL, optional plugin `fvx-praat`) and openSMILE
(research licence, optional plugin `fvx-opensmile`). The clips of the demo corpus have
[licences of their own](../fvx/demo_corpus/ATTRIBUTION.md).

Copyleft in the default install, marked by an asterisk below, is this and nothing else; fvx changes
none of it and links to none of it other than through Python:

{stated}

| distribution | licence | for | contains |
|---|---|---|---|
{table}

Written by `make docs`; the tests compare it with what is installed.
"""


def main() -> None:
    """Write the page."""
    try:
        text = page(list(rows(complete=True)))
    except PackageNotFoundError as error:
        sys.exit(f"licences: {error}; all extras are needed: pip install -e '.[all]'")
    PAGE.write_text(text, encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
