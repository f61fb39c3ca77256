"""Plug-ins in files are made in another process before the user's own process does it; see `benchmark.core.trial`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.core.trial import attempt
from benchmark.engine import returned
from benchmark.metrics.registry import METRICS
from benchmark.records.scoring import metrics
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.data.dataset import DataSet
from tasks.registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmark.engine.request import Cell, Choice

GROUPS: dict[str, Any] = {"task": TASKS, "representation": REPRESENTATIONS, "model": MODELS}

_made: set[tuple[Any, ...]] = set()


def rehearse(cells: Iterable[Cell]) -> None:
    """Make the plug-ins of cells that are in files, file by file, each in a process of its own.

    Raises UserError when one raises an error, ends its process, or takes too long.
    """
    files: dict[tuple[Path, str], dict[tuple[Any, ...], None]] = {}
    for cell in cells:
        chosen = {group: getattr(cell, group) for group in GROUPS}
        for group, target in [*((g, c.target) for g, c in chosen.items()), *(("metric", m) for m in cell.metrics)]:
            entry = GROUPS.get(group, METRICS).find(target)
            if entry.is_file:
                key = Path(entry.target.rpartition(":")[0]), entry.file_hash()
                trial = group, chosen.get(group, target), cell.preset, cell.level, cell.source
                files.setdefault(key, {})[trial] = None
    for (path, digest), trials in files.items():
        missing = [trial for trial in trials if (digest, *trial) not in _made]
        if missing:
            attempt(path, digest, _make, missing)
            _made.update((digest, *trial) for trial in missing)


def _make(trials: Iterable[tuple[str, Choice | str, str, str, Path | None]]) -> None:
    for group, choice, preset, level, source in trials:
        if isinstance(choice, str):
            metrics((choice,))
            continue
        plugin = choice.build(GROUPS[group], preset)
        returned.parameters(plugin)
        plugin.changed(preset)
        if group == "task":
            DataSet(choice.target, plugin, level, source)
            dict(plugin.info(level).bounds)
