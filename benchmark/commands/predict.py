"""`predict`: apply a saved model to new events."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands import options
from benchmark.core.errors import UserError
from benchmark.core.plugin import Range

ENDINGS = (".parquet", ".csv", ".npz")


def command(
    model: Annotated[Path, typer.Argument(help="Folder of a model, saved by run --keep-models DIR.", metavar="MODEL")],
    events: Annotated[
        Path,
        typer.Argument(
            help="Folder of a data set (with manifest.json; see: data show), or a file or folder that --source takes.",
            metavar="EVENTS",
        ),
    ],
    more: Annotated[list[Path] | None, typer.Argument(hidden=True)] = None,
    output: Annotated[
        Path, typer.Option(help="Table of event ids and class scores: .parquet, .csv or .npz.", metavar="FILE")
    ] = Path("scores.parquet"),
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, or one GPU as cuda:1.")] = "auto",
    batch: Annotated[
        int,
        typer.Option(
            help="Events that are passed to the model at once, at most.",
            parser=options.whole("batch", Range(1)),
            metavar="N",
        ),
    ] = 1024,
    trust_code: options.TrustCode = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors.")] = False,
) -> int:
    """Apply a saved model to new events, which need no class labels: the table holds event ids and scores.

    Example: python -m benchmark predict saved/ttbar/circles-cnn-seed0-1a2b3c4d5e6f events.root --output scores.csv
    """
    from benchmark.core.machine import resolve_device
    from benchmark.engine.prediction import predict
    from benchmark.engine.progress import Display

    if output.suffix not in ENDINGS:
        raise UserError(f"--output {output}: ends in '{output.suffix}', expected {', '.join(ENDINGS)}.")
    output = options.file_to_write(output, "--output")
    if more:
        raise UserError(
            f"predict: {2 + len(more)} paths, expected two: the folder of a model, and events ({more[-1]} is one too "
            "many). A pattern may match several: name one model, and the folder of many files."
        )
    model, events = options.matched(model, "folder of a model"), options.matched(events, "file or folder of events")
    with Display(quiet=quiet) as display:
        predicted = predict(
            model,
            events,
            resolve_device(device),
            batch,
            lambda *step: display.stage(str(model), *step),
            trust_code=trust_code,
        )
    predicted.write(output)
    if predicted.fitted_on and not quiet:
        print(f"note: {events} holds the events that this model was fitted on", file=sys.stderr)
    if not quiet:
        left = "".join(f"; left out, {reason}: {count:,}" for reason, count in predicted.dropped.items())
        names = ", ".join(predicted.classes)
        print(f"{len(predicted.event_ids):,} events: scores of {names} in {output}{left}")
    return 0
