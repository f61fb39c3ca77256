"""Four-vectors: order, columns, symmetries, and refused input."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.core.errors import UserError
from representations.fourvectors.fourvectors import FourVectors
from tests.representations.collisions import SLOTS, events_of, jets_of, random_events

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.events import Events

IS_KIND = tuple(f"is_{kind}" for kind in SLOTS)
EVENT = [("jet", 50.0, 0.5, 1.0), ("met", 70.0, 2.2, -3.0), ("muon", 30.0, -1.0, 2.0), ("jet", 90.0, 1.5, -1.0)]


def with_candidate(events: Events, **columns: list[float]) -> Events:
    record = ak.zip({name: np.asarray(values, np.float32) for name, values in columns.items()})
    return replace(events, table=ak.with_field(events.table, record, "candidate"))


def test_raw_rows_in_falling_pt() -> None:
    vectors = FourVectors().represent(events_of([EVENT, [], EVENT[:1]], mass=4.0))
    assert vectors.names == ("pt", "eta", "phi", "mass", "charge", *IS_KIND)
    assert vectors.particles.lengths.tolist() == [4, 0, 1]
    assert vectors.particles.values[:4, 0].tolist() == [90.0, 70.0, 50.0, 30.0]
    met, muon = vectors.particles.values[1], vectors.particles.values[3]
    assert met.tolist() == pytest.approx([70.0, 0.0, -3.0, 4.0, 0.0, 0, 0, 0, 0, 1])
    assert muon.tolist() == pytest.approx([30.0, -1.0, 2.0, 4.0, -1.0, 0, 1, 0, 0, 0])
    assert [list(SLOTS)[kind] for kind in vectors.kinds.values[:4]] == ["jet", "met", "jet", "muon"]
    assert vectors.kinds.values.dtype == torch.int8
    assert vectors.particles.values.dtype == torch.float32
    assert (vectors.slots, vectors.capacity, vectors.features.shape) == (SLOTS, 11, (3, 0))


def test_order_and_one_hot_of_many_events() -> None:
    vectors = FourVectors().represent(random_events(200, 6))
    particles, event = vectors.particles.values, vectors.particles.rows()
    assert ((particles[1:, 0] <= particles[:-1, 0]) | (event[1:] != event[:-1])).all()
    one_hot = particles[:, -len(SLOTS) :]
    assert torch.equal(one_hot.argmax(1).to(torch.int8), vectors.kinds.values)
    assert (one_hot.sum(1) == 1).all()


def test_equal_pt_keeps_the_order_of_the_event() -> None:
    vectors = FourVectors().represent(events_of([[("jet", 30.0, float(i), 0.0) for i in range(5)]]))
    assert vectors.particles.values[:, 1].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_low_in_closed_form() -> None:
    vectors = FourVectors(features="low").represent(events_of([EVENT], mass=4.0))
    assert vectors.names == ("log_pt", "eta", "cos_phi", "sin_phi", "log_energy", "charge", *IS_KIND)
    leading, jet = vectors.particles.values[0], vectors.particles.values[2]
    energy = math.hypot(50 * math.cosh(0.5), 4)
    assert leading[2:4].tolist() == [1.0, 0.0]
    expected = [math.log(50), 0.5, math.cos(2.0), math.sin(2.0), math.log(energy), 0.0]
    assert jet[:6].tolist() == pytest.approx(expected, rel=1e-6)


def test_energy_of_extreme_momenta_is_finite() -> None:
    event = [("jet", 3e38, 80.0, 0.0), ("jet", 1e-38, -3e38, 0.0), ("met", 0.0, 0.0, 0.0)]
    values = FourVectors(features="low").represent(events_of([event])).particles.values
    assert values.isfinite().all()
    assert values[0, 4] == pytest.approx(math.log(3e38) + 80 - math.log(2))
    assert values[2, [0, 4]].tolist() == pytest.approx([math.log(1e-3)] * 2)


@given(st.floats(-10, 10))
@settings(max_examples=30, deadline=None)
def test_low_does_not_change_when_the_event_is_rotated(angle: float) -> None:
    rotated = [(kind, pt, eta, phi + angle) for kind, pt, eta, phi in EVENT]
    vectors = FourVectors(features="low").represent(events_of([EVENT, rotated]))
    torch.testing.assert_close(vectors.particles.values[:4], vectors.particles.values[4:], rtol=0, atol=3e-6)


def columns(features: str, seed: int, change: Callable[[ak.Array], ak.Array]) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of random events, before and after a change of their objects."""
    events = random_events(4, 6, seed)
    changed = replace(events, table=ak.with_field(events.table, change(events.table["objects"]), "objects"))
    before, after = (FourVectors(features=features).represent(some).particles.values for some in (events, changed))
    return before, after


@given(st.integers(0, 1000), st.permutations(range(6)), st.sampled_from(["raw", "low"]))
@settings(max_examples=30, deadline=None)
def test_the_order_of_objects_does_not_matter(seed: int, order: list[int], features: str) -> None:
    before, after = columns(features, seed, lambda objects: objects[:, order])
    assert torch.equal(before, after)


@given(st.integers(0, 1000), st.floats(-3, 3))
@settings(max_examples=30, deadline=None)
def test_a_rotation_changes_phi_alone(seed: int, angle: float) -> None:
    before, after = columns("raw", seed, lambda objects: ak.with_field(objects, objects.phi + angle, "phi"))
    torch.testing.assert_close(after[:, 2], before[:, 2] + angle, rtol=1e-6, atol=2e-6)
    others = [0, 1, *range(3, before.shape[1])]
    assert torch.equal(before[:, others], after[:, others])


def test_high_holds_the_engineered_numbers_alone() -> None:
    events = with_candidate(events_of([EVENT, EVENT[:2]]), ht=[140.0, 50.0], mass=[1.0, 2.0])
    high = FourVectors(features="high").represent(events)
    assert high.feature_names == ("ht", "mass")
    assert high.features.tolist() == [[140.0, 1.0], [50.0, 2.0]]
    assert (high.names, high.slots, high.capacity, high.particles.lengths.tolist()) == ((), {}, 0, [0, 0])
    dense, mask = high.padded(torch.tensor([1, 0]), 3)
    assert dense.shape == (2, 3, 0)
    assert not mask.any()


def test_complete_is_low_and_high() -> None:
    events = with_candidate(events_of([EVENT]), ht=[140.0])
    low, high, complete = (FourVectors(features=f).represent(events) for f in ("low", "high", "complete"))
    assert torch.equal(complete.particles.values, low.particles.values)
    assert torch.equal(complete.features, high.features)
    assert (complete.names, complete.feature_names) == (low.names, high.feature_names)
    assert low.feature_names == ()


def test_constituents() -> None:
    jet = [(22, 3.0, 0.0, 0.0), (-211, 9.0, 0.5, 0.0), (130, 5.0, 0.1, 0.0), (11, 2.0, 0.2, 0.0), (-13, 1.0, 0.3, 0.0)]
    slots = {"charged_hadron": 9, "neutral_hadron": 9, "photon": 9, "electron": 1, "muon": 1}
    vectors = FourVectors().represent(jets_of([jet], slots=slots))
    assert vectors.kinds.values.tolist() == [0, 1, 2, 3, 4]
    assert vectors.names[5:] == tuple(f"is_{kind}" for kind in slots)
    one = FourVectors().represent(jets_of([jet, []]))
    assert one.names[5:] == ("is_constituent",)
    assert one.kinds.values.tolist() == [0] * 5


def test_what_is_refused() -> None:
    with pytest.raises(UserError, match=r"task 'toy' has no engineered features .* Use features=raw or low"):
        FourVectors(features="complete").represent(events_of([EVENT]))
    with pytest.raises(UserError, match=r"toy: event 1001, objects\[0\] is of kind 'photon', expected one of electron"):
        FourVectors().represent(events_of([EVENT, [("photon", 9.0, 0.0, 0.0)]]))
    with pytest.raises(UserError, match=r"event 1001 has candidate.ht nan, expected a finite number"):
        FourVectors(features="high").represent(with_candidate(events_of([EVENT, EVENT]), ht=[1.0, math.nan]))
    with pytest.raises(UserError, match=r"event 1000, objects\[0\] has phi nan"):
        FourVectors().represent(events_of([[("jet", 9.0, 0.0, math.nan)]]))


def test_kinds_out_of_range_are_refused() -> None:
    events = events_of([EVENT])
    objects = ak.with_field(events.table["objects"], ak.Array([[3, 9, 1, 3]]), "kind")
    with pytest.raises(UserError, match=r"objects\[1\] has kind 9, expected 0 to 5"):
        FourVectors().represent(replace(events, table=ak.with_field(events.table, objects, "objects")))


def test_no_events() -> None:
    vectors = FourVectors().represent(events_of([EVENT])[:0])
    assert len(vectors) == 0
    assert vectors.particles.values.shape == (0, 10)


@pytest.mark.parametrize("features", ["raw", "low", "high", "complete"])
def test_labels_weights_and_ids_are_no_input(features: str) -> None:
    events = with_candidate(random_events(20, 5), ht=list(range(20)))
    other = events.table
    for column, values in {"label": 1, "weight": 7.0, "event_id": 5, "group": 3, "mass": 91.0}.items():
        other = ak.with_field(
            other, np.full(20, values, np.float32 if column in ("weight", "mass") else np.int64), column
        )
    before, after = (FourVectors(features=features).represent(e) for e in (events, replace(events, table=other)))
    assert torch.equal(before.particles.values, after.particles.values)
    assert torch.equal(before.features, after.features)
    assert not torch.equal(before.labels, after.labels)
