"""Standard output and standard error that fail, and text of strangers on them, for every command."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from benchmark.cli import DONE, WRONG_REQUEST
from benchmark.metrics.metric import MetricColumn
from benchmark.records.result import MetricValue
from benchmark.records.store import ResultStore
from tests.benchmark.toys import TOY
from tests.faults.forked import BROKEN, CLOSED, Command, exit_codes
from tests.faults.hostile import NASTY, SEQUENCES, dangerous
from tests.leaderboard.factory import make_result, scores_of
from tests.tasks.quark_gluon.test_reader import qg

FULL = "/dev/full"
NONE = ("list", "nothing")
NAME = SEQUENCES.replace("/", "")

PLUGIN = f'''
from benchmark.metrics.metric import Metric, MetricColumn

class Evil(Metric):
    """{SEQUENCES.encode("unicode_escape").decode()}."""
    name = "evil"
    columns = (MetricColumn("evil", "\\x1b[2JE", "\\x1b[2Jwhat\\u202e it is", unit="\\x9b"),)
'''


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results with hostile texts where records have text of any kind, and files that are none, with such names."""
    store = ResultStore(tmp_path_factory.mktemp("hostile") / f"results{NAME}")
    text, plain = NASTY.replace("\ud83d", "") + NAME, "$\\input{x}|[red]=cmd()"
    fields = {
        "source": plain,
        "variant": {text: text},
        "parameters": {text: text},
        "environment": {"traceback": text, text: text},
        "metric_columns": (MetricColumn("x", plain, plain, unit=plain, common=True),),
        "preset": "quick",
    }
    values = {"auc": MetricValue(value=0.4, low=0.3, high=0.45), "x": MetricValue(value=1.0)}
    store.add(make_result(**fields, model=plain, metrics=values))
    store.add(make_result(**fields, model="b", status="failed", reason=text))
    (store.folder / NAME).mkdir()
    record = json.loads(store.paths()[0].read_text())
    (store.folder / NAME / f"{NAME}-seed0.json").write_text("{")
    (store.folder / NAME / "b-seed0.json").write_text(json.dumps({**record, "model": text, text: text}))
    return store.folder


SOME = [("--help",), ("list",), ("data", "verify")]
REFUSED = [
    ("run", "--task", NAME),
    ("run", "--task", TOY, "--model", f"bdt[{NAME}=1]"),
    ("run", f"--{NAME}"),
    ("results", "--results", NAME),
    ("data", "fetch", NAME),
    ("predict", NAME, NAME),
    ("run", "--task", TOY, "--source", NAME),
    ("list", f"{NAME}.py:Nothing"),
    ("list", f"evil{NAME}.py:Nothing"),
]


class Ended(NamedTuple):
    """What a command left."""

    command: Command
    code: int
    output: str
    errors: str


def commands(results: Path) -> list[tuple[str, ...]]:
    """A command line of each kind, which prints something."""
    formats = ((), ("--json",), ("--csv",), ("--markdown",), ("--latex",))
    return [
        (),
        ("--help",),
        ("--version",),
        ("run", "--help"),
        *(("results", "--results", str(results), *words) for words in formats),
        ("list",),
        ("list", "--json"),
        ("list", "cnn"),
        ("data", "show", TOY),
        ("data", "verify"),
        ("data", "fetch"),
        ("data", "clean"),
    ]


@pytest.fixture(scope="module")
def ended(results: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Ended]]:
    """What every command left, by what was done to it; all in forks of one process, which are quick."""
    folder = tmp_path_factory.mktemp("ended")
    (folder / f"evil{NAME}.py").write_text(PLUGIN)
    own = [("list", f"evil{NAME}.py:Evil"), ("list", f"evil{NAME}.py:Evil", "--json")]
    everything = commands(results)
    plans = {
        "full": [*product(everything, [FULL], [""]), *product(SOME, [CLOSED], [""])],
        "broken": list(product([everything[4], *SOME], [BROKEN], [""])),
        "silent": [*product([everything[4], *SOME[:2]], [""], ["/dev/null", CLOSED, FULL, BROKEN]), (NONE, "", CLOSED)],
        "hostile": list(product([*everything, *own, *REFUSED], [""], [""])),
    }
    run = {
        plan: [
            Command(words, out or str(folder / f"{plan}-{place}.out"), err or str(folder / f"{plan}-{place}.err"))
            for place, (words, out, err) in enumerate(rows)
        ]
        for plan, rows in plans.items()
    }
    codes = iter(exit_codes([command for rows in run.values() for command in rows], folder))
    return {
        plan: [Ended(each, next(codes), _text(each.output), _text(each.errors)) for each in rows]
        for plan, rows in run.items()
    }


def _text(place: str) -> str:
    path = Path(place)
    return path.read_bytes().decode() if path.is_file() else ""


def test_output_that_fails_is_one_line_and_exit_code_2(ended: dict[str, list[Ended]]):
    for command, code, _, errors in ended["full"]:
        *warnings, last = errors.splitlines()
        assert last.startswith("error: standard output: can't be written ("), command
        assert all(line.startswith("warning: ") for line in warnings), command
        assert code == WRONG_REQUEST, command


def test_a_reader_that_leaves_early_is_no_error(ended: dict[str, list[Ended]]):
    for command, code, _, errors in ended["broken"]:
        assert code == DONE, (command, errors)
        assert all(line.startswith("warning: ") for line in errors.splitlines()), (command, errors)


def test_without_standard_error_everything_else_is_done(ended: dict[str, list[Ended]]):
    *done, refused = ended["silent"]
    assert refused.code == WRONG_REQUEST
    for first in range(0, len(done), 4):
        assert {each.code for each in done[first : first + 4]} == {DONE}
        (output,) = {each.output for each in done[first : first + 4]}
        assert output


def test_no_text_of_strangers_controls_the_terminal(ended: dict[str, list[Ended]]):
    for command, code, output, errors in ended["hostile"]:
        assert dangerous(output + errors) <= {"\n"}, command
        assert "Traceback" not in errors, errors
        table = command.words[:1] == ("list",) or command.words == ("results", *command.words[1:3])  # folds its texts
        assert table or "\nerror: no" not in output + errors, "a line that a name forged"
        assert code == (WRONG_REQUEST if command.words in REFUSED else DONE), (command, errors)
        assert code == DONE or len(errors.splitlines()) == 1, errors


def test_numbers_that_are_too_large_are_no_warnings_of_numpy(tmp_path: Path):
    """Neither before an error, which is one line, nor next to results, which have it as the reason of a row."""
    jets = qg()
    np.savez_compressed(tmp_path / "QG_jets.npz", X=np.full_like(jets["X"], 1e308), y=jets["y"])
    store = ResultStore(tmp_path / "results")
    most = np.full(60, np.finfo(np.float32).max)
    for model, large in (("cnn", {"weights": most}), ("bdt", {"mass": most})):
        plain = scores_of(3, 1.0, seed=1, events=60)
        scores = replace(plain, events=replace(plain.events, **large))
        store.add(make_result(model=model, auc=(0.8, 0.7, 0.9), events={"test": 60}), scores)
    lines = [
        ("run", "--task", "quark_gluon", "--source", "QG_jets.npz", "--preset", "smoke"),
        ("results", "--results", "results"),
        ("leaderboard", "--results", "results"),
    ]
    run = [Command(words, str(tmp_path / f"{n}.out"), str(tmp_path / f"{n}.err")) for n, words in enumerate(lines)]
    assert exit_codes(run, tmp_path) == [WRONG_REQUEST, DONE, DONE]
    (error,) = (tmp_path / "0.err").read_text().splitlines()
    assert "event 0 has mass that is missing, NaN or infinite" in error
    assert [(tmp_path / f"{n}.err").read_text() for n in (1, 2)] == ["", ""]
    assert (tmp_path / "1.out").read_text().count("unverified:") == 2


def test_the_last_flush_of_a_process_does_not_fail_again():
    command = [sys.executable, "-m", "benchmark", "--help"]
    with open(FULL, "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == WRONG_REQUEST
    assert len(done.stderr.splitlines()) == 1


def test_a_closed_stream_keeps_its_number(tmp_path: Path):
    """Or the next file that is opened would be standard error, and get its messages."""
    code = (
        "import os, sys; from benchmark.core.streams import guard_streams; os.closerange(0, 3); "
        "sys.stdin = sys.stdout = sys.stderr = None; guard_streams(); "
        "file = open(sys.argv[1], 'w'); print('a message', file=sys.stderr); os.write(2, b'another'); "
        "print('output'); file.close(); assert file"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "file")], timeout=60, check=False)
    assert (tmp_path / "file").read_bytes() == b""
