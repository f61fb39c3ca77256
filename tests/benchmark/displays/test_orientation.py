"""A particle at a known eta and phi is drawn there and nowhere else, on every display."""

import math

import numpy as np
import pytest

from benchmark.displays import pictures, points
from benchmark.displays.frame import Side, picture_frame
from benchmark.displays.overview import overviews
from benchmark.displays.style import SMALL, styled
from representations.calorimeter.calorimeter import Calorimeter
from representations.circles.circles import Circles
from representations.circles.colours import COLOURS
from representations.fourvectors.fourvectors import FourVectors
from representations.graph.graph import Graph
from representations.jet_image.jet_image import JetImage
from tasks.detector.geometry import CRYSTAL, HALF_LENGTH, barrel_direction, endcap_direction, hcal_direction
from tests.benchmark.displays.overview import WHITE, colour_at, overview_of, panels
from tests.representations.collisions import events_of, jets_of, showers_of, with_column

PLACES = [(1.3, 2.1), (-2.2, 0.6), (0.4, -2.7)]


def mirrored(eta, phi):
    """The places where it would be if an axis ran the other way, or both were swapped."""
    return [(-eta, phi), (eta, -phi), (-eta, -phi)]


@pytest.mark.parametrize(("eta", "phi"), PLACES)
def test_circles(eta, phi):
    seen = overview_of(Circles(size=120, fill=True, opacity=1.0, scale=2.0), events_of([[("muon", 50.0, eta, phi)]]))
    with styled(**SMALL):
        (axes,) = panels(pictures.examples(seen, "", ""))
    assert axes.get_xlabel() == r"$\eta$"
    assert axes.get_ylabel() == r"$\phi$ [rad]"
    assert colour_at(axes, eta, phi) == COLOURS["muon"]
    assert [colour_at(axes, *place) for place in mirrored(eta, phi)] == [WHITE] * 3


@pytest.mark.parametrize("representation", [FourVectors(), Graph()], ids=lambda item: item.name)
@pytest.mark.parametrize(("eta", "phi"), PLACES)
def test_points(representation, eta, phi):
    seen = overview_of(representation, events_of([[("jet", 50.0, eta, phi)]]))
    with styled(**SMALL):
        (axes,) = panels(points.examples(seen, "", ""))
    red, green, blue = colour_at(axes, eta, phi)
    assert red > max(green, blue) + 50
    assert [colour_at(axes, *place) for place in mirrored(eta, phi)] == [WHITE] * 3


def test_the_barrel():
    row, column = np.array([150]), np.array([70])
    (eta,), (phi,) = barrel_direction(row, column)
    events = showers_of([[(150, 70, 30.0)]], picture="barrel")
    with styled(**SMALL):
        (axes,) = panels(pictures.examples(overview_of(Calorimeter(), events), "", ""))
    assert (axes.get_xlabel(), axes.get_ylabel()) == (r"$\phi$ [rad]", r"$\eta$")
    assert colour_at(axes, phi, eta) != WHITE
    assert [colour_at(axes, x, y) for y, x in mirrored(eta, phi)] == [WHITE] * 3
    assert axes.get_xlim() == pytest.approx((-math.pi, math.pi))
    assert axes.get_ylim() == pytest.approx((-1.479, 1.479))


@pytest.mark.parametrize("coarse", [1, 2])
@pytest.mark.parametrize("column", ["ecal_endcap", "hcal"])
def test_the_whole_detector_where_rows_are_wider(column, coarse):
    at, direction = {"ecal_endcap": ((120, 40), endcap_direction), "hcal": ((53, 20), hcal_direction)}[column]
    (eta,), (phi,) = direction(*(np.array([place]) for place in at))
    assert 1.74 < eta < 3
    hit = {"row": at[0], "column": at[1], "energy": 9.0}
    events = with_column(showers_of([[(0, 0, 1.0)]]), column, [[hit]])
    seen = overview_of(Calorimeter(area="detector", coarse=coarse), events)
    (panel,) = seen.examples["signal"].panels
    frame, pixels = picture_frame(panel), len(panel.edges) - 1
    with styled(**SMALL):
        axes = panels(pictures.examples(seen, "", ""))[-1]
    height = float(frame.up.place(np.array([eta]))[0])
    assert colour_at(axes, phi, height) != WHITE
    assert colour_at(axes, -phi, height) == WHITE
    # an even scale would put it elsewhere
    assert height != pytest.approx((eta + 3) / 6 * pixels, abs=3 / coarse)
    ticks = dict(zip(*[[text.get_text() for text in axes.get_yticklabels()], axes.get_yticks()], strict=True))
    assert ticks["2"] < height < ticks["3"] or ticks["1"] < height < ticks["2"]
    assert ticks["0"] == pytest.approx(pixels / 2)
    assert ticks["−1"] == pytest.approx((140 - 5 / 0.087) / coarse, abs=0.1)  # five pixels a tower of 0.087


def test_the_face_of_an_endcap():
    hit = {"row": 120, "column": 40, "energy": 9.0}
    (eta,), (phi,) = endcap_direction(np.array([120]), np.array([40]))
    radius = HALF_LENGTH / math.sinh(eta)
    events = with_column(showers_of([[(0, 0, 1.0)]]), "ecal_endcap", [[hit]])
    *_, seen = overviews(Calorimeter(area="ecal"), [events], 6)
    assert seen.panel == "endcap_plus"
    with styled(**SMALL):
        (axes,) = panels(pictures.examples(seen, "", ""))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("$x$ [m]", "$y$ [m]")
    assert colour_at(axes, radius * math.cos(phi), radius * math.sin(phi)) != WHITE
    assert colour_at(axes, radius * math.cos(phi), -radius * math.sin(phi)) == WHITE
    assert colour_at(axes, -radius * math.cos(phi), radius * math.sin(phi)) == WHITE


def test_a_crop_counts_from_the_centre_of_the_hottest_crystal():
    events = showers_of([[(80, 100, 9.0), (83, 95, 2.0)]])
    with styled(**SMALL):
        (axes,) = panels(pictures.examples(overview_of(Calorimeter(), events), "", ""))
    step = 2 * math.pi / 360
    assert colour_at(axes, 0, 0) != WHITE
    assert colour_at(axes, 3 * CRYSTAL, -5 * step) not in (WHITE, colour_at(axes, 0, 0))
    assert colour_at(axes, -3 * CRYSTAL, 5 * step) == WHITE
    # a pixel reaches half a crystal to either side
    assert [colour_at(axes, x * CRYSTAL, 0) != WHITE for x in (-0.7, -0.4, 0.4, 0.7)] == [False, True, True, False]


def test_a_jet_has_eta_across_and_phi_up():
    events = jets_of([[(211, 90.0, 0.5, 1.0), (22, 30.0, 1.2, 0.6)]])
    plain = JetImage(rotate=False, flip=False, normalise=False)
    with styled(**SMALL):
        (axes,) = panels(pictures.examples(overview_of(plain, events), "", ""))
        (turned,) = panels(pictures.examples(overview_of(JetImage(flip=False), events), "", ""))
    assert colour_at(axes, 0, 0) != WHITE
    assert colour_at(axes, 0.7, -0.4) != WHITE
    assert colour_at(axes, -0.4, 0.7) == WHITE
    assert "rotated" not in axes.get_xlabel()
    assert "rotated" in turned.get_xlabel()
    assert colour_at(turned, 0, -math.hypot(0.7, 0.4)) != WHITE  # the second lies below


@pytest.mark.parametrize("representation", [FourVectors(features="raw"), FourVectors(), Graph()])
def test_jets_count_from_their_centroid(representation):
    events = jets_of([[(211, 75.0, 0.5, 3.1), (-211, 25.0, 0.9, -3.1)]])
    with styled(**SMALL):
        (axes,) = panels(points.examples(overview_of(representation, events), "", ""))
    apart = 2 * math.pi - 6.2
    assert colour_at(axes, -0.1, -apart / 4) != WHITE
    assert colour_at(axes, 0.3, apart * 3 / 4) != WHITE
    assert colour_at(axes, 0.1, apart / 4) == WHITE or representation.name == "graph"
    assert axes.get_xlim() == (-1.25, 1.25)


def test_an_edge_that_crosses_the_seam_comes_back_on_the_other_side():
    events = events_of([[("jet", 50.0, 0.0, 2.8), ("jet", 50.0, 0.0, -2.8)]])
    with styled(**SMALL):
        (axes,) = panels(points.examples(overview_of(Graph(), events), "", ""))
    assert colour_at(axes, 0, 3.0) != WHITE
    assert colour_at(axes, 0, -3.0) != WHITE
    assert colour_at(axes, 0, 0) == WHITE


@pytest.mark.parametrize(
    ("reach", "texts"),
    [
        (3.0, ["−3", "−2", "−1", "0", "1", "2", "3"]),
        (1.479, ["−1", "−0.5", "0", "0.5", "1"]),
        (0.278, ["−0.2", "−0.1", "0", "0.1", "0.2"]),
        (math.pi, [r"$-\pi$", r"$-\pi/2$", "0", r"$\pi/2$", r"$\pi$"]),
    ],
)
def test_ticks_are_round(reach, texts):
    assert Side("", -reach, reach).ticks()[1] == texts
