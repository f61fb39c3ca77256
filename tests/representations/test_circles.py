"""Circles: against a rasteriser that asks every pixel, closed forms, and symmetries."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import awkward as ak
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import UserError
from representations.circles import COLOURS, Circles
from tasks.events import KINDS
from tests.representations.collisions import SLOTS, events_of, jets_of, random_events, showers_of

SUB = 1024
PI = math.pi


def reference(circles: Circles, collision: list, span: tuple[float, float] = (3.0, PI)) -> np.ndarray:
    """One event (channels, rows, columns) uint8: every pixel asks every circle for its distance."""
    n = circles.size
    kinds = list(SLOTS) if circles.channels == "kind" else list(KINDS)
    inks = np.eye(len(SLOTS)) * 255 if circles.channels == "kind" else 255 - np.array([COLOURS[k] for k in KINDS])
    column, row = np.meshgrid(np.arange(n) + 0.5, np.arange(n) + 0.5)
    ink, light = np.zeros((inks.shape[1], n, n)), np.ones((inks.shape[1], n, n))
    for kind, pt, eta, phi in sorted(collision, key=lambda o: kinds.index(o[0])):
        eta, phi, pt = (float(np.float32(v)) for v in (0 if kind == "met" else eta, phi, pt))
        if abs(eta) > span[0]:
            continue
        x = round((eta / (2 * span[0]) + 0.5) * n * SUB) / SUB
        y = round(((phi + PI) % (2 * PI)) / (2 * PI) * n * SUB) / SUB % n
        energy = pt * math.cosh(eta) if circles.magnitude == "energy" else pt
        r = round(max(1.0, circles.scale * n / 224 * math.log(max(energy, 1.0))) * SUB) / SUB
        turns = range(-40, 41) if circles.wrap else (0,)
        lit = np.zeros((n, n), bool)
        for turn in turns:
            distance2 = (column - x) ** 2 + (row - y - turn * n) ** 2
            if circles.fill:
                lit |= distance2 <= r**2
            else:
                half = round(circles.line_width * SUB / 2) / SUB
                lit |= (distance2 >= max(r - half, 0) ** 2) & (distance2 <= (r + half) ** 2)
        value = inks[kinds.index(kind)][:, None, None] * lit
        ink = np.maximum(ink, value)
        light *= 1 - circles.opacity * value / 255
    return (np.floor(255 * (1 - light) + 0.5) if circles.fill else ink).astype(np.uint8)


def dense(circles: Circles, *collisions: list) -> np.ndarray:
    images = circles.represent(events_of(collisions))
    for index, offset in pairwise(images.pixels.offsets.tolist()):
        pixels = images.pixels.values[index:offset]
        assert len(torch.unique(pixels)) == len(pixels)
    assert images.values.values.all()
    return images.dense().mul(255).round().to(torch.uint8).numpy()


DEGENERATE = {
    "empty": [],
    "one": [("muon", 45.0, 0.7, 1.1)],
    "on the seam": [("electron", 60.0, -1.0, PI), ("muon", 60.0, 1.0, -PI), ("jet", 50.0, 0.0, 3.1415925)],
    "at the edges": [
        ("jet", 40.0, 3.0, 0.0),
        ("bjet", 40.0, -3.0, 0.5),
        ("muon", 9.0, 3.0, PI),
        ("jet", 3.0, -3.0, -PI),
    ],
    "beyond": [("jet", 40.0, 3.01, 0.0), ("jet", 40.0, -5.0, 0.0)],
    "larger than the canvas": [("jet", 1e30, 0.3, 0.2), ("met", 3.4e38, 0.0, -2.0)],
    "zero pt": [("met", 0.0, 0.0, 0.4), ("met", 1.0, 0.0, 2.4), ("muon", 1e-40, 1.0, 1.0)],
    "identical": [("jet", 40.0, 0.5, 0.5)] * 5 + [("bjet", 40.0, 0.5, 0.5)],
    "on pixel centres": [("muon", math.exp(1 / 10.5), 3 / 56, PI / 56), ("jet", 1.0, 0.0, 0.0)],
    "phi outside": [("muon", 30.0, 0.5, 7.0), ("jet", 30.0, 0.5, -9.0)],
}
VARIANTS = [
    {},
    {"line_width": 3.0},
    {"line_width": 0.3},
    {"line_width": 30.0},
    {"wrap": True},
    {"wrap": True, "line_width": 2.5},
    {"fill": True},
    {"fill": True, "wrap": True, "opacity": 0.7},
    {"channels": "kind"},
    {"channels": "kind", "fill": True, "opacity": 1.0},
    {"magnitude": "energy"},
    {"size": 57, "wrap": True},
    {"size": 57, "wrap": True, "fill": True},
    {"size": 8},
]


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_every_pixel_of_degenerate_and_random_events(variant: dict) -> None:
    circles = Circles(**({"size": 56} | variant))
    rng = np.random.default_rng(1)
    drawn = [
        [
            (rng.choice(list(SLOTS)), rng.exponential(60), rng.uniform(-3.2, 3.2), rng.uniform(-PI, PI))
            for _ in range(rng.integers(0, 12))
        ]
        for _ in range(10)
    ]
    events = [*DEGENERATE.values(), *drawn]
    if variant.get("channels") == "kind":
        events = [[o for o in event if o[0] in SLOTS] for event in events]
    pictures = dense(circles, *events)
    for event, picture in zip(events, pictures, strict=True):
        np.testing.assert_array_equal(picture, reference(circles, event), err_msg=str(event))


def test_full_size_picture() -> None:
    circles = Circles()
    event = [("jet", 80.0, -0.4, 2.9), ("met", 40.0, 0.0, 0.2), ("muon", 35.0, 1.2, -1.0), ("bjet", 120.0, 2.4, 1.0)]
    np.testing.assert_array_equal(dense(circles, event)[0], reference(circles, event))


def test_no_events_and_many_chunks() -> None:
    none = Circles(size=56).represent(random_events(4, 3)[:0])
    assert none.dense().shape == (0, 3, 56, 56)
    events = random_events(600, 8)
    images = Circles().represent(events)
    last = Circles().represent(events[-1:])
    torch.testing.assert_close(images.dense(torch.tensor([599])), last.dense(), rtol=0, atol=0)
    assert len(images.pixels.values) == len(images.values.values) == images.pixels.offsets[-1]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_change_nothing(threads: int) -> None:
    events, before = random_events(300, 8), torch.get_num_threads()
    expected = Circles().represent(events)
    try:
        torch.set_num_threads(threads)
        images = Circles().represent(events)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(images.pixels.values, expected.pixels.values)
    assert torch.equal(images.values.values, expected.values.values)


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
    assert [Circles.resolve(name).size for name in ("smoke", "quick", "standard", "paper")] == [56, 112, 224, 224]


def test_labels_and_weights_are_no_input() -> None:
    events = random_events(10, 5)
    other = replace(events, table=ak.with_field(events.table, events.column("label")[::-1].copy(), "label"))
    pictures = [Circles(size=56).represent(e) for e in (events, other)]
    assert torch.equal(pictures[0].values.values, pictures[1].values.values)
    assert torch.equal(pictures[0].pixels.values, pictures[1].pixels.values)
    assert torch.equal(pictures[0].labels.flip(0), pictures[1].labels)


OBJECTS = st.lists(
    st.tuples(
        st.sampled_from(list(SLOTS)),
        st.floats(0, 1e6, width=32),
        st.floats(-3, 3, width=32),
        st.integers(0, 56 * 8 - 1).map(lambda step: (step + 0.25) / (56 * 8) * 2 * PI - PI),
    ),
    max_size=8,
)


@given(OBJECTS, st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_order_of_objects_does_not_matter(collision: list, random: object, fill: bool) -> None:
    shuffled = list(collision)
    random.shuffle(shuffled)
    pictures = dense(Circles(size=56, fill=fill), collision, shuffled)
    np.testing.assert_array_equal(pictures[0], pictures[1])


@given(OBJECTS, st.integers(-56, 56), st.booleans())
@settings(max_examples=60, deadline=None)
def test_with_wrap_a_rotation_rolls_the_picture(collision: list, pixels: int, fill: bool) -> None:
    turned = [(kind, pt, eta, phi + pixels * 2 * PI / 56) for kind, pt, eta, phi in collision]
    pictures = dense(Circles(size=56, wrap=True, fill=fill), collision, turned)
    np.testing.assert_array_equal(np.roll(pictures[0], pixels, axis=1), pictures[1])


@given(OBJECTS)
@settings(max_examples=40, deadline=None)
def test_any_event_against_the_reference(collision: list) -> None:
    circles = Circles(size=56)
    np.testing.assert_array_equal(dense(circles, collision)[0], reference(circles, collision))


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
    radius = 10.5 * 64 / 224 * math.log(30)  # the task asks for energies
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
