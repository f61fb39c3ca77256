"""What models and representations return is checked here, before anything is recorded.

Tasks are checked where data sets are made (`tasks.data`), metrics where they are computed
(`benchmark.metrics.compute`).
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchmark.core.bounded_json import check_bounds
from benchmark.core.errors import UserError
from benchmark.core.process import leave_if_forked
from benchmark.core.refusals import is_name, kind_of, shown, wrong
from benchmark.metrics.compute import ROUNDING, SUM_TOLERANCE
from benchmark.records.fields import in_bounds
from benchmark.records.training import Training
from representations.representation import truth
from representations.samples import Samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmark.core.plugin import Plugin
    from models.model import Model
    from representations.representation import Representation
    from tasks.events import Events

MOST_DETAILS = 100
PARAMETERS_BYTES = 100_000


def probabilities(model: Model, returned: object, events: int, classes: tuple[str, ...]) -> NDArray[np.float32]:
    """A copy of what `predict_proba` returned, as float32.

    Raises UserError unless these are probabilities of each event.
    """
    method = "predict_proba returned"
    expected = f"real numbers of shape {(events, len(classes))}, a row for each event and a column for each class"
    try:
        array = np.asarray(returned)
    except Exception as error:
        found = f"{kind_of(returned)} that is no array ({type(error).__name__})"
        raise wrong(model.name, method, found, expected) from error
    if array.dtype.kind not in "fiu":
        raise wrong(model.name, method, f"numbers of type {array.dtype}", expected)
    if array.shape != (events, len(classes)):
        raise wrong(model.name, method, f"shape {array.shape}", expected)
    array = np.array(array)  # a copy, which the plug-in does not have
    # the comparison is false for NaN as well
    bad = np.argwhere(~((array >= 0) & (array <= 1 + ROUNDING)))
    if len(bad):
        row, column = bad[0]
        first = f"(first: {array[row, column]} in row {row}, class {classes[column]})"
        raise wrong(
            model.name,
            method,
            f"{len(bad)} of {array.size} numbers that are not probabilities {first}",
            "0 to 1, as of a softmax; a fit that diverged gives NaN",
        )
    sums = array.sum(axis=1, dtype=np.float64)
    rows = np.flatnonzero(np.abs(sums - 1) > SUM_TOLERANCE)
    if len(rows):
        found = f"{len(rows)} of {events} rows that do not sum to 1 (first: {sums[rows[0]]:.4g} in row {rows[0]})"
        raise wrong(model.name, method, found, "the probabilities of all classes")
    return np.asarray(array, dtype=np.float32)


def count(model: Model) -> int | None:
    """The number of parameters of a fitted model. Raises UserError unless it is a whole number or None."""
    found: object = model.parameters_count()
    if found is None:
        return None
    if not isinstance(found, Integral) or isinstance(found, bool) or not 0 <= int(found) < 2**63:
        raise wrong(model.name, "parameters_count returned", shown(found), "a whole number, 0 or more, or None")
    return int(found)


def details(model: Model) -> dict[str, float]:
    """The details of a fit that a record may have. Raises UserError unless these are numbers by short names."""
    found: object = model.details()
    expected = f"a dict of at most {MOST_DETAILS} numbers by short names"
    if not isinstance(found, dict):
        raise wrong(model.name, "details returned", kind_of(found), expected)
    if len(found) > MOST_DETAILS:
        raise wrong(model.name, "details returned", f"{len(found)} entries", expected)
    for name, value in found.items():
        if not is_name(name) or not isinstance(value, Real):
            raise wrong(model.name, "details returned", f"{shown(name)}: {shown(value)}", expected)
    return {str(name): float(value) for name, value in found.items() if in_bounds(value)}


def training(model: Model) -> Training | None:
    """The course of a training. Raises UserError unless it is a `Training` or None."""
    found: object = model.training()
    if found is not None and not isinstance(found, Training):
        raise wrong(model.name, "training returned", kind_of(found), "a Training or None")
    return found


def seconds(model: Model, found: object) -> float:
    """A duration that a model reports. Raises UserError unless it is a finite number, 0 or more."""
    if not isinstance(found, Real) or not 0 <= float(found) < math.inf:
        raise wrong(model.name, "reported", f"{shown(found)} as seconds", "a finite number, 0 or more")
    return float(found)


def samples(representation: Representation, found: object, events: Events) -> Samples:
    """What `represent` returned. Raises UserError unless these are samples of the events, in the same order."""
    leave_if_forked()
    method = "represent returned"
    if not isinstance(found, Samples):
        raise wrong(representation.name, method, kind_of(found), "Images, Vectors or Graphs")
    if len(found) != len(events):
        raise wrong(representation.name, method, f"{len(found)} samples", f"{len(events)}, one for each event")
    expected = truth(events)
    if found.classes != expected.pop("classes"):
        raise wrong(representation.name, method, f"the classes {shown(found.classes)}", shown(events.info.classes))
    for name, column in expected.items():
        if not _same(getattr(found, name), column):
            raise wrong(representation.name, method, f"other {name}", "those of the events, in the same order")
    return replace(found, **truth(events))


def _same(found: object, expected: object) -> bool:
    """Whether two columns have the same type and bits, or two values are equal."""
    if not (isinstance(found, torch.Tensor) and isinstance(expected, torch.Tensor)):
        return found is expected
    return found.dtype == expected.dtype and found.cpu().numpy().tobytes() == expected.numpy().tobytes()


def parameters(plugin: Plugin) -> dict[str, Any]:
    """The parameters of a plug-in. Raises UserError unless they are plain JSON values by name."""
    found: object = plugin.parameters()
    expected = f"plain JSON values by name, at most {PARAMETERS_BYTES:,} bytes"
    if not isinstance(found, dict) or not all(is_name(name) for name in found):
        raise wrong(plugin.name, "parameters returned", shown(found), expected)
    try:
        text = json.dumps(found, allow_nan=False, default=sorted)
        check_bounds(found)  # as records do
    except (TypeError, ValueError, RecursionError) as error:
        raise wrong(plugin.name, "parameters returned", f"{shown(found)} ({error})", expected) from error
    if len(text) > PARAMETERS_BYTES:
        raise wrong(plugin.name, "parameters returned", f"{len(text):,} bytes", expected)
    return found


def report_step(stage: object, done: object, total: object) -> tuple[str, float, float]:
    """The arguments of a progress report. Raises UserError unless they are a short name and two finite numbers."""
    if not (is_name(stage) and all(isinstance(n, Real) and math.isfinite(n) for n in (done, total))):
        found = f"report({shown(stage)}, {shown(done)}, {shown(total)})"
        raise UserError(f"{found}: expected a short name and two numbers. Correct this plug-in.")
    return str(stage), float(done), float(total)  # type: ignore[arg-type]
