from __future__ import annotations

import os
import pickle
import signal
from typing import TYPE_CHECKING, ClassVar

import pytest

from benchmark.core.errors import UserError
from benchmark.core.machine import usable_cores
from benchmark.core.supervisor import GarbledError, how_it_died
from benchmark.engine import executor as schedule
from benchmark.engine.executor import Worker, devices_of, execute
from benchmark.engine.progress import Display, headline
from benchmark.engine.request import Settings
from benchmark.records.store import ResultStore
from tests.benchmark.cells import job, planned, toy_job
from tests.benchmark.plugins.toy_models import FLAG
from tests.benchmark.toys import request, run_toy
from tests.leftovers import leftover_of_a_killed_process
from tests.workers import spawned_workers

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.records.result import Result


def run(results: Path, data: Path, *names: str, timeout: float | None = None):
    items = [planned(toy_job(name), data) for name in names]
    found = execute(items, Settings(results, data, 1, timeout=timeout), Display(quiet=True))
    return {cell.model.target.rpartition(":")[2]: result for cell, result in found}


def test_a_worker_that_dies_is_replaced_and_the_others_go_on(tmp_path: Path, toy_data: Path):
    found = run(tmp_path, toy_data, "Dies", "Raises", "Nearest", "Leaves")
    assert {name: result.status for name, result in found.items()} == {
        "Dies": "failed",
        "Raises": "failed",
        "Nearest": "done",
        "Leaves": "failed",
    }
    assert found["Dies"].reason.startswith("the worker process died of SIGKILL")
    assert found["Leaves"].reason == "the worker process ended with exit code 7"
    assert found["Raises"].reason.startswith("RuntimeError: the loss became a butterfly (toy_models.py, line ")
    kept = {result.model: result for result in ResultStore(tmp_path).all()}
    assert kept == {name.lower(): result for name, result in found.items()}


def test_a_cell_that_never_ends(tmp_path: Path, toy_data: Path):
    (result,) = run(tmp_path, toy_data, "Loops", timeout=3).values()
    assert (result.status, result.reason) == ("timeout", "took longer than 3 s (--timeout)")
    assert list(ResultStore(tmp_path).all()) == [result]


def test_results_that_cannot_be_stored_end_the_run(tmp_path: Path, toy_data: Path):
    (tmp_path / "toy").write_text("a file in the folder's place")
    with pytest.raises(UserError, match="the folder can't be made"):
        run(tmp_path, toy_data, "Nearest")


def test_failed_cells_are_run_again_by_default(tmp_path: Path, toy_data: Path):
    (first,) = run_toy(request("Dies"), tmp_path, toy_data)
    (kept,) = run_toy(request("Dies"), tmp_path, toy_data, overwrite="never")
    assert kept == first


class Process:
    """A supervised process that was started; the first of them has died."""

    started: ClassVar[list[Process]] = []

    def __init__(self, *arguments: object) -> None:
        self.arguments, self.sent, self.stopped = arguments, [], False
        self.cores = os.environ.get("OMP_NUM_THREADS")
        self.started.append(self)

    def send(self, item: object) -> bool:
        if len(self.started) == 1:
            return False
        self.sent.append(item)
        return True

    def stop(self, patience: float = 0.0) -> int:
        self.stopped = True
        return -signal.SIGKILL


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    monkeypatch.setattr(Process, "started", [])
    monkeypatch.setattr(schedule, "Supervised", Process)
    return Process.started


def test_a_worker_that_died_while_idle_is_replaced(processes: list[Process], tmp_path: Path):
    worker = Worker("cuda:1", Settings(tmp_path, tmp_path, 1, timeout=5))
    worker.submit(planned(toy_job(), tmp_path))
    first, second = processes
    assert first.stopped
    ((record, pickled, again),) = second.sent
    assert not again
    assert record.model == "nearest"
    assert pickle.loads(pickled).cell == toy_job().cell


@pytest.mark.parametrize("first", ["cell of ours", "cell of a file"])
@pytest.mark.parametrize("second", ["cell of ours", "cell of a file"])
def test_a_cell_with_a_file_has_a_process_of_its_own(processes: list[Process], tmp_path: Path, first: str, second: str):
    Process("one that lives")
    ours = planned(job("ttbar", "fourvectors", "bdt"), tmp_path)
    items = {"cell of ours": ours, "cell of a file": planned(toy_job(), tmp_path)}
    worker = Worker("cpu", Settings(tmp_path, tmp_path, 1))
    for name in (first, second):
        worker.submit(items[name])
        assert worker.release() is items[name]
    shared = first == second == "cell of ours"
    assert len(processes) - 1 == (1 if shared else 2)
    assert [process.stopped for process in processes[1:]][-1] == (second == "cell of a file")


def test_nothing_to_run_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(schedule, "Worker", None)
    assert run(tmp_path, tmp_path) == {}


def test_jobs_run_at_once(tmp_path: Path, toy_data: Path, monkeypatch: pytest.MonkeyPatch):
    """One after the other they would wait for each other until their time is up."""
    monkeypatch.setenv(FLAG, str(tmp_path / "meeting"))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    os.mkfifo(tmp_path / "meeting")
    with spawned_workers():
        found = run_toy(request("Meets", seeds="2"), tmp_path / "results", toy_data, jobs=2, timeout=120)
    assert [(result.status, result.environment["jobs"]) for result in found] == [("done", 2), ("done", 2)]
    share = max(1, usable_cores() // 2)
    assert [result.details["threads"] for result in found] == [share, share], "the cores are shared out"
    for result in found:
        assert result.throughput.peak_memory_mb > 0
        assert result.throughput.predict_events_per_s > 0, "measured when both had ended"
        assert headline(result).startswith("AUC ")
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["toy"], "no model is left"


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_a_stopped_run_has_not_measured_is_measured_by_the_next(
    tmp_path: Path, toy_data: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
):
    wanted, results = request(models=("bdt", "constant")), tmp_path / "results"

    def stopped(*_: object):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(schedule, "_measure", stopped)
        with pytest.raises(KeyboardInterrupt):
            run_toy(wanted, results, toy_data, jobs=2)
    (left,) = results.glob(".models-*.tmp")
    left.rename(leftover_of_a_killed_process(results / "models"))
    before = list(ResultStore(results).all())
    assert [result.throughput.predict_events_per_s for result in before] == [None, None]
    (one,) = run_toy(request(models=("constant",)), results, toy_data, jobs=jobs)
    assert one.throughput.predict_events_per_s > 0
    assert list(results.glob(".models-*.tmp/*bdt*")), "the model of a cell that this run does not have stays"
    after = run_toy(wanted, results, toy_data, jobs=jobs)
    assert {result.key: result.metrics for result in after} == {result.key: result.metrics for result in before}
    assert all(result.throughput.predict_events_per_s > 0 for result in after)
    assert sorted(ResultStore(results).all(), key=lambda result: result.key) == sorted(after, key=lambda r: r.key)
    assert sorted(path.name for path in results.iterdir()) == ["toy"], "no model is left"


def test_scores_do_not_depend_on_the_cells_beside(tmp_path: Path, toy_data: Path):
    models = {"models": ("ffnn", "bdt"), "seeds": "2"}
    one, other = (run_toy(request(**models), tmp_path / str(jobs), toy_data, jobs=jobs, threads=1) for jobs in (1, 2))
    for first, second in zip(one, other, strict=True):
        assert (first.status, first.key, first.metrics) == ("done", second.key, second.metrics)
        assert first.training == second.training
        speeds = [name for name, value in first.throughput.model_dump().items() if value is not None]
        assert speeds == [name for name, value in second.throughput.model_dump().items() if value is not None]
        assert {"predict_events_per_s", "train_events_per_s", "fit_cpu_s", "latency_p99_ms"} <= set(speeds)
        assert ("train_step_flops" in speeds) == (first.model == "ffnn") != ("comparisons" in speeds)


def test_no_more_workers_than_cells(tmp_path: Path, toy_data: Path):
    (alone,) = run_toy(request("Nearest"), tmp_path, toy_data, jobs=8)
    assert "jobs" not in alone.environment
    assert alone.timings["fit"] > 0


def test_cells_are_spread_over_devices_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, processes: list[Process]):
    """Three cells on two devices; each worker knows how many share its device, and its share of the cores."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(schedule, "devices_of", lambda device: ["cuda:0", "cuda:1"])
    monkeypatch.setattr(schedule, "usable_cores", lambda: 12)
    items = [planned(toy_job(), tmp_path)] * 3
    Process("one that lives")
    with schedule._workers(items, Settings(tmp_path, tmp_path, 1, jobs=2)) as workers:
        assert [worker.device for worker in workers] == ["cuda:0", "cuda:1", "cuda:0"]
        for worker, item in zip(workers, items, strict=True):
            worker.submit(item)
    started = [(*process.arguments[-2:], process.cores) for process in processes[1:]]
    assert started == [("cuda:0", 2, "4"), ("cuda:1", 1, "4"), ("cuda:0", 2, "4")]
    assert "OMP_NUM_THREADS" not in os.environ
    assert all(process.stopped for process in processes[1:])


def test_devices():
    assert devices_of("cpu") == ["cpu"]
    assert devices_of("cuda:1") == ["cuda:1"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-signal.SIGSEGV, "died of SIGSEGV"),
        (-37, "died of signal 37"),
        (3, "ended with exit code 3"),
        (None, "was ended, since its pipe had closed; does a plug-in close files?"),
    ],
)
def test_how_it_died(code: int | None, words: str):
    assert how_it_died(code) == words


def test_a_killed_training_goes_on_from_its_last_epoch(tmp_path: Path, toy_data: Path, monkeypatch: pytest.MonkeyPatch):
    flag = tmp_path / "flag"
    monkeypatch.setenv(FLAG, str(flag))
    wanted, results, steps = request("DiesInEpochThree"), tmp_path / "results", []
    (killed,) = run_toy(wanted, results, toy_data)
    assert killed.reason.startswith("the worker process died of SIGKILL")
    (checkpoint,) = (results / "toy").glob(f".{killed.stem}-*.checkpoint")
    monkeypatch.setattr(Display, "stage", lambda _, *step: steps.append(step))
    (resumed,) = run_toy(wanted, results, toy_data)
    assert [step[1:3] for step in steps if step[1] == "resume"] == [("resume", 2)]
    assert (resumed.status, resumed.details["resumed"]) == ("done", 2)
    assert resumed.timings["fit"] > resumed.details["resumed_s"] > 0
    assert not checkpoint.exists()
    (whole,) = run_toy(wanted, tmp_path / "other", toy_data)
    assert "resumed" not in whole.details
    assert whole.metrics == resumed.metrics
    one, other = (ResultStore(tmp_path / place).scores(resumed) for place in ("results", "other"))
    assert one.log_ratios.tobytes() == other.log_ratios.tobytes()
    assert one.events.sha256 == other.events.sha256
    files = sorted(path.name.partition("-")[0] for path in (results / "toy").glob("*.npz"))
    assert files == ["events", "events", "examples", resumed.representation], "test and validation events"


def message(record: Result, **fields: object) -> dict[str, object]:
    return {"kind": "result", "key": record.key, "result": record.model_dump_json(), **fields}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"key": "0" * 64}, "a message about another cell"),
        ({"key": None}, "a message about another cell"),
        ({"kind": "order"}, "an unknown message"),
        ({"result": 7}, "an unknown message"),
        ({"result": "{}"}, "a result that is none"),
        ({"changed": {"key": "0" * 64}}, "the result of another cell"),
        ({"changed": {"task": "other"}}, "the result of another cell"),
        ({"changed": {"seed": 7}}, "the result of another cell"),
        ({"changed": {"created": "2026-01-01T00:00:00+00:00"}}, "the result of another cell"),
        ({"kind": "stage", "stage": "train", "done": "x", "total": 1}, "a report that is none"),
        ({"kind": "stage", "stage": "x" * 1000, "done": 0, "total": 1}, "a report that is none"),
        ({"kind": "stage", "stage": "\x1b[2J", "done": 0, "total": 1}, "a report that is none"),
        ({"kind": "stage", "stage": "train", "done": float("nan"), "total": 1}, "a report that is none"),
    ],
)
def test_a_worker_speaks_of_its_own_cell(tmp_path: Path, fields: dict[str, object], reason: str):
    item = planned(toy_job(), tmp_path)
    worker = Worker("cpu", Settings(tmp_path, tmp_path, 1), item=item)
    done = item.record.model_copy(update={"status": "done"})
    assert schedule._handled(message(done), worker, Display(quiet=True)) == done
    other = done.model_copy(update=fields.pop("changed", {}))
    with pytest.raises(GarbledError, match=reason):
        schedule._handled(message(done) | {"result": other.model_dump_json()} | fields, worker, Display(quiet=True))


def test_an_earlier_result_is_not_that_of_a_worker_that_died(tmp_path: Path):
    """It was run again with --overwrite always."""
    item, store = planned(toy_job(), tmp_path), ResultStore(tmp_path)
    old = item.record.model_copy(update={"status": "skipped", "created": "2026-01-01T00:00:00+00:00"})
    store.add(old)
    worker = Worker("cpu", Settings(tmp_path, tmp_path, 1), item=item)
    assert schedule._unfinished(worker, "failed", "it died").reason == "it died"
