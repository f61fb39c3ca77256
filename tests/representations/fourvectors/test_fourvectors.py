"""Four-vectors: order, columns, symmetries, and refused input."""

from __future__ import annotations

import itertools
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
from representations.graph.graph import Graph
from representations.jet_image.jet_image import JetImage
from representations.kernels.encoding import IN_JETS
from representations.kernels.particles import PDG_CLASSES
from tasks.detector.geometry import CRYSTAL
from tests.representations.collisions import SLOTS, events_of, jets_of, random_events, showers_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.events import Events

IS_KIND = tuple(f"is_{kind}" for kind in SLOTS)
EVENT = [("jet", 50.0, 0.5, 1.0), ("met", 70.0, 2.2, -3.0), ("muon", 30.0, -1.0, 2.0), ("jet", 90.0, 1.5, -1.0)]


def with_candidate(events: Events, **columns: list[float]) -> Events:
    record = ak.zip({name: np.asarray(values, np.float32) for name, values in columns.items()})
    return replace(events, table=ak.with_field(events.table, record, "candidate"))


def test_raw_rows_in_falling_pt() -> None:
    vectors = FourVectors(features="raw").represent(events_of([EVENT, [], EVENT[:1]], mass=4.0))
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


def test_whole_events_in_closed_form() -> None:
    vectors = FourVectors().represent(events_of([EVENT], mass=4.0))
    assert vectors.names == ("log_pt", "eta", "cos_phi", "sin_phi", "log_energy", "charge", *IS_KIND)
    torch.testing.assert_close(vectors.momenta.values[2], torch.tensor([50.0, 0.5, 1.0, 4.0]))
    leading, jet = vectors.particles.values[0], vectors.particles.values[2]
    energy = math.hypot(50 * math.cosh(0.5), 4)
    assert leading[2:4].tolist() == [1.0, 0.0]
    expected = [math.log(50), 0.5, math.cos(2.0), math.sin(2.0), math.log(energy), 0.0]
    assert jet[:6].tolist() == pytest.approx(expected, rel=1e-6)


def test_energy_of_extreme_momenta_is_finite() -> None:
    event = [("jet", 3e38, 80.0, 0.0), ("jet", 1e-38, -3e38, 0.0), ("met", 0.0, 0.0, 0.0)]
    values = FourVectors().represent(events_of([event])).particles.values
    assert values.isfinite().all()
    assert values[0, 4] == pytest.approx(math.log(3e38) + 80 - math.log(2))
    assert values[2, [0, 4]].tolist() == pytest.approx([math.log(1e-3)] * 2)


@given(st.floats(-10, 10))
@settings(max_examples=30, deadline=None)
def test_columns_do_not_change_when_the_event_is_rotated(angle: float) -> None:
    rotated = [(kind, pt, eta, phi + angle) for kind, pt, eta, phi in EVENT]
    vectors = FourVectors().represent(events_of([EVENT, rotated]))
    torch.testing.assert_close(vectors.particles.values[:4], vectors.particles.values[4:], rtol=0, atol=3e-6)


def columns(features: str, seed: int, change: Callable[[ak.Array], ak.Array]) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of random events, before and after a change of their objects."""
    events = random_events(4, 6, seed)
    changed = replace(events, table=ak.with_field(events.table, change(events.table["objects"]), "objects"))
    before, after = (FourVectors(features=features).represent(some).particles.values for some in (events, changed))
    return before, after


@given(st.integers(0, 1000), st.permutations(range(6)), st.sampled_from(["raw", "standard"]))
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


def test_complete_is_standard_and_high() -> None:
    events = with_candidate(events_of([EVENT]), ht=[140.0])
    alone, high, complete = (FourVectors(features=f).represent(events) for f in ("standard", "high", "complete"))
    assert torch.equal(complete.particles.values, alone.particles.values)
    assert torch.equal(complete.features, high.features)
    assert (complete.names, complete.feature_names) == (alone.names, high.feature_names)
    assert alone.feature_names == ()


def test_constituents() -> None:
    jet = [(22, 3.0, 0.0, 0.0), (-211, 9.0, 0.5, 0.0), (130, 5.0, 0.1, 0.0), (11, 2.0, 0.2, 0.0), (-13, 1.0, 0.3, 0.0)]
    slots = {"charged_hadron": 9, "neutral_hadron": 9, "photon": 9, "electron": 1, "muon": 1}
    vectors = FourVectors().represent(jets_of([jet], slots=slots))
    assert vectors.kinds.values.tolist() == [0, 1, 2, 3, 4]
    assert vectors.names[:7] == (*IN_JETS, "charge")
    assert vectors.names[7:] == tuple(f"is_{kind}" for kind in slots)
    one = FourVectors().represent(jets_of([jet, []]))
    assert one.names[7:] == tuple(f"is_{kind}" for kind in PDG_CLASSES)
    reconstructed = [PDG_CLASSES[place] for place in one.particles.values[:, 7:].argmax(1)]
    assert reconstructed == ["charged_hadron", "neutral_hadron", "photon", "electron", "muon"]
    assert one.kinds.values.tolist() == [0] * 5


def test_jets_are_moved_turned_and_mirrored() -> None:
    """The hardest becomes the origin, the principal axis vertical with the centroid below, the heavier side right."""
    jet = [(211, 70.0, 1.0, 3.1), (22, 30.0, 1.3, -2.7 - 0.08318530717958605), (-211, 10.0, 1.0, 3.0)]
    vectors = FourVectors().represent(jets_of([jet, []]))
    column = dict(zip(vectors.names, vectors.particles.values.double().numpy().T, strict=True))
    assert column["delta_r"].tolist() == pytest.approx([0.0, math.hypot(0.3, 0.4), 0.1], abs=1e-6)
    np.testing.assert_allclose(np.hypot(column["delta_eta"], column["delta_phi"]), column["delta_r"], atol=1e-6)
    assert column["delta_phi"] @ [70, 30, 10] < 0
    assert np.sign(column["delta_eta"]) @ [70, 30, 10] >= 0
    # the angle of the two softer ones as seen from the hardest stays
    dot = column["delta_eta"][1] * column["delta_eta"][2] + column["delta_phi"][1] * column["delta_phi"][2]
    assert dot == pytest.approx(0.4 * -0.1, abs=1e-6)
    whole = math.hypot(*(sum(pt * turn(phi) for _, pt, _, phi in jet) for turn in (math.cos, math.sin)))
    assert column["log_share"].tolist() == pytest.approx([math.log(pt / whole) for pt in (70, 30, 10)], abs=1e-6)
    assert column["log_pt"].tolist() == pytest.approx([math.log(pt) for pt in (70, 30, 10)], abs=1e-6)
    assert column["log_energy"][0] == pytest.approx(math.log(70 * math.cosh(1.0)), abs=1e-6)


def test_each_step_is_an_option() -> None:
    jets = jets_of([[(211, 70.0, 1.0, 0.1), (22, 30.0, 0.7, 0.5), (-211, 10.0, 1.0, 0.0)]])
    table = {
        steps: FourVectors(translate=steps[0], rotate=steps[1], flip=steps[2]).represent(jets).particles.values
        for steps in itertools.product((False, True), repeat=3)
    }
    place = [IN_JETS.index("delta_eta"), IN_JETS.index("delta_phi")]
    pt = torch.tensor([70.0, 30.0, 10.0])
    centroid = table[False, False, False][:, place]
    torch.testing.assert_close((pt[:, None] * centroid).sum(0), torch.zeros(2), atol=1e-4, rtol=0)
    moved = table[True, False, False][:, place]
    torch.testing.assert_close(moved, torch.tensor([[0.0, 0.0], [-0.3, 0.4], [0.0, -0.1]]), atol=1e-6, rtol=0)
    torch.testing.assert_close(table[True, False, True][:, place], moved * torch.tensor([-1.0, 1.0]))
    turned = table[True, True, False][:, place]
    torch.testing.assert_close(turned.norm(dim=1), moved.norm(dim=1))
    assert not torch.allclose(turned, moved)
    for steps in table:  # what is no position never changes
        others = [0, 1, 2, *range(6, len(table[steps][0]))]
        assert torch.equal(table[steps][:, others], table[True, True, True][:, others])


def test_jets_lie_as_their_image_shows_them() -> None:
    """Drawn at (delta_eta, delta_phi), the constituents are the pixels of the jet image."""
    rng = np.random.default_rng(0)
    rows = np.stack([rng.exponential(9, 30) + 1, *rng.normal(0, 0.3, (2, 30))], axis=1)
    jets = jets_of([[(211, pt, eta, phi) for pt, eta, phi in rows.tolist()]])
    image = JetImage(normalise=False).represent(jets).dense()[0, 0].numpy()
    vectors = FourVectors().represent(jets)
    column = dict(zip(vectors.names, vectors.particles.values.double().numpy().T, strict=True))
    edges = np.linspace(-1.25, 1.25, 26)
    drawn, _, _ = np.histogram2d(
        column["delta_eta"], column["delta_phi"], [edges, edges], weights=np.exp(column["log_pt"])
    )
    np.testing.assert_allclose(drawn, image, rtol=1e-4, atol=1e-4)


def test_showers_count_from_the_hottest_crystal() -> None:
    shower = [(80, 359, 2.0), (81, 0, 8.0), (82, 1, 5.0), (81, 1, -1.0)]
    vectors = FourVectors().represent(showers_of([shower, []]))
    assert vectors.names == (*IN_JETS, "is_crystal")  # crystals have no charge
    column = dict(zip(vectors.names, vectors.particles.values.numpy().T, strict=True))
    step = 2 * math.pi / 360
    np.testing.assert_allclose(column["delta_phi"], [0, step, -step, step], atol=1e-6)
    np.testing.assert_allclose(column["delta_eta"][:3], [0, CRYSTAL, -CRYSTAL], atol=1e-6)
    np.testing.assert_allclose(np.exp(column["log_energy"]), [8, 5, 2, 1e-3], rtol=1e-5)
    same = FourVectors(rotate=False, flip=False).represent(showers_of([shower, []]))
    assert torch.equal(same.particles.values, vectors.particles.values)


def test_kinematic_is_the_five_numbers_of_the_paper() -> None:
    five = {"pt1_over_m": [0.6], "pt2_over_m": [0.4], "eta1": [0.5], "eta2": [-0.5], "cos_dphi": [-0.9]}
    events = with_candidate(events_of([EVENT]), r91=[0.95], **five)
    vectors = FourVectors(features="kinematic").represent(events)
    assert vectors.feature_names == tuple(five)
    assert vectors.features[0].tolist() == pytest.approx([value for (value,) in five.values()])
    assert (vectors.names, vectors.particles.lengths.tolist()) == ((), [0])
    with pytest.raises(UserError, match=r"task 'toy' does not have\. Use it on diphoton; use features=standard here"):
        FourVectors(features="kinematic").represent(with_candidate(events_of([EVENT]), ht=[1.0]))


def test_low_is_refused_by_name() -> None:
    with pytest.raises(UserError, match=r"fourvectors: parameter 'features' is 'low', expected 'standard', 'raw'"):
        FourVectors.resolve("quick", {"features": "low"})


@pytest.mark.parametrize(("masses", "shown"), [("auto", [True, False]), ("on", [True] * 2), ("off", [False] * 2)])
def test_masses_are_one_option(masses: str, shown: list[bool]) -> None:
    found = [
        representation(masses=masses).represent(events_of([EVENT], pair_masses=own)).masses
        for representation in (FourVectors, Graph)
        for own in (True, False)
    ]
    assert found == shown * 2


def test_what_is_refused() -> None:
    with pytest.raises(UserError, match=r"task 'toy' has no engineered features .* Use features=standard or raw"):
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
    assert vectors.particles.values.shape == (0, 11)


@pytest.mark.parametrize("features", ["raw", "standard", "high", "complete"])
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
