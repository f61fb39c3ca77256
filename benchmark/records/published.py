"""A folder of results with the published ones beside them, so that both can stand on one board."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.records.store import ResultStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from benchmark.records.result import Result
    from benchmark.records.scores import Scores

ACCEPTED = Path(__file__).resolve().parents[2] / "leaderboard" / "results"
"""The published results, which are installed with the package."""


class BesidePublished(ResultStore):
    """Results in a folder; of the published ones, those of the same task, variant, version, level, preset and source.

    Nothing is trained for these: their scores are stored. Results that are written go to the folder alone.

    Parameters
    ----------
    folder : of the user's own results.
    published : the folder of published results; if it is the same one, there are no others.
    of_files : whether results of tasks in files count, too: published boards have none.
    """

    def __init__(self, folder: Path, published: Path, *, of_files: bool = False) -> None:
        super().__init__(folder)
        self._of_files = of_files
        self._published = ResultStore(published) if published.resolve() != folder.resolve() else None

    def all(self, task: str = "*") -> Iterator[Result]:
        """Every readable record, or those of one task, own ones first."""
        boards = set()
        for result in super().all(task):
            boards.add(_of_board(result))
            yield result
        if self._published is None:
            return
        for name in sorted({name for name, *_ in boards}):
            for result in self._published.all(name):
                if _of_board(result) in boards and (self._of_files or result.task_origin is None):
                    yield result.as_published()

    def scores(self, result: Result) -> Scores:
        """The scores of a record, where it is from."""
        if result.published and self._published is not None:
            return self._published.scores(result)
        return super().scores(result)

    def scores_or_reason(self, result: Result) -> Scores | str:
        """The scores of a record, or why they can't be used, without the path."""
        if result.published and self._published is not None:
            return self._published.scores_or_reason(result)
        return super().scores_or_reason(result)

    def examples(self, task: str, fingerprint: str) -> dict[str, NDArray[Any]]:
        """The pictures by class and their legend, own ones or published ones; empty if there are none."""
        found = super().examples(task, fingerprint)
        return found or (self._published.examples(task, fingerprint) if self._published else {})


def _of_board(result: Result) -> tuple[str, ...]:
    """What results have in common that may stand on one board, but for their test events."""
    variant = json.dumps(result.variant, sort_keys=True, default=str)
    return result.task, variant, result.task_version, result.level, result.preset, result.source
