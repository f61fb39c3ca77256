"""`export`: write a saved model for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands import options


def command(
    model: Annotated[Path, typer.Argument(help="Folder of a model, saved by run --keep-models DIR.", metavar="MODEL")],
    onnx: Annotated[Path, typer.Option("--onnx", help="The file to write, for onnxruntime.", metavar="FILE")],
    trust_code: options.TrustCode = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors.")] = False,
) -> int:
    """Write a fitted network as ONNX. Needs the extra `onnx`: pip install onnx onnxruntime onnxscript.

    Example: python -m benchmark export saved/ttbar/circles-cnn-seed0-1a2b3c4d5e6f --onnx cnn.onnx
    """
    from benchmark.engine.prediction import export_onnx

    onnx = options.file_to_write(onnx, "--onnx")
    inputs, classes = export_onnx(options.matched(model, "folder of a model"), onnx, trust_code=trust_code)
    if not quiet:
        print(f"{onnx}: its inputs are {', '.join(inputs)}; it gives the probabilities of {', '.join(classes)}")
    return 0
