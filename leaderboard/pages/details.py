"""The details of a row and of a board on a page: all metrics, parameters, times, seeds and provenance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leaderboard.formatting import write_count, write_estimate, write_number
from leaderboard.ranking.names import canonical
from leaderboard.ranking.row import INVERTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from benchmark.records.result import Result
    from leaderboard.ranking.board import Board
    from leaderboard.ranking.row import Row
    from leaderboard.ranking.seeds import RowEstimate

TRACEBACK = "traceback"
"""Where a failed cell stores its traceback in the environment. Pages have it with the reason, not as provenance."""

_THROUGHPUT = {
    "train_events_per_s": "Training [events/s]",
    "predict_events_per_s": "Prediction [events/s]",
    "represent_events_per_s": "Representation [events/s]",
    "latency_ms": "Latency of one event, median [ms]",
    "latency_p99_ms": "Latency of one event, 99th percentile [ms]",
    "peak_memory_mb": "Peak memory [MB]",
    "host_memory_mb": "Peak memory of the process [MB]",
    "device_memory_mb": "Peak memory of the GPU [MB]",
    "threads": "Threads",
    "fit_energy_j": "Energy of the processors during the fit [J]",
    "fit_cpu_s": "CPU time to fit [s]",
    "predict_cpu_s": "CPU time to predict [s]",
    "train_step_flops": "Floating-point operations of a training step",
    "train_step_events": "Events of a training step",
    "predict_flops": "Floating-point operations to predict one event",
    "comparisons": "Comparisons to predict one event",
    "sample_bytes": "Bytes of one event as the model gets it",
    "control": "A fixed toy workload at the same time, low on a busy machine [events/s]",
}
_STAGES = {"fit": "Time to fit [s]", "predict": "Time to predict [s]", "score": "Time to score [s]"}
_SPLITS = {"train": "Training events", "valid": "Validation events", "test": "Test events"}


@dataclass(frozen=True)
class Confusion:
    """Test events by true class (lines) and predicted class, each with its share of the line."""

    classes: tuple[str, ...]
    lines: tuple[tuple[str, tuple[tuple[int, float | None], ...]], ...]


@dataclass(frozen=True)
class MetricLine:
    """One metric of a row: what it is, its value, why it is undefined, and its mark."""

    header: str
    description: str
    source: str
    text: str
    reason: str
    mark: str


def metric_lines(row: Row) -> Iterator[MetricLine]:
    """All metrics of a row."""
    for name in dict.fromkeys(name for result in row.done for name in result.metrics):
        column, estimate = row.columns.of(name), row.estimate(name)
        unit = f" {column.unit}" if column.unit and estimate.value is not None else ""
        text = f"{write_estimate(estimate)}{unit}{write_parts(estimate)}"
        mark = INVERTED if column.is_inverted(estimate) else ""
        yield MetricLine(column.header, column.description, column.source, text, estimate.reason or "", mark)


def write_parts(estimate: RowEstimate) -> str:
    """` (events ± 0.006, trainings ± 0.011)`, the half widths of the parts of an interval; empty of one seed."""
    parts = {"events": estimate.interval_events, "trainings": estimate.interval_seeds or (None, None)}
    known = {name: (high - low) / 2 for name, (low, high) in parts.items() if low is not None and high is not None}
    if len(known) < len(parts):
        return ""
    return f" ({', '.join(f'{name} ± {write_number(half)}' for name, half in known.items())})"


def facts(row: Row) -> Iterator[tuple[str, str]]:
    """Parameters, events, speeds and times of a row. Speeds and times are those of one seed."""
    first = row.results[0]
    for name, origin in ((first.representation, first.representation_origin), (first.model, first.model_origin)):
        if origin is not None:
            yield f"{name} comes from", f"{origin.name} {origin.sha256}".strip()
    yield from flat(first.representation_parameters, f"{first.representation}: ")
    yield from flat(first.parameters, f"{first.model}: ")
    yield from ((_SPLITS.get(name, f"Events, {name}"), write_count(count)) for name, count in first.events.items())
    source = row.median or first
    speeds = source.throughput.model_dump()
    yield from ((words, write_number(speeds[key])) for key, words in _THROUGHPUT.items() if speeds[key] is not None)
    yield from ((_STAGES.get(key, f"Time, {key} [s]"), write_number(value)) for key, value in source.timings.items())
    yield from ((f"{first.model}, {key.replace('_', ' ')}", write_number(v)) for key, v in source.details.items())
    for name, test in (source.shifted if row.done else {}).items():
        yield f"Test events, shifted: {name}", write_count(test.events)
    if row.superseded:
        yield "Older records of the same seeds, left out", str(row.superseded)


def seed_line(result: Result, row: Row) -> tuple[str, ...]:
    """Seed, status, headline, course of the training, code, date and key of one record of a row."""
    revision = (result.code.revision or "–")[:12] + (" (changed)" if result.code.dirty else "")
    score = write_estimate(row.seed_score(result))
    course = result.training
    words = f"best {course.best:,} of {course.epochs:,}, cap {course.cap:,}" if course else "–"
    ended = "–" if course is None else "yes" if course.converged else "no"
    return (
        str(result.seed),
        result.status,
        score,
        words,
        ended,
        f"{result.code.version} {revision}",
        result.created,
        result.key[:12],
    )


def confusion(result: Result | None) -> Confusion | None:
    """The matrix of a record; None if there is none, or if it has a wrong shape."""
    if result is None or result.confusion_matrix is None:
        return None
    matrix, size = result.confusion_matrix, len(result.classes)
    if [len(line) for line in matrix] != [size] * size or any(count < 0 for line in matrix for count in line):
        return None
    lines = []
    for name, counts in zip(result.classes, matrix, strict=True):
        total = sum(counts)
        lines.append((name, tuple((count, count / total if total else None) for count in counts)))
    return Confusion(result.classes, tuple(lines))


def provenance(board: Board) -> Iterator[tuple[str, str]]:
    """Where the numbers of a board come from: task, events, code and machines."""
    results = board.results
    yield "Task", f"{board.task}, version {board.task_version}"
    if board.task_origin is not None:
        yield "Task comes from", f"{board.task_origin.name} {board.task_origin.sha256}".strip()
    yield from ((f"Variant: {key}", value) for key, value in flat(board.settings))
    yield "Level", board.level + (" (fast simulation)" if board.fast_simulation else "")
    yield "Source", board.source
    yield "Preset", board.preset
    yield "Classes", ", ".join(board.classes)
    prints = "; ".join(filter(None, board.fingerprints))
    yield "Fingerprint of the test events", prints or "unknown: no cell read the events"
    yield "Code", _distinct(f"{r.code.version} {r.code.revision or ''}".strip() for r in results)
    created = sorted(result.created for result in results)
    yield "Run", created[0] if created[0] == created[-1] else f"{created[0]} to {created[-1]}"
    environments = [
        dict(flat({key: value for key, value in result.environment.items() if key != TRACEBACK and value is not None}))
        for result in results
    ]
    for key in sorted({key for environment in environments for key in environment}):
        yield f"Environment: {key}", _distinct(e[key] for e in environments if key in e)


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as lines: `cpu.cores`, `2`."""
    for key in sorted(values):
        value = values[key]
        if isinstance(value, dict) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    return write_count(value) if isinstance(value, int) and not isinstance(value, bool) else canonical(value)


def _distinct(values: Iterable[str]) -> str:
    return "; ".join(sorted(set(values)))
