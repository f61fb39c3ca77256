"""Results as a sequence that becomes a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.records.result import Result


class Results(Sequence["Result"]):
    """Results in order; in a notebook they show as a table."""

    def __init__(self, results: Iterable[Result]) -> None:
        self._results = tuple(results)

    @overload
    def __getitem__(self, index: int) -> Result: ...
    @overload
    def __getitem__(self, index: slice) -> Results: ...
    def __getitem__(self, index: int | slice) -> Result | Results:
        return Results(self._results[index]) if isinstance(index, slice) else self._results[index]

    def __len__(self) -> int:
        return len(self._results)

    def __repr__(self) -> str:
        if not self._results:
            return "no results"
        columns = ["task", "representation", "model", "seed", "status", *dict.fromkeys(r.headline for r in self)]
        return str(self.to_frame().reindex(columns=columns).to_string(index=False))

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html())

    def to_frame(self) -> pd.DataFrame:
        """One row for each result.

        Returns
        -------
        pandas.DataFrame
            Columns `task`, `variant`, `representation`, `model`, `seed`, `status`, `reason`, `preset`, `level`,
            `fingerprint`, `headline` (the metric that the task ranks by); each metric with its interval as `auc`,
            `auc_low`, `auc_high`; those on shifted test events as `shower: auc`; the course of the training, as
            `converged`, `best`, `epochs` and `cap`; the speeds, such as `train_events_per_s`; the seconds of stages,
            such as `fit_s`; where plug-ins come from that are not built in, as `model_origin`; and `key`.
        """
        import pandas as pd

        return pd.DataFrame([_row(result) for result in self._results])


def _row(result: Result) -> dict[str, Any]:
    row: dict[str, Any] = {
        "task": result.task,
        "variant": _named(result.task, result.variant, result.variant_given),
        "representation": _named(result.representation, result.representation_parameters, result.representation_given),
        "model": _named(result.model, result.parameters, result.parameters_given),
    }
    row |= {name: getattr(result, name) for name in ("seed", "status", "reason", "preset", "level", "fingerprint")}
    row["headline"] = result.headline
    shifted = {f"{shift}: {name}": m for shift, test in result.shifted.items() for name, m in test.metrics.items()}
    for name, metric in {**result.metrics, **shifted}.items():
        row |= {name: metric.value, f"{name}_low": metric.low, f"{name}_high": metric.high}
    if result.training is not None:
        row |= result.training.model_dump(include={"converged", "best", "epochs", "cap"})
    row |= dict(result.throughput)
    row |= {f"{stage}_s": seconds for stage, seconds in result.timings.items()}
    origins = {"task": result.task_origin, "representation": result.representation_origin, "model": result.model_origin}
    row |= {f"{part}_origin": str(origin or "") for part, origin in origins.items()}
    return {**row, "key": result.key}


def _named(name: str, parameters: Mapping[str, Any], given: Iterable[str]) -> str:
    """A name with the parameters that are not those of the preset: `cnn[depth=15]`."""
    inside = ",".join(f"{parameter}={parameters[parameter]}" for parameter in given if parameter in parameters)
    return f"{name}[{inside}]" if inside else name
