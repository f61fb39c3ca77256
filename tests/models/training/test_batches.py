"""Batches for training: contents, balance of classes, and standardisation."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.core.errors import UserError
from models.inputs import VIEWS
from models.training.batches import CHUNK, Batches, balanced_weights, cloned, mean_and_scale, whole
from representations.samples import Images, Vectors
from tests.models.conftest import particles, rings


def test_a_batch_holds_the_events_of_its_index() -> None:
    samples = rings(20)
    samples = replace(samples, weights=torch.linspace(1, 2, 20))
    batches = Batches(VIEWS["picture", Images], samples, "cpu")
    index = torch.tensor([7, 3, 12])
    for batch in (batches(index), next(iter(batches.ahead([index])))):
        assert torch.equal(batch.inputs[0], samples.dense(index))
        assert torch.equal(batch.labels, samples.labels[index])
        assert torch.equal(batch.weights, balanced_weights(samples)[index])


@pytest.mark.parametrize("events", [0, 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3])
def test_a_table_has_one_row_per_event(events: int) -> None:
    samples, view = particles(events + 1)[torch.arange(events)], VIEWS["table", Vectors]
    (table,) = whole(view, samples)
    assert len(table) == events
    for event in {0, CHUNK - 1, CHUNK, events - 1} & set(range(events)):
        (row,) = view.batch(samples, torch.tensor([event]))
        assert torch.equal(table[event], row[0])


def test_balanced_weights_by_hand() -> None:
    samples = replace(particles(4), labels=torch.tensor([0, 0, 0, 1]), weights=torch.tensor([1.0, 1.0, 2.0, 5.0]))
    # each class sums to 2 of 4: 0.5, 0.5, 1 and 2
    assert balanced_weights(samples).tolist() == [0.5, 0.5, 1.0, 2.0]


@given(labels=st.lists(st.integers(0, 2), min_size=1, max_size=50), scale=st.floats(1e-3, 1e3))
@settings(max_examples=30, deadline=None)
def test_balanced_weights_have_equal_sums_whatever_their_scale(labels: list[int], scale: float) -> None:
    n = len(labels)
    samples = particles(n, classes=3)
    samples = replace(samples, labels=torch.tensor(labels), weights=torch.linspace(0.5, 2, n) * scale)
    weights = balanced_weights(samples)
    sums = [float(weights[samples.labels == label].sum()) for label in set(labels)]
    assert sums == pytest.approx([n / len(sums)] * len(sums), rel=1e-4)


@pytest.mark.parametrize("weight", [torch.nan, torch.inf, -1.0])
def test_an_invalid_weight_is_named(weight: float) -> None:
    samples = particles(4)
    weights = torch.ones(4)
    weights[2] = weight
    with pytest.raises(UserError, match=f"event {int(samples.event_ids[2])} has weight {weight:g}, expected a finite"):
        balanced_weights(replace(samples, weights=weights))


def test_a_class_without_weight_is_named() -> None:
    samples = replace(particles(4), weights=torch.tensor([1.0, 0.0, 1.0, 0.0]))
    with pytest.raises(UserError, match="class 'class1' sum to 0"):
        balanced_weights(samples)


@given(labels=st.lists(st.integers(0, 2), min_size=1, max_size=50), seed=st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_clones_make_classes_equally_large(labels: list[int], seed: int) -> None:
    order = cloned(torch.tensor(labels), torch.Generator().manual_seed(seed))
    counts = torch.bincount(torch.tensor(labels)[order])
    assert set(counts.tolist()) <= {0, max(labels.count(label) for label in labels)}
    times = torch.bincount(order, minlength=len(labels))
    for label in set(labels):  # events of a class are repeated equally often, up to one
        mine = times[torch.tensor(labels) == label]
        assert int(mine.max() - mine.min()) <= 1
        assert int(mine.min()) >= 1


def test_cloned_events_have_their_relative_weights() -> None:
    samples = replace(particles(5), labels=torch.tensor([0, 0, 0, 1, 1]), weights=torch.tensor([1.0, 1, 4, 3, 9]))
    batches = Batches(VIEWS["table", Vectors], samples, "cpu", balance="clone")
    assert batches.weights.tolist() == pytest.approx([0.5, 0.5, 2.0, 0.5, 1.5])  # mean 1 in each class
    shuffle = torch.Generator().manual_seed(0)
    first, second = batches.order(shuffle), batches.order(shuffle)
    assert sorted(samples.labels[first].tolist()) == [0, 0, 0, 1, 1, 1]
    assert not torch.equal(first, second)


def test_mean_and_scale_over_chunks() -> None:
    rows = torch.randn(1000, 3) * torch.tensor([1.0, 100.0, 0.0]) + torch.tensor([0.0, 1e4, 0.1])
    pair, nothing = mean_and_scale([(part, None) for part in rows.split(300)])
    assert nothing is None
    assert pair is not None
    torch.testing.assert_close(pair[0], rows.double().mean(0).float())
    torch.testing.assert_close(pair[1][:2], 1 / rows.double().std(0, correction=0)[:2].float())
    assert pair[1][2] == 0  # a constant column becomes 0


def test_no_rows_give_no_nan() -> None:
    (pair,) = mean_and_scale([(torch.zeros(0, 2),)])
    assert pair is not None
    assert pair[0].tolist() == pair[1].tolist() == [0, 0]


def test_a_constant_column_does_not_matter() -> None:
    """Also if a view standardises it with others: values that first occur in a test event have untrained weights."""
    samples = rings(12, size=32)
    view = VIEWS["table", Images]
    batches = Batches(view, samples, "cpu")
    (table,) = view.batch(samples, torch.arange(12))
    ((_, scale),) = [part for part in batches.moments() if part is not None]
    varies = table.std(dim=0) > 0
    assert not varies.all()
    assert torch.equal(scale > 0, varies)
