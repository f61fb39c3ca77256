"""A folder of results: one JSON file for each cell and seed, with its scores in a file of the same name.

    results/ttbar/circles-cnn-seed0-1a2b3c4d5e6f.json     the record
    results/ttbar/circles-cnn-seed0-1a2b3c4d5e6f.npz      labels, scores, weights, event ids of every test event
    results/ttbar/examples-0f1e2d3c4b5a.npz               a few pictures of each class, for the pages

The scores are written before the record, so that every finished record has its scores.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.core.errors import UserError
from benchmark.core.files import make_folder, sha256, warn_once, write_atomically
from benchmark.records.result import Result, Scores, read_result

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

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
            if path.stem == result.stem:
                yield result
            else:
                warn_once(f"{path}: holds the result {result.stem}, expected under that name. Rename or delete it.")

    def find(self, task: str, key: str) -> Result | None:
        """The record with this key, or None. A finished one without its scores does not count."""
        for path in sorted((self.folder / task).glob(f"*-{key[:12]}.json")):
            try:
                result = read_result(path)
            except UserError as error:
                warn_once(str(error))
                continue
            if result.key == key and (result.status != "done" or self._scores_are_whole(result)):
                return result
        return None

    def add(self, result: Result, scores: Scores | None = None) -> Result:
        """Store a record and its scores, in place of one with the same key. Returns it with the hash of the scores."""
        folder = self.folder / result.task
        make_folder(folder)
        if scores is not None:
            columns: dict[str, Any] = {name: value for name, value in vars(scores).items() if value is not None}
            path = folder / f"{result.stem}.npz"
            write_atomically(path, lambda file: np.savez_compressed(file, **columns))
            result = result.model_copy(update={"scores_sha256": sha256(path)})
        text = result.model_dump_json(indent=1).encode()
        write_atomically(folder / f"{result.stem}.json", lambda file: file.write(text))
        return result

    def scores(self, result: Result) -> Scores:
        """The scores of a record. Raises UserError if they are missing or have another hash than recorded."""
        path = self.folder / result.task / f"{result.stem}.npz"
        if not path.is_file() or sha256(path) != result.scores_sha256:
            raise UserError(f"{path}: scores are missing or changed since they were recorded. Run the cell again.")
        with np.load(path, allow_pickle=False) as columns:
            return Scores(**{name: columns[name] for name in columns.files})

    def add_examples(self, task: str, fingerprint: str, pictures: Mapping[str, NDArray[np.uint8]]) -> None:
        """Store pictures of a few events by class, (events, rows, columns, 3) uint8 RGB, and their legend."""
        make_folder(self.folder / task)
        path = self.folder / task / f"examples-{fingerprint[:12]}.npz"
        stacks: dict[str, Any] = dict(pictures)
        write_atomically(path, lambda file: np.savez_compressed(file, **stacks))

    def examples(self, task: str, fingerprint: str) -> dict[str, NDArray[np.uint8]]:
        """The pictures by class and their legend; empty if there are none."""
        path = self.folder / task / f"examples-{fingerprint[:12]}.npz"
        if not path.is_file():
            return {}
        try:
            # np.load(path) would not close the file
            with path.open("rb") as file, np.load(file, allow_pickle=False) as pictures:
                return {name: pictures[name] for name in pictures.files}
        except (ValueError, OSError, zipfile.BadZipFile) as error:
            warn_once(f"{path}: not readable as pictures ({error}); delete it")
            return {}

    def _scores_are_whole(self, result: Result) -> bool:
        try:
            self.scores(result)
        except UserError:
            return False
        return True
