"""The command line in new processes, for what a call in this process cannot test. Each takes seconds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark import __version__, cli
from benchmark.records.store import ResultStore
from tasks.registry import TASKS
from tests.benchmark.plugins.toy_models import FLAG
from tests.benchmark.toys import TOY, arguments, benchmark, contents, request, run_toy

HEAVY = {
    "pooch",
    "requests",
    "torch",
    "awkward",
    "xgboost",
    "numpy",
    "pandas",
    "sklearn",
    "pythia8mc",
    "uproot",
    "matplotlib",
}
SCRIPT = shutil.which("benchmark", path=str(Path(sys.executable).parent)) or "benchmark"


def imported(report: str) -> set[str]:
    """Top-level packages in what `-X importtime` writes to standard error."""
    lines = [line for line in report.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def complete(*words: str) -> subprocess.CompletedProcess[str]:
    line = " ".join(("benchmark", *words))
    env = {**os.environ, "_BENCHMARK_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words))}
    return subprocess.run(
        [sys.executable, "-X", "importtime", SCRIPT], env=env, capture_output=True, text=True, check=False
    )


def test_with_nothing_it_says_what_to_type_first(tmp_path: Path):
    done = benchmark(cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    line = done.stdout.splitlines()[2]
    assert "python -m benchmark run --task ttbar" in line
    assert "about 20 minutes" in line, "as measured on two cores"


def test_wrong_request_ends_with_2_and_one_line(tmp_path: Path):
    done = benchmark("run", "--task", "tbar", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: unknown task 'tbar'. Did you mean 'ttbar'?\n"


def test_list_of_parameters_imports_nothing_heavy(tmp_path: Path):
    done = benchmark("list", "cnn", "ttbar", "--json", cwd=tmp_path, options=("-X", "importtime"))
    assert done.returncode == 0
    assert not imported(done.stderr) & HEAVY


@pytest.mark.parametrize("verb", [(), ("run",), ("data", "fetch"), ("data", "clean")], ids=" ".join)
def test_help_imports_nothing_heavy(tmp_path: Path, verb: tuple[str, ...]):
    done = benchmark(*verb, "--help", cwd=tmp_path, options=("-X", "importtime"))
    assert done.returncode == 0
    assert "Example: python -m benchmark" in " ".join(done.stdout.split())
    found = imported(done.stderr)
    assert "typer" in found
    assert not found & HEAVY


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]):
    data = (f"data {verb}" for verb in ("generate", "import", "fetch", "verify", "show", "clean"))
    words = ("run", "list", "results", "compare", "rescore", "leaderboard", "predict", "export", "info")
    for verb in (*words, *data, "regressions record", "regressions check"):
        assert cli.exit_code([*verb.split(), "--help"]) == 0
        assert f"Example: python -m benchmark {verb}" in " ".join(capsys.readouterr().out.split())


def test_version(capsys: pytest.CaptureFixture[str]):
    assert cli.exit_code(["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        (("run", "--task", "tt"), ["ttbar"]),
        (("run", "--model", "cnn,b"), ["cnn,bdt"]),
        (("run", "--task", ""), ["all", *TASKS.names()]),
        (("run", "--model", "cnn[de"), ["cnn[decorrelation=", "cnn[depth="]),
        (("run", "--model", "bdt,ffnn[units=3,la"), ["bdt,ffnn[units=3,layers="]),
        (("run", "--representation", "circles[fi"), ["circles[fill="]),
        (("run", "--task", "nothing["), []),
        (("run", "--preset", "s"), ["smoke", "standard"]),
        (("run", "--level", ""), ["generator", "hadron", "detector"]),
        (("list", "dim"), ["dimuon"]),
        (("list", "ci"), ["circles"]),
        (("list", "cn"), ["cnn"]),
        (("list", "cv"), ["cvm"]),
        (("resu",), ["results"]),
        (("data", "fetch", "dimuon"), ["dimuon-csv", "dimuon-nanoaod"]),
    ],
)
def test_shell_completion_answers_and_imports_nothing_heavy(words: tuple[str, ...], answers: list[str]):
    done = complete(*words)
    assert done.stdout.split() == answers
    assert not imported(done.stderr) & HEAVY


def test_a_folder_with_packages_of_the_same_names(tmp_path: Path, toy_data: Path):
    for package in ("models", "tasks", "benchmark", "representations"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise RuntimeError('the wrong package')\n")
    # `python -m` itself looks for the benchmark here first: that name alone is the user's own doing
    shutil.rmtree(tmp_path / "benchmark")
    done = benchmark(*arguments(tmp_path / "r", tmp_path / "data", "Nearest", "Raises"), "--json", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "wrong package" not in done.stderr
    records = json.loads(done.stdout)
    assert [record["status"] for record in records] == ["done", "failed"]


LINGERS = """
import atexit, os, threading
from tests.benchmark.plugins.toy_models import Nearest

class Lingers(Nearest):
    '''A model whose file keeps its process.'''
    name = "lingers"

if "BENCHMARK_WORKER" not in os.environ:
    threading.Thread(target=threading.Event().wait).start()
    atexit.register(os._exit, 7)
"""


def test_a_file_neither_keeps_the_process_nor_changes_its_exit_code(tmp_path: Path):
    (tmp_path / "mine.py").write_text(LINGERS)
    words = ["run", "--task", TOY, "--representation", "fourvectors", "--preset", "smoke", "--model", "mine.py:Lingers"]
    done = benchmark(*words, "--dry-run", "--json", cwd=tmp_path, PYTHONPATH=str(Path(__file__).parents[2]))
    assert (done.returncode, done.stderr) == (0, "")
    assert [cell["model"] for cell in json.loads(done.stdout)["cells"]] == ["lingers"]


def test_killed_outright_it_goes_on_and_ends_with_the_same_results(
    tmp_path: Path, toy_data: Path, monkeypatch: pytest.MonkeyPatch
):
    flag, folder = tmp_path / "flag", tmp_path / "killed"
    monkeypatch.setenv(FLAG, str(flag))
    done = benchmark(*arguments(folder, toy_data, "Nearest", "KillsOnce"), cwd=tmp_path)
    assert done.returncode == -9
    assert flag.exists()
    before = contents(folder / "toy")
    assert [result.model for result in ResultStore(folder).all()] == ["nearest"]

    resumed = run_toy(request("Nearest", "KillsOnce"), folder, toy_data)
    after = contents(folder / "toy")
    assert {name: after[name] for name in before} == before, "what was done is not done again"
    whole = run_toy(request("Nearest", "KillsOnce"), tmp_path / "whole", toy_data)
    for one, other in zip(resumed, whole, strict=True):
        assert (one.key, one.status, one.metrics) == (other.key, "done", other.metrics)
        assert one.scores_sha256 == other.scores_sha256
    assert not list(folder.rglob("*.tmp"))


def test_interrupted_it_says_so_and_ends_with_130(tmp_path: Path, toy_data: Path):
    words = arguments(tmp_path / "results", toy_data, "Nearest", "InterruptsOnce")
    done = benchmark(*words, "--quiet", cwd=tmp_path, **{FLAG: str(tmp_path / "flag")})
    assert done.returncode == 130
    assert done.stdout == ""
    assert done.stderr.strip() == "interrupted; run the same command again to resume"
    assert [result.model for result in ResultStore(tmp_path / "results").all()] == ["nearest"]


def test_the_reader_may_leave_early(toy_results: Path):
    command = [sys.executable, "-m", "benchmark", "results", "--json", "--results", str(toy_results)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_without_its_environment_it_says_which_one_there_is(tmp_path: Path) -> None:
    """Of Python's own library alone, as a newcomer's first `python3 -m benchmark` is."""
    venv = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    found = subprocess.run(
        [venv / "bin" / "python", "-m", "benchmark", "list"],
        cwd=Path(cli.__file__).parents[1],
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == cli.WRONG_REQUEST
    assert "Traceback" not in found.stderr
    assert found.stderr.startswith("error: the package ")
    assert f"is not installed for {venv / 'bin' / 'python'}" in found.stderr
    assert "Type: make install" in found.stderr
