"""Gather recordings of speech from Debian's packages, and write a manifest of them.

    python training/recordings.py --out FOLDER [--each N] [--without FOLDER ...]
        [--with MANIFEST [--development SOURCE ...]]

Of each speaker FOLDER gets up to N recordings of two to five seconds, at 16 kHz, trimmed; and
recordings.csv (columns file, label, speaker, system, source, licence, split) in which some speakers
are the development part. What occurs in a clip of --without, as on an evaluation set, is left out:
by acoustic fingerprint, so that a coded or partly replaced clip is recognised, too.

The recordings of another MANIFEST (the same columns) can be added: what it does not train on is
the test part, and of the rest what is of --development sources is for that.

The packages come first: apt-get install ffmpeg and those that SPEAKERS names.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.signal
from copies import write
from numpy.typing import NDArray

from fvx import Audio
from fvx.datasets.fingerprint import fingerprint, near_duplicates
from fvx.errors import AudioError

_SHARE = Path("/usr/share")
_RATE_HZ = 16000
_SHORTEST_S, _LONGEST_S = 2.0, 5.0
_MARGIN_S, _FRAME_S = 0.08, 0.02
_LOUD_DB, _CLEAN_DB = -35.0, -29.0  # below the loud frames: where speech ends, where noise may be
_HIGHPASS_HZ = 60.0


@dataclass(frozen=True)
class Speaker:
    """Someone whose voice is in a package, and where."""

    name: str
    source: str
    licence: str
    patterns: tuple[str, ...]
    split: str = "train"


def _asterisk(name: str, language: str, licence: str, split: str = "train") -> Speaker:
    source = f"asterisk-core-sounds-{language[:2]}-g722"
    return Speaker(name, source, licence, (f"asterisk/sounds/{language}_*/**/*.g722",), split)


def _fillets(language: str, who: str, letter: str, split: str = "train") -> Speaker:
    pattern = f"games/fillets-ng/sound/*/{language}/*-{letter}-*.ogg"
    return Speaker(
        f"fillets_{language}_{who}", f"fillets-ng-data-{language}", "GPL-2+", (pattern,), split
    )


def _tuxpaint(*languages: str, split: str = "train") -> Speaker:
    patterns = tuple(f"tuxpaint/stamps/**/*_desc_{one}.ogg" for one in languages)
    name = f"tuxpaint_{'_'.join(languages)}"
    return Speaker(name, "tuxpaint-stamps-default", "GPL-2", patterns, split)


SPEAKERS = (
    _fillets("cs", "big", "v"),
    _fillets("cs", "small", "m"),
    _fillets("nl", "big", "v"),
    _fillets("nl", "small", "m", "dev"),
    Speaker(
        "festvox_nsh", "festvox-ru", "BSD-like, GPL-3",
        ("festival/voices/russian/msu_ru_nsh_clunits/wav/*.wav",),
    ),
    _asterisk("asterisk_allison", "en_US", "CC-BY-SA-3.0"),
    _asterisk("asterisk_allison", "es_MX", "CC-BY-SA-3.0"),
    _asterisk("asterisk_june", "fr_CA", "CC-BY-SA-3.0", "dev"),
    _asterisk("asterisk_carlo", "it_IT", "CC-BY-3.0"),
    _asterisk("asterisk_ivrvoice", "ru_RU", "CC-BY-3.0"),
    # One speaker of Belarusian is named and none of Russian: taken for one, to be safe.
    _tuxpaint("be", "ru"),
    *(_tuxpaint(one) for one in ("bg", "es", "fr", "ro")),
    *(_tuxpaint(one, split="dev") for one in ("da", "el")),
    Speaker(
        "ktuberling_lt", "ktuberling-data", "GPL-2+, CC-BY, CC0 (per file)",
        ("ktuberling/sounds/lt/*.ogg",),
    ),
    Speaker(
        "librivox_austen", "pocketsphinx-testdata", "public domain (LibriVox)",
        ("pocketsphinx/test/data/librivox/*.wav",),
    ),
)  # fmt: skip


def main() -> None:
    """Read, choose, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--without", type=Path, nargs="*", default=[])
    parser.add_argument("--each", type=int, default=30, help="recordings of a speaker")
    parser.add_argument("--with", type=Path, dest="more", help="a manifest")
    parser.add_argument("--development", nargs="*", default=[], help="sources of --with")
    options = parser.parse_args()

    kept_out = {
        f"without/{folder}/{path.name}": fingerprint(Audio.read(path))
        for folder in options.without
        for path in sorted(folder.iterdir())
        if path.suffix in (".flac", ".wav")
    }
    rows, found = [], {}
    for speaker in SPEAKERS:
        # Twice as many as are wanted: some may be left out.
        for number, audio in enumerate(recordings(speaker, 2 * options.each)):
            name = f"{speaker.name}/{speaker.source}-{number:03d}.flac"
            found[name] = audio
            about = {"label": "bona-fide", "speaker": speaker.name, "system": "-"}
            about |= {"source": speaker.source, "licence": speaker.licence, "split": speaker.split}
            rows.append({"file": name, **about})
    if not rows:
        raise SystemExit(f"no recordings under {_SHARE}; install the packages that SPEAKERS names")
    out = occurring(found, kept_out)
    rows = first([row for row in rows if row["file"] not in out], options.each)
    if options.more:
        for row, audio in of_manifest(options.more, options.development):
            found[row["file"]] = audio
            rows.append(row)
    for row in rows:
        write(options.out / row["file"], found[row["file"]])
    with (options.out / "recordings.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for part, n in Counter(row["split"] for row in rows).items():
        n_speakers = len({row["speaker"] for row in rows if row["split"] == part})
        print(f"{part}: {n} recordings of {n_speakers} speakers")
    print(f"left out: {len(out)} that {len(kept_out)} clips of --without hold")


def occurring(found: dict[str, Audio], kept_out: dict[str, NDArray[np.uint32]]) -> set[str]:
    """Which recordings occur in the clips that are to be kept out."""
    prints = {name: fingerprint(audio) for name, audio in found.items()} | kept_out
    parts = {name: "found" if name in found else "kept out" for name in prints}
    same = near_duplicates(prints, parts)
    return {name for match in same for name in (match.one, match.other)} & set(found)


def first(rows: list[dict[str, str]], n_each: int) -> list[dict[str, str]]:
    """So many of each speaker in each package."""
    taken: Counter[tuple[str, str]] = Counter()
    chosen = []
    for row in rows:
        taken[row["speaker"], row["source"]] += 1
        if taken[row["speaker"], row["source"]] <= n_each:
            chosen.append(row)
    return chosen


def of_manifest(
    manifest: Path, development: Collection[str]
) -> Iterator[tuple[dict[str, str], Audio]]:
    """Its recordings that are long enough, with the part they are for."""
    with manifest.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["label"] == "spoof":
                continue
            audio = Audio.read(manifest.parent / row["file"], _RATE_HZ)
            if audio.duration_s < _SHORTEST_S:
                continue
            part = "dev" if row["source"] in development else "train"
            about = {key: row[key] for key in ("speaker", "source", "licence")}
            yield (
                {
                    "file": f"{manifest.parent.name}/{row['file']}",
                    "label": "bona-fide",
                    "system": "-",
                    **about,
                    "split": part if row["split"] == "train" else "test",
                },
                audio,
            )


def recordings(speaker: Speaker, n_wanted: int) -> Iterator[Audio]:
    """Those of a speaker that are long and clean enough, drawn from all there are."""
    paths = sorted(path for pattern in speaker.patterns for path in _SHARE.glob(pattern))
    rng = np.random.default_rng(zlib.crc32(f"{speaker.name} {speaker.source}".encode()))
    n_found = 0
    for place in rng.permutation(len(paths)):
        if n_found == n_wanted:
            return
        samples = trimmed(read(paths[place]))
        if len(samples) >= _SHORTEST_S * _RATE_HZ:
            n_found += 1
            yield Audio(samples[: round(_LONGEST_S * _RATE_HZ)].astype(np.float32), _RATE_HZ)


def read(path: Path) -> NDArray[np.float64]:
    """Samples at 16 kHz, without what is below the voice; none of what is too short."""
    if path.suffix == ".g722":
        command = ["ffmpeg", "-v", "quiet", "-f", "g722", "-i", str(path), "-f", "s16le", "-"]
        told = subprocess.run(command, check=True, capture_output=True).stdout
        samples = np.frombuffer(told, "<i2") / 32768
    else:
        try:
            samples = Audio.read(path, _RATE_HZ).samples.astype(np.float64)
        except AudioError:
            samples = np.zeros(0)
    if len(samples) < _RATE_HZ:
        return samples[:0]
    high = scipy.signal.butter(4, _HIGHPASS_HZ, "highpass", fs=_RATE_HZ, output="sos")
    filtered: NDArray[np.float64] = scipy.signal.sosfiltfilt(high, samples)
    return filtered


def trimmed(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the quiet ends; nothing of a recording whose pauses are too loud."""
    size = round(_FRAME_S * _RATE_HZ)
    n_frames = len(samples) // size
    if not n_frames:
        return samples[:0]
    power = np.mean(samples[: n_frames * size].reshape(n_frames, size) ** 2, axis=1)
    level_db = 10 * np.log10(power + 1e-12)
    quiet_db, spoken_db, loud_db = np.percentile(level_db, (5, 90, 95))
    loud = np.flatnonzero(level_db > max(loud_db + _LOUD_DB, quiet_db + 6))
    if quiet_db - spoken_db > _CLEAN_DB or not len(loud):
        return samples[:0]
    margin = round(_MARGIN_S * _RATE_HZ)
    return samples[max(0, loud[0] * size - margin) : (loud[-1] + 1) * size + margin]


if __name__ == "__main__":
    main()
