"""Robustness: the same clips through codecs, noise, rooms and filters, measured again, scored."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import wavfile

from fvx import executors, metrics
from fvx.audio import Audio
from fvx.augment.channel import Band, Level, Noise, Reverberation, Trim
from fvx.augment.codecs import Codec, Resample
from fvx.augment.step import Step
from fvx.datasets.clip import Dataset
from fvx.detector import Detector, load_model
from fvx.errors import FvxError, ScoreError
from fvx.scores import Scores
from fvx.scores.groups import part, units

_CLIPS_PER_TASK = 8
_COMPRESSION = 0.8  # of 0, the best a codec does, to 1, the smallest file
_CODECS = ("mp3", "opus", "vorbis", "mu-law", "a-law", "gsm")


@dataclass(frozen=True)
class Condition:
    """What is done to every clip.

    Attributes
    ----------
    name : str
        As it was asked for: ``noise:10``, or several with a plus between, in this order.
    steps : tuple of Step
    """

    name: str
    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read a condition.

        Parameters
        ----------
        text : str
            ``mp3``, ``opus``, ``vorbis``, ``mu-law``, ``a-law``, ``gsm`` (the first three with
            compression from 0 to 1: ``mp3:0.9``), ``noise:DB`` (white, signal over noise),
            ``reverb`` (``reverb:RT60`` in seconds), ``trim``, ``lowpass:HZ``, ``highpass:HZ``,
            ``resample:HZ``, ``level:DB`` (peak); joined by ``+`` where one follows another.

        Raises
        ------
        ScoreError
            If there is no such condition, or its number is missing, useless, or none.
        """
        return cls(text, tuple(map(_step, text.split("+"))))

    def apply(self, audio: Audio, seed: int) -> Audio:
        """Perturb a clip; the same seed gives the same samples."""
        rng = np.random.default_rng(seed)
        samples = audio.samples
        for step in self.steps:
            samples = step.apply(samples, audio.rate_hz, rng)
        return Audio(np.array(samples, np.float32), audio.rate_hz)


def conditions(text: str) -> tuple[Condition, ...]:
    """Read conditions separated by commas; `ScoreError` if one repeats or cannot be read."""
    names = [name.strip() for name in text.split(",")]
    if len(set(names)) < len(names):
        raise ScoreError(f"a condition is asked for twice: {text}")
    return tuple(map(Condition.parse, names))


def perturbed(
    run: Path,
    scores: Scores,
    dataset: Dataset | None,
    wanted: Sequence[Condition],
    *,
    jobs: int = 1,
    seed: int = 0,
    on_progress: Callable[[int, int, int], None] = lambda *_: None,
) -> list[dict[str, Any]]:
    """Score the clips again under each condition.

    Parameters
    ----------
    scores : Scores
        Of the clips as they are.
    dataset : Dataset
        Where the recordings of these clips are.
    jobs : int
        Worker processes; 0 runs in this process.
    on_progress : callable
        Called with (clips done, clips to do, failures so far).

    Returns
    -------
    list of dict
        For each condition the EER with its interval, the difference from the same clips as
        they are with its interval and *p*, the mean change of the scores of either class, and
        how many clips could not be scored any more.

    Raises
    ------
    ScoreError
        If there is no dataset, clips are not in it, or too few can still be scored.
    """
    tasks = _tasks(run, scores, dataset, wanted, seed)
    found: dict[str, dict[str, float]] = {condition.name: {} for condition in wanted}
    lost: dict[str, list[str]] = {condition.name: [] for condition in wanted}
    n_done, n_todo = 0, len(wanted) * len(scores.clips)
    on_progress(0, n_todo, 0)
    for name, values, reasons in executors.run(_score, tasks, jobs=jobs):
        found[name] |= values
        lost[name] += reasons
        n_done += len(values) + len(reasons)
        on_progress(n_done, n_todo, sum(map(len, lost.values())))
    return [_judge(scores, one, found[one.name], lost[one.name], seed) for one in wanted]


@dataclass(frozen=True)
class _Task:
    run: Path
    condition: Condition
    clips: tuple[tuple[str, Path], ...]
    seed: int


def _tasks(
    run: Path, scores: Scores, dataset: Dataset | None, wanted: Sequence[Condition], seed: int
) -> list[_Task]:
    if dataset is None:
        raise ScoreError("perturbing needs the recordings: name their corpus (--dataset)")
    known = {clip.id: clip for clip in dataset.clips}
    missing = [clip for clip in scores.clips if clip not in known]
    if missing:
        raise ScoreError(
            f"{dataset.name} has no recording of {len(missing)} of {len(scores.clips)} clips, "
            f"such as {missing[0]!r}"
        )
    paths = [(clip, dataset.audio_path(known[clip]).absolute()) for clip in scores.clips]
    return [
        _Task(run.absolute(), condition, tuple(paths[first : first + _CLIPS_PER_TASK]), seed)
        for condition in wanted
        for first in range(0, len(paths), _CLIPS_PER_TASK)
    ]


def _score(task: _Task) -> tuple[str, dict[str, float], list[str]]:
    """Perturb and score some clips: name of the condition, scores, reasons of those lost."""
    detector, found, lost = _detector(task.run), {}, []
    with tempfile.TemporaryDirectory(prefix="fvx-") as folder:
        file = Path(folder) / "clip.wav"
        for clip, path in task.clips:
            try:
                audio = Audio.read(path, detector.scorer.card.rate_hz)
                seed = zlib.crc32(f"{task.seed} {task.condition.name} {clip}".encode())
                changed = task.condition.apply(audio, seed)
                wavfile.write(file, changed.rate_hz, changed.samples)
                value = detector.predict(file).score
            except FvxError as error:
                lost.append(f"{clip}: {error}")
                continue
            if value is not None:
                found[clip] = value
    return task.condition.name, found, lost


@lru_cache(maxsize=1)
def _detector(run: Path) -> Detector:
    return load_model(run)


def _judge(
    scores: Scores, condition: Condition, found: dict[str, float], lost: list[str], seed: int
) -> dict[str, Any]:
    rows = np.array([row for row, clip in enumerate(scores.clips) if clip in found], np.int64)
    if not len(rows):
        raise ScoreError(f"{condition.name}: no clip could be scored ({lost[0]})")
    before = part(scores, rows)
    values = np.array([found[clip] for clip in before.clips])
    is_bonafide = before.where("bonafide")
    after = values[is_bonafide], values[~is_bonafide]
    pair = before.bonafide, before.spoof
    _, of_bonafide, of_spoof = units(before)
    record: dict[str, Any] = {
        "condition": condition.name,
        "eer": metrics.eer(*after)[0],
        "eer_ci95": None,
        "eer_as_they_are": metrics.eer(*pair)[0],
        "difference": metrics.eer(*after)[0] - metrics.eer(*pair)[0],
        "difference_ci95": None,
        "p_value": None,
        "mean_change_bonafide": float((after[0] - pair[0]).mean()),
        "mean_change_spoof": float((after[1] - pair[1]).mean()),
        "n_clips": len(rows),
        "n_lost": len(lost),
        "lost": lost[:3],
    }
    if min(map(len, pair)) > 1:
        rates = metrics.resampled_figures(
            *after, of_bonafide, of_spoof, figures=("eer",), seed=seed
        )
        found_difference = metrics.paired_difference(pair, after, of_bonafide, of_spoof, seed=seed)
        record["eer_ci95"] = list(metrics.percentile_ci95(rates["eer"]))
        record["difference_ci95"] = list(found_difference.ci95)
        record["p_value"] = found_difference.p_value
    return record


def _step(text: str) -> Step:
    kind, colon, amount = text.partition(":")
    try:
        number = float(amount) if colon else None
    except ValueError:
        raise ScoreError(f"{text}: {amount!r} is no number") from None
    made = _made(kind, number)
    if made is None:
        raise ScoreError(
            f"no condition {text!r}; known: {', '.join(_CODECS)}, noise:DB, reverb, trim, "
            "lowpass:HZ, highpass:HZ, resample:HZ, level:DB"
        )
    return made


def _made(kind: str, number: float | None) -> Step | None:
    if kind in _CODECS:
        given = _COMPRESSION if number is None else number
        return Codec(codecs=(kind,), compression=(given, given))
    if kind == "reverb":
        rt60_s = 0.4 if number is None else number
        return Reverberation(rt60_s=(rt60_s, rt60_s), direct_db=(5.0, 5.0))
    if kind == "trim" and number is None:
        return Trim(below_db=(40.0, 40.0), margin_s=(0.0, 0.0))
    if number is None:
        return None
    if kind == "noise":
        return Noise(snr_db=(number, number), colours=("white",))
    if kind == "lowpass":
        return Band(low_hz=(10.0, 10.0), high_hz=(number, number))
    if kind == "highpass":
        return Band(low_hz=(number, number), high_hz=(100_000.0, 100_000.0))
    if kind == "resample":
        return Resample(rates_hz=(int(number),))
    return Level(peak_db=(number, number)) if kind == "level" else None
