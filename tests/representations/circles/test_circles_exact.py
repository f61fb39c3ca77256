"""Circles pixel by pixel: against a rasteriser that asks every pixel, and symmetries."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from scipy.ndimage import maximum_filter

from representations.circles.circles import Circles
from representations.circles.colours import COLOURS
from tests.representations.collisions import SLOTS, random_events
from tests.representations.drawn import DEGENERATE, PI, dense, reference

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


def test_no_events() -> None:
    none = Circles(size=56).represent(random_events(4, 3)[:0])
    assert none.dense().shape == (0, 3, 56, 56)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("fill", [False, True])
def test_more_events_than_there_is_room_for_at_once(threads: int, fill: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    circles, events, before = Circles(size=56, fill=fill), random_events(30, 8), torch.get_num_threads()
    expected = circles.represent(events)
    monkeypatch.setattr("representations.circles.sparse._AT_ONCE", 5000)
    try:
        torch.set_num_threads(threads)
        images = circles.represent(events)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(images.pixels.offsets, expected.pixels.offsets)
    assert torch.equal(images.pixels.values, expected.pixels.values)
    assert torch.equal(images.values.values, expected.values.values)


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


@given(
    pt=st.floats(1.5, 900),
    eta=st.floats(-3, 3),
    phi=st.floats(-3.14, 3.14),
    kind=st.sampled_from(["muon", "jet", "photon"]),
)
@settings(max_examples=100, deadline=None)
def test_a_drawing_library_has_the_same_circle_to_a_pixel(pt: float, eta: float, phi: float, kind: str) -> None:
    """Which pixels of a line are lit is each library's own rule, so that neighbours may differ."""
    radius = max(1.0, 10.5 * math.log(pt))
    # Pillow counts from the middle of a pixel; its canvas has a rim of two pixels, so that all of ours have neighbours
    x, y = (eta + 3) / 6 * 224 + 1.5, (phi + PI) / (2 * PI) * 224 + 1.5
    picture = Image.new("RGB", (228, 228), "white")
    ImageDraw.Draw(picture).ellipse((x - radius, y - radius, x + radius, y + radius), outline=COLOURS[kind])
    theirs = 255 - np.asarray(picture)
    ours = np.pad(np.moveaxis(dense(Circles(), [(kind, pt, eta, phi)])[0], 0, -1), ((2, 2), (2, 2), (0, 0)))
    lit, expected = ours.any(-1), theirs.any(-1)
    # Pillow rounds the box of an ellipse to whole pixels: 4 of 1500 circles have up to 4 pixels that are two away
    assert (lit & ~maximum_filter(expected, size=3)).sum() <= 4
    assert not (expected & ~maximum_filter(lit, size=3))[3:-3, 3:-3].any()
    for drawn in (ours, theirs):
        assert (drawn[drawn.any(-1)] == 255 - np.array(COLOURS[kind])).all()
