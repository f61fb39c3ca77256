"""The pictures of `compare --events N --plots DIR`: events on which two cells disagree, in each representation."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from benchmark.commands.options import data_root
from benchmark.core.errors import UserError
from benchmark.core.files import make_folder
from benchmark.displays.events import StoredEvents, draw_chosen, stems
from benchmark.engine.request import parse_filter
from representations.registry import REPRESENTATIONS
from tasks.data import inventory
from tasks.registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmark.engine.comparison import Comparison
    from leaderboard.comparisons import Pair


class DrawnPair(NamedTuple):
    """Files of the events of a pair, or why there are none."""

    what: str
    files: tuple[Path, ...]
    reason: str = ""


def draw(found: Comparison, most: int, folder: Path, data: Path | None) -> list[DrawnPair]:
    """Draw the events on which each pair disagrees most, in the representations of both and in those of the core.

    Raises UserError when nothing could be drawn.
    """
    root = data_root(data)
    make_folder(folder)
    drawn = [each for pair in found.pairs for each in _drawn(pair, found.event_ids(pair, most), folder, root)]
    if not any(each.files for each in drawn):
        reasons = "; ".join(dict.fromkeys(f"{each.what}: {each.reason}" for each in drawn))
        raise UserError(
            f"compare --plots: nothing could be drawn ({reasons or 'no events'}), expected test events. Make them, or "
            "name their folder with --data."
        )
    return drawn


def _drawn(pair: Pair, ids: list[int], folder: Path, root: Path) -> Iterator[DrawnPair]:
    if not ids:
        return
    where = f"{pair.board.name} {pair.names[0]} and {pair.names[1]}"
    stored = _events(pair, root)
    if isinstance(stored, str):
        yield DrawnPair(where, (), stored)
        return
    words = dict.fromkeys((pair.a.representation, pair.b.representation, *REPRESENTATIONS.core()))
    choices = [
        choice for name in words if name in REPRESENTATIONS.names() or "[" in name for choice in parse_filter(name)
    ]
    between = f"{pair.board.name}-{pair.names[0]}-{pair.names[1]}".replace("/", "-")
    for choice in choices:
        representation = choice.build(REPRESENTATIONS, pair.board.preset)
        (stem,) = stems([(f"{between}-{choice.target}", dict(choice.given))])
        title = f"events on which {pair.names[0]} and {pair.names[1]} disagree most"
        done = draw_chosen(stored, str(choice), representation, ids, title, folder / stem)
        yield DrawnPair(f"{where}, {choice}", done.files, done.skipped)


def _events(pair: Pair, root: Path) -> StoredEvents | str:
    """The test events of a pair in the folder of data, or why they are not there."""
    if pair.board.task_origin is not None:
        return "the task is in a file, whose code is not run here"
    wanted = {result.fingerprint for row in (pair.a, pair.b) for result in row.done}
    for item in inventory.find(root, pair.board.task):
        if item.state == "complete" and item.manifest is not None and item.manifest.fingerprint in wanted:
            task = TASKS.load(pair.board.task).resolve("", item.manifest.parameters)
            return StoredEvents(task, item.folder, item.manifest)
    return f"its test events are not in {root}"
