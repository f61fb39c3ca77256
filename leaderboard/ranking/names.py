"""Names of rows and boards: the plug-in, with those parameters alone that say something."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leaderboard.ranking.boards import Board

SIZES = frozenset({"events_per_class", "shard_events"})
"""Parameters of a task that say how much is generated. They are no variant, and mean nothing for files."""

_NOT_FILES = frozenset({"generated", "none"})


def canonical(value: Any) -> str:
    """JSON with sorted keys: equal settings give equal text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def label(name: str, parameters: Mapping[str, Any], shown: Iterable[str]) -> str:
    """`name[a=1,b=x]` with the parameters to be shown, as the command line writes them."""
    parts = [f"{key}={_plain(parameters[key])}" for key in sorted(shown) if key in parameters]
    return f"{name}[{','.join(parts)}]" if parts else name


def named(boards: Sequence[Board]) -> list[Board]:
    """The boards with their names: the task, with those parameters that are not the task's own for the preset.

    Records say which ones these are. Those of a time when they did not are held against the other boards of the same
    task, version and preset: a parameter is shown where it isn't the task's own as newer records know it, or else
    where the old ones differ in it. Sizes are left out; boards that would have the same title name their test events.
    """
    found = [replace(board, name=label(board.task, board.variant, _telling(board, boards))) for board in boards]
    titles = [board.title for board in found]
    return [
        replace(board, name=f"{board.name} (test events {board.fingerprint[:6]})")
        if titles.count(board.title) > 1 and board.fingerprint
        else board
        for board in found
    ]


def shown_variant(board: Board) -> dict[str, Any]:
    """Its parameters; without sizes where the events come from files, which have a size of their own."""
    if board.source in _NOT_FILES:
        return board.variant
    return {key: value for key, value in board.variant.items() if key not in SIZES}


def _telling(board: Board, boards: Iterable[Board]) -> set[str]:
    given = _given(board)
    if given is None:
        same = (board.task, board.task_version, board.preset)
        others = [other for other in boards if (other.task, other.task_version, other.preset) == same]
        own = {
            key: value
            for other in others
            if (theirs := _given(other)) is not None
            for key, value in other.variant.items()
            if key not in theirs
        }
        old = [other for other in others if _given(other) is None]
        given = {
            key
            for key, value in board.variant.items()
            if (own[key] != value if key in own else any(o.variant.get(key, value) != value for o in old))
        }
    return given - SIZES


def _given(board: Board) -> set[str] | None:
    return next((set(r.variant_given) for r in board.results if r.variant_given is not None), None)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)
