"""What models return is checked before it is recorded, with one line that names the model and the method."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import awkward as ak
import numpy as np
import pytest
import torch

from benchmark.core.errors import UserError
from benchmark.engine import returned
from benchmark.metrics.compute import compute
from benchmark.metrics.metric import Estimate, MetricColumn, Scored
from models.ffnn import FFNN
from models.inputs import view_of
from tasks.data.generation import _table, plan
from tasks.events import Events
from tests.benchmark.cells import toy_job
from tests.models.conftest import particles

CLASSES = ("signal", "background")


@dataclass
class Says:
    """A model that returns what it is made with."""

    value: object
    name: str = "says"

    def parameters_count(self) -> object:
        return self.value

    def details(self) -> object:
        return self.value

    def parameters(self) -> object:
        return self.value


class Unspeakable:
    def __repr__(self) -> str:
        raise SystemExit


GOOD = np.array([[0.25, 0.75], [1.0, 0.0]])


@pytest.mark.parametrize(
    "value",
    [GOOD, GOOD.astype(np.float16), GOOD.tolist(), torch.from_numpy(GOOD), np.array([[0, 1], [1, 0]]), GOOD + 5e-7],
)
def test_probabilities(value):
    found = returned.probabilities(Says(None), value, 2, CLASSES)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.asarray(value, dtype=np.float32))


def test_accepted_probabilities_are_a_copy():
    returned_array = GOOD.astype(np.float32)
    found = returned.probabilities(Says(None), returned_array, 2, CLASSES)
    returned_array[:] = np.nan
    np.testing.assert_array_equal(found, GOOD)


def test_seconds():
    assert returned.seconds(Says(None), np.float32(2)) == 2.0
    for value in (-1e99, np.nan, np.inf, "3", None, 1j):
        with pytest.raises(UserError, match=r"says: reported .* as seconds, expected a finite number, 0 or more"):
            returned.seconds(Says(None), value)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, "numbers of type object"),
        (GOOD.astype(str), "numbers of type <U32"),
        (GOOD.astype(complex), "numbers of type complex128"),
        (GOOD.astype(object), "numbers of type object"),
        (GOOD > 0.5, "numbers of type bool"),
        (np.ma.masked_array(GOOD.astype("S4")), "numbers of type |S4"),
        (GOOD[:, 0], "shape (2,)"),
        (np.broadcast_to(np.float32(0.5), (10**12, 2)), "shape (1000000000000, 2)"),
        ([[0.5, 0.5], [1.0]], "a list that is no array (ValueError)"),
        (torch.tensor(GOOD, requires_grad=True), "a Tensor that is no array (RuntimeError)"),
        (GOOD * np.nan, "4 of 4 numbers that are not probabilities (first: nan in row 0, class signal)"),
        (-GOOD, "3 of 4 numbers that are not probabilities (first: -0.25 in row 0, class signal)"),
        (
            GOOD - [0, np.inf],
            "2 of 4 numbers that are not probabilities (first: -inf in row 0, class background)",
        ),
        (GOOD / 2, "2 of 2 rows that do not sum to 1 (first: 0.5 in row 0)"),
    ],
    ids=str,
)
def test_what_are_no_probabilities(value, found: str):
    with pytest.raises(UserError, match=re.escape(f"says: predict_proba returned {found}, expected ")):
        returned.probabilities(Says(None), value, 2, CLASSES)


def test_numbers_of_parameters():
    assert [returned.count(Says(value)) for value in (None, 0, 7, np.int64(3))] == [None, 0, 7, 3]
    for value in (3.5, -1, True, "7", 2**70, np.nan, Unspeakable()):
        with pytest.raises(UserError, match=r"says: parameters_count returned .*, expected a whole number, 0 or more"):
            returned.count(Says(value))


def test_details():
    found = returned.details(Says({"epoch": np.int64(3), "loss": 0.5, "best": np.nan, "worst": np.inf}))
    assert found == {"epoch": 3.0, "loss": 0.5}
    wrong = [None, [("a", 1)], {"a": "1"}, {3: 1.0}, {"x" * 65: 1.0}, {"\x1b": 1.0}, {"a": 1j}, {"a": Unspeakable()}]
    for value in [*wrong, {str(number): 1.0 for number in range(101)}]:
        with pytest.raises(UserError, match=r"says: details returned .*, expected a dict of at most 100 numbers"):
            returned.details(Says(value))


def test_parameters():
    assert returned.parameters(Says({"a": [1, None, "x"]})) == {"a": [1, None, "x"]}
    deep: list[object] = []
    for _ in range(30):
        deep = [deep]
    endless: list[object] = []
    endless.append(endless)
    for value in (
        None,
        {3: 1},
        {"a": np.nan},
        {"a": object()},
        {"a": "x" * 200_000},
        {"a": endless},
        {"a": deep},
        {"a": 2**70},
        {"a": "\ud83d"},
        {"a": Unspeakable()},
    ):
        with pytest.raises(UserError, match=r"says: parameters returned .*, expected plain JSON values by name"):
            returned.parameters(Says(value))


def test_reports():
    assert returned.report_step("train", np.float32(1), 3) == ("train", 1.0, 3.0)
    for step in (("", 0, 1), (3, 0, 1), ("train", "0", 1), ("train", 0, np.nan), ("a\nb", 0, 1), ("x" * 100, 0, 1)):
        with pytest.raises(UserError, match=r"report\(.*\): expected a short name and two numbers"):
            returned.report_step(*step)


def test_samples():
    job = toy_job()
    task = job.data.task
    events = Events(_table(job.data, plan(job.data)[0]), task.info("detector"))[:10]
    samples = job.representation.represent(events)
    accepted = returned.samples(job.representation, samples, events)
    assert accepted.particles is samples.particles
    assert not np.shares_memory(accepted.weights.numpy(), samples.weights.numpy()), "or they could change later"
    massive = replace(events, table=ak.with_field(events.table, np.full(10, np.nan, np.float32), "mass"))
    with_mass = job.representation.represent(massive)
    assert returned.samples(job.representation, with_mass, massive).mass.isnan().all()
    labels = 1 - samples.labels
    for value, found in (
        (None, "None, expected Images, Vectors or Graphs"),
        (samples[:5], "5 samples, expected 10, one for each event"),
        (samples[torch.arange(9, -1, -1)], "other event_ids, expected those of the events, in the same order"),
        (replace(samples, labels=labels), "other labels, expected those of the events, in the same order"),
        (replace(samples, weights=samples.weights * 2), "other weights, expected those of the events"),
        (replace(samples, weights=samples.weights.double()), "other weights, expected those of the events"),
        (replace(samples, weights=-0.0 * samples.weights), "other weights, expected those of the events"),
        (replace(samples, groups=samples.groups - 1), "other groups, expected those of the events"),
        (replace(samples, mass=samples.weights), "other mass, expected those of the events"),
        (replace(samples, masses=not samples.masses), "other masses, expected those of the events"),
        (replace(samples, classes=("a", "b")), r"the classes \('a', 'b'\), expected \('hard', 'soft'\)"),
    ):
        with pytest.raises(UserError, match=f"fourvectors: represent returned {found}.*Correct this plug-in."):
            returned.samples(job.representation, value, events)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (1.0, "a float"),
        ({"mine": 1.0}, "'mine': 1.0"),
        ({3: Estimate(1.0)}, "3: Estimate"),
        ({"mine": Estimate("high")}, "'mine': 'high'"),
        ({"mine": Estimate(1.0, low=1j)}, "'mine': 1j"),
        ({"mine": Estimate(None, reason=3)}, "the reason 3"),
    ],
)
def test_metrics(value, found: str):
    class Mine:
        name, columns = "mine", (MetricColumn("mine", "Mine"),)

        def __call__(self, scored: Scored, confidence: float) -> object:
            return value

    with pytest.raises(UserError, match=f"mine: returned {re.escape(found)}.*, expected"):
        compute([Mine()], Scored(np.array([0, 1]), GOOD, CLASSES))


def test_a_view_that_does_not_exist_is_an_error_and_no_skip():
    class Nonsense(FFNN):
        views = ("nodess",)

    with pytest.raises(UserError, match=r"ffnn: unknown view 'nodess' in its `views`. Did you mean 'nodes'?"):
        view_of(Nonsense.views, particles(4), "ffnn")
