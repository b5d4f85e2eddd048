"""``fvx train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fvx.cli import choose
from fvx.cli.extract import names_of

if TYPE_CHECKING:
    from fvx.model.training import Epoch
    from fvx.protocol import Protocol


def train(
    store: Annotated[Path | None, typer.Option(help="Store to learn from; default newest.")] = None,
    run: Annotated[Path | None, typer.Option(help="Run to make; default runs/<dataset>.")] = None,
    features: Annotated[str, typer.Option(help="all that are stored, or names.")] = "all",
    split: Annotated[
        Literal["speaker", "official", "ancestor", "random"] | None,
        typer.Option(help="How to divide; default the corpus's own parts, else by speaker."),
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="At most so many.")] = 40,
    seed: Annotated[int, typer.Option(help="Seed of all that is random.")] = 0,
) -> None:
    """Train one branch per feature and join them into a model."""
    from fvx.store import Store
    from fvx.train import train as fit

    source = Store.open(choose.store(store))
    target = choose.new_run(run, str(source.about["dataset"]))
    card = fit(
        source, target, features=names_of(features), split_name=split, epochs=epochs, seed=seed,
        on_epoch=_show_epoch, on_protocol=_show_protocol,
    )  # fmt: skip
    typer.echo(
        f"{len(card.features)} branches -> {target} "
        f"(development EER {100 * card.development['eer']:.1f} %, on the clips it was chosen by)"
    )


def _show_protocol(protocol: Protocol) -> None:
    counts = ", ".join(f"{part} {n}" for part, n in protocol.parts.value_counts().items() if part)
    choose.say(f"{protocol.name} split: {protocol.sentence}; clips: {counts}")
    choose.say("starting TensorFlow …")


def _show_epoch(epoch: Epoch) -> None:
    choose.say(
        f"epoch {epoch.epoch:3d}  loss {epoch.loss:.4f}  development loss "
        f"{epoch.development_loss:.4f}  development EER {100 * epoch.development_eer:5.1f} %"
        f"{'  *' if epoch.best else ''}"
    )
