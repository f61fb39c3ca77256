"""Collisions of CMS ROOT files (NanoAOD, HEP Tutorial) with one class per file."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from benchmark.core.errors import UserError
from tasks.reader import Imported, Reader
from tasks.sources.cms_layout import read_chunks
from tasks.sources.files import as_words, describe, find_files, group_ids, not_empty, row_ids, whole_table
from tasks.sources.root_file import open_trees

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import awkward as ak
    from numpy.typing import NDArray

    from tasks.sources.cms_layout import Chunk

Selected = tuple["NDArray[np.bool_]", "Mapping[str, Any]", "Sequence[Any]"]
"""Which events of a chunk pass; of those, the columns of the table, and numbers that identify an event."""


@dataclass(frozen=True)
class FileClass:
    """Names of files of one class.

    Parameters
    ----------
    pattern : regular expression, searched in the lower-case name.
    examples : known names, for messages.
    """

    name: str
    pattern: str
    examples: tuple[str, ...]

    def names(self, text: str) -> bool:
        """Whether the name of a file or folder is of this class."""
        return re.search(self.pattern, text.lower()) is not None


class CMSReader(Reader):
    """Events of CMS ROOT files. The class of an event is that of its file, by the name of the file or its sub-folder.

    Copies of a collision (by run and event number, for simulated ones by content) share their `group`. The weight is
    EventWeight of the HEP Tutorial, and 1 for NanoAOD: only the sign of genWeight matters, and no model here takes
    negative weights.
    """

    files: ClassVar[str] = "CMS NanoAOD or HEP Tutorial ROOT files"
    task: ClassVar[str]
    """Name of the task, for messages."""
    classes: ClassVar[tuple[FileClass, ...]]
    """How files of each class are called, signal first. The position is the label."""
    parts: ClassVar[tuple[str, ...]]
    """Parts of the layout that are read."""

    @property
    @abstractmethod
    def wanted(self) -> str:
        """The selection in words, for messages."""

    @abstractmethod
    def build(self, parts: Mapping[str, ak.Array]) -> Selected:
        """Select events of a chunk and make their columns."""

    def read(self, source: Path) -> Imported:
        """Read a file or a folder. Raises UserError at once for names, and while reading for the content."""
        return self._read(source, self.classes)

    def read_new(self, source: Path) -> Imported:
        """Read files of any name without classes; the label is 0."""
        return self._read(source, ())

    def _read(self, source: Path, classes: Sequence[FileClass]) -> Imported:
        files = find_files(self.task, source, (".root",), deep=True)
        labels = label_files(self.task, source, files, classes) if classes else [0] * len(files)
        dropped: Counter[str] = Counter()
        notes: list[str] = []

        def tables() -> Iterator[ak.Array]:
            for number, (path, label) in enumerate(zip(files, labels, strict=True)):
                what = f"{self.task}: file {path}"
                for chunk in self._chunks(path, what, notes):
                    passed, columns, words = self.build(chunk.parts)
                    dropped["not selected"] += int(np.count_nonzero(~passed))
                    ids = row_ids(number, chunk.start, chunk.events)[passed]
                    event = {name: np.asarray(values)[passed] for name, values in chunk.event.items()}
                    weight = _weights(event.get("weight"), what)
                    yield whole_table(ids, _groups(event, words), np.full(len(ids), label), weight, columns)

        found = ", ".join(classes[label].name for label in sorted(set(labels))) if classes else ""
        more = f"classes by the names of files: {found}" if found else "classes unknown"
        chunks = not_empty(tables(), f"{self.task}: {source}", dropped, self.wanted)
        return Imported(chunks, describe(files, source, more), dropped, notes)

    def _chunks(self, path: Path, what: str, notes: list[str]) -> Iterator[Chunk]:
        """Read only: an error in `build` is not an error of the file."""
        found: list[str] = []
        with open_trees(path, what, f"a tree with {', '.join(self.parts)}") as trees:
            yield from read_chunks(trees, self.parts, what, found)
        notes += [f"{path.name} {note}" for note in found]


def _weights(weight: NDArray[Any] | None, what: str) -> NDArray[Any] | None:
    if weight is not None and (weight < 0).any():
        raise UserError(f"{what}: EventWeight is negative, expected 0 or more. Give another file.")
    return weight


def _groups(event: Mapping[str, NDArray[Any]], words: Sequence[Any]) -> NDArray[np.int64]:
    group = group_ids([as_words(values) for values in words])
    if {"run", "event"} <= set(event):  # run 1 is simulated; its event numbers start again in every sample
        recorded = group_ids([as_words(event["run"]), as_words(event["event"])])
        group = np.where(event["run"] > 1, recorded, group)
    return group


def label_files(task: str, source: Path, files: Sequence[Path], classes: Sequence[FileClass]) -> list[int]:
    """The class index of each file, from its name or that of its sub-folder of `source`.

    The name of `source` itself is ignored: it may be named after the task.
    Raises UserError for a file that names no class, two classes, or another class than its sub-folder.
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
