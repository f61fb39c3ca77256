from __future__ import annotations

import dataclasses
import io
import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from benchmark.core.console import PlainConsole
from benchmark.engine import progress as display
from benchmark.engine.progress import Display, headline
from benchmark.engine.request import Cell, Choice
from benchmark.records.result import MetricValue
from tests.leaderboard.factory import make_result

if TYPE_CHECKING:
    from benchmark.records.result import Result

BRACKETS = (("depth", "7"),)


def cells(count: int) -> list[Cell]:
    names = (Choice("ttbar"), Choice("circles"), Choice("cnn", BRACKETS))
    return [Cell(*names, preset="smoke", level="detector", seed=seed, device="cpu") for seed in range(count)]


def result(**changes) -> Result:
    return make_result(auc=(0.9, 0.88, 0.92), **{"timings": {"fit": 12.4}, **changes})


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """The output to a terminal of 100 columns."""
    stream = io.StringIO()
    console = PlainConsole(file=stream, force_terminal=True, width=100, color_system=None)
    monkeypatch.setattr(display, "PlainConsole", lambda **options: console)
    return stream


def report_all(shown: Display, count: int = 2) -> None:
    first, *others = cells(count)
    shown.plan([first, *others], {})
    shown.stage("ttbar", "generate", 0, 300)
    shown.stage("ttbar", "generate", 300, 300)
    shown.started(first)
    shown.stage(str(first), "train", 1, 9)
    shown.finished(first, result())
    for cell in others:
        shown.started(cell)
        shown.finished(cell, result(status="failed", reason="no [luck]"))


def test_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]):
    with Display() as shown:
        report_all(shown)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "[1/2] ttbar · circles · cnn[depth=7] · seed 0: done AUC 0.9000 [0.8800, 0.9200] in 12 s",
        "[2/2] ttbar · circles · cnn[depth=7] · seed 1: failed no [luck]",
    ]


def test_a_stage_has_a_line_now_and_then_if_it_takes_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """And none when it begins: it may end in an error, which is one line."""
    now = 100.0
    monkeypatch.setattr(display, "time", SimpleNamespace(monotonic=lambda: now))
    with Display() as shown:
        for step in range(50):
            for stage in ("generate", "describe", "train"):
                shown.stage("ttbar", stage, step, 50)
            now += 1.0
    assert capsys.readouterr().err.splitlines() == [
        f"ttbar: {verb} {share}%"
        for share in (32, 64, 96)
        for verb in ("generating events", "counting and fingerprinting", "training")
    ]


def test_kept_results_are_counted(capsys: pytest.CaptureFixture[str]):
    with Display() as shown:
        shown.plan(cells(3), {cells(1)[0]: result()})
    assert capsys.readouterr().err == "1 of 3 cells have a result already\n"


def test_a_training_that_goes_on_says_so_once(capsys: pytest.CaptureFixture[str]):
    with Display() as shown:
        shown.stage("a cell", "train", 0, 1)
        shown.stage("a cell", "resume", 3, 40)
        shown.stage("a cell", "train", 3.1, 40)
    assert capsys.readouterr().err.splitlines() == ["a cell: training continues after epoch 3 of 40"]


def test_stored_results_are_reported_on_a_terminal_as_well(terminal: io.StringIO):
    with Display() as shown:
        shown.plan(cells(3), {cells(1)[0]: result()})
        shown.stage("a cell", "resume", 3, 40)
    for line in ("1 of 3 cells have a result already", "a cell: training continues after epoch 3 of 40"):
        assert terminal.getvalue().count(line) == 1


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]):
    with Display(quiet=True) as shown:
        report_all(shown)
    assert capsys.readouterr() == ("", "")


def test_table_and_bars_on_a_terminal(terminal: io.StringIO):
    with Display() as shown:
        report_all(shown)
    end = terminal.getvalue().rpartition("cell ")[2]
    assert "cnn[depth=7] · seed 0" in end
    assert "AUC 0.9000 [0.8800, 0.9200] in 12 s" in end
    assert "no [luck]" in end
    assert not shown.progress.tasks, "the bars of finished stages are gone"


def test_one_bar_for_the_stage_that_goes_on(terminal: io.StringIO):
    with Display() as shown:
        for stage, done in (("generate", 0), ("train", 1), ("train", 3)):
            shown.stage("ttbar", stage, done, 4)
        (bar,) = shown.progress.tasks
    assert (bar.description, bar.completed, bar.total) == ("ttbar: training", 3, 4)


def test_a_bar_for_each_cell_that_runs(terminal: io.StringIO):
    one, other, last = cells(3)
    with Display() as shown:
        shown.plan([one, other, last], {})
        shown.stage("ttbar", "generate", 1, 4)
        shown.started(one)
        shown.started(other)
        for done in (1, 2):
            shown.stage(str(one), "train", done, 9)
            shown.stage(str(other), "train", done + 2, 9)
        bars = {bar.description: bar for bar in shown.progress.tasks}
        assert {name: bar.completed for name, bar in bars.items()} == {f"{one}: training": 2, f"{other}: training": 4}
        shown.finished(other, result())
        assert [bar.description for bar in shown.progress.tasks] == [f"{one}: training"]


def test_a_stage_of_unknown_length_counts(terminal: io.StringIO):
    with Display() as shown:
        for done in (0, 12_000):
            shown.stage("dimuon", "import", done, 0)
        (bar,) = shown.progress.tasks
    assert (bar.description, bar.total) == ("dimuon: reading files, 12,000 so far", None)


def test_brief_stages_are_spoken_of_only_when_they_take_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    clock = [1000.0]
    monkeypatch.setattr("benchmark.engine.progress.time.monotonic", lambda: clock[0])
    with Display() as shown:
        for seconds, done in ((0, 0), (10, 500), (20, 1000), (21, 1100)):
            clock[0] = 1000.0 + seconds
            shown.stage("toy", "verify", done, 2000)
            shown.stage("dimuon", "import", done, 0)
    assert capsys.readouterr().err.splitlines() == ["toy: verifying 50%", "dimuon: reading files, 1,000 so far"]


def test_what_was_there_already_says_nothing_of_the_speed(terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch):
    with Display() as shown:
        now = [0.0]
        shown.progress.get_time = lambda: now[0]
        shown.stage("ttbar", "generate", 4000, 12_000)
        for second in range(1, 101):  # one event per second, reported every ten
            now[0] = float(second)
            if second % 10 == 0:
                shown.stage("ttbar", "generate", 4000 + second, 12_000)
        (bar,) = shown.progress.tasks
        assert bar.time_remaining == pytest.approx(7900, rel=0.15)


def test_a_long_table_shows_where_the_run_is(terminal: io.StringIO):
    with Display() as shown:
        shown.plan(cells(100), {cell: result() for cell in cells(50)})
        assert len(shown._render().renderables[0].rows) == display.ROWS
        assert "100 cells, 50 finished" in str(shown._render().renderables[0].caption)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (result(), "AUC 0.9000 [0.8800, 0.9200] in 12 s"),
        (make_result(auc=0.9), "AUC 0.9000"),
        (make_result(), "AUC undefined: not computed"),
        (make_result(metrics={"auc": MetricValue(value=None, reason="one class")}), "AUC undefined: one class"),
        (make_result(status="skipped", reason="no tracks"), "no tracks"),
    ],
)
def test_headline(found: Result, words: str):
    assert headline(found) == words


class Handle:
    """The object that IPython returns for an output that can be updated."""

    def __init__(self) -> None:
        self.pages: list[str] = []

    def update(self, page: str) -> None:
        self.pages.append(page)


def test_a_table_in_a_notebook(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    handle, ipython = Handle(), ModuleType("IPython.display")
    ipython.HTML, ipython.display = str, lambda page, display_id: handle
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", ipython)
    console = PlainConsole(file=io.StringIO(), force_jupyter=True)
    made = lambda **options: PlainConsole(**options) if "record" in options else console  # noqa: E731
    monkeypatch.setattr(display, "PlainConsole", made)
    monkeypatch.setattr(console, "print", lambda *words, **options: None)
    with Display() as shown:
        report_all(shown)
    assert "cnn[depth=7] · seed 0" in handle.pages[-1]
    assert "AUC 0.9000 [0.8800, 0.9200] in 12 s" in handle.pages[-1]
    assert capsys.readouterr() == ("", "")


def test_a_result_with_a_remark_warns(capsys: pytest.CaptureFixture[str]):
    (cell,) = cells(1)
    with Display() as shown:
        shown.plan([cell], {})
        shown.finished(cell, result(reason="the model was not saved"))
    assert f"warning: {cell}: the model was not saved" in capsys.readouterr().err


def test_a_run_of_all_tasks_says_how_to_narrow_it(capsys: pytest.CaptureFixture[str]):
    first, second, third = cells(3)
    other = dataclasses.replace(first, task=Choice("dimuon"))
    with Display() as shown:
        shown.plan([other, first, second, third], {}, advise=True)
        shown.plan([first, second], {}, advise=True)
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "no task was named, so this runs 2 of them: 1 of dimuon, 3 of ttbar cells. To run one: --task dimuon. "
        "To see the plan first: --dry-run"
    )
