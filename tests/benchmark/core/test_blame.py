"""An error in a plug-in is a line that names the file and the line, whatever the plug-in is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from benchmark.cli import exit_code
from benchmark.core.blame import blamed, reason_of
from benchmark.core.errors import Skip, UserError

if TYPE_CHECKING:
    from pathlib import Path

MINE = """
from dataclasses import dataclass
import numpy as np
from benchmark.metrics.metric import Metric, MetricColumn
from helper import lose
from representations.representation import Representation
from tasks.reader import Imported, Reader
from tasks.validation.validation import Validation
from tests.benchmark.plugins.toy_task import Toy

def lost(where):
    if where == FAILS:
        lose([])

@dataclass(frozen=True, kw_only=True)
class Mine(Toy):
    '''Mine.'''
    name = "mine"
    fast_simulation = True
    applied_columns = frozenset({"objects"})
    def info(self, level):
        return lost("info") or super().info(level)
    def generate(self, *arguments):
        return lost("generate") or super().generate(*arguments)
    @property
    def reader(self):
        return Files()
    @property
    def validation(self):
        return Figures()
    def apply_variant(self, table):
        return lost("apply_variant") or table

class Files(Reader):
    files, holds, columns = "any", "muons", ("objects",)
    def read(self, source):
        lost("read")
        return Imported(self.chunks(), "mine")
    def chunks(self):
        lost("chunks")
        yield from ()

class Figures(Validation):
    def figures(self, events):
        lost("figures")
        yield from ()
    def detector_figures(self, count=None):
        lost("detector_figures")
        yield from ()

@dataclass(frozen=True, kw_only=True)
class Shape(Representation):
    '''Mine.'''
    name = "shape"
    def represent(self, events):
        lost("represent")

class Number(Metric):
    '''Mine.'''
    name = "number"
    columns = (MetricColumn("number", "N"),)
    def __init__(self):
        lost("metric")
    def __call__(self, scored, confidence=0.95): ...
"""
GENERATE = "data generate mine.py:Mine --preset smoke --data data"
SHOW = "data show mine.py:Mine --plots figures --data data"
DRY = "run --task mine.py:Mine --preset smoke --data data --dry-run"
COMMANDS = [
    ("info", f"{DRY} --representation fourvectors --model bdt"),
    ("generate", GENERATE),
    ("read", "data import mine.py:Mine --source mine.py --data data"),
    ("chunks", "data import mine.py:Mine --source mine.py --data data"),
    ("apply_variant", f"{GENERATE} ; {SHOW} --representation fourvectors"),
    ("figures", f"{GENERATE} ; {SHOW}"),
    ("detector_figures", f"{GENERATE} ; {SHOW}"),
    ("represent", f"{GENERATE} ; {SHOW} --representation mine.py:Shape"),
    ("metric", f"{DRY} --representation fourvectors --model bdt --metric mine.py:Number"),
]


@pytest.mark.parametrize(("method", "commands"), COMMANDS, ids=lambda value: value.split()[0])
def test_an_error_in_a_plugin_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], method: str, commands: str
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE.replace("FAILS", repr(method)))
    (tmp_path / "helper.py").write_text("def lose(what):\n    return what[3]\n")
    *before, last = commands.split(" ; ")
    assert [exit_code(command.split()) for command in before] == [0] * len(before)
    capsys.readouterr()
    assert exit_code(last.split()) == 2
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("error"))
    assert "raised IndexError: list index out of range (helper.py, line 2)" in line


def test_errors_of_this_program_and_skips_pass():
    for error in (Skip("no class"), UserError("no file"), ValueError("ours")):
        with pytest.raises(type(error), match=str(error)), blamed():
            raise error


def test_a_long_text_is_cut():
    assert re.fullmatch(r"ValueError: x{284} \.\.\. \(test_blame\.py, line \d+\)", reason_of(caught("x" * 500 + "\ny")))


def caught(text: str) -> ValueError:
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


@pytest.mark.parametrize(
    ("file", "line"),
    [("/home/me/mine.py", r"mine\.py, line 2"), ("/x/site-packages/theirs.py", r"linear\.py, line \d+")],
)
def test_the_line_of_a_failure_is_that_of_who_called_the_library(file: str, line: str):
    code = compile("import torch\ntorch.nn.Linear(3, 3)(torch.zeros(2, 4))", file, "exec")
    with pytest.raises(RuntimeError) as raised:
        exec(code, {})  # two lines of this test, as if they were in that file
    error = raised.value
    assert error.__traceback__ is not None
    error.__traceback__ = error.__traceback__.tb_next  # without the frame of this test
    assert re.fullmatch(line, re.sub(r".*\((.*)\)$", r"\1", reason_of(error)))
