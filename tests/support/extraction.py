"""Run a real extraction of a folder with fakes: corpus, store, jobs."""

from __future__ import annotations

import sys
from pathlib import Path

import fakes

from fvx.datasets import open_dataset
from fvx.extract import extract

FEATURES = (fakes.Ends(), fakes.Grid(), fakes.Slow())

if __name__ == "__main__":
    corpus, store, jobs = sys.argv[1:]
    extract(open_dataset(Path(corpus)), FEATURES, store, jobs=int(jobs))
