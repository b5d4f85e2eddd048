"""Make clips of which a span was replaced, to learn from where a forgery is.

    python training/splices.py COPIES/MANIFEST --out FOLDER

MANIFEST is one that training/copies.py wrote: bona fide recordings (columns file, label, speaker,
system, source, split) and their copies through vocoders (columns original, and made, which says
"vocoder"); it may have copies by other vocoders besides. Of each recording that is long enough,
FOLDER gets

- some *partial* clips: the recording with one span or two replaced by the same span of a copy,
  among those of MANIFEST and of the vocoders that fvx brings, at the recording's level there, and
  cross-faded over 15 ms;
- some *whole* ones, bona fide, from which to learn that there may be no such span: as many, and a
  third as many in the training part, where moments are learnt from and not clips;

most of both through a random channel (training/splices.toml), and a manifest of them, whose column
spans says what was replaced. What is in FOLDER already is not made again.
"""

from __future__ import annotations

import argparse
import csv
import math
import zlib
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from copies import write
from numpy.typing import NDArray

from fvx import Audio
from fvx.augment import Recipe, augment, vocode
from fvx.augment.vocoders import METHODS

_SHORTEST_S, _LONGEST_S = 2.0, 5.0  # of a recording; the rest of a longer one is left out
_SPAN_S = (0.4, 1.4)
_FADE_S, _MARGIN_S = 0.015, 0.15
_TWO_SPANS, _THROUGH_A_CHANNEL = 0.2, 0.75  # shares of the clips
_PARTIAL_TO_WHOLE = 3  # in the training part
_TWO_SPANS_S = 3.5  # of a recording, for two to have room
_FRAME_S = 0.02
_RECIPE = Path(__file__).with_name("splices.toml")

Spans = list[tuple[float, float]]


def main() -> None:
    """Splice, write the clips and their manifest."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--each", type=int, default=2, help="partial clips of a recording")
    parser.add_argument("--train", type=int, help="the same, in the training part")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()

    with options.manifest.open(newline="") as file:
        rows = list(csv.DictReader(file))
    copies: dict[str, dict[str, str]] = {}
    for row in rows:
        if row["made"] == "vocoder":
            copies.setdefault(row["original"], {})[row["system"]] = row["file"]
    used: Counter[str] = Counter()
    works = []
    for row in rows:
        if row["label"] == "spoof" or row["original"]:
            continue
        rng = np.random.default_rng([options.seed, zlib.crc32(row["file"].encode())])
        own = copies.get(row["file"], {})
        n_each = options.train if row["split"] == "train" and options.train else options.each
        systems = rarest([*own, *METHODS], used, n_each, rng)
        works.append(Work(options.manifest.parent, options.out, row, own, systems, rng))
    written = []
    with ProcessPoolExecutor(options.jobs) as pool:
        for n_done, some in enumerate(pool.map(make, works), 1):
            written += some
            if n_done % 50 == 0:
                print(f"{n_done} of {len(works)} recordings", flush=True)
    target = options.out / "partial.csv"
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(written[0]))
        writer.writeheader()
        writer.writerows(written)
    made = Counter(one["system"] for one in written if one["spans"])
    systems_made = ", ".join(f"{system} {count}" for system, count in sorted(made.items()))
    print(f"{len(written)} clips, {made.total()} of them partial: {systems_made} -> {target}")


@dataclass(frozen=True)
class Work:
    """What is made of one recording."""

    given: Path
    out: Path
    row: dict[str, str]
    copies: dict[str, str]
    systems: list[str]
    rng: np.random.Generator


def make(work: Work) -> list[dict[str, str]]:
    """Splice and write; give the rows of the manifest."""
    row, rng, recipe = work.row, work.rng, Recipe.read(_RECIPE)
    whole = shortened(Audio.read(work.given / row["file"]))
    if whole.duration_s < _SHORTEST_S:
        return []
    written = []
    for number, system in enumerate(work.systems):
        about = {key: row[key] for key in ("speaker", "source", "split")}
        about |= {"original": row["file"], "label": "spoof", "system": system}
        if system in METHODS:
            copy = vocode(whole, system, seed=int(rng.integers(2**32)))
        else:
            copy = Audio.read(work.given / work.copies[system])
        partial, spans = splice(whole, copy, rng)
        words = ";".join(f"{start:.3f}-{end:.3f}" for start, end in spans)
        stem = f"{row['file'].rpartition('.')[0]}~{number}"
        of_whole = {"label": "bona-fide", "system": "-", "spans": ""}
        made = [(f"partial/{stem}.flac", partial, {"spans": words})]
        if row["split"] != "train" or number % _PARTIAL_TO_WHOLE == 0:
            made.append((f"whole/{stem}.flac", whole, of_whole))
        for name, audio, more in made:
            seed = int(rng.integers(2**32))
            if rng.random() < _THROUGH_A_CHANNEL:
                audio = augment(audio, recipe, seed=seed)
            write(work.out / name, audio)
            written.append({"file": name, **about, **more})
    return written


def shortened(audio: Audio) -> Audio:
    """Its beginning."""
    return Audio(audio.samples[: round(_LONGEST_S * audio.rate_hz)], audio.rate_hz)


def rarest(
    systems: Iterable[str], used: Counter[str], n_systems: int, rng: np.random.Generator
) -> list[str]:
    """Those that were taken least often so far, so that in the end all are as frequent.

    None more often than every second time, also where it is among few recordings' copies only.
    """
    shuffled = [str(one) for one in rng.permutation(sorted(systems))]
    chosen: Counter[str] = Counter()
    for _ in range(n_systems):
        free = [one for one in shuffled if chosen[one] < math.ceil(n_systems / 2)]
        system = min(free, key=lambda one: used[one])
        chosen[system] += 1
        used[system] += 1
    return list(chosen.elements())


def splice(whole: Audio, copy: Audio, rng: np.random.Generator) -> tuple[Audio, Spans]:
    """The recording with a span or two of the copy, and when they are, in seconds."""
    n_samples = min(len(whole.samples), len(copy.samples))
    samples = whole.samples[:n_samples].astype(np.float64)
    duration_s = n_samples / whole.rate_hz
    two = duration_s >= _TWO_SPANS_S and rng.random() < _TWO_SPANS
    middle_s = duration_s * rng.uniform(0.4, 0.6)
    fields = [(0.0, middle_s), (middle_s, duration_s)] if two else [(0.0, duration_s)]
    spans = []
    for first_s, last_s in fields:
        start_s, end_s = spoken_span(samples, whole.rate_hz, (first_s, last_s), rng)
        start, end = round(start_s * whole.rate_hz), round(end_s * whole.rate_hz)
        piece = copy.samples[start:end].astype(np.float64)
        under = samples[start:end]
        piece *= np.sqrt(np.mean(under**2) / (np.mean(piece**2) + 1e-12))
        n_fade = round(_FADE_S * whole.rate_hz)
        place = np.arange(end - start)
        weight = np.minimum(1.0, np.minimum(place, place[::-1]) / n_fade)
        samples[start:end] = (1 - weight) * under + weight * piece
        spans.append((start / whole.rate_hz, end / whole.rate_hz))
    samples /= max(1.0, np.abs(samples).max())
    return Audio(samples.astype(np.float32), whole.rate_hz), spans


def spoken_span(
    samples: NDArray[np.float64],
    rate_hz: int,
    within_s: tuple[float, float],
    rng: np.random.Generator,
    n_tries: int = 50,
) -> tuple[float, float]:
    """A span of random length that is mostly speech, or the last one tried."""
    size = round(_FRAME_S * rate_hz)
    n_frames = len(samples) // size
    power = np.mean(samples[: n_frames * size].reshape(n_frames, size) ** 2, axis=1)
    level_db = 10 * np.log10(power + 1e-12)
    loud = level_db > np.percentile(level_db, 90) - 20
    first_s, last_s = within_s[0] + _MARGIN_S, within_s[1] - _MARGIN_S
    start_s = end_s = first_s
    for _ in range(n_tries):
        length_s = min(rng.uniform(*_SPAN_S), last_s - first_s)
        start_s = first_s + rng.random() * max(0.0, last_s - length_s - first_s)
        end_s = start_s + length_s
        if loud[round(start_s / _FRAME_S) : round(end_s / _FRAME_S)].mean() > 0.7:
            break
    return start_s, end_s


if __name__ == "__main__":
    main()
