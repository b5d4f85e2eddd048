"""Folds: whole sources, so that each is judged by networks that have not heard it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fvx.groups import NOBODY

N_FOLDS = 5
SOURCE = "source"


def fold_by_source(table: pd.DataFrame, n_folds: int = N_FOLDS) -> tuple[NDArray[np.int64], str]:
    """Divide clips into folds that share no source, both classes spread over all of them.

    Parameters
    ----------
    table : pandas.DataFrame
        Clip table: label, speaker, and source, if it is known.

    Returns
    -------
    fold : int64 array, shape (n_clips,)
    column : str
        What they are divided by: ``source`` or ``speaker``; "" where both are too few, since each
        fold needs both classes, and so does what is left without it. All are in fold 0 then.
    """
    for column in (SOURCE, "speaker"):
        if column in table and (~table[column].fillna("").isin(NOBODY)).any():
            names = table[column].fillna("").astype(str).to_numpy(str)
            if len(set(names) - set(NOBODY)) >= n_folds:
                break
    else:
        return np.zeros(len(table), np.int64), ""
    nobody = np.isin(names, NOBODY)
    names = np.where(nobody, np.char.add("\0", np.arange(len(names)).astype(str)), names)
    _, group = np.unique(names, return_inverse=True)
    bonafide = (table["label"] == "bonafide").to_numpy()
    counts = np.stack([np.bincount(group[mask], minlength=group.max() + 1)
                       for mask in (bonafide, ~bonafide)], axis=1)  # fmt: skip
    share = counts / np.maximum(counts.sum(axis=0), 1)
    filled = np.zeros((n_folds, 2))
    fold_of = np.zeros(len(counts), np.int64)
    # The largest first, each to where its classes are scarcest.
    for one in np.argsort(-share.sum(axis=1), kind="stable"):
        fold_of[one] = np.argmin((filled + share[one]).max(axis=1) + 1e-3 * filled.sum(axis=1))
        filled[fold_of[one]] += share[one]
    fold: NDArray[np.int64] = fold_of[group]
    if (filled == 0).any() or (filled >= 1).any():
        return np.zeros(len(table), np.int64), ""
    return fold, column
