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
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs; default 10.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of all that is random.")] = 0,
    members: Annotated[int, typer.Option(min=1, max=20, help="Networks to average.")] = 1,
    whole: Annotated[
        bool,
        typer.Option(
            help="Where branches judge alone: refit on train and development data at the end."
        ),
    ] = False,
    balance: Annotated[
        list[str] | None,
        typer.Option(
            help="Column of the clip table: a value of many clips counts less; repeatable."
        ),
    ] = None,
    pooling: Annotated[
        Literal["mean", "median", "trimmed-mean", "soft-minimum", "best"],
        typer.Option(help="Clip score from window scores; best: on the development part."),
    ] = "mean",
    baseline: Annotated[
        Literal["lfcc-gmm", "lfcc-lcnn", "ancestor"] | None,
        typer.Option(help="Train a detector to compare with instead."),
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with a training that was stopped.")] = False,
) -> None:
    """Train one branch per feature and join them into a model."""
    from fvx.store import Store
    from fvx.train import train as fit

    source = Store.open(choose.store(store))
    name = f"{source.about['dataset']}{f'-{baseline}' if baseline else ''}"
    target = choose.new_run(run, name)
    card = fit(
        source, target, features=names_of(features), split_name=split, epochs=epochs, seed=seed,
        members=members, whole=whole, balance=balance or (), baseline=baseline, resume=resume,
        pooling=None if pooling == "best" else pooling,
        on_epoch=_show_epoch, on_words=choose.say,
        on_protocol=_show_gmm if baseline == "lfcc-gmm" else _show_protocol,
    )  # fmt: skip
    what = baseline or f"{len(card.features)} branches"
    typer.echo(
        f"{what} -> {target} "
        f"(EER {100 * card.development['eer']:.1f} %, {card.development['note']})"
    )


def _show_protocol(protocol: Protocol) -> None:
    _show_parts(protocol)
    choose.say("starting TensorFlow …")


def _show_gmm(protocol: Protocol) -> None:
    _show_parts(protocol)
    choose.say("fitting mixtures, which takes some minutes …")


def _show_parts(protocol: Protocol) -> None:
    from fvx.protocol import PARTS

    counts = ", ".join(f"{part} {len(protocol.clips(part))}" for part in PARTS)
    choose.say(f"{protocol.name} split: {protocol.sentence}; clips: {counts}")


def _show_epoch(epoch: Epoch) -> None:
    member = f"network {epoch.member}  " if epoch.member > 1 else ""
    choose.say(
        f"{member}epoch {epoch.epoch:3d}  loss {epoch.loss:.4f}  development loss "
        f"{epoch.development_loss:.4f}  development EER {100 * epoch.development_eer:5.1f} %"
        f"{'  *' if epoch.best else ''}"
    )
