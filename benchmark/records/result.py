"""The record of one cell and seed, its scores of the test events, and how records of earlier versions are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchmark.core.errors import UserError
from benchmark.metrics.metric import MetricColumn  # noqa: TC001 - pydantic evaluates the annotations

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

SCHEMA_VERSION = 1
Status = Literal["done", "skipped", "failed", "timeout", "interrupted"]


class MetricValue(BaseModel):
    """A number with its interval. An undefined value is null and has a reason; NaN is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


class Throughput(BaseModel):
    """Speed and memory of one cell.

    Parameters
    ----------
    train_events_per_s : training events divided by the seconds of the whole fit, with all epochs or trees.
    predict_events_per_s : in large batches.
    represent_events_per_s : when the samples were made (`environment["represented"]`), which cells share; None if that
        was on another machine.
    latency_ms : of one event at a time, median.
    peak_memory_mb : of the worker, including the GPU.
    control : events/s of a fixed toy workload at the same time on the same machine, to compare machines.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    train_events_per_s: float | None = None
    predict_events_per_s: float | None = None
    represent_events_per_s: float | None = None
    latency_ms: float | None = None
    peak_memory_mb: float | None = None
    control: float | None = None


class Code(BaseModel):
    """The code that made a result."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    revision: str | None = None
    dirty: bool | None = None


class Result(BaseModel):
    """The record of one cell and one seed.

    Parameters
    ----------
    key : hash of everything that can change the result.
    task, representation, model : names of the plug-ins.
    variant, representation_parameters, parameters : their parameters.
    variant_given, representation_given, parameters_given : names of the parameters that differ from the plug-in's own
        values for the preset.
    level, source, fingerprint : the test events: their realism, their origin, their hash.
    fast_simulation : whether the detector simulation of this suite made the events.
    has_signal : whether class 0 is a signal. If not, `auc` is the mean over classes.
    bounds : the largest values that metrics may have in a row that is ranked.
    metrics : on the test events, by name.
    metric_columns : the columns of metrics that are not built in.
    confusion_matrix : test events, true classes in rows.
    details : numbers that the model reports of its fit.
    timings : seconds, by stage.
    scores_sha256 : hash of the file with the scores.
    """

    model_config = ConfigDict(extra="forbid")

    schema_version: int = SCHEMA_VERSION
    key: str
    status: Status
    reason: str | None = None
    task: str
    variant: dict[str, Any] = Field(default_factory=dict)
    variant_given: tuple[str, ...] = ()
    task_version: str
    classes: tuple[str, ...]
    source: str
    fingerprint: str
    level: str
    fast_simulation: bool
    has_signal: bool = True
    bounds: dict[str, float] = Field(default_factory=dict)
    preset: str
    device: str
    representation: str
    representation_parameters: dict[str, Any] = Field(default_factory=dict)
    representation_given: tuple[str, ...] = ()
    model: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    parameters_given: tuple[str, ...] = ()
    seed: int
    events: dict[str, int] = Field(default_factory=dict)
    metrics: dict[str, MetricValue] = Field(default_factory=dict)
    metric_columns: tuple[MetricColumn, ...] = ()
    confusion_matrix: list[list[int]] | None = None
    throughput: Throughput = Field(default_factory=Throughput)
    parameters_count: int | None = None
    details: dict[str, float] = Field(default_factory=dict)
    timings: dict[str, float] = Field(default_factory=dict)
    environment: dict[str, Any] = Field(default_factory=dict)
    code: Code
    scores_sha256: str | None = None
    created: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def stem(self) -> str:
        """The name of its files, without suffix."""
        return f"{self.representation}-{self.model}-seed{self.seed}-{self.key[:12]}"


@dataclass(frozen=True)
class Scores:
    """The class probabilities of every test event, with what metrics need: all (n,), but `scores` (n, classes)."""

    event_ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    scores: NDArray[np.float32]
    weights: NDArray[np.float32]
    mass: NDArray[np.float32] | None = None


Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
UPGRADES: dict[int, Upgrade] = {}
"""From schema version n to n + 1. A file of each version is in tests/benchmark/records/historic_results."""


def upgrade(record: dict[str, Any], where: str) -> dict[str, Any]:
    """A record of any schema version, converted to this one. Raises UserError for a later version."""
    version = record.get("schema_version")
    if version is None:
        raise UserError(f"{where}: no result of this program (it has no schema_version). Move it elsewhere.")
    if not isinstance(version, int) or not 1 <= version <= SCHEMA_VERSION:
        raise UserError(f"{where}: schema version {version!r}, expected 1 to {SCHEMA_VERSION}. Update this program.")
    for step in range(version, SCHEMA_VERSION):
        record = UPGRADES[step](record)
    return record


def read_result(path: Path) -> Result:
    """Read one record. Raises UserError for a file that is not a valid one."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise UserError(f"{path}: not a readable result ({error}). Delete it to run its cell again.") from error
    if not isinstance(record, dict):
        raise UserError(f"{path}: holds a {type(record).__name__}, expected one result as a JSON object. Delete it.")
    try:
        return Result.model_validate(upgrade(record, str(path)))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path}: field '{field}': {first['msg']}. Delete it to run its cell again.") from error
