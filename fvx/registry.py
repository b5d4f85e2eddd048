"""Which features and corpora are installed, and which plugins could not be loaded."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import cast

import pluggy

from fvx import hookspecs
from fvx.datasets.layout import Layout
from fvx.errors import FeatureError, UnknownFeature
from fvx.feature import Feature


@dataclass(frozen=True)
class Registry:
    """What the installed plugins offer, sorted by name: branch order rests on it.

    Attributes
    ----------
    features, datasets : mapping of str to Feature, of str to Layout
    plugins : mapping of str to str
        Feature name to the module that offers it.
    broken : mapping of str to str
        Distribution that could not be loaded, to the reason.
    """

    features: Mapping[str, Feature]
    datasets: Mapping[str, Layout] = field(default_factory=dict)
    plugins: Mapping[str, str] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)

    def select(self, names: Iterable[str] = ()) -> tuple[Feature, ...]:
        """Return the named features, sorted; every one installed when none is named.

        Asking for "every one" while a plugin is broken is an error: the caller would get
        fewer features than are installed, and a different model, without a word.
        """
        wanted = sorted(set(names))
        if not wanted and self.broken:
            reasons = "; ".join(f"{name}: {why}" for name, why in self.broken.items())
            raise FeatureError(f"cannot load {reasons}; name the features you want, or repair it")
        wanted = wanted or list(self.features)
        if not wanted:
            raise FeatureError("no feature plugin is installed")
        for name in wanted:
            if name not in self.features:
                raise UnknownFeature(name, tuple(self.features))
        return tuple(self.features[name] for name in wanted)


def collect(plugins: Iterable[object], broken: Mapping[str, str] | None = None) -> Registry:
    """Ask each plugin module for what it offers.

    Raises
    ------
    FeatureError
        If two plugins offer the same name, or a plugin misspells a hook.
    """
    manager = pluggy.PluginManager("fvx")
    manager.add_hookspecs(hookspecs)
    for plugin in plugins:
        if not manager.is_registered(plugin):
            manager.register(plugin)
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise FeatureError(f"a plugin offers a hook that fvx does not have: {error}") from error
    features: dict[str, Feature] = {}
    origin: dict[str, str] = {}
    datasets: dict[str, Layout] = {}
    for implementation in manager.hook.fvx_features.get_hookimpls():
        module = implementation.plugin_name
        offered = cast(Iterable[Feature], implementation.function())
        for feature in offered:
            if feature.name in features:
                first = origin[feature.name]
                raise FeatureError(f"{first} and {module} both register {feature.name!r}")
            features[feature.name], origin[feature.name] = feature, module
    layouts: list[Iterable[Layout]] = manager.hook.fvx_datasets()
    for layout in itertools.chain.from_iterable(layouts):
        if layout.name in datasets:
            raise FeatureError(f"two plugins register a dataset named {layout.name!r}")
        datasets[layout.name] = layout
    return Registry(
        dict(sorted(features.items())), dict(sorted(datasets.items())), origin, broken or {}
    )


def discover() -> Registry:
    """Load every installed plugin; one that fails to import is reported, not fatal.

    Raises
    ------
    FeatureError
        If two distributions use one entry-point name, or offer features of one name.
    """
    plugins, broken = [], {}
    found = {(_distribution(entry), entry.name): entry for entry in entry_points(group="fvx")}
    entries = list(found.values())
    for name, count in Counter(entry.name for entry in entries).items():
        if count > 1:
            owners = ", ".join(sorted(_distribution(e) for e in entries if e.name == name))
            raise FeatureError(
                f"entry point {name!r} is claimed by {owners}; uninstall all but one"
            )
    for entry in entries:
        try:
            plugins.append(entry.load())
        except Exception as error:  # noqa: BLE001 - any import may fail in any way
            broken[_distribution(entry)] = f"{type(error).__name__}: {error}"
    return collect(plugins, broken)


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.name
