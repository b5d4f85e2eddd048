"""``fvx demo``: the whole pipeline on the embedded corpus."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from fvx.cli import evaluate, explain, extract, train, window

CAVEAT = (
    "Seventy-eight clips of six people and ten synthesis systems show that every step works; they "
    "do not show how well fvx, or any detector, would do on a voice you care about."
)


def demo(
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("fvx-demo"),
    jobs: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 2,
) -> None:
    """Run the whole pipeline on the embedded corpus, offline."""
    store, run = out / "features", out / "run"
    _make_room(run)
    _step(extract.extract, dataset=["demo"], features="all", store=store, jobs=jobs)
    _step(window.window, store=store, length_s=1.0, hop_s=0.5)
    _step(train.train, store=store, run=run, features="all", epochs=10, seed=0)
    _step(evaluate.evaluate, run=[run], store=store, subset="test", format="fvx")
    for label, clip in _examples(run, store).items():
        page, picture = out / f"{label}.html", out / f"{label}.png"
        _step(explain.explain, [clip], run=run, method="lime", html=page, png=picture)
    typer.echo(f"\nrun:          {run}\nplots:        {run / 'evaluation.png'}")
    typer.echo(f"explanations: {out / 'spoof.html'}, {out / 'bonafide.html'}\n\n{CAVEAT}")


def _step(command: Callable[..., None], *arguments: list[Path], **options: Any) -> None:
    """Print a command line and run the command it names."""
    words = [command.__name__, *(str(one) for argument in arguments for one in argument)]
    for name, value in options.items():
        for one in value if isinstance(value, list) else [value]:
            words += [f"--{name.replace('_', '-')}", str(one)]
    typer.echo(f"\n$ fvx {shlex.join(words)}")
    command(*arguments, **options)


def _make_room(run: Path) -> None:
    """Remove the run of an earlier demo, and nothing else."""
    import shutil

    from fvx.errors import ModelError
    from fvx.model import Card

    if run.exists():
        if Card.load(run).dataset != "demo":
            raise ModelError(f"{run}: exists and is not a demo's run; name another folder: --out")
        shutil.rmtree(run)


def _examples(run: Path, store: Path) -> dict[str, Path]:
    """One test clip of each class, the first of each."""
    from fvx.datasets import open_dataset
    from fvx.registry import discover
    from fvx.scores import Scores

    dataset = open_dataset("demo", discover().datasets)
    clips = {clip.id: clip for clip in dataset.clips}
    scores = Scores.read(run / "scores.csv")
    examples = {}
    for label in ("spoof", "bonafide"):
        first = scores.clips[int(scores.where(label).argmax())]
        examples[label] = dataset.audio_path(clips[first])
    return examples
