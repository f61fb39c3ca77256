"""The record of one cell and seed, and how records of earlier versions are read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from benchmark.core.bounded_json import parse_object
from benchmark.core.errors import UserError, spelled
from benchmark.core.seal import sealed, unsealed
from benchmark.core.stored import MB, StoredFile, first_reason
from benchmark.records import fields
from benchmark.records.training import Training

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA_VERSION = 2
Status = Literal["done", "skipped", "failed", "timeout", "interrupted"]
Seal = Literal["right", "wrong", "missing"]

RECORD = StoredFile("a readable result", 2 * MB, "Delete it to run its cell again.")


class MetricValue(BaseModel):
    """A number with its interval. An undefined value is null and has a reason; NaN is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: fields.Number | None
    low: fields.Number | None = None
    high: fields.Number | None = None
    reason: fields.Reason | None = None


class Throughput(BaseModel):
    """What one cell costs. Speeds are those of a machine that does nothing else.

    Parameters
    ----------
    train_events_per_s : training events divided by the seconds of the whole fit, with all epochs or trees. Where other
        cells ran at the same time, these seconds follow from a few steps that were timed after them.
    predict_events_per_s : in large batches.
    represent_events_per_s : when the samples were made (`environment["represented"]`), which cells share; None if that
        was on another machine.
    latency_ms, latency_p99_ms : of one event at a time: the median, and what 99 of 100 events stay below.
    peak_memory_mb : of the worker, including the GPU. host_memory_mb, device_memory_mb : its parts.
    control : events/s of a fixed toy workload at the same time: a low one shows that the machine was busy or hot.
        Speeds of two machines are not divided by it: their caches and their products differ by other factors.
    threads : of the fit and the predictions, on the CPU.
    fit_energy_j : of the processors of the machine during the fit, in J, where it counts them, on a CPU, and if no
        other cell ran.
    fit_cpu_s, predict_cpu_s : CPU seconds of the process, all threads together, of the fit and of the predictions.
    train_step_flops, train_step_events : floating-point operations of one training step, forward and backward, and the
        events in it. predict_flops : of the prediction of one event. Products of matrices and convolutions count, each
        multiplication and addition; None for models that are no networks.
    comparisons : with thresholds, in the prediction of one event: for boosted trees, trees times depth.
    sample_bytes : of one event as the model gets it, in memory, with label, weight and ids: the mean over test events.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    train_events_per_s: fields.Number | None = None
    predict_events_per_s: fields.Number | None = None
    represent_events_per_s: fields.Number | None = None
    latency_ms: fields.Number | None = None
    peak_memory_mb: fields.Number | None = None
    control: fields.Number | None = None
    latency_p99_ms: fields.Number | None = None
    host_memory_mb: fields.Number | None = None
    device_memory_mb: fields.Number | None = None
    threads: fields.Count | None = None
    fit_cpu_s: fields.Number | None = None
    predict_cpu_s: fields.Number | None = None
    train_step_flops: fields.Number | None = None
    train_step_events: fields.Count | None = None
    predict_flops: fields.Number | None = None
    comparisons: fields.Count | None = None
    sample_bytes: fields.Number | None = None
    fit_energy_j: fields.Number | None = None


class ShiftedTest(BaseModel):
    """The metrics of a fitted model on test events of a shifted simulation, such as another parton shower.

    Parameters
    ----------
    fingerprint : hash of ids, labels, weights and masses of these events; empty where there are none.
    events : their number.
    reason : why there are no metrics: the events could not be made, or not be represented.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fingerprint: fields.FileName = ""
    events: fields.Count = 0
    reason: fields.Reason | None = None
    metrics: Annotated[dict[fields.Name, MetricValue], Field(max_length=fields.MOST_METRICS)] = Field(
        default_factory=dict
    )


class Code(BaseModel):
    """The code that made a result."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: fields.Name
    revision: fields.Name | None = None
    dirty: bool | None = None


class PluginOrigin(BaseModel):
    """Where a plug-in that is not built in comes from.

    Parameters
    ----------
    name : of its file, or of the package that announces it.
    sha256 : of the file and of those that it imports; empty for a package.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: fields.Name
    sha256: fields.Name = ""

    def __str__(self) -> str:
        """`mine.py 1a2b3c4d`."""
        return f"{self.name} {self.sha256[:8]}".strip()


class Result(BaseModel):
    """The record of one cell and one seed.

    Parameters
    ----------
    key : hash of everything that can change the result.
    task, representation, model : names of the plug-ins.
    task_origin, representation_origin, model_origin : where they come from; None for built-in ones.
    variant, representation_parameters, parameters : their parameters.
    variant_given, representation_given, parameters_given : names of the parameters that differ from the plug-in's own
        values for the preset.
    level, source, fingerprint : the test events: their realism, their origin, their hash.
    train_events : the training events that were asked for, in all; None for all that there are.
    fast_simulation : whether the detector simulation of this suite made the events.
    has_signal : whether class 0 is a signal. If not, `auc` is the mean over classes.
    headline : the metric that the board of the task ranks by.
    bounds : the largest values that metrics may have in a row that is ranked.
    yields : expected events of each class, for S / sqrt(S + B).
    note : what a reader of the board must know of the events.
    unranked : why rows of this variant have no rank; empty if they have.
    expert, expert_note : the columns of the task's expert line, or why there are none.
    training : the course of the training; None for a model that is not trained in steps.
    shifted : metrics on test events of shifted simulations, by the name of the shift.
    metrics : on the test events, by name.
    metric_columns : the columns of metrics that are not built in.
    confusion_matrix : test events, true classes in rows.
    details : numbers that the model reports of its fit.
    timings : seconds, by stage.
    scores_sha256 : hash of the file with the scores of all its events, shifted ones included.
    """

    model_config = ConfigDict(extra="forbid")

    schema_version: int = SCHEMA_VERSION
    key: fields.PluginName
    status: Status
    reason: fields.Reason | None = None
    task: fields.PluginName
    task_origin: PluginOrigin | None = None
    variant: fields.Settings = Field(default_factory=dict)
    variant_given: fields.Names = ()
    task_version: fields.Name
    classes: fields.Classes
    source: fields.Name
    fingerprint: fields.FileName
    train_events: fields.Count | None = None
    level: fields.Name
    fast_simulation: bool
    has_signal: bool = True
    headline: fields.Name = "auc"
    bounds: fields.Numbers = Field(default_factory=dict)
    yields: fields.Numbers = Field(default_factory=dict)
    note: fields.Reason = ""
    unranked: fields.Reason = ""
    expert: fields.Names = ()
    expert_note: fields.Reason = ""
    preset: fields.Name
    device: fields.Name
    representation: fields.PluginName
    representation_origin: PluginOrigin | None = None
    representation_parameters: fields.Settings = Field(default_factory=dict)
    representation_given: fields.Names = ()
    model: fields.PluginName
    model_origin: PluginOrigin | None = None
    parameters: fields.Settings = Field(default_factory=dict)
    parameters_given: fields.Names = ()
    seed: fields.Whole
    events: fields.Counts = Field(default_factory=dict)
    metrics: Annotated[dict[fields.Name, MetricValue], Field(max_length=fields.MOST_METRICS)] = Field(
        default_factory=dict
    )
    metric_columns: fields.Columns = ()
    confusion_matrix: fields.Matrix | None = None
    throughput: Throughput = Field(default_factory=Throughput)
    parameters_count: fields.Count | None = None
    details: fields.Numbers = Field(default_factory=dict)
    training: Training | None = None
    shifted: Annotated[dict[fields.PluginName, ShiftedTest], Field(max_length=20)] = Field(default_factory=dict)
    timings: fields.Numbers = Field(default_factory=dict)
    environment: fields.Surroundings = Field(default_factory=dict)
    code: Code
    scores_sha256: fields.Name | None = None
    created: fields.Name = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    _seal: Seal = PrivateAttr(default="right")
    _published: bool = PrivateAttr(default=False)

    @property
    def seal(self) -> Seal:
        """Whether the file that it was read from has its seal, and the right one."""
        return self._seal

    @property
    def published(self) -> bool:
        """Whether it is a published result, which stands beside the user's own."""
        return self._published

    def as_published(self) -> Result:
        """The same record, as a published one."""
        found = self.model_copy()
        found._published = True
        return found

    @property
    def stem(self) -> str:
        """The name of its files, without suffix."""
        return f"{self.representation}-{self.model}-seed{self.seed}-{self.key[:12]}"


Upgrade = Callable[[dict[str, Any]], dict[str, Any]]


def _renamed_ratios(record: dict[str, Any]) -> dict[str, Any]:
    """Version 1 has the area by the likelihood ratio under the name that the area by the signal's score has now."""
    metrics = record.get("metrics")
    if not isinstance(metrics, dict):
        return record
    renamed = {
        f"{name}_ratio" if name.startswith("auc_") and "_vs_" in name else name: v for name, v in metrics.items()
    }
    return {**record, "metrics": renamed, "schema_version": 2}


UPGRADES: dict[int, Upgrade] = {1: _renamed_ratios}
"""From schema version n to n + 1. A file of each version is in tests/benchmark/records/historic_results."""


def upgrade(record: dict[str, Any]) -> dict[str, Any]:
    """A record of any schema version, converted to this one. Raises UserError for a later version."""
    version = record.get("schema_version")
    if version is None:
        raise UserError("no result of this program (it has no schema_version). Move it elsewhere.")
    if not isinstance(version, int) or not 1 <= version <= SCHEMA_VERSION:
        raise UserError(f"schema version {spelled(version)}, expected 1 to {SCHEMA_VERSION}. Update this program.")
    for step in range(version, SCHEMA_VERSION):
        record = UPGRADES[step](record)
    return record


def read_result(path: Path) -> Result:
    """Read one record. Raises UserError for a file that is not a valid one; for a wrong seal, see `Result.seal`."""
    return RECORD.parse(path, _parse)


def new_result(**values: Any) -> Result:
    """A record of these fields. Raises UserError for values out of their bounds, which a plug-in gave."""
    try:
        return Result(**values)
    except ValueError as error:
        raise _refused(values["representation"], values["model"], error) from error


def to_store(result: Result) -> tuple[bytes, Result]:
    """A record as it is stored, with its seal, and as it will be read.

    Raises UserError for one that would not be read again: plug-ins fill some fields.
    """
    try:
        content = sealed(Result.model_validate(result.model_dump(mode="json", warnings=False)))
        return content, _parse(content)
    except ValueError as error:  # of pydantic, and of text that is no text
        raise _refused(result.representation, result.model, error) from error


def _refused(representation: str, model: str, error: Exception) -> UserError:
    cell = f"{representation:.50} · {model:.50}"
    return UserError(f"result of {cell}: {first_reason(error)}. Correct the plug-in.")


def _parse(content: bytes) -> Result:
    record, intact = unsealed(parse_object(content))
    result = Result.model_validate(upgrade(record))
    result._seal = "missing" if intact is None else "right" if intact else "wrong"
    return result
