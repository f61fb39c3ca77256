"""The class of a file from its name: real files hold one process each, and do not say which."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True)
class FileClass:
    """How files of one class are called.

    pattern : regular expression, searched in the lower-case name. examples : names that users know, for messages.
    """

    name: str
    pattern: str
    examples: tuple[str, ...]

    def names(self, text: str) -> bool:
        """Whether a file or folder of this name is of the class."""
        return re.search(self.pattern, text.lower()) is not None


def label_files(task: str, source: Path, files: Sequence[Path], classes: Sequence[FileClass]) -> list[int]:
    """The class index of each file, from its name, or else from the sub-folder of `source` that it lies in.

    The name of `source` itself never counts: a folder called after the task says nothing of its files.
    Raises UserError for a file that names no class, or two, or another than its sub-folder does.
    """
    return [_label(task, source, path, classes) for path in files]


def _label(task: str, source: Path, path: Path, classes: Sequence[FileClass]) -> int:
    own = _named(path.stem, classes)
    folder = _named(path.parent.name, classes) if path.parent != source and path != source else []
    found = sorted({*own, *folder})
    if len(found) == 1:
        return found[0]
    rule = "; ".join(f"{entry.name} (also {', '.join(entry.examples)})" for entry in classes)
    where = f"{task}: file {path}"
    if found:
        both = " and ".join(classes[index].name for index in found)
        raise UserError(f"{where} is named after {both}, expected one class: {rule}. Rename the file or its folder.")
    raise UserError(
        f"{where} names no class, and each file holds events of one class, expected in its name or in that of its "
        f"sub-folder: {rule}. Rename it, or put it into a sub-folder with such a name and give the folder above that."
    )


def _named(text: str, classes: Sequence[FileClass]) -> list[int]:
    return [index for index, entry in enumerate(classes) if entry.names(text)]
