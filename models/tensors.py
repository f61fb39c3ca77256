"""Tensors in safetensors files, read without trust in the numbers that their headers claim."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import safetensors.torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

LONGEST_HEADER = 16_000_000
_LENGTH = 8
"""Bytes of the number, at the start of a file, that is the length of the header."""


def parse_tensors(content: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and texts of a file: a parser for `StoredFile.parse`.

    The library checks that the tensors take all bytes of the file, each byte once.
    """
    length = int.from_bytes(content[:_LENGTH], "little")
    if length > LONGEST_HEADER:
        raise ValueError(f"a header of {length:,} bytes, expected at most {LONGEST_HEADER:,}")
    tensors: dict[str, Tensor] = safetensors.torch.load(content)
    texts: dict[str, str] = json.loads(content[_LENGTH : _LENGTH + length]).get("__metadata__", {})
    return tensors, texts


def check_like(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Raise ValueError unless tensors have the expected names, shapes and types; the expected ones may be on "meta"."""
    if tensors.keys() != expected.keys():
        name = sorted(tensors.keys() ^ expected.keys())[0]
        raise ValueError(f"the tensor {name[:80]!r} is {'missing' if name in expected else 'none of this model'}")
    for name, tensor in tensors.items():
        found, wanted = (tuple(tensor.shape), tensor.dtype), (tuple(expected[name].shape), expected[name].dtype)
        if found != wanted:
            raise ValueError(f"the tensor {name!r} is {found[0]} {found[1]}, expected {wanted[0]} {wanted[1]}")
