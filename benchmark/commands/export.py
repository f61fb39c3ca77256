"""`export`: a fitted model for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands import options
from benchmark.core.errors import UserError


def command(
    model: Annotated[Path, typer.Argument(help="Folder of a model, made by run --keep-models DIR.", metavar="MODEL")],
    onnx: Annotated[Path, typer.Option("--onnx", help="The file to write, for onnxruntime.", metavar="FILE")],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors alone.")] = False,
) -> int:
    """Write a fitted network as ONNX. Needs the extra: pip install 'collision-benchmark[onnx]'.

    Example: python -m benchmark export kept/ttbar/circles-cnn-seed0-1a2b3c4d5e6f --onnx cnn.onnx
    """
    shown, classes = run(options.matched(model, "folder of a model"), onnx)
    if not quiet:
        print(f"{onnx}: shown {', '.join(shown)}, it gives the probabilities of {', '.join(classes)}")
    return 0


def run(model: Path, onnx: Path) -> tuple[list[str], tuple[str, ...]]:
    """The names of what the network is shown, and the classes that it gives the probabilities of.

    Raises UserError for what is no kept model, or none that can be written, and for a file that can't be.
    """
    from benchmark.engine.model_store import restore
    from models.export import write_onnx

    if not onnx.absolute().parent.is_dir():
        raise UserError(f"--onnx {onnx}: there is no folder {onnx.absolute().parent}. Make it, or name another.")
    folder = model.expanduser().resolve()
    restored = restore(folder, "cpu")
    return write_onnx(restored.model, folder, onnx), restored.origin.classes
