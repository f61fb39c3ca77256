"""Whatever is wrong with a request is one line on standard error and exit code 2, and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmark import cli
from benchmark.core import machine
from benchmark.core.errors import UserError
from benchmark.engine import api
from tests.benchmark.toys import arguments, model
from tests.tasks.sources.files import HEADER, back_to_back

if TYPE_CHECKING:
    from pathlib import Path

CSV = "\n".join([HEADER, *(back_to_back(mass, 1, event) for event, mass in enumerate((3.0, 9.5, 91.0)))]) + "\n"


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Runs a command line that must be refused, and returns the one line that says why."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "data"))

    def run(*words: str) -> str:
        assert cli.exit_code(words) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        (line,) = captured.err.splitlines()
        assert line.startswith("error: ")
        assert "Traceback" not in line
        return line

    return run


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("run --task tbar", "unknown task 'tbar'. Did you mean 'ttbar'?"),
        ("run --model cmn", "unknown model 'cmn'. Did you mean 'cnn'?"),
        ("run --representation circle", "unknown representation 'circle'. Did you mean 'circles'?"),
        ("run --metric auk", "unknown metric 'auk'. Did you mean 'auc'?"),
        ("run --task ttbar --model cnn[dept=7]", "cnn: unknown parameter 'dept'. Did you mean 'depth'?"),
        ("run --task ttbar --model cnn[depth=8]", "cnn: parameter 'depth' is 8, expected 7, 11, 15"),
        ("run --task ttbar --model cnn[depth=deep]", "cnn: parameter 'depth' is 'deep', expected a whole number"),
        ("run --task ttbar --model cnn[depth", "'cnn[depth': can't be read"),
        ("run --task ttbar[min_jets=9]", "ttbar: parameter 'min_jets' is '9', expected 0, 1, 2, 3 or 4."),
        ("run --preset quik", "unknown preset 'quik'. Did you mean 'quick'?"),
        ("run --task ttbar --level hardon", "unknown level 'hardon'. Did you mean 'hadron'?"),
        ("run --seeds few", "--seeds 'few': expected how many"),
        ("run --device gpu", "unknown device 'gpu'"),
        ("run --device cuda", "device cuda: torch finds no CUDA GPU on this machine. Use --device cpu"),
        ("run --source nowhere.csv", "files belong to one task"),
        ("run --task dimuon --source nowhere.csv", "dimuon: no file or folder nowhere.csv"),
        ("run --task ttbar --quiet --source .", "has no .root file"),
        ("run --model nowhere.py:Mine", "model nowhere.py:Mine: no file"),
        ("run --task ttbar --model cnn[dropout=abc]", "cnn: parameter 'dropout' is 'abc', expected a number."),
        ("run --jobs 0", "option 'jobs': 0, expected a whole number, 1 to 64."),
        ("run --workers 0", "option 'workers': 0, expected a whole number, 1 or more."),
        ("run --frobnicate", "No such option: --frobnicate"),
        ("run --workers none", "option 'workers': 'none', expected a whole number, 1 or more."),
        ("run --workers 2.5", "option 'workers': '2.5', expected a whole number, 1 or more."),
        ("run --jobs many", "option 'jobs': 'many', expected a whole number, 1 to 64."),
        ("run --timeout soon", "option 'timeout': 'soon', expected a number of seconds, 1 or more."),
        ("run --timeout nan", "option 'timeout': nan, expected a number of seconds, 1 or more."),
        ("data generate ttbar --workers none", "option 'workers': 'none', expected a whole number, 1 or more."),
        ("data show ttbar --events 25", "option 'events': 25, expected a whole number, 1 to 24."),
        ("predict a b --batch 0", "option 'batch': 0, expected a whole number, 1 or more."),
        ("run --timeout 0", "option 'timeout': 0.0, expected a number of seconds, 1 or more."),
        ("run --overwrite sometimes", "option 'overwrite': 'sometimes', expected one of never, failed, always."),
        ("run --train-events many", "--train-events many: expected a whole number of events, 1 or more"),
        ("run --train-events 0", "--train-events 0: expected a whole number of events, 1 or more"),
        ("run --task ttbar --train-events 2", "ttbar has 7,680 training events in 3 classes, expected 3 to 7680"),
        ("run --task ttbar --train-events 7681", "ttbar has 7,680 training events in 3 classes, expected 3 to 7680"),
        ("run --test-events 0", "--test-events 0: expected a whole number of events, 1 or more."),
        ("run --test-events 1.5", "--test-events 1.5: expected a whole number of events, 1 or more."),
        ("rum", "No such command 'rum'. Did you mean 'run'?"),
        ("list cnnn", "nothing is called 'cnnn'. Did you mean 'cnn'?"),
        ("data", "Missing command. Try: benchmark data --help"),
        ("data show", "Missing argument 'TASK'. Try: benchmark data show --help"),
        ("data show tbar", "unknown task 'tbar'. Did you mean 'ttbar'?"),
        ("results --json --csv", "--json, --csv, --markdown and --latex exclude each other"),
    ],
)
def test_wrong_words(refused, words: str, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(machine, "_gpu_count", lambda: 0)
    assert message in refused(*words.split())
    assert not (tmp_path / "results" / "ttbar").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("cut.root", b"root\x00\x00\xf2h" + bytes(40), "cut.root is truncated or no ROOT file"),
        ("not.root", b"no root file at all", "not.root is truncated or no ROOT file"),
        ("columns.csv", b"Run,Event,E1\n1,2,3\n", "columns.csv has no column px1, px2"),
        (
            "nan.csv",
            CSV.replace("1.5,1.5", "1.5,nan", 1).encode(),
            "nan.csv: line 2 has px1 = nan, expected a finite number",
        ),
        (
            "inf.csv",
            CSV.replace("1.5,1.5", "1.5,inf", 1).encode(),
            "inf.csv: line 2 has px1 = inf, expected a finite number",
        ),
        (
            "half.csv",
            f"{HEADER}\n{back_to_back(3.0, 1, 0.5)}\n".encode(),
            "line 2 has event = 0.5, expected a whole number",
        ),
        ("huge.csv", f"{HEADER}\n{back_to_back(3.0, 1e30, 1)}\n".encode(), "line 2 has run = 1e+30, expected a whole"),
        ("word.csv", CSV.replace("1.5,1.5", "1.5,left", 1).encode(), "'left'"),
        ("empty.csv", b"", "is empty"),
        ("header.csv", HEADER.encode() + b"\n", "has no event"),
        (
            "outside.csv",
            (HEADER + "\n" + back_to_back(500.0, 1, 1) + "\n").encode(),
            "no event left after the selection",
        ),
        ("words.txt", b"x", "ends in '.txt'"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and " " not in value else "",
)
def test_wrong_files(refused, tmp_path: Path, name: str, content: bytes, message: str):
    (tmp_path / name).write_bytes(content)
    words = ["--task", "dimuon", "--source", name, "--preset", "smoke", "--device", "cpu", "--quiet"]
    assert message in refused("run", *words)
    assert not (tmp_path / "data").exists() or not list((tmp_path / "data").iterdir()), "nothing is left behind"


@pytest.mark.parametrize(
    ("task", "name", "content", "message"),
    [
        ("ttbar", "events.csv", CSV, "ends in '.csv', expected .root"),
        ("dimuon", "empty.csv", "", "empty.csv is empty"),
        ("dimuon", "empty.root", "", "empty.root is truncated or no ROOT file (0 bytes"),
        ("dimuon", "words.txt", CSV, "ends in '.txt'"),
        ("dimuon", "columns.csv", "Run,Event,E1\n1,2,3\n", "columns.csv has no column px1, px2"),
        ("dimuon", "two.csv", CSV.replace("px2", "x2"), "has no column px2 (found: Run, Event, E1, px1,"),
        ("dimuon", "missing.csv", None, "dimuon: no file or folder missing.csv"),
        ("dimuon", "folder", None, "has no .csv or .root file (0 other entries)"),
    ],
)
def test_a_dry_run_refuses_files_as_a_run_does(
    refused, tmp_path: Path, task: str, name: str, content: str | None, message: str
):
    if content is not None:
        (tmp_path / name).write_text(content)
    elif name == "folder":
        (tmp_path / name).mkdir()
    words = ["run", "--task", task, "--source", name, "--preset", "smoke", "--device", "cpu"]
    assert message in (line := refused(*words, "--dry-run"))
    assert "Did you mean 'px1'" not in line
    assert message in refused(*words)
    assert not (tmp_path / "data").exists()
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("events", "share", "message"),
    [
        (False, 1.0, "({:,} bytes) holds no tree"),
        (True, 0.5, "is truncated or no ROOT file ({:,} bytes"),
        (True, 0.02, "is truncated or no ROOT file ({:,} bytes"),
    ],
)
def test_root_file_without_events_or_cut_short(refused, tmp_path: Path, events: bool, share: float, message: str):
    import numpy as np
    import uproot

    path = tmp_path / "events.root"
    with uproot.recreate(path) as file:
        values = np.arange(20_000, dtype=np.float32)
        file["Events"] = {"Muon_pt": values} if events else np.histogram(values)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    line = refused("run", "--task", "dimuon", "--source", str(path), "--preset", "smoke", "--device", "cpu", "--quiet")
    assert f"events.root {message.format(path.stat().st_size)}" in line
    assert "Chunk" not in line


def test_folders_that_cannot_be_made(refused, tmp_path: Path, toy_data: Path):
    file = tmp_path / "file"
    file.write_text("in the way")
    assert f"--results {file}: {file} is a file, expected a folder" in refused(*arguments(file, toy_data, "Nearest"))
    words = arguments(tmp_path / "results", file, "Nearest")
    assert f"--data {file}: {file} is a file, expected a folder" in refused(*words, "--quiet")


def test_folder_of_results_that_is_in_the_way_of_one_task(refused, tmp_path: Path, toy_data: Path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "toy").write_text("in the way")
    assert "the folder can't be made" in refused(*arguments(tmp_path / "results", toy_data, "Nearest"), "--quiet")


@pytest.mark.parametrize("verb", ["results", "results --json", "leaderboard"])
def test_folders_that_hold_no_results(refused, tmp_path: Path, verb: str):
    (tmp_path / "file").write_text("")
    (tmp_path / "other" / "sub").mkdir(parents=True)
    (tmp_path / "other" / "sub" / "text.txt").write_text("")
    words = (*verb.split(), "--results")
    assert f"--results {tmp_path / 'nowhere'}: nothing there" in refused(*words, "nowhere")
    assert f"--results {tmp_path / 'file'}: a file" in refused(*words, "file")
    assert "holds no result (found: 'sub')" in refused(*words, "other")
    assert not (tmp_path / "nowhere").exists()


def test_a_file_that_is_no_plugin(refused, tmp_path: Path):
    (tmp_path / "mine.py").write_text("def broken(:\n")
    assert "mine.py line 1 is not Python" in refused("run", "--task", "ttbar", "--model", "mine.py:Mine")
    assert "does not inherit tasks.task.Task" in refused("run", "--task", model("Nearest"))


def test_a_message_of_several_lines_becomes_one(refused, monkeypatch: pytest.MonkeyPatch):
    def fail(word: str) -> str:
        raise UserError("first line\n  second line")

    monkeypatch.setattr(api, "resolve_device", fail)
    assert refused("run", "--task", "ttbar") == "error: first line second line"


@pytest.mark.parametrize("words", ["predict m e --output out.csv", "export m --onnx out.csv"])
def test_a_folder_in_place_of_a_file_to_write_is_refused_before_the_work(refused, tmp_path: Path, words: str):
    (tmp_path / "out.csv").mkdir()
    option = words.split()[-2]
    assert f"error: {option} out.csv: is a folder, expected a file to write." in refused(*words.split())
    assert f"error: {option} no/out.csv: there is no folder" in refused(*words.replace("out.csv", "no/out.csv").split())
