"""The options of jet images, one by one, and the pictures of jets by `calorimeter`."""

from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
import torch

from benchmark.core.errors import Skip, UserError
from representations.calorimeter.calorimeter import Calorimeter
from representations.jet_image.jet_image import JetImage
from representations.registry import REPRESENTATIONS
from tests.representations.collisions import events_of, jets_of, with_column

JET = [(22, 60.0, 0.5, 3.0), (211, 30.0, 0.9, 3.1), (130, 5.0, 0.6, -3.1), (211, 3.0, 0.2, 2.7)]


def with_mass(events, *masses):
    return replace(events, table=ak.with_field(events.table, np.array(masses, np.float32), "mass"))


@pytest.mark.parametrize(
    "options", [{}, {"suppress": 4.0}, {"divide": "sum"}, {"divide": "mass"}, {"scale": "log"}], ids=str
)
def test_calorimeter_gives_the_jet_image_of_a_jet_without_hits(options):
    events = with_mass(jets_of([JET, [], JET[:2]], picture="jet"), 80.0, 1.0, 60.0)
    calorimeter, jet = Calorimeter(**options, unit=3.0, hcal_scale=2.0, coarse=2), JetImage(**options)
    found, expected = calorimeter.represent(events), jet.represent(events)
    assert found.panels == expected.panels
    assert torch.equal(found.pixels.values, expected.pixels.values)
    assert torch.equal(found.values.values, expected.values.values)
    assert calorimeter.columns(events.info) == jet.columns(events.info) == ("constituents", "axes")
    assert calorimeter.outside(events).tolist() == jet.outside(events).tolist()
    assert [loss.total.tolist() for loss in calorimeter.losses(events).values()] == [[4, 0, 2]]


def test_jet_images_are_run_only_when_named():
    assert "jet_image" in REPRESENTATIONS.names()
    assert REPRESENTATIONS.core() == ["calorimeter", "circles", "fourvectors", "graph"]


def test_events_without_a_jet():
    with pytest.raises(Skip, match="no constituents of a jet in these events"):
        JetImage().represent(events_of([[("jet", 30.0, 0.0, 0.0)]]))
    assert JetImage().losses(events_of([[("jet", 30.0, 0.0, 0.0)]])) == {}


def test_values_out_of_range():
    for option, value in {"size": 0, "half_width": 0.0, "suppress": -1.0}.items():
        with pytest.raises(UserError, match=f"parameter '{option}'"):
            JetImage(**{option: value})


@pytest.mark.parametrize(("size", "half_width"), [(25, 1.25), (37, 1.25), (50, 0.8), (8, 3.0)])
def test_sizes_of_jet_images(size, half_width):
    rng = np.random.default_rng(4)
    jets = [
        [(211, *row) for row in np.stack([rng.exponential(20, 30), *rng.normal(0, 0.5, (2, 30))], 1)] for _ in range(9)
    ]
    plain = {"translate": False, "rotate": False, "flip": False, "normalise": False}
    events = jets_of(jets, picture="jet")
    representation = JetImage(size=size, half_width=half_width, **plain)
    images = representation.represent(events)
    assert (images.shape, images.span) == ((1, size, size), (half_width, half_width))
    beyond = []
    for jet, picture in zip(jets, images.dense()[:, 0].numpy(), strict=True):
        pt, eta, phi = np.array([row[1:] for row in jet], np.float32).astype(float).T
        x, y = eta - np.average(eta, weights=pt), phi - np.average(phi, weights=pt)
        edges = np.linspace(-half_width, half_width, size + 1)
        expected, *_ = np.histogram2d(x, y, bins=(edges, edges), weights=pt)
        np.testing.assert_allclose(picture, expected, rtol=1e-5, atol=1e-6)
        beyond.append(int(((np.abs(x) > half_width) | (np.abs(y) > half_width)).sum()))
    assert representation.outside(events).tolist() == beyond


def test_jets_divided_and_suppressed():
    events = with_mass(jets_of([JET, []], picture="jet"), 80.0, 1.0)
    plain, mass, total = (
        JetImage(normalise=False, divide=divide).represent(events).dense() for divide in ("none", "mass", "sum")
    )
    torch.testing.assert_close(plain[0], 80 * mass[0])
    assert (plain[0].sum(), total[0].sum(), total[1].sum()) == pytest.approx((98.0, 1.0, 0.0))
    unit = [JetImage(divide=divide).represent(events).dense() for divide in ("none", "mass", "sum")]
    torch.testing.assert_close(unit[0], unit[1])
    torch.testing.assert_close(unit[0], unit[2])
    few = JetImage(normalise=False, suppress=4.0).represent(events).dense()
    assert few.sum() == pytest.approx(95.0)
    alone = JetImage(normalise=False).represent(jets_of([JET[:3]], picture="jet")).dense()
    torch.testing.assert_close(few[0], alone[0])


def test_axes_that_are_nowhere():
    names = ("eta", "phi", "subjet1_eta", "subjet1_phi", "subjet2_eta", "subjet2_phi")
    good = dict.fromkeys(names, 0.0)
    events = with_column(jets_of([JET, JET], picture="jet"), "axes", [good, {**good, "subjet2_phi": np.nan}])
    with pytest.raises(UserError, match="event 1001 has axes that are NaN or infinite"):
        JetImage().represent(events)


@pytest.mark.parametrize("scale", [1e-18, 1e30])
def test_normalised_whatever_the_pt(scale):
    jet = [(kind, pt * scale, eta, phi) for kind, pt, eta, phi in JET]
    pictures = JetImage().represent(jets_of([JET, jet], picture="jet")).dense()
    torch.testing.assert_close(pictures[0], pictures[1])
