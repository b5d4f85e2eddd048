"""Corpora of human speech, the bona fide side of others: records, nothing else."""

from __future__ import annotations

from fvx.datasets.label import Label
from fvx.datasets.paths import Paths
from fvx.datasets.table import Table

_BY_HAND = "Its address and checksums are not known to fvx: download it by hand."

LJSPEECH = Table(
    name="ljspeech",
    title="LJSpeech 1.1",
    folder="LJSpeech-1.1",
    licence="public domain",
    citation="Ito, Johnson (2017), The LJ Speech dataset",
    n_bonafide=13_100,
    n_spoof=0,
    traps=(
        "One speaker: a detector trained on it as the only human speech learns her voice.",
        "Its table is divided by bars, has no header, and quotation marks in it mean nothing.",
        _BY_HAND,
    ),
    protocols=("metadata.csv", "LJSpeech-1.1/metadata.csv"),
    delimiter="|",
    quoting=False,
    columns=("clip", "transcript", "normalised"),
    clip="clip",
    audio=("wavs/{clip}.wav", "{folder}/wavs/{clip}.wav"),
    label=Label.BONAFIDE,
    speaker="reader",
    constants={"reader": "LJ"},
    markers=("wavs",),
)

VCTK = Paths(
    name="vctk",
    title="VCTK",
    folder="VCTK",
    licence="CC BY 4.0",
    citation=(
        "Yamagishi, Veaux, MacDonald (2019), CSTR VCTK corpus: English multi-speaker corpus for "
        "CSTR voice cloning toolkit, University of Edinburgh"
    ),
    n_spoof=0,
    traps=(
        "Version 0.92 has two microphones for each sentence: only the first is read, or every "
        "clip would be there twice.",
        "ASVspoof, CodecFake and DFADD are made of it: the same speakers are in them.",
        _BY_HAND,
    ),
    templates=(
        "**/wav48_silence_trimmed/{speaker}/*_{sentence}_mic1",
        "**/wav48/{speaker}/*_{sentence}",
    ),
    label=Label.BONAFIDE,
    markers=("wav48_silence_trimmed", "wav48", "VCTK-Corpus*/wav48*"),
)

LIBRITTS = Paths(
    name="libritts",
    title="LibriTTS",
    folder="LibriTTS",
    licence="CC BY 4.0",
    citation=(
        "Zen, Dang, Clark et al. (2019), LibriTTS: a corpus derived from LibriSpeech for "
        "text-to-speech, Interspeech"
    ),
    n_spoof=0,
    traps=(
        "Many synthesis systems were trained on it: its speakers are their voices.",
        "24 kHz audio books: neither channel nor style is that of spoof corpora.",
        _BY_HAND,
    ),
    templates=("**/{part}/{speaker}/{chapter}/*",),
    label=Label.BONAFIDE,
    markers=("*/train-clean-*", "train-clean-*", "*/dev-clean", "dev-clean"),
)

VCC_2020 = Paths(
    name="vcc2020",
    title="Voice Conversion Challenge 2020, its recordings",
    folder="VCC2020",
    licence="as its page says",
    citation=(
        "Zhao, Huang, Tian et al. (2020), Voice Conversion Challenge 2020: intra-lingual "
        "semi-parallel and cross-lingual voice conversion, VCC/BC workshop"
    ),
    n_spoof=0,
    traps=(
        "These are the recordings that systems converted; what they made of them is in ASVspoof "
        "2021 DF, so the same speakers are there.",
        "The layout is the one its archives have by common recipes: source, target_task1 and "
        "target_task2, a folder for each speaker.",
        _BY_HAND,
    ),
    templates=("**/{set}/{speaker}/{sentence}",),
    label=Label.BONAFIDE,
    markers=("source/SEF1", "target_task1/TEF1", "*/source/SEF1"),
)

ALL = (LJSPEECH, VCTK, LIBRITTS, VCC_2020)
