"""``fvx evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fvx.cli import choose
from fvx.cli.progress import clips_bar

if TYPE_CHECKING:
    from fvx.datasets import Dataset
    from fvx.evaluate import Evaluation, Options
    from fvx.report.evaluation_text import Table
    from fvx.scores import Format

SCORES_OUT = Path("evaluation")
_ASKED_FOR = ("What each feature brings", "Robustness")  # the others are in the page


def evaluate(
    scores: Annotated[
        list[Path] | None,
        typer.Argument(help="Score files of any system, to judge instead of a run."),
    ] = None,
    run: Annotated[
        list[Path] | None,
        typer.Option(help="Run to evaluate; default the newest. Repeated: compared."),
    ] = None,
    store: Annotated[Path | None, typer.Option(help="Store to score; default the newest.")] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(help="Corpus to extract and score instead of a store; may be repeated."),
    ] = None,
    subset: Annotated[
        Literal["train", "development", "test", "all"],
        typer.Option(help="Part of the split, or of the key."),
    ] = "test",
    format: Annotated[
        Literal["fvx", "asvspoof2019", "asvspoof2021", "asvspoof5"],
        typer.Option(help="Format of the score file."),
    ] = "fvx",
    out: Annotated[Path | None, typer.Option(help="Folder to write; default the run's.")] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Column of the clip table to divide by, besides the usual ones."),
    ] = None,
    within: Annotated[
        str | None,
        typer.Option(help="Column that says where a clip is from; default source, if there."),
    ] = None,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Withhold each feature in turn: what does it bring?")
    ] = False,
    perturb: Annotated[
        str, typer.Option(help="Conditions to score under: mp3,opus,noise:10,reverb,lowpass:4000.")
    ] = "",
    key: Annotated[Path | None, typer.Option(help="Labels of the trials of score files.")] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Where score files are decided; default their EER.")
    ] = None,
    asv: Annotated[
        Path | None, typer.Option(help="Scores of a speaker verification system, for t-DCF.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Worker processes, to extract or perturb.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="For intervals and perturbations.")] = 0,
) -> None:
    """Score clips with a run; write metrics, scores and pictures.

    Also judges score files of any system, compares runs, withholds features, and perturbs clips;
    everything is gathered in one page, evaluation.html.
    """
    from fvx.evaluate import Options, evaluate_files
    from fvx.evaluate.robustness import conditions
    from fvx.scores import read_key

    _refuse_contradictions(scores, run, store, dataset, perturb, key, threshold, ablate)
    options = Options(
        by=tuple(by or ()), within=within, ablate=ablate, asv=asv, jobs=jobs, seed=seed,
        conditions=conditions(perturb) if perturb else (),
    )  # fmt: skip
    if scores:
        key_read = read_key(key) if key else None
        done = evaluate_files(
            scores, out or SCORES_OUT, key=key_read, subset=subset, threshold=threshold,
            format=format, options=options,
        )  # fmt: skip
    else:
        done = _of_runs(run, store, dataset, options, subset, format, out)
    show(done)


def _of_runs(
    run: list[Path] | None,
    store: Path | None,
    dataset: list[str] | None,
    options: Options,
    subset: Literal["train", "development", "test", "all"],
    format: Format,
    out: Path | None,
) -> Evaluation:
    from contextlib import nullcontext
    from dataclasses import replace

    from fvx.evaluate import evaluate as judge
    from fvx.evaluate import evaluate_runs
    from fvx.store import Store

    chosen = run or [choose.run(None)]
    opened = choose.dataset(*dataset) if dataset else None
    if opened is not None and store is None:
        store = _extracted(opened, chosen, options.jobs)
    features = Store.open(choose.store(store))
    if len(chosen) > 1:
        return evaluate_runs(
            chosen, features, subset=subset, format=format, out=out, options=options
        )
    with clips_bar("perturb") if options.conditions else nullcontext(_silent) as update:
        return judge(
            chosen[0], features, subset=subset, format=format, out=out,
            options=replace(options, dataset=opened), on_progress=update,
        )  # fmt: skip


def _silent(*_: int) -> None:
    """No progress to show."""


def _extracted(dataset: Dataset, runs: list[Path], jobs: int) -> Path:
    """Extract what the runs read from a corpus, into the corpus's store."""
    from fvx.detector import load_model
    from fvx.errors import ModelMismatch
    from fvx.extract import extract

    detectors = [load_model(run) for run in runs]
    wanted = {feature.name: feature for one in detectors for feature in one.features}
    features = [wanted[name] for name in sorted(wanted)]
    conversion, *others = {one.scorer.card.conversion for one in detectors}
    if others:
        raise ModelMismatch("the runs read recordings converted in different ways; name one run")
    with clips_bar("extract") as update:
        place = choose.STORES / (dataset.name if conversion else f"{dataset.name}-as-read")
        return extract(
            dataset, features, place, jobs=jobs, conversion=conversion, on_progress=update
        ).store


def _refuse_contradictions(
    scores: list[Path] | None,
    run: list[Path] | None,
    store: Path | None,
    dataset: list[str] | None,
    perturb: str,
    key: Path | None,
    threshold: float | None,
    ablate: bool,
) -> None:
    if scores and (run or store or dataset or perturb or ablate):
        raise typer.BadParameter(
            "score files are judged as they are: without --run, --store, --dataset, --perturb "
            "and --ablate"
        )
    if not scores and (key or threshold is not None):
        raise typer.BadParameter("--key and --threshold are for score files")
    if perturb and not dataset:
        raise typer.BadParameter("--perturb needs --dataset, where the recordings are")
    if perturb and len(run or []) > 1:
        raise typer.BadParameter("--perturb takes one run")
    if store is not None and dataset and not perturb:
        raise typer.BadParameter("give --store or --dataset, not both")


def show(done: Evaluation) -> None:
    """Print one compact table, its protocol in the title; then what else was asked for."""
    from fvx.report.evaluation_text import comparison, main_table, tables

    record = done.metrics
    shown = comparison(record) or [main_table(record)]
    shown += [table for table in tables(record) if table.title in _ASKED_FOR]
    for table in shown:
        _print(table)
        typer.echo()
    if done.n_left_out:
        typer.echo(f"{done.n_left_out} more clips lack a feature and have no score")
    page, metrics, *others = done.files
    typer.echo(f"wrote {page}\n      {metrics}\n      and {len(others)} more in {done.folder}")


def _print(table: Table) -> None:
    """A table in columns, as wide as its longest cells; the note wrapped below."""
    import textwrap

    rows = [table.head, *table.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.head))]
    typer.echo("\n".join(textwrap.wrap(table.title, 100)))
    for row in rows:
        name, *figures = row
        cells = [cell.rjust(width) for cell, width in zip(figures, widths[1:], strict=True)]
        typer.echo("  ".join([name.ljust(widths[0]), *cells]).rstrip())
    if table.note:
        typer.echo("\n".join(textwrap.wrap(table.note, 100)))
