"""`run`: run cells, from events to a ranking."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands import options
from benchmark.core.plugin import Range
from benchmark.core.process import rank_and_size
from benchmark.engine.request import MOST_JOBS, MOST_THREADS


def command(
    task: options.Tasks = None,
    representation: options.Representations = None,
    model: options.Models = None,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", help="A metric of your own, next to the registered ones: path/to/mine.py:Mine."),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(help="Size of the run: smoke, quick, standard or paper.", autocompletion=options.complete_preset),
    ] = "quick",
    seeds: Annotated[str, typer.Option(help="How many seeds (3), or which (0,1,2).")] = "1",
    train_events: Annotated[
        str | None,
        typer.Option(
            "--train-events",
            help="Training events in all, classes in proportion, or several numbers with a row for each: the learning "
            "curve (1000,2000,4000). A smaller set is part of a larger one. Default: all.",
            metavar="N,...",
        ),
    ] = None,
    test_events: options.TestEvents = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, or one GPU as cuda:1.")] = "auto",
    source: Annotated[
        Path | None, typer.Option(help="Real events, a file or a folder; or 'generated', the default.", metavar="PATH")
    ] = None,
    level: Annotated[
        str,
        typer.Option(
            help="Realism of generated events: generator, hadron or detector.", autocompletion=options.complete_level
        ),
    ] = "detector",
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes that generate events, not cells. Default: all cores.",
            parser=options.whole("workers", Range(1)),
            metavar="N",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            help="Cells of a data set that run at once on each device, at most 64; their speeds are measured when all "
            "have ended. Default: as many as a CPU has cores for, at most 4; 1 on a GPU.",
            parser=options.whole("jobs", Range(1, MOST_JOBS)),
            metavar="N",
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            help="Threads of each cell. Scores depend on them in the last bits, and trainings on scores. Default: 1 on "
            "a CPU, whatever its cores and --jobs; on a GPU its share of the cores.",
            parser=options.whole("threads", Range(1, MOST_THREADS)),
            metavar="N",
        ),
    ] = None,
    shifts: Annotated[
        bool,
        typer.Option(
            "--shifts/--no-shifts",
            help="Test each fitted model also on the shifted simulations of its task, such as another parton shower; "
            "their test events are made first, as many of each class as the preset has by default, or fewer with a "
            "smaller --test-events.",
        ),
    ] = False,
    overwrite: Annotated[
        str,
        typer.Option(
            help="Which cells with a result run again: never, failed (that failed, timed out or stopped), always.",
            autocompletion=lambda: ["never", "failed", "always"],
        ),
    ] = "failed",
    timeout: Annotated[
        float | None,
        typer.Option(
            help="Seconds that one cell may take.", parser=options.seconds("timeout", Range(1)), metavar="SECONDS"
        ),
    ] = None,
    keep_models: Annotated[
        Path | None,
        typer.Option(help="Save the fitted models in this folder, for predict and export.", metavar="DIR"),
    ] = None,
    results: options.Results = options.DEFAULT_RESULTS,
    data: options.Data = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, and run nothing.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors.")] = False,
    json: options.Json = False,
) -> int:
    """Run cells: task x representation x model, from events to a ranking and a page.

    Cells that have a result are not run again. Ctrl-C stops; the same command continues where it stopped.

    Example: python -m benchmark run --task ttbar --model 'cnn[depth=15,dropout=0.2],bdt' --seeds 3
    """
    from benchmark.engine.api import parse_options
    from benchmark.engine.progress import Display

    request, settings = parse_options(
        task=task,
        representation=representation,
        model=model,
        metric=metric,
        preset=preset,
        seeds=seeds,
        train_events=train_events,
        test_events=test_events,
        device=device,
        source=source,
        level=level,
        results=results,
        data=data,
        workers=workers,
        jobs=jobs,
        threads=threads,
        shifts=shifts,
        overwrite=overwrite,
        timeout=timeout,
        keep_models=keep_models,
    )
    if dry_run:
        from benchmark.commands.plan_table import show
        from benchmark.engine.plan import plan

        show(plan(request, settings), settings, as_json=json)
        return 0
    from benchmark.engine.runner import run

    leads = rank_and_size()[0] == 0
    with Display(quiet=quiet or not leads) as display:
        finished = run(request, settings, display)
    from benchmark.commands.output import FAILED, finish

    if leads:
        finish(finished, settings.results, quiet=quiet, as_json=json)
    return 1 if any(result.status in FAILED for result in finished) else 0
