"""Groups of clips that belong together, and which whole ones make up a part."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

NOBODY = ("", "-")  # stands where speaker or system is unknown


def speakers(table: pd.DataFrame) -> NDArray[np.int64]:
    """A group for each speaker; clips of nobody in particular are groups of their own."""
    names = [
        f"\0{row}" if speaker in NOBODY else speaker for row, speaker in enumerate(table["speaker"])
    ]
    return pd.factorize(np.asarray(names, object))[0].astype(np.int64)


def components(table: pd.DataFrame) -> NDArray[np.int64]:
    """Groups that share neither a speaker nor a synthesis system with another group."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    of_speaker = speakers(table)
    systems = pd.factorize(table["system"].to_numpy(object))[0] + of_speaker.max(initial=0) + 1
    linked = ~table["system"].isin(NOBODY).to_numpy()
    n_nodes = int(systems.max(initial=0)) + 1
    edges = (np.ones(linked.sum()), (of_speaker[linked], systems[linked]))
    _, component = connected_components(coo_array(edges, shape=(n_nodes, n_nodes)), directed=False)
    result: NDArray[np.int64] = component[of_speaker].astype(np.int64)
    return result


def divisible(groups: NDArray[np.int64], spoof: NDArray[np.bool_], fraction: float) -> bool:
    """Whether groups are small enough to make a part of about the wanted size, both classes."""
    for of_class in (spoof, ~spoof):
        sizes = np.sort(np.bincount(groups[of_class], minlength=1))
        reachable = sizes[sizes <= 2 * fraction * of_class.sum()].sum()
        if reachable < fraction * of_class.sum() / 2:
            return False
    return True


def choose(
    groups: NDArray[np.int64], spoof: NDArray[np.bool_], fraction: float, seed: int
) -> NDArray[np.bool_]:
    """Pick groups in random order while they bring both classes nearer to their share."""
    n_groups = int(groups.max(initial=-1)) + 1
    counts = np.stack(
        [np.bincount(groups[mask], minlength=n_groups) for mask in (spoof, ~spoof)], axis=1
    )
    totals = np.maximum(counts.sum(axis=0), 1)
    chosen = np.zeros(n_groups, bool)
    share = np.zeros(2)
    for group in np.random.default_rng(seed).permutation(n_groups):
        after = share + counts[group] / totals
        if np.abs(after - fraction).sum() < np.abs(share - fraction).sum():
            chosen[group], share = True, after
    mask: NDArray[np.bool_] = chosen[groups]
    return mask
