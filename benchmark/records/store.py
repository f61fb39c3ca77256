"""A folder of results: one JSON file for each cell and seed, with its scores in a file of the same name.

    results/ttbar/circles-cnn-seed0-1a2b3c4d5e6f.json     the record
    results/ttbar/circles-cnn-seed0-1a2b3c4d5e6f.npz      labels, scores, weights, event ids of every test event
    results/ttbar/examples-0f1e2d3c4b5a.npz               a few pictures of each class, for the pages

The scores are written before the record, so that every finished record has its scores.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.core.errors import UserError
from benchmark.core.files import make_folder, sha256, warn_once, write_atomically
from benchmark.records.result import read_result, to_store
from benchmark.records.scores import read_examples, read_scores
from benchmark.records.verification import Problem, verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmark.records.result import Result, Scores

PAGES_MARK = ".leaderboard.json"
"""The file that marks a folder of pages, in which `results.json` is not a record."""


class ResultStore:
    """Results in a folder. A broken file is skipped with one warning."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def paths(self) -> list[Path]:
        """The files of all records, sorted: JSON files that are neither hidden nor in a folder of pages."""
        visible = (path for path in self.folder.glob("*/*.json") if not path.name.startswith("."))
        return sorted(path for path in visible if not (path.parent / PAGES_MARK).exists())

    def all(self) -> Iterator[Result]:
        """Every readable record."""
        for path in self.paths():
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
            columns: dict[str, Any] = {name: value for name, value in vars(scores).items() if value is not None}
            path = folder / f"{result.stem}.npz"
            write_atomically(path, lambda file: np.savez_compressed(file, **columns))
            result = result.model_copy(update={"scores_sha256": sha256(path)})
        content, stored = to_store(result)
        write_atomically(folder / f"{result.stem}.json", lambda file: file.write(content))
        return stored

    def scores(self, result: Result) -> Scores:
        """The scores of a record. Raises UserError if they are missing, changed or malformed."""
        path = self._scores_path(result)
        if result.scores_sha256 is None:
            raise UserError(f"{path}: the record has no hash of its scores. Run the cell again.")
        return read_scores(path, result.scores_sha256, len(result.classes))

    def scores_or_reason(self, result: Result) -> Scores | str:
        """The scores of a record, or why they can't be used, without the path."""
        try:
            return self.scores(result)
        except UserError as error:
            return "scores: " + str(error).removeprefix(f"{self._scores_path(result)}: ")

    def problems(self, result: Result) -> tuple[Problem, ...]:
        """What is wrong with a record, compared with its scores; see `verify`."""
        return verify(result, self.scores_or_reason(result) if result.status == "done" else None)

    def _scores_path(self, result: Result) -> Path:
        return self.folder / result.task / f"{result.stem}.npz"

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
