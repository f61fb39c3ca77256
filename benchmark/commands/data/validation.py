"""The figures of `data show --plots`, and the table of the numbers measured in them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmark.core.errors import UserError
from benchmark.core.paths import user_path
from benchmark.core.terminal import console, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from benchmark.engine.progress import Display
    from tasks.data.inventory import DataFolder
    from tasks.data.manifest import Manifest
    from tasks.task import Task
    from tasks.validation.figure import Check, Figure


@dataclass(frozen=True)
class Drawn:
    """The figures of one data set."""

    folder: Path
    files: tuple[Path, ...]
    checks: tuple[Check, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values; a missing bound or an unknown value is null."""
        return {
            "figures": [str(path) for path in self.files],
            "checks": [
                {name: _plain(getattr(check, name)) for name in ("name", "value", "low", "high", "unit", "source")}
                | {"verdict": check.verdict}
                for check in self.checks
            ],
        }


def folder_for(given: Path) -> Path:
    """Make the folder of the figures if necessary. Raises UserError when that fails."""
    from benchmark.core.files import make_folder

    folder = user_path(given, "--plots")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--plots {folder}: is a file, expected a folder to put figures into. Name another one.")
    make_folder(folder)
    return folder


def run(plugin: type[Task], found: Sequence[DataFolder], folder: Path, display: Display) -> list[Drawn]:
    """Draw the figures of every complete data set, as TASK-FOLDER-FIGURE.png."""
    whole = [(item, item.manifest) for item in found if item.state == "complete" and item.manifest is not None]
    return [_one(plugin, item.folder, manifest, folder, display) for item, manifest in whole]


def _one(plugin: type[Task], data: Path, manifest: Manifest, folder: Path, display: Display) -> Drawn:
    from benchmark.displays.figures import draw

    files: list[Path] = []
    checks: list[Check] = []
    task = plugin.resolve("", manifest.parameters)
    say = partial(display.stage, f"{task.name}/{data.name}")
    for figure, label in _figures(task, data, manifest, say):
        path = folder / f"{task.name}-{data.name}-{figure.name}.png"
        draw(figure, label, path)
        files.append(path)
        checks += figure.checks
        say("draw", len(files), 0)
    return Drawn(data, tuple(files), tuple(checks))


def _figures(
    task: Task, data: Path, manifest: Manifest, say: Callable[[str, float, float], None]
) -> Iterator[tuple[Figure, str]]:
    """Each figure with its label: first of stored events, then of a new simulation with known truth."""
    from tasks.validation.sample import sample

    say("draw", 0, 0)
    events = sample(data, manifest, task)
    level = f"level {manifest.level}, fast simulation" if manifest.fast_simulation else f"level {manifest.level}"
    label = f"{task.name}, {level}"
    for figure in task.validation.figures(events):
        yield figure, f"{label}: {len(events):,} of {manifest.events():,} events, {manifest.source}"
    if manifest.level == "detector" and manifest.is_generated and task.fast_simulation:
        say("simulate", 0, 1)
        for figure in task.validation.detector_figures():
            yield figure, f"{label}: {figure.sample}, simulated now"


def show(drawn: Sequence[Drawn], folder: Path) -> None:
    """Print the numbers measured in the figures as a table, and the folder of the figures."""
    for item in drawn:
        print()
        print(f"{item.folder.parent.name}/{item.folder.name}: {len(item.files)} figures in {folder}")
        rows = []
        for check in item.checks:
            value = "-" if math.isnan(check.value) else f"{check.value:.4g} {check.unit}".rstrip()
            rows.append((f"  {check.name}", value, expected(check), check.verdict, check.source))
        console().print(table(("  check", "value", "expected", "", "because"), rows, right={"value"}))


def expected(check: Check) -> str:
    """`0.8 to 2.5`, `at least 1`, `at most 3`."""
    if math.isinf(check.high):
        return f"at least {check.low:.4g}"
    return f"at most {check.high:.4g}" if math.isinf(check.low) else f"{check.low:.4g} to {check.high:.4g}"


def _plain(value: str | float) -> str | float | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value
