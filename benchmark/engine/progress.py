"""What a user sees while cells run: a live table with progress bars in a terminal or notebook, else plain lines."""

from __future__ import annotations

import io
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Self

from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from benchmark.core.console import PlainConsole
from benchmark.core.text import plain
from benchmark.metrics.metric import find_column
from benchmark.records.scoring import built_in_metric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from rich.console import RenderableType

    from benchmark.engine.request import Cell
    from benchmark.records.result import Result

VERBS = {
    "generate": "generating events",
    "import": "reading files",
    "describe": "counting and fingerprinting",
    "verify": "verifying",
    "draw": "drawing",
    "simulate": "simulating what the detector makes of a known truth",
    "represent": "representing events",
    "train": "training",
    "predict": "predicting",
    "score": "scoring",
    "measure": "measuring speeds",
}
RESUME = "resume"
"""Reported instead of a stage when a training continues from a checkpoint, after so many of so many epochs."""
COLOURS = {"done": "green", "running": "cyan", "waiting": "dim", "skipped": "yellow"}
QUIET_S = 15.0
"""Without a live table, a stage is printed when it takes longer than this, and at most this often: a file that can't be
read gets one line, its error."""
SPEED_OVER_S = 300.0
"""The remaining time is estimated from the speed in this period: events come in batches, epochs may take a minute."""
NOTEBOOK_EVERY_S = 0.25
ROWS = 30
"""Rows of the live table: the cells that run, those that finished last, and the next."""


class Display:
    """Reports progress on standard error, or below the cell of a notebook; a context manager."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = PlainConsole(stderr=True, quiet=quiet, soft_wrap=True)
        self.live: Live | NotebookLive | None = None
        self.rows: dict[Cell, tuple[str, str]] = {}
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
            speed_estimate_period=SPEED_OVER_S,
        )
        self.bars: dict[str, tuple[str, TaskID]] = {}
        """Name and bar of the current stage of each subject."""
        self.said: dict[str, float] = {}

    def __enter__(self) -> Self:
        if self.console.quiet:
            return self
        if self.console.is_jupyter:
            self.live = NotebookLive()
        elif self.console.is_terminal:
            self.live = Live(console=self.console, refresh_per_second=4, transient=False)
        if self.live:
            self.live.start()
            self._refresh()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live:
            self._drop_bars(set(self.bars))
            self._refresh()
            self.live.stop()

    def plan(self, cells: Sequence[Cell], done: Mapping[Cell, Result], *, advise: bool = False) -> None:
        """Add cells to the table, and the results that exist already.

        advise : print how many cells of which tasks these are and how to choose one, if there are several.
        """
        tasks = Counter(str(cell.task) for cell in cells)
        if advise and len(tasks) > 1:
            numbers = ", ".join(f"{count} of {name}" for name, count in tasks.items())
            self._say(
                f"no task was named, so this runs {len(tasks)} of them: {numbers} cells. To run one: --task "
                f"{next(iter(tasks))}. To see the plan first: --dry-run"
            )
        self.rows |= dict.fromkeys(cells, ("waiting", ""))
        self.rows |= {cell: (result.status, f"{headline(result)} (stored)") for cell, result in done.items()}
        if done:
            self._say(f"{len(done)} of {len(cells)} cells have a result already")
        self._refresh()

    def stage(self, subject: str, stage: str, done: float, total: float) -> None:
        """Move the bar of a stage, or add one. A total of 0 is not known yet."""
        if stage == RESUME:
            self._say(f"{subject}: training continues after epoch {done:.0f} of {total:.0f}")
            return
        name = plain(f"{subject}: {VERBS.get(stage, stage)}")
        if not self.live:
            self._say_sometimes(name, done, total)
            return
        if self.bars.get(subject, ("", None))[0] != name:
            running = {str(cell) for cell, (status, _) in self.rows.items() if status == "running"}
            self._drop_bars({subject} | self.bars.keys() - running)
            # what was done before does not count for the speed
            bar = self.progress.add_task(name, total=total or None, completed=int(done))
            self.bars[subject] = name, bar
        count = "" if total else f", {done:,.0f} so far"
        _, bar = self.bars[subject]
        self.progress.update(bar, description=name + count, completed=done, total=total or None)
        self._refresh()

    def started(self, cell: Cell) -> None:
        """A cell has started."""
        self.rows[cell] = ("running", "")
        self._refresh()

    def finished(self, cell: Cell, result: Result) -> None:
        """A cell has its result."""
        self._drop_bars({str(cell)})
        self.rows[cell] = (result.status, headline(result))
        if result.status == "done" and result.reason:
            self._say(f"warning: {cell}: {result.reason}")
        if not self.live:
            number = sum(status not in ("waiting", "running") for status, _ in self.rows.values())
            self._say(f"[{number}/{len(self.rows)}] {cell}: {result.status} {headline(result)}")
        self._refresh()

    def _say(self, text: str) -> None:
        self.console.print(plain(text), markup=False)

    def _say_sometimes(self, name: str, done: float, total: float) -> None:
        """Print a line about a stage every QUIET_S, and none when it begins."""
        now = time.monotonic()
        if now - self.said.setdefault(name, now) > QUIET_S:
            self.said[name] = now
            share = f" {done / total:.0%}" if total > 1 else f", {done:,.0f} so far" if done and not total else ""
            self._say(f"{name}{share}")

    def _drop_bars(self, subjects: set[str]) -> None:
        for subject in subjects & self.bars.keys():
            _, bar = self.bars.pop(subject)
            self.progress.remove_task(bar)

    def _refresh(self) -> None:
        if self.live:
            self.live.update(self._render())

    def _render(self) -> Group:
        table = Table(box=None, pad_edge=False)
        for header in ("cell", "status", "result"):
            table.add_column(header)
        cells = list(self.rows)
        current = next((i for i, cell in enumerate(cells) if self.rows[cell][0] in ("running", "waiting")), len(cells))
        first = max(0, min(current - ROWS // 2, len(cells) - ROWS))
        for cell in cells[first : first + ROWS]:
            status, text = self.rows[cell]
            colour = COLOURS.get(status, "red")
            table.add_row(Text(plain(str(cell))), Text(status, colour), Text(plain(text)))
        if len(cells) > ROWS:
            finished = sum(status not in ("waiting", "running") for status, _ in self.rows.values())
            table.caption = f"{len(cells)} cells, {finished} finished"
        return Group(table, self.progress) if self.rows else Group(self.progress)


def headline(result: Result) -> str:
    """The number that the task ranks by, or why there is none."""
    metric, score = built_in_metric(result.headline), result.metrics.get(result.headline)
    if result.status != "done":
        return result.reason or ""
    column = find_column(result.headline, metric.columns) if metric else None
    name = column.header if column else result.headline
    if score is None or score.value is None:
        return f"{name} undefined: {score.reason if score else 'not computed'}"
    interval = f" [{score.low:.4f}, {score.high:.4f}]" if score.low is not None and score.high is not None else ""
    took = f" in {result.timings['fit']:.0f} s" if "fit" in result.timings else ""
    return f"{name} {score.value:.4f}{interval}{took}"


class NotebookLive:
    """An output of a notebook that is updated in place, as `rich.live.Live` is in a terminal; needs IPython alone."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._shown: RenderableType = ""
        self._updated = 0.0

    def start(self) -> None:
        """Open the output."""
        from IPython.display import HTML, display

        self._handle = display(HTML(""), display_id=True)

    def update(self, renderable: RenderableType) -> None:
        """Replace the content, a few times a second at most."""
        self._shown = renderable
        if time.monotonic() - self._updated > NOTEBOOK_EVERY_S:
            self._write()

    def stop(self) -> None:
        """Write the last content."""
        self._write()

    def _write(self) -> None:
        from IPython.display import HTML

        self._updated = time.monotonic()
        page = PlainConsole(file=io.StringIO(), record=True, width=110, force_jupyter=False)
        page.print(self._shown)
        self._handle.update(HTML(page.export_html(inline_styles=True, code_format="<pre>{code}</pre>")))
