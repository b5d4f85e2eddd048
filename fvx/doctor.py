"""The verb doctor: what is installed, broken, slow or missing on this machine."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from time import perf_counter
from typing import Literal

from fvx import __version__
from fvx.audio import Audio
from fvx.datasets import open_dataset
from fvx.detector import DEFAULT_RUN, load_model
from fvx.errors import FvxError
from fvx.registry import ONLY, Registry, discover

State = Literal["ok", "slow", "missing", "broken"]

_LEAST_FREE_GB = 1.0
_SLOW_SHARE = 1.0  # of a clip's duration, for one feature alone, whose first call may set up more
_SLOW_START_S = 10.0
_EXTRAS = {
    "train": "fvx train",
    "augment": "vocoders in fvx extract --augment",
    "cluster": "fvx extract --scheduler",
    "parquet": "fvx store export --parquet, and manifests in Parquet",
}


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes
    ----------
    what : str
    state : {"ok", "slow", "missing", "broken"}
        Missing is what can be installed but need not be; broken what should work and does not.
    words : str
        What was found.
    remedy : str
        What to do about it; empty where nothing needs doing.
    """

    what: str
    state: State
    words: str
    remedy: str = ""


def doctor(folder: Path = Path()) -> Iterator[Finding]:
    """Look at everything that fvx needs, one after another; what fails is a finding.

    Parameters
    ----------
    folder : Path
        Where stores and runs would be written.
    """
    yield _this()
    yield _machine()
    yield from _libraries()
    yield _decoders()
    try:
        registry = discover()
    except FvxError as error:
        yield Finding("plugins", "broken", str(error), "uninstall one of them")
        return
    yield from _plugins(registry)
    yield from _guarded("features", lambda: _features(registry))
    yield from _guarded("shipped model", lambda: _model(registry))
    yield from _disk(folder)


def _guarded(what: str, look: Callable[[], Finding]) -> Iterator[Finding]:
    try:
        yield look()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is wrong here
        yield Finding(what, "broken", f"{type(error).__name__}: {error}", "see the lines above")


def _this() -> Finding:
    home = Path(__file__).parent
    return Finding("fvx", "ok", f"{__version__} in {home}, Python {platform.python_version()}")


def _machine() -> Finding:
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    n_cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    words = f"{platform.platform()}, {n_cores} cores"
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        n_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        words += f", {n_bytes / 1e9:.0f} GB of memory"
    if sys.platform == "linux":
        return Finding("machine", "ok", words)
    return Finding("machine", "ok", f"{words}; fvx is tested on Linux only")


def _libraries() -> Iterator[Finding]:
    """What fvx needs, and what each extra adds; read off its own metadata."""
    needed: dict[str, list[str]] = {}
    for line in requires("fvx") or []:
        name = re.split(r"[^\w.-]", line, maxsplit=1)[0]
        marked = re.search(r"""extra == ['"](\w+)['"]""", line)
        needed.setdefault(marked[1] if marked else "", []).append(name)
    found = {name: _version(name) for name in sorted(needed.get("", []))}
    if absent := [name for name, one in found.items() if one is None]:
        yield Finding(
            "libraries", "broken", f"not installed: {', '.join(absent)}", "pip install fvx"
        )
    else:
        yield Finding("libraries", "ok", ", ".join(f"{name} {one}" for name, one in found.items()))
    for extra, purpose in _EXTRAS.items():
        versions = {name: _version(name) for name in needed.get(extra, [])}
        if versions and all(versions.values()):
            words = ", ".join(f"{name} {one}" for name, one in versions.items())
            yield Finding(f"extra {extra}", "ok", words)
        else:
            yield Finding(
                f"extra {extra}",
                "missing",
                f"needed for {purpose}",
                f"pip install 'fvx[{extra}]'",
            )


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _decoders() -> Finding:
    try:
        import soundfile

        formats = soundfile.available_formats()
    except (ImportError, OSError) as error:  # the wheel of another platform, or no libsndfile
        return Finding("decoders", "broken", str(error), "pip install --force-reinstall soundfile")
    words = f"{soundfile.__libsndfile_version__}, {len(formats)} formats"
    if "MP3" in formats:
        return Finding("decoders", "ok", words)
    remedy = "install libsndfile 1.1 or later, or soundfile's own wheel"
    return Finding("decoders", "missing", f"{words}; MP3 is not among them", remedy)


def _plugins(registry: Registry) -> Iterator[Finding]:
    only = f"; {ONLY} switches others off" if ONLY in os.environ else ""
    counts = Counter(registry.distributions.values())
    listed = ", ".join(f"{name} {_version(name)} ({n})" for name, n in sorted(counts.items()))
    if counts:
        yield Finding("plugins", "ok", f"{listed}{only}")
    else:
        yield Finding("plugins", "broken", f"none is installed{only}", "pip install fvx-voice, …")
    for name, reason in registry.broken.items():
        remedy = f"repair it, pip uninstall {name}, or leave it out of {ONLY}"
        yield Finding(f"plugin {name}", "broken", reason, remedy)


def _features(registry: Registry) -> Finding:
    """Whether any feature fails on speech, or takes long."""
    sample = _sample(registry)
    failed, costs_s = [], {}
    for name, feature in registry.features.items():
        start_s = perf_counter()
        try:
            feature(Audio(sample.samples, sample.rate_hz))
        except Exception as error:  # noqa: BLE001 - a plugin may fail in any way
            failed.append(f"{name} ({type(error).__name__}: {error})")
        costs_s[name] = perf_counter() - start_s
    if failed:
        remedy = "fvx features check says more"
        return Finding("features", "broken", f"failed on speech: {', '.join(failed)}", remedy)
    total_s, share = sum(costs_s.values()), _SLOW_SHARE * sample.duration_s
    words = f"{len(costs_s)} in {total_s:.2f} s for {sample.duration_s:.1f} s of speech"
    if slow := [f"{name} {cost:.2f} s" for name, cost in costs_s.items() if cost > share]:
        return Finding("features", "slow", f"{words}; most of it {', '.join(slow)}")
    return Finding("features", "ok", words)


def _model(registry: Registry) -> Finding:
    start_s = perf_counter()
    detector = load_model(DEFAULT_RUN, registry)
    corpus = open_dataset("demo", registry.datasets)
    verdict = detector.predict(corpus.audio_path(corpus.clips[0]))
    took_s = perf_counter() - start_s
    words = f"loaded and gave a verdict ({verdict.verdict}) in {took_s:.1f} s"
    return Finding("shipped model", "slow" if took_s > _SLOW_START_S else "ok", words)


def _sample(registry: Registry) -> Audio:
    corpus = open_dataset("demo", registry.datasets)
    return Audio.read(corpus.audio_path(corpus.clips[0]))


def _disk(folder: Path) -> Iterator[Finding]:
    for what, place in (("here", folder.resolve()), ("temporary", Path(tempfile.gettempdir()))):
        free_gb = shutil.disk_usage(place).free / 1e9
        words = f"{free_gb:.1f} GB free in {place}"
        if not os.access(place, os.W_OK):
            remedy = "go to another folder, or name one: --store, --run"
            yield Finding(f"disk, {what}", "broken", f"{place} cannot be written to", remedy)
        elif free_gb < _LEAST_FREE_GB:
            remedy = "make room; fvx extract goes on where a full disk stopped it"
            yield Finding(f"disk, {what}", "broken", words, remedy)
        else:
            yield Finding(f"disk, {what}", "ok", words)
