"""Runs ``fvx extract`` on a small file system of its own that fills up; see test_store_faults.py.

Arguments: a folder to mount it on, the corpus, a store of it that was made elsewhere, and the size
in kilobytes. Prints JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from makers import contents

from fvx.store import Store, summarise, verify

FVX = Path(sys.executable).with_name("fvx")


def mount(place: Path, options: str) -> None:
    command = ["mount", "-t", "tmpfs", "-o", options, "fvx-test", place]
    subprocess.run(command, check=True, stdout=sys.stderr)


def extract(corpus: Path, store: Path) -> dict[str, object]:
    done = subprocess.run(
        [FVX, "extract", "--dataset", corpus, "--features", "grid,level", "--store", store,
         "--jobs", "2"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return {
        "code": done.returncode,
        "out": done.stdout,
        "lines": [line for line in done.stderr.splitlines() if line.startswith("fvx: ")],
        "tracebacks": done.stderr.count("Traceback"),
        "files": sorted(p.name for p in store.iterdir()) if store.is_dir() else [],
    }


def main() -> None:
    place, corpus, undisturbed = (Path(name) for name in sys.argv[1:4])
    mount(place, f"size={sys.argv[4]}k")
    store = place / "s"
    told: dict[str, object] = {"full": extract(corpus, store)}
    told["damages"] = verify(store).damages
    told["kept"] = len(Store.open(store).extracted())
    mount(place, "remount,ro")
    told["read_only"] = extract(corpus, store)
    told["readable"] = verify(store).damages == () and summarise(Store.open(store)).n_shards
    mount(place, "remount,rw,size=64m")  # now there is room
    told["again"] = extract(corpus, store)
    told["equal"] = contents(store) == contents(undisturbed) != {}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
