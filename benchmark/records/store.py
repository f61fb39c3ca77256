"""A folder of results: one JSON file for each cell and seed, with its scores in a file of the same name.

    results/ttbar/circles-cnn-seed0-1a2b3c4d5e6f.json     the record
    results/ttbar/circles-cnn-seed0-1a2b3c4d5e6f.npz      the scores of every test event
    results/ttbar/events-5a4b3c2d1e0f.npz                 ids, labels and weights of these events, once for all records
    results/ttbar/examples-0f1e2d3c4b5a.npz               a few pictures of each class, for the pages

Events are written before the scores that name them by a hash of their content, and scores before the record, so that
every finished record has its scores, of the right events. Trainings that draw nothing at random give all seeds the same
scores: a record without a file of its own is read with one of another seed, if that has the hash it recorded. So a
folder that is to be published may hold such scores once.
"""

from __future__ import annotations

import glob
import os
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.core.errors import UserError
from benchmark.core.files import make_folder, sha256, warn_once, write_atomically
from benchmark.records.result import read_result, to_store
from benchmark.records.scores import MOST, arrays_of, read_events, read_examples, read_scores
from benchmark.records.verification import Problem, verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmark.records.result import Result
    from benchmark.records.scores import ScoredEvents, Scores

_SHA256 = re.compile("[0-9a-f]{64}")
PAGES_MARK = ".leaderboard.json"
"""The file that marks a folder of pages, in which `results.json` is not a record."""


class ResultStore:
    """Results in a folder. A broken file is skipped with one warning."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._events: dict[tuple[str, str], ScoredEvents] = {}

    def paths(self, task: str = "*") -> list[Path]:
        """The files of all records, or of one task, sorted: JSON files that are neither hidden nor among pages."""
        visible = (path for path in self.folder.glob(f"{task}/*.json") if not path.name.startswith("."))
        return sorted(path for path in visible if not (path.parent / PAGES_MARK).exists())

    def all(self, task: str = "*") -> Iterator[Result]:
        """Every readable record, or those of one task."""
        for path in self.paths(task):
            try:
                result = read_result(path)
            except UserError as error:
                warn_once(str(error))
                continue
            if (path.parent.name, path.stem) == (result.task, result.stem):
                yield result
            else:
                name = f"{result.task}/{result.stem}"
                warn_once(f"{path}: holds the result {name}, expected under that name. Rename or delete it.")

    def find(self, task: str, key: str) -> Result | None:
        """The record with this key, or None. One whose scores or seal are wrong does not count."""
        for path in sorted((self.folder / task).glob(f"*-{key[:12]}.json")):
            try:
                result = read_result(path)
            except UserError as error:
                warn_once(str(error))
                continue
            if (result.task, result.key) == (task, key) and not any(p.spoils for p in self.problems(result)):
                return result
        return None

    def add(self, result: Result, scores: Scores | None = None) -> Result:
        """Store a record and its scores, in place of one with the same key.

        Returns it as it will be read, with the hash of the scores. Raises UserError for a record that could not be read
        again, and writes nothing then.
        """
        to_store(result)
        folder = self.folder / result.task
        make_folder(folder)
        if scores is not None:
            for part in scores.parts().values():
                self._add_events(result.task, part.events)
            path = self._own_scores(result)
            write_atomically(path, lambda file: np.savez_compressed(file, **arrays_of(scores)))
            result = result.model_copy(update={"scores_sha256": sha256(path)})
        content, stored = to_store(result)
        write_atomically(folder / f"{result.stem}.json", lambda file: file.write(content))
        return stored

    def scores(self, result: Result) -> Scores:
        """The scores of a record. Raises UserError if they are missing, changed or malformed."""
        path = self._scores_path(result)
        if result.scores_sha256 is None:
            raise UserError(f"{path}: the record has no hash of its scores. Run the cell again.")
        return read_scores(path, result.scores_sha256, len(result.classes), partial(self._read_events, result.task))

    def scores_or_reason(self, result: Result) -> Scores | str:
        """The scores of a record, or why they can't be used, without the path."""
        try:
            return self.scores(result)
        except UserError as error:
            return "scores: " + str(error).removeprefix(f"{self._scores_path(result)}: ")

    def problems(self, result: Result) -> tuple[Problem, ...]:
        """What is wrong with a record, compared with its scores; see `verify`."""
        return verify(result, self.scores_or_reason(result) if result.status == "done" else None)

    def _own_scores(self, result: Result) -> Path:
        return self.folder / result.task / f"{result.stem}.npz"

    def _scores_path(self, result: Result) -> Path:
        """The file of the scores of a record: its own, or without one that of another seed with the same content."""
        own = self._own_scores(result)
        if result.scores_sha256 is None or own.exists():
            return own
        name = glob.escape(f"{result.representation}-{result.model}-seed")
        others = (path for path in sorted(own.parent.glob(f"{name}*.npz")) if path.is_file())
        alike = (path for path in others if path.stat().st_size <= MOST and sha256(path) == result.scores_sha256)
        return next(alike, own)

    def _events_path(self, task: str, sha256: str) -> Path:
        return self.folder / task / f"events-{sha256[:12]}.npz"

    def _add_events(self, task: str, events: ScoredEvents) -> None:
        """Store a set of events, unless a whole file has it."""
        path = self._events_path(task, events.sha256)
        try:
            read_events(path, events.sha256)
        except UserError:
            columns = events.columns()
            write_atomically(path, lambda file: np.savez_compressed(file, **columns))

    def _read_events(self, task: str, sha256: str) -> ScoredEvents:
        """A set of events, which the scores of many records name: each is read once."""
        if (task, sha256) not in self._events:
            if not _SHA256.fullmatch(sha256):
                raise ValueError(f"names the events {sha256[:12]!r}, expected a SHA-256")
            path = self._events_path(task, sha256)
            try:
                self._events[task, sha256] = read_events(path, sha256)
            except UserError as error:
                raise UserError(f"events: {str(error).removeprefix(f'{path}: ')}") from error
        return self._events[task, sha256]

    def add_examples(self, task: str, fingerprint: str, pictures: Mapping[str, NDArray[np.uint8]]) -> None:
        """Store pictures of a few events by class, (events, rows, columns, 3) uint8 RGB, and their legend."""
        make_folder(self.folder / task)
        path = self.folder / task / f"examples-{fingerprint[:12]}.npz"
        stacks: dict[str, Any] = dict(pictures)
        write_atomically(path, lambda file: np.savez_compressed(file, **stacks))

    def examples(self, task: str, fingerprint: str) -> dict[str, NDArray[Any]]:
        """The pictures by class and their legend; empty if there are none."""
        path = self.folder / task / f"examples-{fingerprint[:12]}.npz"
        if not os.path.lexists(path):
            return {}
        try:
            return read_examples(path)
        except UserError as error:
            warn_once(str(error))
            return {}
