"""Circles: closed forms, colours, what is drawn where, and bad requests."""

from __future__ import annotations

import math
from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
import torch

from benchmark.core.errors import UserError
from representations.circles.circles import Circles
from representations.circles.colours import COLOURS
from tasks.events import KINDS
from tests.representations.collisions import SLOTS, events_of, jets_of, random_events, showers_of
from tests.representations.drawn import DEGENERATE, PI, dense


@pytest.mark.parametrize("pt", [5.0, 20.0, 300.0])
def test_radius_is_c_ln_pt(pt: float) -> None:
    picture = dense(Circles(), [("muon", pt, 0.0, 0.0)])[0, 0]
    columns = np.flatnonzero(picture.any(0))
    assert (columns[-1] - columns[0] + 1) / 2 == pytest.approx(10.5 * math.log(pt), abs=1)


def test_radius_is_c_ln_energy_in_closed_form() -> None:
    events = events_of([[("muon", 20.0, 1.5, 0.3)]], mass=30.0, magnitude="energy")
    energy = math.hypot(20.0 * math.cosh(1.5), 30.0)
    same = events_of([[("muon", energy, 1.5, 0.3)]])
    np.testing.assert_array_equal(Circles().represent(events).dense(), Circles().represent(same).dense())
    assert not torch.equal(Circles(magnitude="pt").represent(events).dense(), Circles().represent(events).dense())


@pytest.mark.parametrize("energy", [0.08, 0.3, 1.0, 20.0, 100.0])
def test_radius_of_a_crystal_counts_from_the_threshold(energy: float) -> None:
    """A crystal at the threshold has the least radius, one of 100 GeV a quarter of the canvas."""
    picture = Circles().represent(showers_of([[(80, 100, energy)]])).dense()[0, 0].numpy()
    columns = np.flatnonzero(picture.any(0))
    expected = max(1.0, 56 * math.log(energy / 0.08) / math.log(100 / 0.08))
    assert (columns[-1] - columns[0] + 1) / 2 == pytest.approx(expected, abs=1)


def test_radius_of_a_constituent_counts_from_the_threshold() -> None:
    for pt, expected in ((0.2, 1.0), (0.3, 1.0), (3.0, 56 * math.log(10) / math.log(200 / 0.3)), (200.0, 56.0)):
        picture = Circles().represent(jets_of([[(22, pt, 0.0, 0.0)]])).dense()[0].any(0).numpy()
        columns = np.flatnonzero(picture.any(0))
        assert (columns[-1] - columns[0] + 1) / 2 == pytest.approx(expected, abs=1)


def test_the_papers_circles_are_options() -> None:
    shower, jet = showers_of([[(80, 100, 30.0)]]), jets_of([[(22, 30.0, 0.0, 0.0)]])
    for events in (shower, jet):
        picture = Circles(scale=10.5, threshold=1.0).represent(events).dense()[0].any(0).numpy()
        columns = np.flatnonzero(picture.any(0))
        assert (columns[-1] - columns[0] + 1) / 2 == pytest.approx(10.5 * math.log(30.0), abs=1)
    with pytest.raises(UserError, match="parameter 'threshold' is 0"):
        Circles(threshold=0.0)


def test_radius_scales_with_the_canvas() -> None:
    widths = [np.flatnonzero(dense(Circles(size=n), [("jet", 50.0, 0.0, 0.0)])[0, 1].any(0)).size for n in (224, 112)]
    assert widths[0] == pytest.approx(2 * widths[1], abs=2)


@pytest.mark.parametrize(
    ("eta", "phi", "row", "column"),
    [(0.01, 0.01, 112, 112), (-2.99, -3.13, 0, 0), (2.99, -3.13, 0, 223), (-1.5, PI / 2, 168, 56)],
)
def test_eta_runs_across_and_phi_down(eta: float, phi: float, row: int, column: int) -> None:
    disc = dense(Circles(fill=True, opacity=1.0), [("met" if abs(eta) < 0.1 else "jet", 1.0, eta, phi)])[0, 1]
    rows, columns = np.nonzero(disc)
    assert abs(rows.mean() - row) <= 1
    assert abs(columns.mean() - column) <= 1


def test_missing_energy_lies_at_eta_zero() -> None:
    np.testing.assert_array_equal(*(dense(Circles(), [("met", 30.0, eta, 1.0)]) for eta in (0.0, 2.2)))


def test_colours_are_the_papers() -> None:
    events = [[(kind, 30.0, 0.0, 0.0)] for kind in KINDS]
    circles = Circles(size=56)
    pictures = circles.picture(circles.represent(events_of(events)))
    for kind, picture in zip(KINDS, pictures, strict=True):
        assert {tuple(pixel) for pixel in picture.reshape(-1, 3)} == {(255, 255, 255), COLOURS[kind]}


def test_kind_channels_are_drawn_in_the_same_colours() -> None:
    events = random_events(20, 7)
    plain, kinds = Circles(size=56), Circles(size=56, channels="kind")
    images = kinds.represent(events)
    assert images.channel_names == tuple(SLOTS)
    assert images.shape == (5, 56, 56)
    np.testing.assert_array_equal(kinds.picture(images), plain.picture(plain.represent(events)))


def test_filled_kind_channels_are_drawn_in_nearly_the_same_colours() -> None:
    events = random_events(20, 7)
    options = {"size": 56, "fill": True}
    pictures = [c.picture(c.represent(events)) for c in (Circles(**options), Circles(channels="kind", **options))]
    different = np.abs(pictures[0].astype(int) - pictures[1])
    assert different.max() <= 40  # opacity and colour do not commute where equal kinds overlap
    assert different.mean() < 1
    assert pictures[1].min() < 200


def test_discs_blend() -> None:
    one, two = (dense(Circles(fill=True, opacity=0.25), [("met", 30.0, 0.0, 0.0)] * n)[0] for n in (1, 2))
    assert set(np.unique(one)) == {0, 64}
    assert set(np.unique(two)) == {0, round(255 * (1 - 0.75**2))}


def test_outside_counts_what_is_not_drawn() -> None:
    events = events_of([DEGENERATE["beyond"], DEGENERATE["one"], [], DEGENERATE["at the edges"]])
    assert Circles().outside(events).tolist() == [2, 0, 0, 0]


def test_constituents_are_drawn_around_their_centroid() -> None:
    jet = [(22, 30.0, 1.9, PI - 0.1), (211, 20.0, 2.0, -PI + 0.1), (130, 5.0, 1.5, 3.0)]
    shift = [(pdg, pt, eta - 1.8, phi + 1.0) for pdg, pt, eta, phi in jet]
    images = Circles(fill=True).represent(jets_of([jet, shift, [], [(11, 0.0, 0.3, 0.1)]]))
    assert images.span == (1.25, 1.25)
    pictures = images.dense()
    assert (pictures[0] != pictures[1]).float().mean() < 2e-3  # float32 angles
    assert pictures[2].sum() == 0
    centre = pictures[3].sum(0).nonzero().float().mean(0)
    assert centre.tolist() == pytest.approx([111.5, 111.5], abs=1)
    rows, columns = np.nonzero(Circles(scale=0).represent(jets_of([jet[:2]])).dense()[0].sum(0).numpy())
    assert rows.max() - rows.min() == pytest.approx(0.2 / 2.5 * 224, abs=4)
    assert columns.max() - columns.min() == pytest.approx(0.1 / 2.5 * 224, abs=4)
    assert Circles().outside(jets_of([[*jet, (211, 0.01, -1.9, 0.0)]])).tolist() == [1]


def test_constituents_by_class() -> None:
    slots = {"photon": 9, "charged_hadron": 9, "neutral_hadron": 9}
    circles = Circles(size=56, channels="kind")
    images = circles.represent(jets_of([[(22, 9.0, 0.0, 0.0), (-211, 9.0, 0.5, 0.0)]], slots=slots))
    assert images.dense()[0].any(-1).any(-1).tolist() == [True, True, False]
    with pytest.raises(UserError, match=r"event 1000, constituents\[0\] is of kind 'muon', expected one of photon"):
        circles.represent(jets_of([[(13, 9.0, 0.0, 0.0)]], slots=slots))
    with pytest.raises(UserError, match="wrap"):
        Circles(wrap=True).represent(jets_of([[(22, 9.0, 0.0, 0.0)]]))


@pytest.mark.parametrize("field", ["pt", "eta", "phi", "mass"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_broken_momenta_are_named(field: str, value: float) -> None:
    events = events_of([[("jet", 30.0, 0.0, 0.0)], [("jet", 30.0, 0.0, 0.0), ("muon", 20.0, 1.0, 1.0)]])
    flat = ak.flatten(events.table["objects"])
    broken = ak.with_field(flat, np.where(np.arange(3) == 2, value, ak.to_numpy(flat[field])), field)
    table = ak.with_field(events.table, ak.unflatten(broken, [1, 2]), "objects")
    with pytest.raises(
        UserError, match=rf"toy: event 1001, objects\[1\] has {field} (nan|inf), expected a finite number"
    ):
        Circles().represent(replace(events, table=table))


def test_bad_requests() -> None:
    with pytest.raises(UserError, match=r"has pt -3.0, expected a finite number, 0 or more"):
        Circles().represent(events_of([[("jet", -3.0, 0.0, 0.0)]]))
    with pytest.raises(UserError, match="'photon', expected one of electron"):
        Circles(channels="kind").represent(events_of([[("photon", 3.0, 0.0, 0.0)]]))
    with pytest.raises(UserError, match="no column 'constituents'"):
        Circles().represent(events_of([[]], particles="constituents"))
    with pytest.raises(UserError, match="parameter 'size' is 4, expected 8 to 1024"):
        Circles(size=4)


def test_presets() -> None:
    sizes = [Circles.resolve(name).size for name in ("smoke", "quick", "standard", "paper")]
    assert sizes == [56, 56, 224, 224]


def test_labels_and_weights_are_no_input() -> None:
    events = random_events(10, 5)
    other = replace(events, table=ak.with_field(events.table, events.column("label")[::-1].copy(), "label"))
    pictures = [Circles(size=56).represent(e) for e in (events, other)]
    assert torch.equal(pictures[0].values.values, pictures[1].values.values)
    assert torch.equal(pictures[0].pixels.values, pictures[1].pixels.values)
    assert torch.equal(pictures[0].labels.flip(0), pictures[1].labels)


def test_crystals_are_circles_around_the_hottest() -> None:
    inner = [(80 + i, (358 + j) % 360, 2.0) for i, j in ((0, 3), (-3, 0))]
    edges = [(80 + i, (358 + j) % 360, 2.0) for i, j in ((-16, 0), (15, 0), (0, -16), (0, 15))]
    events = showers_of([[(80, 358, 30.0), *inner], [(80, 358, 30.0), *inner, *edges], []])
    images = Circles(size=64).represent(events)
    assert images.span == pytest.approx((16 * 2 * 1.479 / 170, 16 * PI / 180))
    assert Circles().outside(events).tolist() == [0, 0, 0]
    pictures = images.dense()
    assert torch.equal(pictures[0, 0], pictures[0, 2])  # black
    assert pictures[2].sum() == 0
    lit = pictures[0, 0].nonzero().float()
    radius = 56 * 64 / 224 * math.log(30 / 0.08) / math.log(100 / 0.08)  # the task asks for energies
    assert lit.mean(0).tolist() == pytest.approx([32, 32], abs=2)
    assert (lit.max(0).values - lit.min(0).values).tolist() == pytest.approx([2 * radius] * 2, abs=2)
    more = (pictures[1, 0] > pictures[0, 0]).nonzero().float()
    assert more.min(0).values.tolist() == pytest.approx([0, 0], abs=1)
    assert more.max(0).values.tolist() == pytest.approx([63, 63], abs=3)


def test_showers_across_the_seam_look_the_same() -> None:
    shower = [(80, 180, 9.0), (82, 184, 3.0), (80, 170, 2.0)]
    shifted = [(row - 20, (column + 178) % 360, energy) for row, column, energy in shower]
    pictures = Circles(size=56).represent(showers_of([shower, shifted])).dense()
    assert torch.equal(pictures[0], pictures[1])


def test_a_byte_has_eight_kinds() -> None:
    """More slots than that would fall out of a line's pixel without a word."""
    slots = {f"thing{place}": 1 for place in range(8)} | {"jet": 1}
    events = events_of([[("jet", 30.0, 0.0, 0.0)]], slots=slots)
    with pytest.raises(UserError, match="which has 9 slots, expected 8 at most"):
        Circles(channels="kind").represent(events)
    assert Circles(channels="kind", fill=True).represent(events).dense()[0, 8].any()
    last = {f"thing{place}": 1 for place in range(7)} | {"jet": 1}
    eight = Circles(channels="kind").represent(events_of([[("jet", 30.0, 0.0, 0.0)]], slots=last)).dense()
    assert eight.any(dim=(0, 2, 3)).tolist() == [False] * 7 + [True]
