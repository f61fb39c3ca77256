"""ImageStatistics against plain sums over all pictures at once, and leading particles against a loop."""

import math

import numpy as np
import pytest
import torch

from benchmark.displays import statistics as module
from benchmark.displays.statistics import ImageStatistics, ListStatistics, statistics_of
from representations.calorimeter.calorimeter import Calorimeter
from representations.circles.circles import Circles
from representations.fourvectors.fourvectors import FourVectors
from representations.graph.graph import Graph
from representations.samples import Images
from tests.representations.collisions import events_of, random_events, showers_of


def summed_up(representation, events, step):
    statistics = None
    for start in range(0, len(events), step):
        samples = representation.represent(events[start : start + step])
        statistics = statistics or statistics_of(samples)
        statistics.add(samples)
    return statistics


@pytest.mark.parametrize("step", [7, 40])
def test_averages_are_those_of_all_pictures_at_once(step):
    events, circles = random_events(40, 3), Circles(size=32)
    statistics = summed_up(circles, events, step)
    assert isinstance(statistics, ImageStatistics)
    pictures = circles.represent(events).dense().numpy().astype(np.float64)
    labels = events.column("label")
    means = [pictures[labels == code].sum(axis=0) / (labels == code).sum() for code in (0, 1)]
    for code in (0, 1):
        np.testing.assert_allclose(statistics.mean(code), means[code], rtol=1e-12)
        lit = np.count_nonzero(pictures[labels == code].max(axis=1)) / (labels == code).sum()
        assert statistics.numbers(code) == {"lit_pixels": pytest.approx(lit)}


def test_small_energies_are_not_lost_next_to_large_ones():
    # in float32, 2^24 + 1 is 2^24
    showers = [[(80, 100, 2.0**24)], [(80, 100, 1.0)]] * 2
    statistics = summed_up(Calorimeter(unit=1.0, scale="linear"), showers_of(showers)[[0, 2]], 2)
    assert statistics.mean(0).max() == 2.0**24
    both = showers_of([showers[0], showers[1], showers[1], showers[1]])
    assert summed_up(Calorimeter(unit=1.0, scale="linear"), both[[0, 2]], 2).sums[0].max() == 2.0**24 + 1


@pytest.mark.parametrize(("room", "most"), [(1 << 24, 256), (32 * 32 * 3 * 10, 10)])
def test_never_more_pictures_than_fit_are_dense(monkeypatch, room, most):
    sizes, dense = [], Images.dense

    def noted(images, index=None):
        sizes.append(len(images) if index is None else len(index))
        return dense(images, index)

    monkeypatch.setattr(Images, "dense", noted)
    monkeypatch.setattr(module, "DENSE", room)
    samples = Circles(size=32).represent(random_events(700, 1))
    statistics = ImageStatistics(samples)
    statistics.add(samples)
    assert max(sizes) == most
    assert sum(sizes) == 700 == statistics.events.sum()


def test_a_class_without_events_has_no_mean():
    statistics = summed_up(Circles(size=16), events_of([[("muon", 20.0, 0.0, 0.0)]]), 1)
    assert statistics.events.tolist() == [1, 0]
    assert np.isnan(statistics.mean(1)).all()
    assert math.isnan(statistics.numbers(1)["lit_pixels"])


@pytest.mark.parametrize("step", [2, 5])
def test_leading_particles(step):
    collisions = [
        [("muon", 20.0, 0.1, 1.0), ("jet", 90.0, -1.0, 2.0), ("met", 30.0, 0.0, -1.0)],
        [("electron", 25.0, 2.0, 0.5)],
        [],
        [("jet", 40.0, 1.0, 0.0), ("jet", 50.0, 0.5, 0.3)],
        [("bjet", 70.0, 0.0, 0.0)],
    ]
    statistics = summed_up(FourVectors(features="raw"), events_of(collisions), step)
    assert isinstance(statistics, ListStatistics)
    pt = statistics.column("leading")[:, :, statistics.names.index("pt")]
    np.testing.assert_array_equal(pt, [[90, 30], [25, np.nan], [np.nan, np.nan], [50, 40], [70, np.nan]])
    assert statistics.column("particles").tolist() == [3, 1, 0, 2, 1]
    assert statistics.events.tolist() == [3, 2]
    assert statistics.numbers(0) == {"particles": pytest.approx(4 / 3)}


def test_nodes_and_edges():
    collisions = [[("jet", 40.0 + i, 0.1 * i, 0.0) for i in range(n)] for n in (4, 1, 2)]
    statistics = summed_up(Graph(join="complete"), events_of(collisions), 2)
    assert statistics.numbers(0) == {"nodes": 3.0, "edges": (4 * 3 + 2 * 1) / 2}
    assert statistics.numbers(1) == {"nodes": 1.0, "edges": 0.0}
    # the statistics hold no reference to the samples
    assert not isinstance(statistics.column("edges"), torch.Tensor)
