"""Which features, corpora and branches are installed, and which plugins could not be loaded."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from fvx import hookspecs
from fvx.datasets.layout import Layout
from fvx.errors import FeatureError, UnknownFeature
from fvx.feature import Feature
from fvx.hookspecs import Branch

ONLY = "FVX_PLUGINS"
"""Environment variable: distributions with commas, the exact set to load; unset: all."""


@dataclass(frozen=True)
class Registry:
    """What the installed plugins offer, sorted by name: branch order rests on it.

    Attributes
    ----------
    features, datasets : mapping of str to Feature, of str to Layout
    plugins : mapping of str to str
        Feature name to the module that offers it.
    distributions : mapping of str to str
        Feature name to the distribution that module was installed by.
    branches : mapping of str to callable
        Feature name to what builds its sub-network; of features that bring their own only.
    broken : mapping of str to str
        Distribution that could not be loaded, or whose hooks failed, to the reason.
    """

    features: Mapping[str, Feature]
    datasets: Mapping[str, Layout] = field(default_factory=dict)
    plugins: Mapping[str, str] = field(default_factory=dict)
    distributions: Mapping[str, str] = field(default_factory=dict)
    branches: Mapping[str, Branch] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)

    def select(self, names: Iterable[str] = ()) -> tuple[Feature, ...]:
        """Return the named features, sorted; when none is named, all that come with "all":
        those that are evidence and not for asking by name only.

        Asking for "every one" while a plugin is broken is an error: the caller would get
        fewer features than are installed, and a different model, without a word.
        """
        wanted = sorted(set(names))
        if not wanted and self.broken:
            reasons = "; ".join(f"{name}: {why}" for name, why in self.broken.items())
            raise FeatureError(f"cannot load {reasons}; name the features you want, or repair it")
        wanted = wanted or [
            name for name, one in self.features.items() if one.evidence and not one.by_name_only
        ]
        if not wanted:
            raise FeatureError("no feature plugin is installed")
        for name in wanted:
            if name not in self.features:
                raise UnknownFeature(name, tuple(self.features))
        return tuple(self.features[name] for name in wanted)


def collect(plugins: Iterable[object], broken: Mapping[str, str] | None = None) -> Registry:
    """Ask each plugin module for what it offers; one whose hook fails is reported, not fatal.

    Raises
    ------
    FeatureError
        If two plugins offer the same name, or a plugin misspells a hook or its arguments.
    """
    return _collect([(_module(plugin), plugin) for plugin in plugins], broken or {})


def _collect(plugins: Iterable[tuple[str, object]], broken: Mapping[str, str]) -> Registry:
    """As ``collect``, for pairs of the name to report a plugin by, and the plugin."""
    manager = pluggy.PluginManager("fvx")
    manager.add_hookspecs(hookspecs)
    owners: dict[int, str] = {}
    try:
        for owner, plugin in plugins:
            if not manager.is_registered(plugin):
                manager.register(plugin)
                owners[id(plugin)] = owner
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise FeatureError(f"a plugin offers a hook that fvx does not have: {error}") from error
    failed = dict(broken)

    def offers(hook: pluggy.HookCaller) -> Iterator[tuple[object, str, Any]]:
        for implementation in hook.get_hookimpls():
            owner, function = owners[id(implementation.plugin)], implementation.function
            try:
                offered = _named(hook.name, function())
            except (Exception, SystemExit) as error:  # noqa: BLE001 - as at import
                _report(failed, owner, error)
            else:
                yield from ((implementation.plugin, name, one) for name, one in offered)

    features: dict[str, Feature] = {}
    origin: dict[str, Any] = {}
    datasets: dict[str, Layout] = {}
    branches: dict[str, Branch] = {}
    for plugin, name, feature in offers(manager.hook.fvx_features):
        if name in features:
            raise FeatureError(
                f"{_module(origin[name])} and {_module(plugin)} both register {name!r}"
            )
        features[name], origin[name] = feature, plugin
    for _, name, layout in offers(manager.hook.fvx_datasets):
        if name in datasets:
            raise FeatureError(f"two plugins register a dataset named {name!r}")
        datasets[name] = layout
    for plugin, name, branch in offers(manager.hook.fvx_branches):
        if origin.get(name) is not plugin:
            reason = f"fvx_branches gave one for {name!r}, which is no feature of this plugin"
            _report(failed, owners[id(plugin)], FeatureError(reason))
        else:
            branches[name] = branch
    return Registry(
        dict(sorted(features.items())),
        dict(sorted(datasets.items())),
        {name: _module(plugin) for name, plugin in origin.items()},
        {name: owners[id(plugin)] for name, plugin in origin.items()},
        dict(sorted(branches.items())),
        failed,
    )


def _named(hook: str, offered: Any) -> list[tuple[str, Any]]:
    """What a hook gave, with the name of each; a TypeError if it is not what was asked for."""
    if hook == "fvx_branches":
        named = list(offered.items())
        for name, branch in named:
            if not callable(branch):
                raise TypeError(f"{hook} gave {branch!r} for {name!r}, which cannot be called")
        return named
    kind = {"fvx_features": Feature, "fvx_datasets": Layout}[hook]
    members = list(offered)
    for one in members:
        if not isinstance(one, kind):
            raise TypeError(f"{hook} gave {one!r}, which is no {kind.__name__}")
    return [(one.name, one) for one in members]


def discover() -> Registry:
    """Load every installed plugin; one that fails to, or whose hook fails, is reported only.

    Where the environment variable ``FVX_PLUGINS`` is set, it names the distributions to load,
    with commas: exactly these, besides what fvx itself brings.

    Raises
    ------
    FeatureError
        If two distributions use one entry-point name, or offer features of one name, or
        ``FVX_PLUGINS`` names one that is not installed.
    """
    plugins: list[tuple[str, object]] = []
    broken: dict[str, str] = {}
    found = {(_distribution(entry), entry.name): entry for entry in entry_points(group="fvx")}
    entries = _switched_on(list(found.values()))
    for name, count in Counter(entry.name for entry in entries).items():
        if count > 1:
            owners = ", ".join(sorted(_distribution(e) for e in entries if e.name == name))
            raise FeatureError(
                f"entry point {name!r} is claimed by {owners}; uninstall all but one"
            )
    for entry in entries:
        try:
            plugins.append((_distribution(entry), entry.load()))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - any import may fail in any way
            _report(broken, _distribution(entry), error)
    return _collect(plugins, broken)


def _switched_on(entries: list[EntryPoint]) -> list[EntryPoint]:
    """The entry points of the distributions that ``FVX_PLUGINS`` names; all if it is not set."""
    named = os.environ.get(ONLY)
    if named is None:
        return entries
    wanted = {canonical(name) for name in named.split(",") if name.strip()}
    installed = {canonical(_distribution(entry)) for entry in entries}
    if missing := sorted(wanted - installed):
        raise FeatureError(
            f"{ONLY} names {', '.join(missing)}, which is not installed as a plugin; "
            f"installed: {', '.join(sorted(installed - {'fvx'})) or 'none'}"
        )
    wanted.add("fvx")  # its own corpora
    return [entry for entry in entries if canonical(_distribution(entry)) in wanted]


def canonical(distribution: str) -> str:
    """A distribution's name as package indexes compare it: ``FVX_Voice`` is ``fvx-voice``."""
    return re.sub(r"[-_.]+", "-", distribution.strip()).lower()


def _report(broken: dict[str, str], owner: str, error: BaseException) -> None:
    reason = f"{type(error).__name__}: {error}"
    broken[owner] = f"{broken[owner]}; {reason}" if owner in broken else reason


def _module(plugin: object) -> str:
    return str(getattr(plugin, "__name__", type(plugin).__name__))


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.name
