"""Write a sample of clips as they would come another way: other rates, codecs, rooms, silence.

    python training/arrivals.py MANIFEST.csv … --folds folds.csv --out FOLDER
        [--n 400] [--seed 0] [--ways NAME …] [--ffmpeg PROGRAM]

What a detector says of a recording should not depend on how the recording came. Each way in
ARRIVALS turns a clip (16 kHz, mono) into a file of that format and rate, as someone would send it;
fvx's own reader does the rest. FOLDER gets <way>/<clip>.<extension>, and arrivals.csv (columns way,
clip, path, label, source, fold, original_rate): every file of the sample that is there, its path
relative to FOLDER, and as way "as is" the clip's own file. Files that exist are not made again.

The sample holds as many clips of each class and, within a class, takes folds and sources in turn.
Manifests have the columns file, label, source and perhaps original_rate; folds.csv has source and
fold. A clip is called by its manifest's folder and its file: demos/train/x.flac.

What is random depends on the clip's name alone. libsndfile does not read AAC, AMR and raw G.722:
these come as WAV, decoded, at the codec's rate. AMR needs an ffmpeg that encodes it, such as the
one in the package imageio-ffmpeg 0.6.0; one way needs sox.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.signal
import soundfile
import soxr
from numpy.typing import NDArray

from fvx.datasets.label import parse_label

AS_IS = "as is"
COLUMNS = ["way", "clip", "path", "label", "source", "fold", "original_rate"]
_RATE_HZ = 16_000
_AT_ONCE = 20  # clips per process of ffmpeg
_BIT_EXACT = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact")
_TELEPHONE_HZ = (300.0, 3400.0)
_SNR_DB, _ROOM_RT60_S, _ROOM_DIRECT_DB, _GAIN_DB = 20.0, 0.4, 6.0, -40.0
_ROOM_GAP_S = 0.0025  # between what comes directly and the tail
_PAUSE_S, _PAUSE_DBFS = 10.0, -70.0

Samples = NDArray[Any]
Change = Callable[[Samples, np.random.Generator], tuple[Samples, int]]
"""Samples at 16 kHz, full scale ±1, to samples and their rate in hertz."""


@dataclass(frozen=True)
class Job:
    """A clip's name, its file, and the file to be written."""

    clip: str
    source: Path
    target: Path


Make = Callable[[Sequence[Job], str], None]
"""Writes the targets of some jobs; the text is the ffmpeg to use."""


@dataclass(frozen=True)
class Way:
    """A way a recording may come.

    Attributes
    ----------
    group : str
        "rate", "round trip", "codec", "telephone" or "scene".
    make : callable
        Writes the files.
    suffix : str
        Of a file.
    program, encoder : str
        What has to be installed: "ffmpeg", "sox" or nothing, and an encoder of ffmpeg.
    """

    group: str
    make: Make
    suffix: str = ".wav"
    program: str = ""
    encoder: str = ""


def main() -> None:
    """Draw the sample, write its files, say what there is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("manifests", type=Path, nargs="+", metavar="MANIFEST")
    parser.add_argument("--folds", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--n", type=int, default=400, help="clips, half of them spoof")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ways", nargs="+", choices=ARRIVALS, metavar="NAME", default=[*ARRIVALS])
    parser.add_argument("--ffmpeg", default="ffmpeg", metavar="PROGRAM")
    options = parser.parse_args()

    lacking = [text for name in options.ways if (text := lacks(name, options.ffmpeg))]
    if lacking:
        raise SystemExit("\n".join(lacking))
    clips = draw(read(options.manifests, options.folds), options.n, options.seed)
    for name in options.ways:
        began = time.perf_counter()
        n_made = arrive(name, clips, options.out, options.ffmpeg)
        print(f"{name:24} {n_made:5} files  {time.perf_counter() - began:6.1f} s", flush=True)
    table = found(clips, options.out)
    table.to_csv(options.out / "arrivals.csv", index=False)
    print(f"{len(clips)} clips, {table['way'].nunique()} ways, {len(table)} files")


def lacks(name: str, ffmpeg: str = "ffmpeg") -> str:
    """What is missing for a way, in words; "" if nothing is."""
    way = ARRIVALS[name]
    program = ffmpeg if way.program == "ffmpeg" else way.program
    if program and not shutil.which(program):
        return f"{name}: needs the program {program}, which is not installed"
    if way.encoder and way.encoder not in _encoders(program):
        return f"{name}: needs the encoder {way.encoder}, which this {program} was built without"
    return ""


@lru_cache
def _encoders(ffmpeg: str) -> frozenset[str]:
    listed = _run(ffmpeg, "-hide_banner", "-encoders").stdout.decode(errors="replace")
    return frozenset(words[1] for line in listed.splitlines() if len(words := line.split()) > 1)


def read(manifests: Sequence[Path], folds: Path) -> pd.DataFrame:
    """All clips: clip, path, label, source, fold, original_rate ("" where it is not stated).

    Raises
    ------
    SystemExit
        If a source has no fold, or two clips have one name.
    """
    fold = pd.read_csv(folds, dtype=str).set_index("source")["fold"]
    tables = []
    for manifest in manifests:
        rows = pd.read_csv(manifest, dtype=str, keep_default_na=False)
        folder = manifest.resolve().parent
        rows["clip"] = f"{folder.name}/" + rows["file"]
        rows["path"] = [str(folder / file) for file in rows["file"]]
        rows["label"] = [str(parse_label(word, str(manifest))) for word in rows["label"]]
        rows["fold"] = rows["source"].map(fold)
        if "original_rate" not in rows:
            rows["original_rate"] = ""
        tables.append(rows[COLUMNS[1:]])
    clips = pd.concat(tables, ignore_index=True)
    if clips["fold"].isna().any():
        nowhere = clips.loc[clips["fold"].isna(), "source"].iloc[0]
        raise SystemExit(f"{folds}: no fold for the source {nowhere}")
    if clips["clip"].duplicated().any():
        twice = clips.loc[clips["clip"].duplicated(), "clip"].iloc[0]
        raise SystemExit(f"two clips are called {twice}")
    return clips


def draw(clips: pd.DataFrame, n_clips: int, seed: int) -> pd.DataFrame:
    """A sample, half of each class; within a class folds and sources are taken in turn."""
    # Sorted first, so that the sample does not depend on the order of rows.
    drawn = clips.sort_values("clip").sample(frac=1, random_state=seed)
    for column in ("source", "fold"):
        turn = drawn.groupby(["label", column]).cumcount()
        drawn = drawn.loc[turn.sort_values(kind="stable").index]
    return drawn.groupby("label").head(n_clips // 2).sort_values("clip", ignore_index=True)


def file_of(name: str, clip: str) -> Path:
    """Where a clip's file of a way lies, in the folder of all."""
    return Path(name, clip + ARRIVALS[name].suffix)


def arrive(name: str, clips: pd.DataFrame, out: Path, ffmpeg: str = "ffmpeg") -> int:
    """Write the clips' files of one way, but those that exist; return how many."""
    way = ARRIVALS[name]
    missing = [
        (clip, Path(path), out / file_of(name, clip))
        for clip, path in zip(clips["clip"], clips["path"], strict=True)
        if not (out / file_of(name, clip)).exists()
    ]
    out.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(missing), _AT_ONCE):
        some = missing[start : start + _AT_ONCE]
        # Made elsewhere and moved: a file that is there is whole.
        with tempfile.TemporaryDirectory(dir=out) as folder:
            jobs = [
                Job(clip, source, Path(folder, f"{number}{way.suffix}"))
                for number, (clip, source, _) in enumerate(some)
            ]
            way.make(jobs, ffmpeg)
            for job, (_, _, target) in zip(jobs, some, strict=True):
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(job.target, target)
    return len(missing)


def found(clips: pd.DataFrame, out: Path) -> pd.DataFrame:
    """A row for each file of these clips that is there, with the columns of arrivals.csv."""
    tables = [clips.assign(way=AS_IS)]
    for name in ARRIVALS:
        paths = [file_of(name, clip) for clip in clips["clip"]]
        there = [(out / path).exists() for path in paths]
        tables.append(clips.assign(way=name, path=[path.as_posix() for path in paths])[there])
    return pd.concat(tables, ignore_index=True)[COLUMNS]


def computed(change: Change, subtype: str = "PCM_16") -> Make:
    """Changed here, and written as WAV of a subtype of libsndfile's."""

    def make(jobs: Sequence[Job], _: str) -> None:
        for job in jobs:
            samples, rate_hz = soundfile.read(job.source, dtype="float64")
            if rate_hz != _RATE_HZ or samples.ndim != 1:
                raise SystemExit(f"{job.source}: expected {_RATE_HZ} Hz, mono")
            rng = np.random.default_rng(zlib.crc32(job.clip.encode()))
            changed, changed_hz = change(samples, rng)
            soundfile.write(job.target, _pcm16(changed), changed_hz, subtype, format="WAV")

    return make


def by_ffmpeg(options: str, coded: str = "") -> Make:
    """By ffmpeg with these options; with a suffix of a coded file, there and back to WAV."""

    def make(jobs: Sequence[Job], ffmpeg: str) -> None:
        sources, targets = [job.source for job in jobs], [job.target for job in jobs]
        if not coded:
            _ffmpeg(ffmpeg, sources, targets, options)
            return
        between = [target.with_suffix(coded) for target in targets]
        _ffmpeg(ffmpeg, sources, between, options)
        _ffmpeg(ffmpeg, between, targets, "-c:a pcm_s16le")

    return make


def _ffmpeg(ffmpeg: str, sources: Sequence[Path], targets: Sequence[Path], options: str) -> None:
    words: list[str | Path] = [ffmpeg, "-v", "error", "-nostdin", "-y"]
    for source in sources:
        words += ["-i", source]
    for number, target in enumerate(targets):
        words += ["-map", f"{number}:a", *options.split(), *_BIT_EXACT, target]
    _run(*words)


def by_sox(effects: str) -> Make:
    """By sox with these effects, to WAV of 16 bits; its dither is the same each time."""

    def make(jobs: Sequence[Job], _: str) -> None:
        for job in jobs:
            _run("sox", "-R", job.source, "-b", "16", job.target, *effects.split())

    return make


def _run(*words: str | Path) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(words, check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()
        raise SystemExit(f"{words[0]} failed: {said}") from error


def _pcm16(samples: Samples) -> NDArray[np.int16]:
    """As whole numbers; what is beyond full scale is clipped."""
    return np.clip(np.round(samples * 32768), -32768, 32767).astype(np.int16)


def at(rate_hz: int) -> Change:
    """At another rate, by soxr VHQ."""
    return lambda samples, rng: (soxr.resample(samples, _RATE_HZ, rate_hz, "VHQ"), rate_hz)


def there_and_back(rate_hz: int, resample: Callable[[Samples, int, int], Samples]) -> Change:
    """To another rate, 16 bits, and back to 16 kHz."""

    def change(samples: Samples, _: np.random.Generator) -> tuple[Samples, int]:
        sent = _pcm16(resample(samples, _RATE_HZ, rate_hz)) / 32768
        return resample(sent, rate_hz, _RATE_HZ), _RATE_HZ

    return change


def by_soxr(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """By soxr HQ."""
    resampled: Samples = soxr.resample(samples, from_hz, to_hz, "HQ")
    return resampled


def by_scipy(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """By `scipy.signal.resample_poly`, at its defaults."""
    resampled: Samples = scipy.signal.resample_poly(samples, to_hz, from_hz)
    return resampled


def by_lines(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """By straight lines between samples, without a filter: a bad resampler.

    As `torch.nn.functional.interpolate` does it, a sample stands for the middle of its span of
    time; were the first samples aligned, twice the rate and back would change nothing.
    """
    n_samples = round(len(samples) * to_hz / from_hz)
    place = (np.arange(n_samples) + 0.5) * from_hz / to_hz - 0.5
    return np.interp(place, np.arange(len(samples)), samples)


def plain_8k(samples: Samples, _: np.random.Generator) -> tuple[Samples, int]:
    """At 8 kHz, by soxr HQ."""
    return by_soxr(samples, _RATE_HZ, 8000), 8000


def telephone_8k(samples: Samples, _: np.random.Generator) -> tuple[Samples, int]:
    """The band of a telephone (Butterworth, fourth order), at 8 kHz."""
    band = scipy.signal.butter(4, _TELEPHONE_HZ, "bandpass", fs=_RATE_HZ, output="sos")
    return by_soxr(scipy.signal.sosfilt(band, samples), _RATE_HZ, 8000), 8000


def noisy(samples: Samples, rng: np.random.Generator) -> tuple[Samples, int]:
    """In pink noise 20 dB below the clip."""
    spectrum = np.fft.rfft(rng.standard_normal(len(samples)))
    spectrum[0] = 0
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    noise = np.fft.irfft(spectrum, len(samples))
    return samples + noise * _rms(samples) / _rms(noise) * 10 ** (-_SNR_DB / 20), _RATE_HZ


def in_room(samples: Samples, rng: np.random.Generator) -> tuple[Samples, int]:
    """In a room of RT60 0.4 s, the tail 6 dB below what comes directly; as loud as before."""
    time_s = np.arange(round(1.25 * _ROOM_RT60_S * _RATE_HZ)) / _RATE_HZ
    response = rng.standard_normal(len(time_s)) * 10 ** (-3 * time_s / _ROOM_RT60_S)
    response[time_s < _ROOM_GAP_S] = 0
    response *= 10 ** (-_ROOM_DIRECT_DB / 20) / np.sqrt(np.sum(response**2))
    response[0] = 1
    heard = scipy.signal.fftconvolve(samples, response)[: len(samples)]
    return heard * _rms(samples) / max(_rms(heard), 1e-12), _RATE_HZ


def quieter(samples: Samples, _: np.random.Generator) -> tuple[Samples, int]:
    """40 dB down, in 16 bits without dither."""
    return samples * 10 ** (_GAIN_DB / 20), _RATE_HZ


def then_silence(samples: Samples, _: np.random.Generator) -> tuple[Samples, int]:
    """Ten seconds of zeros after it."""
    return np.append(samples, np.zeros(round(_PAUSE_S * _RATE_HZ))), _RATE_HZ


def then_noise(samples: Samples, rng: np.random.Generator) -> tuple[Samples, int]:
    """Ten seconds of white noise at -70 dBFS after it."""
    noise = rng.standard_normal(round(_PAUSE_S * _RATE_HZ)) * 10 ** (_PAUSE_DBFS / 20)
    return np.append(samples, noise), _RATE_HZ


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def _ffmpeg_trip(rate_hz: int) -> Way:
    filters = f"-af aresample={rate_hz},aresample={_RATE_HZ} -c:a pcm_s16le"
    return Way("round trip", by_ffmpeg(filters), program="ffmpeg")


def _coded(group: str, options: str, encoder: str, suffix: str, readable: bool = False) -> Way:
    options = f"{options} -c:a {encoder}"
    if readable:
        return Way(group, by_ffmpeg(options), suffix, "ffmpeg", encoder)
    return Way(group, by_ffmpeg(options, suffix), ".wav", "ffmpeg", encoder)


_OPUS = "-ar 48000 -application voip"

ARRIVALS: dict[str, Way] = {
    "48k": Way("rate", computed(at(48_000))),
    "44.1k": Way("rate", computed(at(44_100))),
    "24k": Way("rate", computed(at(24_000))),
    "22.05k": Way("rate", computed(at(22_050))),
    "round-trip-24k": Way("round trip", computed(there_and_back(24_000, by_soxr))),
    "round-trip-22.05k": _ffmpeg_trip(22_050),
    "round-trip-44.1k-sox": Way("round trip", by_sox("rate -h 44100 rate -h 16000"), program="sox"),
    "round-trip-44.1k-ffmpeg": _ffmpeg_trip(44_100),
    "round-trip-48k-scipy": Way("round trip", computed(there_and_back(48_000, by_scipy))),
    "round-trip-32k-linear": Way("round trip", computed(there_and_back(32_000, by_lines))),
    "mp3-128k": _coded("codec", "-ar 44100 -b:a 128k", "libmp3lame", ".mp3", readable=True),
    "mp3-64k": _coded("codec", "-ar 44100 -b:a 64k", "libmp3lame", ".mp3", readable=True),
    "aac-96k": _coded("codec", "-ar 44100 -b:a 96k", "aac", ".m4a"),
    "aac-48k": _coded("codec", "-ar 44100 -b:a 48k", "aac", ".m4a"),
    "opus-24k": _coded("codec", f"{_OPUS} -b:a 24k", "libopus", ".ogg", readable=True),
    "opus-16k": _coded("codec", f"{_OPUS} -b:a 16k", "libopus", ".ogg", readable=True),
    "vorbis": _coded("codec", "-ar 16000 -q:a 3", "libvorbis", ".ogg", readable=True),
    "amr-nb-12.2k": _coded("telephone", "-ar 8000 -b:a 12.2k", "libopencore_amrnb", ".amr"),
    "amr-wb-23.85k": _coded("telephone", "-ar 16000 -b:a 23.85k", "libvo_amrwbenc", ".amr"),
    "gsm": Way("telephone", computed(plain_8k, "GSM610")),
    "mu-law-8k": Way("telephone", computed(telephone_8k, "ULAW")),
    "a-law-8k": Way("telephone", computed(telephone_8k, "ALAW")),
    "g722": _coded("telephone", "-ar 16000", "g722", ".g722"),
    "noise-20db": Way("scene", computed(noisy)),
    "room": Way("scene", computed(in_room)),
    "gain-40db-down": Way("scene", computed(quieter)),
    "silence-10s": Way("scene", computed(then_silence)),
    "silence-10s-quiet-noise": Way("scene", computed(then_noise)),
}


if __name__ == "__main__":
    main()
