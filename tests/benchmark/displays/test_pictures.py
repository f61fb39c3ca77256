"""The content of the sheets: averages in GeV, names, units, kinds, counts."""

import numpy as np
import pytest
import torch

from benchmark.displays import distributions, pictures, points
from benchmark.displays.grid import enlarged, scale_of, summed
from benchmark.displays.style import BAR, SMALL, styled
from representations.calorimeter.calorimeter import Calorimeter
from representations.circles.circles import Circles
from representations.fourvectors.fourvectors import FourVectors
from representations.graph.graph import Graph
from representations.representation import Loss, Representation, truth
from representations.samples import Images, Panel, Quantity, Ragged
from tests.benchmark.displays.overview import overview_of, panels
from tests.representations.collisions import events_of, jets_of, random_events, showers_of

SHOWERS = [[(80, 100, 8.0), (81, 100, 2.0)], [(80, 100, 6.0)], [(80, 100, 4.0)]]


def texts(sheet):
    return {text.get_text() for text in sheet.canvas.texts}


@pytest.mark.parametrize("unit", [1.0, 10.0])
def test_averages_of_energies_are_in_gev(unit):
    seen = overview_of(Calorimeter(unit=unit, scale="linear"), showers_of(SHOWERS))
    with styled(**SMALL):
        sheet = pictures.averages(seen, "", "")
        mean, other, difference = panels(sheet)
    hottest = [float(axes.images[0].get_array()[16, 16]) for axes in (mean, other, difference)]
    assert hottest == pytest.approx([6.0, 6.0, 0.0], abs=1e-6)
    assert mean.images[0].get_array()[16, 17] == pytest.approx(1.0)  # eta across: the row behind
    assert difference.images[0].get_array()[16, 17] == pytest.approx(1.0)
    assert [axes.get_title() for axes in (mean, other, difference)] == [
        "signal (2 events)",
        "background (1 events)",
        "signal − background",
    ]
    bars = [axes.get_ylabel() for axes in sheet.canvas.axes if axes.get_label() == BAR]
    assert bars == ["mean $E$ [GeV]", r"$\Delta$ $E$ [GeV]"]
    assert {"ECAL\naverage", "ECAL\ndifference"} < texts(sheet)


def test_the_barrel_is_summed_to_towers():
    events = showers_of([[(7, 11, 8.0), (5, 14, 2.0), (10, 10, 1.0)], [(7, 11, 6.0)]], picture="barrel")
    with styled(**SMALL):
        mean = panels(pictures.averages(overview_of(Calorimeter(), events), "", ""))[0]
    towers = np.nan_to_num(np.ma.filled(mean.images[0].get_array(), 0.0))
    assert towers.shape == (34, 72)
    assert towers[1, 2] == pytest.approx(10.0)
    assert towers[2, 2] == pytest.approx(1.0)
    assert np.count_nonzero(towers) == 2


def test_lit_pixels_are_enlarged_where_they_are():
    picture = np.zeros((2, 8, 10))
    picture[0, 4, 0], picture[0, 4, 1], picture[1, 0, 5] = 3.0, 5.0, 2.0
    large = enlarged(picture, 3)
    assert large[0, 3:6].tolist() == [[5, 5, 5, 0, 0, 0, 0, 0, 0, 3]] * 3  # phi goes on at the other side
    assert not large[0, [2, 6]].any()
    assert np.argwhere(large[1]).tolist() == [[row, column] for row in (0, 1) for column in (4, 5, 6)]  # eta does not
    np.testing.assert_array_equal(enlarged(picture, 1), picture)


def test_sums_keep_the_total():
    picture = np.random.default_rng(1).random((2, 10, 20))
    assert summed(picture, 5).shape == (2, 2, 4)
    assert summed(picture, 5)[1, 1, 2] == pytest.approx(picture[1, 5:10, 10:15].sum())


def test_scales():
    values = np.array([0.0, 1e-7, 0.5, 20.0, np.nan])
    log = scale_of(values, "", log=True)
    assert (log.norm.vmin, log.norm.vmax, log.extend) == (20.0 / 1e4, 20.0, "min")
    assert scale_of(values, "").norm.vmin == 0
    signed = scale_of(np.array([-3.0, 0.0, 1.0]), "", signed=True)
    assert signed.norm.vmin == -signed.norm.vmax
    for nothing in (np.zeros(3), np.full(3, np.nan)):
        assert all(scale_of(nothing, "", log=log).norm.vmax == 1.0 for log in (True, False))


def test_circles_have_a_legend_of_the_kinds_that_are_seen():
    seen = overview_of(Circles(size=64), events_of([[("muon", 50.0, 0.0, 0.0), ("bjet", 60.0, 1.0, 1.0)]]))
    with styled(**SMALL):
        sheet = pictures.examples(seen, "", "")
    (legend,) = sheet.canvas.legends
    assert [text.get_text() for text in legend.get_texts()] == ["muon", "b jet"]


class Photos(Representation):
    """Pictures of a plug-in: one pixel an event, and everything that figures need of them."""

    name = "photos"

    def represent(self, events):
        panel = Panel(
            (2, 4, 6),
            (1.0, 2.0),
            ("seen", "late"),
            quantities=(Quantity("camera", "light", "lm", 3.0), Quantity("clock", "time", "s", signed=True)),
            labels=("height", "width"),
            centre=(0.5, 0.0),
            note="seen from the left",
        )
        rows = torch.arange(len(events) + 1)
        return Images(
            **truth(events),
            features=torch.zeros(len(events), 0),
            panels=(panel,),
            pixels=Ragged(torch.full((len(events),), 8, dtype=torch.int32), rows),
            values=Ragged(torch.full((len(events),), 2.0), rows),
        )

    def losses(self, events):
        return {"dark": Loss(np.ones(len(events)), np.full(len(events), 4))}


def test_a_plug_in_declares_what_figures_need():
    seen = overview_of(Photos(), events_of([[], []]))
    assert seen.numbers()["signal"] == {"events": 1, "lit_pixels": 1.0, "dark": 0.25}
    with styled(**SMALL):
        sheets = [pictures.examples(seen, "", ""), pictures.averages(seen, "", "")]
    bars = [[axes.get_ylabel() for axes in sheet.canvas.axes if axes.get_label() == BAR] for sheet in sheets]
    assert bars == [
        ["light [lm]", "time [s]"] * 2,
        ["mean light [lm]", r"$\Delta$ light [lm]", "mean time [s]", r"$\Delta$ time [s]"],
    ]
    assert {"signal\ncamera", "background\nclock"} <= texts(sheets[0])
    assert {"camera\naverage", "clock\ndifference"} <= texts(sheets[1])
    assert all("seen from the left" in texts(sheet) for sheet in sheets)
    axes = next(axes for axes in panels(sheets[0]) if axes.get_xlabel())
    assert (axes.get_xlim(), axes.get_ylim()) == ((-0.5, 1.5), (-2.0, 2.0))
    assert {axes.get_xlabel() for axes in panels(sheets[0])} == {"", "height"}
    assert {axes.get_ylabel() for axes in panels(sheets[0])} == {"width"}
    picture = panels(sheets[0])[0].images[0].get_array()
    assert (picture.shape, picture[2, 1]) == ((6, 4), 6.0)  # the first axis runs across


def test_average_circles_are_as_dark_as_can_be():
    seen = overview_of(Circles(size=32), random_events(30, 3))
    with styled(**SMALL):
        sheet = pictures.averages(seen, "", "")
    signal, background, difference = (axes.images[0].get_array() for axes in panels(sheet))
    assert min(signal.min(), background.min()) == pytest.approx(0.0, abs=1e-9)
    means = [seen.statistics.mean(code) for code in (0, 1)]
    strength = 1 / max(mean.max() for mean in means)
    np.testing.assert_allclose(signal, np.moveaxis(1 - strength * means[0], 0, -1), atol=1e-9)
    np.testing.assert_allclose(difference, (means[0] - means[1]).mean(axis=0), atol=1e-12)
    assert any(text.startswith("mean ink\n× ") for text in texts(sheet))


def test_more_examples_than_fit_in_a_row():
    with styled(**SMALL):
        sheet = pictures.examples(overview_of(Circles(size=16), random_events(16, 1), each=8), "", "")
        drawn = panels(points.examples(overview_of(Graph(), random_events(15, 1), each=8), "", ""))
    assert len(panels(sheet)) == 16
    assert [axes.get_title() for axes in drawn[:2]] == ["event 1000", "event 1002"]
    assert len(drawn) == 15


def test_discs_are_as_large_as_pt():
    seen = overview_of(
        FourVectors(), events_of([[("jet", 80.0, 0.0, 0.0), ("jet", 20.0, 1.0, 1.0), ("jet", 5.0, 9.0, 0.0)]])
    )
    with styled(**SMALL):
        (axes,) = panels(points.examples(seen, "", ""))
    sizes = axes.collections[-1].get_sizes()
    assert len(sizes) == 2  # the third lies beyond the display
    assert (sizes[1] - points.SMALLEST) / (sizes[0] - points.SMALLEST) == pytest.approx(0.25)


def test_distributions_count_each_event_once():
    seen = overview_of(FourVectors(), random_events(50, 3))
    figure = distributions.figure(seen, seen.statistics, "fourvectors")
    assert figure.title == "fourvectors: distributions (the same in all: number of particles)"
    for panel in figure.panels:
        assert {name: counts.sum() + panel.beyond[name] for name, counts in panel.counts.items()} == {
            "signal": 25,
            "background": 25,
        }
    quantities = [panel.x.quantity for panel in figure.panels if panel.title == "leading particle"]
    assert [quantities[place] for place in (0, 1, 4, 5)] == [r"ln($p_T$ / GeV)", r"$\eta$", r"ln($E$ / GeV)", "charge"]
    kind = next(panel for panel in figure.panels if "0 electron" in panel.x.quantity)
    leading = seen.statistics.column("leading")[:, 0, seen.statistics.names.index("is_electron")]
    assert sum(counts[0] for counts in kind.counts.values()) == np.nansum(leading)


def test_features_without_particles():
    seen = overview_of(Graph(), events_of([[], []]))
    assert points.draw(seen, "", "", None) == []
    assert distributions.figure(seen, seen.statistics, "graph").panels == ()


def test_columns_of_a_jet_count_from_its_axis():
    events = jets_of([[(211, 75.0, 1.5, 3.1), (22, 25.0, 1.9, -3.1)]] * 2 + [[(22, 60.0, 1.0, 0.2)]])
    titles = {}
    for representation in (Graph(), FourVectors(features="raw")):
        seen = overview_of(representation, events)
        panels = distributions.figure(seen, seen.statistics, "").panels
        titles[representation.name] = {panel.x.quantity for panel in panels}
    assert r"$\Delta\eta$ from the axis" in titles["graph"]
    assert r"$\eta$" in titles["fourvectors"]


def test_colours_tell_kinds_or_else_charges():
    legends = []
    for kind, slots in (("photon", {"photon": 2}), ("muon", {"muon": 2}), ("muon", {"muon": 2, "met": 1})):
        seen = overview_of(FourVectors(), events_of([[(kind, 50.0, 0.0, 0.0)]], slots=slots))
        with styled(**SMALL):
            (legend,) = points.examples(seen, "", "").canvas.legends
        legends.append(legend.get_texts()[0].get_text())
    assert legends == ["photon", "negative", "muon"]
