"""`run`: cells from collision to leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands import options
from benchmark.core.process import rank_and_size
from benchmark.engine.request import Overwrite, Request, Settings


def command(
    task: options.Tasks = None,
    representation: options.Representations = None,
    model: options.Models = None,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", help="A metric of your own beside the registered ones: path/to/mine.py:Mine."),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(help="Size of the run: smoke, quick, standard or paper.", autocompletion=options.complete_preset),
    ] = "quick",
    seeds: Annotated[str, typer.Option(help="How many seeds (3), or which (0,1,2).")] = "1",
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
        int | None, typer.Option(help="Processes that generate events, not cells. Default: all cores.", min=1)
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            help="Cells of a data set that are run at once on each device, such as seeds of a small network on a large "
            "GPU. Their speeds are not kept.",
            min=1,
            max=64,
        ),
    ] = 1,
    overwrite: Annotated[
        Overwrite, typer.Option(help="Which cells that have a result are run again.")
    ] = Overwrite.failed,
    timeout: Annotated[float | None, typer.Option(help="Seconds that one cell may take.", min=1)] = None,
    keep_models: Annotated[
        Path | None,
        typer.Option(help="Keep the fitted models in this folder, for predict and export.", metavar="DIR"),
    ] = None,
    results: options.Results = options.DEFAULT_RESULTS,
    data: options.Data = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, and run nothing.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors alone.")] = False,
    json: options.Json = False,
) -> int:
    """Run cells: task x representation x model, from events to a ranking and a page.

    What has a result already is not run again. Ctrl-C stops; the same command goes on where it stopped.

    Example: python -m benchmark run --task ttbar --model 'cnn[depth=15,dropout=0.2],bdt' --seeds 3
    """
    from benchmark.core.errors import UserError
    from benchmark.engine.progress import Display
    from benchmark.records.environment import default_workers, resolve_device

    if jobs > 1 and rank_and_size()[1] > 1:
        raise UserError(f"run: --jobs {jobs} under torchrun, whose processes train one network together. Leave it out.")

    request = Request(
        tasks=task or (),
        representations=representation or (),
        models=model or (),
        metrics=tuple(_absolute(name) for name in metric or ()),
        preset=preset,
        level=level,
        seeds=seeds,
        device=resolve_device(device),
        source=None if source == Path("generated") else source,
    )
    folder = options.data_root(data)
    models = keep_models and keep_models.expanduser().resolve()
    settings = Settings(
        results.expanduser().resolve(), folder, workers or default_workers(), overwrite, timeout, models, jobs
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
    if leads:
        from benchmark.commands.output import finish

        finish(finished, settings.results, quiet=quiet, as_json=json)
    return 1 if any(result.status in ("failed", "timeout") for result in finished) else 0


def _absolute(metric: str) -> str:
    """A metric's file by its whole path, since worker processes may run elsewhere."""
    from benchmark.metrics.registry import METRICS

    entry = METRICS.find(metric)
    return entry.target if entry.is_file else entry.name
