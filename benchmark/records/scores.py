"""Reading the files next to records: scores of the test events, and example pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.core.arrays import arrays_parser
from benchmark.core.errors import UserError
from benchmark.core.stored import MB, StoredFile
from benchmark.records.fields import cleaned
from benchmark.records.result import Scores

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MOST = 256 * MB
"""Bytes of all arrays of a file of scores: those of six million events of five classes."""
SCORES = StoredFile("scores", MOST, "Run the cell again.")
EXAMPLES = StoredFile("pictures", 64 * MB, "Delete it.")

_KINDS = {"event_ids": "iu", "labels": "iu", "scores": "f", "weights": "f", "mass": "f"}
_MOST_WORDS = 100


def read_scores(path: Path, sha256: str | None, classes: int) -> Scores:
    """The scores in a file.

    Raises UserError if it is missing, has another hash than recorded, or holds anything but finite scores of that many
    classes for at least one event.
    """

    def parse(content: bytes) -> Scores:
        return _sound(_arrays(content), classes)

    return SCORES.parse(path, parse, sha256)


def read_examples(path: Path) -> dict[str, NDArray[Any]]:
    """Pictures by class and their legend. Raises UserError for a file that holds anything else."""
    return EXAMPLES.parse(path, _examples)


_arrays = arrays_parser(MOST)
_pictures = arrays_parser(64 * MB)


def _sound(columns: dict[str, NDArray[Any]], classes: int) -> Scores:
    names = list(_KINDS)
    if sorted(columns) not in (sorted(names), sorted(names[:-1])):
        found = cleaned(", ".join(columns), 100)
        raise ValueError(f"has the arrays {found}, expected {', '.join(names[:-1])}")
    rows = columns["labels"].size
    for name, column in columns.items():
        shape = (rows, classes) if name == "scores" else (rows,)
        if column.shape != shape or column.dtype.kind not in _KINDS[name] or not rows:
            raise ValueError(f"'{name}' is {column.dtype} of shape {column.shape}, expected numbers of shape {shape}")
        if name != "mass" and not np.isfinite(column).all():
            raise ValueError(f"'{name}' has values that are not finite")
    labels = columns["labels"]
    if not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise ValueError(f"labels from {labels.min()} to {labels.max()}, expected 0 to {classes - 1}")
    return Scores(**columns)


def _examples(content: bytes) -> dict[str, NDArray[Any]]:
    arrays = _pictures(content)
    for words in (array for array in arrays.values() if array.dtype.kind == "U"):
        if words.size > _MOST_WORDS or any(len(word) > _MOST_WORDS for word in words.flat):
            raise UserError(f"has more or longer names than {_MOST_WORDS}. Delete it.")
    return arrays
