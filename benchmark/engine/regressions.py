"""A guard against numbers that get worse: what accepted revisions have is recorded, and the present one is checked."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchmark.core import repository
from benchmark.core.errors import UserError
from benchmark.core.machine import processor
from benchmark.core.repository import need_no_changes, need_same_packages, revision
from benchmark.core.stored import first_reason
from benchmark.engine.comparison import FOLDER, Comparison, of_turns
from benchmark.engine.revisions import in_turn, run_here
from benchmark.records.store import ResultStore
from leaderboard import comparisons
from leaderboard.ranking.scores import ScoreBook
from leaderboard.regressions import drift, history
from leaderboard.regressions.history import Stamp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmark.core.repository import Revision
    from benchmark.engine.revisions import Workload
    from leaderboard.regressions.history import Point

TABLE = "collision-benchmark"
"""In pyproject.toml: [tool.collision-benchmark.regressions]."""


class Thresholds(BaseModel):
    """From when on a change is reported, in pyproject.toml.

    Parameters
    ----------
    slower_by : share by which a time may grow.
    false_discoveries : share of the drifts that are found which are by chance, on average and at most.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=lambda name: name.replace("_", "-"))

    slower_by: float = Field(0.05, ge=0, le=10)
    false_discoveries: float = Field(0.05, gt=0, lt=1)


def thresholds() -> Thresholds:
    """Those of this program's pyproject.toml. Raises UserError for wrong ones."""
    path = repository.ROOT / "pyproject.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get(TABLE, {}).get("regressions", {})
        return Thresholds.model_validate(table)
    except ValidationError as error:
        raise UserError(f"{path}: [tool.{TABLE}.regressions]: {first_reason(error)}. Correct it.") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: can't be read: {error}. Run this in a clone of the project.") from error


def record(work: Workload, results: Path, folder: Path, kernels: str | None = None, *, begins: bool = False) -> Path:
    """Run the present revision, and write its numbers into a new file of a history. Returns its path.

    Parameters
    ----------
    results : folder of results; those of the revision are in a folder in it, and are not computed twice.
    folder : of the history.
    kernels : which benchmarks are measured, as pytest's -k has it; None for none.
    begins : whether all series begin anew, since the change was meant.

    Raises
    ------
    UserError
        When the code has changes that are in no revision, or when nothing of it has numbers.
    """
    now = revision("HEAD")
    need_no_changes()
    store = ResultStore(results / FOLDER / now.commit[:10])
    times = run_here(now, work, store.folder, kernels)
    points = _points(store, work, now, begins=begins)
    if not points:
        raise UserError(f"regressions: no cell of {now} has numbers, expected some. See above, or choose others.")
    stamp = _stamp(now, begins=begins)
    return history.write(folder, [*points, *history.points_of_times(times, stamp)])


def check(
    work: Workload,
    results: Path,
    folder: Path,
    since: str | None = None,
    kernels: str | None = None,
    *,
    same_packages: bool = False,
) -> Comparison:
    """Compare the present revision with an accepted one, and look for drifts in the history.

    Parameters
    ----------
    since : revision that it is compared with, by default the last one in the history.

    Raises
    ------
    UserError
        When there is nothing to compare with, and as `in_turn` does.
    """
    limits, known = thresholds(), history.read(folder)
    if since is None and not known:
        raise UserError(
            f"regressions: no history in {folder}, expected one, or --since. First: python -m benchmark regressions "
            "record"
        )
    before, now = revision(since or known[-1].revision), revision("HEAD")
    need_no_changes()
    if before.commit == now.commit:
        store = ResultStore(results / FOLDER / now.commit[:10])
        found = Comparison(str(before), str(now), [], ScoreBook(store), 0, [])
    else:
        if not same_packages:
            need_same_packages(before, now)
        turns = in_turn(before, now, work, results / FOLDER, kernels)
        store, found = turns.b, of_turns(str(before), str(now), turns, limits.slower_by)
    recorded = any(point.revision == now.commit for point in known)
    points = known if recorded else [*known, *_points(store, work, now)]
    return replace(found, findings=[*found.findings, *drift.of_history(points, limits.false_discoveries)])


def _points(store: ResultStore, work: Workload, now: Revision, *, begins: bool = False) -> Sequence[Point]:
    """The numbers of the rows that have all seeds."""
    if not any(store.all()):
        return []
    boards, _ = comparisons.ranked(store)
    whole = [
        replace(board, rows=tuple(row for row in board.rows if {r.seed for r in row.results} == set(work.seeds)))
        for board in boards
    ]
    return list(history.points_of(whole, _stamp(now, begins=begins)))


def _stamp(now: Revision, *, begins: bool) -> Stamp:
    created = datetime.now(UTC).isoformat(timespec="microseconds")  # two may be recorded within a second
    return Stamp(revision=now.commit, created=created, machine=processor(), begins=begins)
