"""Examples of each class, the shares that samples leave out, and the quantities of channels."""

from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
import torch

from benchmark.core.errors import Skip
from benchmark.displays import pictures
from benchmark.displays.overview import overviews
from benchmark.displays.style import BAR, SMALL, styled
from representations.calorimeter.calorimeter import Calorimeter
from representations.circles.circles import Circles
from representations.graph.graph import Graph
from representations.representation import Representation, truth
from representations.samples import Samples
from tests.benchmark.displays.overview import overview_of
from tests.representations.collisions import events_of, random_events, showers_of, with_column


def test_the_first_of_each_class_in_the_order_of_the_shards():
    events = random_events(11, 2)
    seen = overview_of(Graph(), events[:4], events[4:], each=3)
    assert {name: part.event_ids.tolist() for name, part in seen.examples.items()} == {
        "signal": [1000, 1002, 1004],
        "background": [1001, 1003, 1005],
    }
    assert seen.statistics.events.tolist() == [6, 5]


def test_objects_outside_and_pt_dropped():
    near, far = ("jet", 30.0, 0.5, 0.0), ("jet", 10.0, 4.0, 1.0)
    events = events_of([[near, near, near, far], [near], [far, far], [near, near]])
    circles = overview_of(Circles(size=16), events).numbers()
    assert circles["signal"]["outside"] == pytest.approx(3 / 6)
    assert circles["background"]["outside"] == 0
    graph = overview_of(Graph(nodes=1), events).numbers()
    assert graph["signal"]["dropped"] == pytest.approx((70 / 100 + 1 / 2) / 2)
    assert graph["background"]["dropped"] == pytest.approx((0 + 1 / 2) / 2)
    assert graph["signal"]["nodes"] == 1


def test_a_representation_that_the_events_can_not_give():
    with pytest.raises(Skip, match="no calorimeter hits"):
        overview_of(Calorimeter(), random_events(2, 1))


def test_what_is_outside_of_calorimeters():
    tracks = [[{"pt": 1.0, "eta": eta, "phi": 0.0} for eta in (0.1, 2.0, 2.9)], [{"pt": 1.0, "eta": 3.2, "phi": 0.0}]]
    showers = showers_of([[(80, 100, 8.0), (80, 200, 1.0)], [(0, 0, 1.0)]])
    events = with_column(showers, "tracks", tracks)
    for area, signal, background in (("barrel", 2 / 3, 1.0), ("detector", 0.0, 1.0), ("crop", 1 / 2, 0.0)):
        numbers = overview_of(Calorimeter(area=area), events).numbers()
        assert numbers["signal"]["outside"] == pytest.approx(signal)
        assert numbers["background"]["outside"] == background
    assert "outside" not in overview_of(Calorimeter(area="barrel"), showers).numbers()["signal"]


def test_several_panels_are_a_look_each():
    events = showers_of([[(0, 0, 1.0), (3, 5, 2.0)], [(9, 9, 1.0)]])
    images = Calorimeter(area="ecal").represent(events)
    looks = overviews(Calorimeter(area="ecal"), [events], 6)
    assert [seen.panel for seen in looks] == ["barrel", "endcap_minus", "endcap_plus"]
    for seen, panel in zip(looks, images.dense_panels(), strict=True):
        (shown, _) = seen.examples.values()
        np.testing.assert_array_equal(shown.dense()[0], panel[0])
        np.testing.assert_allclose(seen.statistics.mean(0), panel[0])
    assert [seen.numbers()["signal"]["lit_pixels"] for seen in looks] == [2, 0, 0]


def test_both_showers_and_the_towers_are_a_look_each():
    hits = [(80, 100, 40.0), (80, 101, 5.0), (30, 300, 20.0)]
    photons = [[{"kind": 2, "pt": pt, "eta": 0.0174 * (row - 84.5), "phi": np.radians(column - 179.5)}
                for pt, row, column in ((39.0, 80, 100), (13.0, 30, 300))], []]  # fmt: skip
    events = with_column(showers_of([hits, hits]), "objects", photons)
    events = replace(events, info=replace(events.info, slots={"photon": 2}, picture="photons"))
    looks = overviews(Calorimeter(), [events], 6)
    assert [seen.panel for seen in looks] == ["shower1", "shower2", "barrel"]
    found = [[seen.numbers()[name]["lit_pixels"] for seen in looks] for name in ("signal", "background")]
    assert found == [[2, 1, 2], [0, 0, 2]]
    for seen in looks:
        with styled(**SMALL):
            sheet = pictures.examples(seen, "", "")
        bars = [axes.get_ylabel() for axes in sheet.canvas.axes if axes.get_label() == BAR]
        assert set(bars) == {"$E$ [GeV]" if seen.panel == "barrel" else "ln(1 + $E$ / 0.1 GeV)"}


@pytest.mark.parametrize(
    ("options", "text", "factor"),
    [
        ({}, "$E$ [GeV]", 10.0),
        ({"unit": 2.0}, "$E$ [GeV]", 2.0),
        ({"divide": "mass"}, r"$E$$\,/\,m$", 1.0),
        ({"divide": "sum", "unit": 2.0}, r"$E$$\,/\,\Sigma p_T$", 1.0),
    ],
)
def test_what_values_are(options, text, factor):
    events = showers_of([[(0, 0, 1.0)]], picture="barrel")
    events = replace(events, table=ak.with_field(events.table, np.array([2.0], np.float32), "mass"))
    for coarse, side in ((1, 5), (2, 1)):
        calorimeter = Calorimeter(**options, coarse=coarse)
        (quantity,) = calorimeter.represent(events).panels[0].channels
        assert (quantity.label, quantity.factor, quantity.block) == (text, factor, side)


def test_no_events():
    with pytest.raises(Skip, match="no events"):
        overview_of(Graph())


class Bare(Representation):
    """Labels alone."""

    name = "bare"

    def represent(self, events):
        return Samples(**truth(events), features=torch.zeros(len(events), 0))


def test_samples_of_an_unknown_class():
    with pytest.raises(Skip, match="kind Samples can't be drawn"):
        overview_of(Bare(), random_events(2, 1))
