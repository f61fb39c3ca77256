"""The particles of events: crystals as massless particles."""

import math
from dataclasses import replace

import awkward as ak
import numpy as np
import pytest

from benchmark.core.errors import UserError
from representations.kernels.particles import FULL_SPAN, JET_SPAN, SHOWER_SPAN, particles_of, principal
from tasks.detector.geometry import barrel_direction
from tasks.events import Events
from tests.representations.collisions import events_of, jets_of, showers_of

SHOWER = [(80, 359, 8.0), (81, 0, 2.0), (80, 1, 1.0)]


def with_field(events: Events, field: str, values: ak.Array) -> Events:
    """The events with other values in one field of their particles."""
    column = events.info.particles
    rows = events.table[column]
    rows = ak.zip({name: values if name == field else rows[name] for name in rows.fields})
    return replace(events, table=ak.with_field(events.table, rows, column))


def test_crystals_are_massless_particles():
    found = particles_of(showers_of([SHOWER, [], [(169, 10, 3.0)]]))
    assert found.offsets.tolist() == [0, 3, 3, 4]
    assert found.names == ("crystal",)
    eta, phi = barrel_direction(np.array([80, 81, 80, 169]), np.array([359, 0, 1, 10]))
    np.testing.assert_allclose(found.eta, eta)
    np.testing.assert_allclose(found.phi, phi)
    np.testing.assert_allclose(found.pt * np.cosh(found.eta), [8, 2, 1, 3], rtol=1e-6)
    np.testing.assert_allclose(np.exp(found.log_energy()), [8, 2, 1, 3], rtol=1e-6)
    assert not found.mass.any()
    assert not found.charge.any()
    assert found.slot().tolist() == [0, 0, 0, 0]


def test_an_energy_below_zero_is_none():
    found = particles_of(showers_of([[(80, 10, -0.5), (80, 11, 1.0)]]))
    assert found.pt[0] == 0.0


def test_directions_are_from_the_hottest_crystal_across_the_seam():
    found = particles_of(showers_of([SHOWER, []]))
    eta, phi = found.directions()
    np.testing.assert_allclose(eta, [0, 2 * 1.479 / 170, 0], atol=1e-9)
    np.testing.assert_allclose(phi, [0, math.pi / 180, 2 * math.pi / 180], atol=1e-9)
    assert [axis.tolist()[1] for axis in found.hardest()] == [0.0, 0.0]


def test_spans():
    assert particles_of(showers_of([SHOWER])).span == SHOWER_SPAN
    assert particles_of(showers_of([SHOWER], picture="barrel")).span == FULL_SPAN
    assert particles_of(jets_of([[(22, 1.0, 0.0, 0.0)]])).span == JET_SPAN
    assert particles_of(events_of([[("jet", 9.0, 0.0, 0.0)]])).span == FULL_SPAN
    assert pytest.approx((0.27840, 0.27925), abs=1e-5) == SHOWER_SPAN


def test_the_whole_barrel_is_not_moved():
    eta, phi = particles_of(showers_of([SHOWER], picture="barrel")).directions()
    np.testing.assert_allclose(phi, principal(barrel_direction(np.zeros(3), np.array([359, 0, 1]))[1]))
    assert eta[0] == pytest.approx(-4.5 * 2 * 1.479 / 170)


def test_principal_angles():
    np.testing.assert_allclose(
        principal(np.array([0.0, math.pi, -math.pi, 7.0])), [0, -math.pi, -math.pi, 7 - 2 * math.pi]
    )


@pytest.mark.parametrize(
    ("crystal", "what"),
    [
        ((3, 4, math.nan), "its energy that is missing, NaN or infinite"),
        ((170, 4, 1.0), "its row outside 0 to 169"),
        ((-1, 4, 1.0), "its row outside 0 to 169"),
        ((3, 360, 1.0), "its column outside 0 to 359"),
    ],
)
def test_crystals_that_cannot_be_are_named(crystal, what: str):
    with pytest.raises(UserError, match=f"toy: event 1001 has a cell of ecal with {what}"):
        particles_of(showers_of([SHOWER, [crystal]]))


def test_crystals_between_two_rows():
    events = with_field(showers_of([[SHOWER[0]], [SHOWER[0]]]), "row", ak.Array([[80.0], [0.4]]))
    with pytest.raises(UserError, match="toy: event 1001 has a cell of ecal with its row that is no whole number"):
        particles_of(events)


JET, PHOTON = ("jet", 30.0, 0.5, 1.0), (22, 30.0, 0.01, 0.02)


@pytest.mark.parametrize("kind", [258, 260, 6, -1, 1.7, math.nan, math.inf])
def test_kinds_that_there_are_not(kind: float):
    events = events_of([[JET], [JET, JET]])
    events = with_field(events, "kind", ak.unflatten(np.array([3, 3, kind]), [1, 2]))
    with pytest.raises(UserError, match=rf"toy: event 1001, objects\[1\] has kind {kind}, expected 0 to 5"):
        particles_of(events)


@pytest.mark.parametrize("field", ["pt", "eta", "phi", "mass", "charge", "pdg_id"])
def test_numbers_that_are_missing(field: str):
    events = jets_of([[PHOTON], [PHOTON, PHOTON]])
    values = ak.to_list(events.table["constituents"][field])
    values[1][1] = None
    with pytest.raises(UserError, match=rf"toy: event 1001, constituents\[1\] has {field} nan, expected a finite"):
        particles_of(with_field(events, field, ak.Array(values)))


@pytest.mark.parametrize("field", ["pt", "mass"])
def test_numbers_that_no_sample_could_hold(field: str):
    events = with_field(events_of([[JET], [JET]]), field, ak.Array([[1.0], [1e39]]))
    with pytest.raises(UserError, match=rf"toy: event 1001, objects\[0\] has {field} 1e\+39, expected a finite number"):
        particles_of(events)


@pytest.mark.parametrize("which", [np.array([True, False, True]), np.array([2, 0]), slice(None, None, -1)], ids=str)
def test_some_of_the_events(which):
    """Awkward keeps a split as an index into the whole."""
    for events in TABLES.values():
        found, every = particles_of(events[which]), particles_of(events)
        spans = [slice(*every.offsets[event : event + 2]) for event in np.arange(3)[which]]
        for name in ("pt", "eta", "phi", "kind", "mass"):
            expected = np.concatenate([getattr(every, name)[span] for span in spans])
            np.testing.assert_array_equal(getattr(found, name), expected)


TABLES = {
    "objects": events_of([[JET], [JET, JET], [JET]]),
    "constituents": jets_of([[PHOTON], [PHOTON, PHOTON], [PHOTON]]),
    "ecal": showers_of([[SHOWER[0]], SHOWER[1:], [SHOWER[0]]]),
}


LAST = {"objects": "charge", "constituents": "charge", "ecal": "energy"}


@pytest.mark.parametrize("column", TABLES)
@pytest.mark.parametrize("offsets", [[0, 1, 1, 9], [0, 3, 2, 4]])
def test_offsets_that_are_not_in_order(column: str, offsets: list[int]):
    events = TABLES[column]
    content = ak.flatten(events.table[column], axis=1).layout
    broken = ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(np.array(offsets)), content))
    event = 1001 if offsets[2] == 2 else 1002
    with pytest.raises(UserError, match=f"toy: event {event} has no list of {column}: .*offsets are not in order"):
        particles_of(replace(events, table=ak.with_field(events.table, broken, column)))


def test_lists_that_end_before_they_start():
    events = TABLES["objects"]
    content = ak.flatten(events.table["objects"], axis=1).layout
    starts, stops = (ak.index.Index64(np.array(ends)) for ends in ([0, 3, 3], [1, 1, 4]))
    broken = ak.Array(ak.contents.ListArray(starts, stops, content))
    with pytest.raises(UserError, match=r"toy: (event 1001 has no list|the lists) of objects"):
        particles_of(replace(events, table=ak.with_field(events.table, broken, "objects")))


@pytest.mark.parametrize("column", TABLES)
def test_lists_that_are_missing_or_of_different_lengths(column: str):
    events = TABLES[column]
    lists = events.table[column]
    missing = ak.mask(lists, np.array([True, False, True]))
    with pytest.raises(UserError, match=f"toy: event 1001 has no list of {column}"):
        particles_of(replace(events, table=ak.with_field(events.table, missing, column)))
    fields = {field: lists[field] for field in lists.fields}
    whole = replace(events, table=ak.with_field(events.table, ak.Array(fields), column))
    for name in ("pt", "eta", "phi"):
        np.testing.assert_array_equal(getattr(particles_of(whole), name), getattr(particles_of(events), name))
    fields[LAST[column]] = fields[LAST[column]][:, :1]
    different = replace(events, table=ak.with_field(events.table, ak.Array(fields), column))
    with pytest.raises(UserError, match="toy: event 1001 has lists of different lengths"):
        particles_of(different)


@pytest.mark.parametrize("column", TABLES)
def test_fields_that_are_missing(column: str):
    events = TABLES[column]
    rows = ak.without_field(events.table[column], LAST[column])
    with pytest.raises(UserError, match=f"toy: its {column} have no {LAST[column]}"):
        particles_of(replace(events, table=ak.with_field(events.table, rows, column)))
