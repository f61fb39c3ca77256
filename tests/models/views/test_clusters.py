"""Tables of pictures: the two hottest clusters of each channel, against hand-made showers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from models.inputs import VIEWS
from representations.calorimeter.calorimeter import Calorimeter
from representations.circles.circles import Circles
from representations.jet_image.jet_image import JetImage
from representations.samples import Images
from tests.representations.collisions import jets_of, random_events, showers_of

VIEW = VIEWS["table", Images]
SHOWER = {(0, 0): 50.0, (0, 1): 10.0, (1, 0): 8.0, (0, -2): 2.0, (0, 5): 4.0, (2, -3): 1.0, (3, 0): 30.0}
"""Energies by row and column from the hottest crystal: 68 in 3 x 3, 70 in 5 x 5, 75 in 5 x 11, and 30 beyond."""


def columns(samples: Images) -> dict[str, np.ndarray]:
    table = VIEW.batch(samples, torch.arange(len(samples)))[0].numpy()
    return dict(zip(VIEW.shape(samples).columns, table.T, strict=True))


def placed(shower: dict[tuple[int, int], float], row: int, column: int) -> list[tuple[int, int, float]]:
    return [(row + i, (column + j) % 360, energy) for (i, j), energy in shower.items()]


def width(axis: int) -> float:
    """CMS's formula, written out for the five by five crystals of `SHOWER`."""
    inner = {place: energy for place, energy in SHOWER.items() if max(map(abs, place)) <= 2}
    weights = {place: max(0.0, 4.7 + math.log(energy / 70.0)) for place, energy in inner.items()}
    mean = sum(weight * place[axis] for place, weight in weights.items()) / sum(weights.values())
    square = sum(weight * (place[axis] - mean) ** 2 for place, weight in weights.items())
    return math.sqrt(square / sum(weights.values()))


@pytest.mark.parametrize("options", [{}, {"scale": "linear"}, {"area": "barrel"}], ids=str)
@pytest.mark.parametrize("column", [100, 0, 358])
def test_a_hand_made_shower(options: dict[str, str], column: int) -> None:
    images = Calorimeter(**options).represent(showers_of([placed(SHOWER, 80, column), []]))
    found = {name.removeprefix("ecal_cluster1_"): values for name, values in columns(images).items()}
    shares = [float(found[f"share{size}"][0]) for size in (1, 9, 25)]
    assert shares == pytest.approx([50 / 75, 68 / 75, 70 / 75], rel=1e-5)
    assert (found["width_row"][0], found["width_column"][0]) == pytest.approx((width(0), width(1)), rel=1e-4)
    energy = math.log(1 + 700) if not options else 7.0  # ln(1 + E / 0.1 GeV), or units of 10 GeV
    assert found["energy"][0] == pytest.approx(energy, rel=1e-5)
    _, rows, across = images.shape
    row, place = (80, column) if options.get("area") else (16, 16)
    seed = 2 * (row + 0.5) / rows - 1, 2 * (place + 0.5) / across - 1
    assert (found["row"][0], found["column"][0]) == pytest.approx(seed, abs=1e-6)
    empty = [values[1] for name, values in columns(images).items() if "_cluster" in name]
    assert len(empty) == 16
    assert not np.any(empty)


def test_the_second_cluster_is_outside_the_first() -> None:
    images = Calorimeter().represent(showers_of([placed(SHOWER, 80, 100)]))
    found = columns(images)
    assert found["ecal_cluster2_row"][0] == pytest.approx(2 * 19.5 / 32 - 1)
    assert found["ecal_cluster2_energy"][0] == pytest.approx(math.log(1 + 380), rel=1e-5)  # with 8 GeV of the first
    alone = columns(Calorimeter().represent(showers_of([[(80, 100, 5.0), (81, 100, 5.0), (80, 99, -1.0)]])))
    assert alone["ecal_cluster1_row"][0] == pytest.approx(2 * 16.5 / 32 - 1)  # of equal crystals the first
    assert alone["ecal_cluster1_share25"][0] == 1.0
    assert alone["ecal_cluster2_energy"][0] == 0.0  # noise below zero is no cluster


def test_every_channel_of_measured_pictures_has_clusters_and_drawings_have_none() -> None:
    jets = JetImage().represent(jets_of([[(22, 60.0, 0.5, 3.0), (211, 30.0, 0.9, 3.1), (130, 5.0, 0.6, -3.1)]]))
    found = columns(jets)
    assert found["pt_cluster1_energy"][0] > found["pt_cluster2_energy"][0] > 0  # two prongs
    drawn = Circles(size=56).represent(random_events(2, 5))
    assert not any("cluster" in name for name in VIEW.shape(drawn).columns)


def test_widths_tell_wide_showers_from_narrow_ones() -> None:
    rng = np.random.default_rng(1)
    showers, turned = [], []
    for spread in np.repeat([0.6, 0.9], 100):
        places = rng.normal(0, [0.6, spread], (400, 2)).round().astype(int)
        cells, counts = np.unique(places, axis=0, return_counts=True)
        hits = [(int(i), int(j), 0.1 * n) for (i, j), n in zip(cells, counts, strict=True)]
        showers.append([(80 + i, 100 + j, energy) for i, j, energy in hits])
        turned.append([(80 + j, 100 + i, energy) for i, j, energy in hits])
    found, other = (columns(Calorimeter().represent(showers_of(events))) for events in (showers, turned))
    wide = np.repeat([0, 1], 100)
    assert roc_auc_score(wide, found["ecal_cluster1_width_column"]) > 0.99
    for axes in (("row", "column"), ("column", "row")):
        mine, theirs = (table[f"ecal_cluster1_width_{axis}"] for table, axis in zip((found, other), axes, strict=True))
        same = np.isclose(mine, theirs, rtol=1e-4)
        assert same.mean() > 0.9  # but where two crystals are equally hot


def test_standardisation_keeps_cells_and_moments_apart() -> None:
    images = Calorimeter().represent(showers_of([placed(SHOWER, 80, 100), placed(SHOWER, 70, 50), []]))
    (rows,) = VIEW.rows(images, torch.arange(3))
    names = VIEW.shape(images).columns
    moments = [place for place, name in enumerate(names) if "_cell" not in name]
    (table,) = VIEW.batch(images, torch.arange(3))
    torch.testing.assert_close(rows[:3, moments], table[:, moments])
    cells = [place for place, name in enumerate(names) if "_cell" in name]
    assert (rows[:3, cells] == rows[:3, cells[:1]]).all()
