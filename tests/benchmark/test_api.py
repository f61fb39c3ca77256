"""`import benchmark`: runs and results from Python, as from the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import benchmark
from benchmark.core.errors import UserError
from benchmark.engine.api import Options, parse_options
from benchmark.engine.request import Overwrite
from tests.benchmark.toys import TOY, metric, model

ROOT = Path(__file__).parents[2]


def test_import_is_light():
    code = """
import sys, benchmark
assert "run" in benchmark.__all__
found = {"torch", "awkward", "numpy", "pandas", "pydantic", "rich", "xgboost"} & set(sys.modules)
assert not found, found
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'rum'"):
        _ = benchmark.rum


def test_results_become_a_table(tmp_path: Path, toy_data: Path):
    names = [model("Nearest"), model("Raises"), model("Nearest") + "[noise=1]"]
    results = benchmark.run(
        task=TOY,
        representation="fourvectors",
        model=names,
        metric=metric("Mine"),
        preset="smoke",
        seeds=[0, 1],
        device="cpu",
        results=tmp_path,
        data=toy_data,
        quiet=True,
    )
    assert [result.status for result in results] == ["done", "done", "failed", "failed", "done", "done"]
    frame = results.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns[:10]) == [
        *("task", "variant", "representation", "model", "seed", "status", "reason", "preset", "level", "fingerprint"),
    ]
    first = frame.iloc[0]
    assert (first["task"], first["variant"], first["model"], first["seed"]) == ("toy", "toy", "nearest", 0)
    assert first["auc_low"] < first["auc"] < first["auc_high"]
    assert first["mine"] == results[0].metrics["mine"].value
    assert first["train_events_per_s"] > 0
    assert first["fit_s"] == results[0].timings["fit"]
    assert first["key"] == results[0].key
    assert "butterfly" in frame.iloc[2]["reason"]
    assert frame.iloc[4]["model"] == "nearest[noise=1.0]"
    assert "nearest" in repr(results)
    assert "<table" in results._repr_html_()
    assert isinstance(results[:2], benchmark.Results)
    assert len(results[:2]) == 2
    loaded = benchmark.load_results(tmp_path)
    assert {result.key for result in loaded} == {result.key for result in results}
    assert set(loaded.to_frame()["auc"].dropna()) == set(frame["auc"].dropna())


def test_no_results(tmp_path: Path):
    assert repr(benchmark.load_results(tmp_path)) == "no results"
    with pytest.raises(UserError, match="no such folder, expected a folder of results"):
        benchmark.load_results(tmp_path / "nowhere")


def test_options_are_those_of_the_command_line(tmp_path: Path):
    import inspect

    from benchmark.commands.run import command

    own = {"dry_run", "json"}
    assert set(inspect.signature(command).parameters) - own == set(Options.__annotations__)
    request, settings = parse_options(
        seeds=3, source="generated", overwrite="always", data=tmp_path, keep_models=str(tmp_path)
    )
    assert (request.seeds, request.source, request.tasks) == ("3", None, ())
    assert (settings.overwrite, settings.data, settings.models) == (Overwrite.always, tmp_path, tmp_path)
    assert parse_options(seeds=[7])[0].seeds == "7,"
    with pytest.raises(UserError, match=r"no option 'modle'\. Did you mean 'model'"):
        parse_options(modle="cnn")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("overwrite", "sometimes", "'sometimes', expected one of never, failed, always"),
        ("task", 3, "3, expected a name or a list of names"),
        ("model", ["cnn", None], r"\['cnn', None\], expected a name or a list of names"),
        ("jobs", "a", "'a', expected a whole number, 1 to 64"),
        ("jobs", True, "True, expected a whole number"),
        ("workers", 1.5, r"1\.5, expected a whole number, 1 or more"),
        ("timeout", "long", "'long', expected a number of seconds"),
        ("timeout", float("nan"), "nan, expected a number of seconds"),
        ("seeds", [0.5], r"\[0\.5\], expected how many, or a list of seeds"),
        ("preset", None, "None, expected a text"),
        ("results", 7, "7, expected a path"),
        ("quiet", "no", "'no', expected True or False"),
    ],
)
def test_options_of_wrong_types(option: str, value: object, message: str):
    with pytest.raises(UserError, match=f"option '{option}': {message}"):
        parse_options(**{option: value})


@pytest.mark.parametrize(
    ("given", "cores", "memory", "jobs", "threads"),
    [
        ({}, 2, 16.0, 2, 1),
        ({}, 1, 16.0, 1, 1),
        ({}, 16, None, 1, 1),
        ({}, 16, 64.0, 4, 1),
        ({}, 16, 9.0, 2, 1),
        ({"jobs": 7}, 2, 2.0, 7, 1),
        ({"threads": 2}, 2, 16.0, 1, 2),
        ({"threads": 4}, 16, 64.0, 4, 4),
        ({"jobs": 1, "threads": 16}, 2, 16.0, 1, 16),
    ],
)
def test_how_many_cells_at_once_and_threads_of_each(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, int], cores: int, memory: float | None, jobs: int, threads: int
):
    """The threads, on which scores depend, depend neither on the machine nor on the number of cells at once."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("benchmark.engine.api.usable_cores", lambda: cores)
    monkeypatch.setattr("benchmark.engine.api.memory_gb", lambda: memory)
    _, settings = parse_options(device="cpu", **given)
    assert (settings.jobs, settings.threads) == (jobs, threads)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert parse_options(device="cpu", **given)[1].threads == given.get("threads", 3)


def test_a_folder_that_hides_a_package_is_named(tmp_path: Path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("")
    (tmp_path / "study.py").write_text("import benchmark\nbenchmark.run(task='ttbar')\n")
    done = subprocess.run(
        [sys.executable, str(tmp_path / "study.py")],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert f"UserError: {tmp_path / 'models'}: hides the package 'models' of this program" in done.stderr


SCRIPT = """
import benchmark
from pathlib import Path

with Path("starts").open("a") as file:
    file.write("started\\n")
results = benchmark.run(
    task={task!r}, representation="fourvectors", model={model!r}, preset="smoke", device="cpu", data={data!r}
)
print(results)
"""


def test_a_script_needs_no_guard(tmp_path: Path):
    """Processes that are spawned do not run the script again, neither those of cells nor those that make data."""
    script = tmp_path / "study.py"
    script.write_text(SCRIPT.format(task=TOY, model=model("Nearest"), data=str(tmp_path / "data")))
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "starts").read_text() == "started\n"
    assert "nearest" in done.stdout
    assert "done" in done.stdout
