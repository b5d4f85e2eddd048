"""``fvx evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fvx.cli import choose
from fvx.cli.progress import clips_bar

if TYPE_CHECKING:
    from fvx.evaluate import Evaluation


def evaluate(
    run: Annotated[Path | None, typer.Option(help="Run to evaluate; default the newest.")] = None,
    store: Annotated[Path | None, typer.Option(help="Store to score; default the newest.")] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(help="Corpus to extract and score instead of a store; may be repeated."),
    ] = None,
    subset: Annotated[
        Literal["train", "development", "test", "all"], typer.Option(help="Part of the split.")
    ] = "test",
    format: Annotated[
        Literal["fvx", "asvspoof2019", "asvspoof2021", "asvspoof5"],
        typer.Option(help="Format of the score file."),
    ] = "fvx",
    out: Annotated[Path | None, typer.Option(help="Folder to write; default the run's.")] = None,
) -> None:
    """Score clips with a run; write metrics, scores and pictures."""
    from fvx.evaluate import evaluate as judge
    from fvx.store import Store

    if store is not None and dataset:
        raise typer.BadParameter("give --store or --dataset, not both")
    chosen = choose.run(run)
    path = _extracted(dataset, chosen) if dataset else choose.store(store)
    show(judge(chosen, Store.open(path), subset=subset, format=format, out=out))


def _extracted(dataset: list[str], run: Path) -> Path:
    """Extract what the run reads from a corpus, into the corpus's store."""
    from fvx.detector import load_model
    from fvx.extract import extract

    opened = choose.dataset(*dataset)
    features = load_model(run).features
    with clips_bar("extract") as update:
        return extract(opened, features, choose.STORES / opened.name, on_progress=update).store


def show(done: Evaluation) -> None:
    """Print one compact table, its protocol in the title."""
    record = done.metrics
    interval = ""
    if record["eer_ci95"]:
        low, high = (100 * bound for bound in record["eer_ci95"])
        interval = f"  95 % interval {low:.1f} to {high:.1f} % ({record['interval']})"
    confusion = record["confusion"]
    typer.echo(f"{record['protocol']}")
    typer.echo(f"clips      {record['n_bonafide']} bona fide, {record['n_spoof']} spoof")
    if done.n_left_out:
        typer.echo(f"           {done.n_left_out} more lack a feature and have no score")
    typer.echo(f"EER        {100 * record['eer']:.1f} %{interval}")
    typer.echo(f"EER        {100 * record['eer_asvspoof']:.1f} % by the ASVspoof convention")
    typer.echo(f"AUC        {record['auc']:.3f}")
    typer.echo(f"DCF        min {record['min_dcf']:.3f}, actual {record['act_dcf']:.3f}")
    typer.echo(f"Cllr       {record['cllr']:.3f}, after recalibration {record['cllr_min']:.3f}")
    typer.echo(
        f"threshold  {record['threshold']:+.3f}: accuracy {100 * record['accuracy']:.1f} %; "
        f"bona fide {confusion['tp']} accepted, {confusion['fn']} rejected; "
        f"spoof {confusion['tn']} rejected, {confusion['fp']} accepted"
    )
    for file in done.files:
        typer.echo(f"wrote      {file}")
