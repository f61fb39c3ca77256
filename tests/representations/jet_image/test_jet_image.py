"""Jet images: each step of the preprocessing, and what must not change them."""

import math

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from representations.jet_image.jet_image import JetImage
from tests.representations.collisions import jets_of, with_column

JET = [(22, 60.0, 0.5, 3.0), (211, 30.0, 0.9, 3.1), (130, 5.0, 0.6, -3.1), (211, 3.0, 0.2, 2.7), (-211, 2.0, 0.7, 2.6)]


def pictures(*jets, **options):
    return JetImage(**options).represent(jets_of(jets, picture="jet")).dense()[:, 0].numpy()


def with_axes(jets, axes):
    names = ("subjet1_eta", "subjet1_phi", "subjet2_eta", "subjet2_phi")
    jet = (0.25, -0.5)  # where the jet points: the table has its subjets relative to that
    relative = [(row[0] - jet[0], row[1] - jet[1], row[2] - jet[0], row[3] - jet[1]) for row in axes]
    records = [dict(zip(("eta", "phi", *names), (*jet, *row), strict=True)) for row in relative]
    return with_column(jets_of(jets, picture="jet"), "axes", records)


def turned(jet, by=0.0, shift=0.0):
    return [(kind, pt, eta + shift, (phi + by + math.pi) % (2 * math.pi) - math.pi) for kind, pt, eta, phi in jet]


def test_the_hardest_is_at_the_centre_and_the_rest_below():
    picture = pictures(JET)[0]
    assert picture[12, 12] == picture.max()
    second = np.unravel_index(np.argsort(picture.ravel())[-2], picture.shape)
    assert second[0] in (11, 12, 13)
    assert second[1] < 12  # rows are across, columns up: below is towards smaller columns
    assert (picture**2).sum() == pytest.approx(1.0, rel=1e-5)


def test_two_subjets_from_their_axes():
    # 0.5 apart, in any direction and across the seam
    for angle in np.linspace(-3, 3, 7):
        x, y = 0.5 * np.cos(angle), 0.5 * np.sin(angle)
        jet = turned([(22, 40.0, 0.2, 0.0), (211, 30.0, 0.2 + x, y)], by=3.1)
        events = with_axes([jet], [(*jet[0][2:], *jet[1][2:])])
        picture = JetImage().represent(events).dense()[0, 0]
        assert picture[12, 12] == pytest.approx(0.8)
        assert picture[12, 7] == pytest.approx(0.6)
        assert picture.sum() == pytest.approx(1.4)


@pytest.mark.parametrize("angle", np.linspace(-3, 3, 7))
@pytest.mark.parametrize(("place", "core", "lobe"), [(0.0, 12, 7), (10 / 84, 13, 8)])
def test_one_subjet_is_turned_by_its_principal_axis(angle, place, core, lobe):
    # a core, something on both sides of it, and a lobe 0.5 away; the subjet lies on the core, or on the centroid of
    # all, as one of kt does: then the lobe is 0.38 off, on the side where pt has its third moment
    along = np.exp(1j * angle)
    flat = [(60.0, 0.0), (20.0, 0.5), (2.0, 0.2j), (2.0, -0.2j)]
    jet = turned([(211, pt, (at * along).real, (at * along).imag) for pt, at in flat], by=3.1)
    axis = (place * along.real, 3.1 + place * along.imag)
    events = with_axes([jet], [(*axis, *axis)])
    picture = JetImage(normalise=False, flip=False).represent(events).dense()[0, 0]
    expected = np.zeros((25, 25))
    expected[[12, 12, 14, 10], [core, lobe, core, core]] = [60.0, 20.0, 2.0, 2.0]
    np.testing.assert_array_equal(picture, expected)


def test_jets_of_one_subjet_leave_others_as_they_are():
    rng = np.random.default_rng(5)
    jets = [
        [(211, *row) for row in np.stack([rng.exponential(20, 12), *rng.normal(0, 0.3, (2, 12))], 1)] for _ in range(20)
    ]
    axes = [(0.0, 0.0, 0.4 * np.cos(turn), 0.4 * np.sin(turn)) for turn in rng.uniform(-3, 3, 20)]
    alone = JetImage().represent(with_axes(jets, axes)).dense()
    single = [row[:2] * 2 if index % 2 else row for index, row in enumerate(axes)]
    mixed = JetImage().represent(with_axes(jets, single)).dense()
    same = [bool(first.equal(second)) for first, second in zip(alone, mixed, strict=True)]
    assert same == [index % 2 == 0 for index in range(20)]


def test_one_particle_and_none_have_a_picture():
    axis = (2.0, 1.0, 2.0, 1.0)
    images = JetImage().represent(with_axes([[(22, 3.0, 2.0, 1.0)], []], [axis, axis])).dense()[:, 0].numpy()
    assert np.isfinite(images).all()
    assert images[0, 12, 12] == 1.0
    assert images.sum(axis=(1, 2)).tolist() == [1.0, 0.0]


def test_steps_one_by_one():
    jet = [(22, 30.0, 1.0, 2.0), (211, 10.0, 1.0, 2.4)]
    plain = {"rotate": False, "flip": False, "normalise": False}
    picture = pictures(jet, **plain)[0]
    assert (picture[12, 12], picture[12, 16], picture.sum()) == (30.0, 10.0, 40.0)
    # without translation the centroid is in the middle, a tenth from the hardest
    picture = pictures(jet, **plain, translate=False)[0]
    assert (picture[12, 11], picture[12, 15]) == (30.0, 10.0)
    picture = pictures(jet, flip=False, normalise=False)[0]
    assert (picture[12, 12], picture[12, 8]) == (30.0, 10.0)


def test_the_heavier_side_is_right():
    jet = [(22, 60.0, 0.0, 0.0), (211, 20.0, 0.0, -0.5), (211, 5.0, 0.3, 0.0), (211, 2.0, -0.3, 0.0)]
    mirrored = [(kind, pt, -eta, phi) for kind, pt, eta, phi in jet]
    for rotate in (False, True):
        both = [
            JetImage(normalise=False, rotate=rotate).represent(with_axes([some], [(0.0, 0.0, 0.0, -0.5)])).dense()[0, 0]
            for some in (jet, mirrored)
        ]
        assert both[0].equal(both[1])
        assert (both[0][15, 12], both[0][9, 12], both[0][12, 7]) == (5.0, 2.0, 20.0)
    kept = pictures(mirrored, flip=False, rotate=False, normalise=False)[0]
    assert (kept[9, 12], kept[15, 12]) == (5.0, 2.0)


def test_what_lies_outside_is_left_out():
    jet = [(22, 60.0, 0.0, 0.0), (211, 20.0, 1.3, 0.0), (211, 10.0, 1.2, 0.0)]
    picture = pictures(jet, rotate=False, flip=False, normalise=False)[0]
    assert picture.sum() == 70.0
    assert picture[24, 12] == 10.0


def test_pixels_add_up_before_they_are_normalised():
    jet = [(22, 30.0, 0.0, 0.0), (211, 20.0, 0.01, 0.01), (130, 50.0, 0.0, -0.5)]
    picture = pictures(jet, rotate=False, flip=False)[0]
    assert sorted(picture[picture > 0]) == pytest.approx([math.sqrt(0.5)] * 2)


def test_empty_and_single():
    images = pictures([], [(22, 3.0, 2.0, 1.0)], [])
    assert images.sum(axis=(1, 2)).tolist() == [0.0, 1.0, 0.0]
    assert images[1, 12, 12] == 1.0
    assert pictures([(22, 0.0, 2.0, 1.0)]).sum() == 0.0
    assert JetImage().represent(jets_of([])).dense().shape == (0, 1, 25, 25)


@given(st.integers(1, 20), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_the_order_of_constituents_does_not_matter(count, seed):
    rng = np.random.default_rng(seed)
    rows = np.stack([rng.exponential(20, count) + 0.1, *rng.normal(0, 0.3, (2, count))], axis=1)
    jet = [(211, *row) for row in rows]
    before, after = pictures(jet, [jet[i] for i in rng.permutation(count)])
    np.testing.assert_allclose(before, after, atol=1e-5)


@pytest.mark.parametrize("by", [0.4, 2.0, -3.0])
def test_turning_or_shifting_the_event_changes_nothing(by):
    rng = np.random.default_rng(3)
    jets = [
        [(211, pt, eta, phi) for pt, eta, phi in zip(*rows, strict=True)]
        for rows in zip(
            rng.exponential(20, (40, 15)), rng.normal(0, 0.3, (40, 15)), rng.normal(0, 0.3, (40, 15)), strict=True
        )
    ]
    before, after = pictures(*jets), pictures(*(turned(jet, by, 0.2) for jet in jets))
    moved = np.abs(before - after).max(axis=(1, 2)) > 1e-4
    assert moved.sum() <= 1  # float32 angles may cross an edge


def test_mirrored_jets_look_the_same():
    rng = np.random.default_rng(4)
    jets = [
        [(211, *row) for row in np.stack([rng.exponential(20, 9), *rng.normal(0, 0.3, (2, 9))], 1)] for _ in range(30)
    ]
    mirrored = [[(kind, pt, -eta, phi) for kind, pt, eta, phi in jet] for jet in jets]
    before, after = pictures(*jets), pictures(*mirrored)
    assert (np.abs(before - after).max(axis=(1, 2)) > 1e-4).sum() <= 1


def test_weights_and_labels_are_no_input():
    events = jets_of([JET, JET[:2]], picture="jet")
    assert JetImage().represent(events).labels.tolist() == ak.to_list(events.table.label)
