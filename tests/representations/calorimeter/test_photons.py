"""Both photons at full resolution, and the barrel in towers beside them."""

import math
from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
import torch

from benchmark.core.errors import Skip, UserError
from models.inputs import VIEWS
from models.views.pixel_leaves import of_pixels
from models.views.pixel_nodes import PixelNodes
from representations.calorimeter.calorimeter import Calorimeter
from representations.samples import Images
from tasks.events import KINDS
from tests.representations import looped
from tests.representations.collisions import collisions_of, lists, random_events

CRYSTAL = 2 * 1.479 / 170
PHOTON = KINDS.index("photon")
NONE = {"ecal": [], "ecal_endcap": [], "hcal": [], "tracks": []}


def direction(row, column):
    return (row - 84.5) * CRYSTAL, math.radians(column + 0.5) - math.pi


def crystal(row, column, energy):
    return {"row": row, "column": column % 360, "energy": energy, "time": 0.0}


def shower(row, column, energy):
    """Most energy in one crystal, some beside it and below it, and a faint crystal 12 columns away."""
    places = {(0, 0): 0.8, (0, 1): 0.1, (1, 0): 0.07, (-3, 12): 0.03}
    return [crystal(row + i, column + j, share * energy) for (i, j), share in places.items()]


def with_photons(events, photons, info=None):
    """photons : (pt, eta, phi), or (kind, pt, eta, phi), of each event."""
    flat = [photon if len(photon) == 4 else (PHOTON, *photon) for event in photons for photon in event]
    kind, pt, eta, phi = (list(column) for column in zip(*flat, strict=True))
    zero = [0.0] * len(flat)
    counts = [len(event) for event in photons]
    objects = lists(counts, kind=kind, pt=pt, eta=eta, phi=phi, mass=zero, charge=zero)
    slots = {"slots": {"photon": 2}, "particles": "objects", "picture": "photons"}
    return replace(
        events,
        table=ak.with_field(events.table, objects, "objects"),
        info=replace(events.info, **slots | (info or {})),
    )


def tower_sums(hits):
    sums = {}
    for hit in hits:
        place = hit["row"] // 5, hit["column"] // 5
        sums[place] = sums.get(place, 0.0) + hit["energy"]
    return sums.values()


def pair(shift=0.0):
    """An event with the harder photon second in the table, at the seam in phi, and its directions from the vertex."""
    hits = [*shower(40, 100, 30.0), *shower(120, 359, 60.0), crystal(84, 200, 90.0)]
    near = [(12.0, *direction(40, 100)), (55.0 / np.cosh(direction(120, 359)[0]), *direction(120, 359))]
    return {**NONE, "ecal": hits}, [(pt, eta + shift, phi) for pt, eta, phi in near]


def test_showers_are_centred_in_falling_pt():
    event, photons = pair()
    images = Calorimeter(scale="linear", unit=1.0).represent(with_photons(collisions_of([event]), [photons]))
    assert [(panel.name, panel.shape) for panel in images.panels] == [
        ("shower1", (1, 32, 32)),
        ("shower2", (1, 32, 32)),
        ("barrel", (3, 34, 72)),
    ]
    for name, energy in (("shower1", 60.0), ("shower2", 30.0)):
        expected = np.zeros((32, 32))
        for (i, j), share in {(0, 0): 0.8, (0, 1): 0.1, (1, 0): 0.07, (-3, 12): 0.03}.items():
            expected[16 + i, 16 + j] = share * energy
        np.testing.assert_allclose(images.panel(name).dense()[0, 0], expected, rtol=1e-6)
    size = sum(panel.size for panel in images.panels)
    assert size == pytest.approx(3 * 170 * 360 / 20, rel=0.03)  # a twentieth of the barrel


def test_towers_are_sums_of_25_crystals_and_say_where_showers_are():
    rng = np.random.default_rng(3)
    drawn = {**looped.random_event(rng, 300), "ecal_endcap": []}
    events = with_photons(collisions_of([drawn]), [[(30.0, 0.0, 0.0)]])
    towers = Calorimeter(scale="linear", unit=1.0).represent(events).panel("barrel")
    assert towers.channel_names == ("tracks", "ecal", "hcal")
    for name, whole in looped.barrel(drawn).items():
        found = towers.dense()[0, towers.channel_names.index(name)]
        np.testing.assert_allclose(found, looped.coarse(whole, 5), rtol=1e-5, atol=1e-6)
    event, photons = pair()
    event["ecal"] = event["ecal"][:-1]
    ecal = Calorimeter().represent(with_photons(collisions_of([event]), [photons])).panel("barrel").dense()[0, 1]
    hottest = ecal.flatten().topk(2).indices
    assert [divmod(place, 72) for place in hottest.tolist()] == [(120 // 5, 359 // 5), (40 // 5, 100 // 5)]


def test_showers_are_logarithmic_and_towers_are_not():
    event, photons = pair()
    images = Calorimeter().represent(with_photons(collisions_of([event]), [photons]))
    assert images.panel("shower1").dense().max() == pytest.approx(math.log(1 + 480))
    assert images.panel("barrel").dense().max() == pytest.approx(9.0)


@pytest.mark.parametrize("shift", [-0.15, 0.1, 0.2])
def test_a_photon_from_another_vertex(shift):
    event, photons = pair(shift)
    images = Calorimeter(scale="linear").represent(with_photons(collisions_of([event]), [photons]))
    assert images.panel("shower1").dense()[0, 0, 16, 16] == pytest.approx(4.8)


def test_missing_photons_and_those_outside_the_barrel_are_empty_panels():
    event, photons = pair()
    muon = (KINDS.index("muon"), 80.0, *direction(120, 359))
    endcap = (40.0, 1.6, 0.0)
    faint = [crystal(169, 180, 0.2)]
    events = collisions_of([event, event, NONE, {**NONE, "ecal": faint}])
    events = with_photons(events, [[muon, photons[0]], [], photons, [endcap]])
    images = Calorimeter().represent(events)
    lit = [[int((panel[n] != 0).sum()) for panel in images.dense_panels()[:2]] for n in range(4)]
    assert lit == [[4, 0], [0, 0], [0, 0], [0, 0]]
    assert images.origins[1].tolist() == [[0.0, 0.0]] * 3


def test_crystals_of_a_shower_point_where_they_are():
    event, photons = pair()
    images = Calorimeter().represent(with_photons(collisions_of([event]), [photons]))
    expected = sorted(
        (round(hit["energy"], 4), *(round(angle, 4) for angle in direction(hit["row"], hit["column"])))
        for hit in event["ecal"][:-1]
    )
    momenta = of_pixels(images).momenta.values
    others = of_pixels(images).others
    crystals = (others[:, :2] != 0).any(dim=1)
    energy = momenta[:, 0] * momenta[:, 1].cosh()
    found = torch.stack([energy, momenta[:, 1], momenta[:, 2]], dim=1)[crystals]
    np.testing.assert_allclose(sorted(found.tolist()), expected, atol=2e-4)
    view, index = PixelNodes(), torch.tensor([0])
    columns = dict(zip(view.shape(images).columns, view.batch(images, index)[0][0], strict=True))
    shower = (columns["is_shower1"] + columns["is_shower2"]) > 0
    nodes = torch.stack([columns["ecal"], columns["eta"], columns["phi"]], dim=1)[shower]
    np.testing.assert_allclose(sorted(nodes.tolist()), expected, atol=2e-4)
    torch.testing.assert_close(columns["ln_ecal"], (columns["ecal"] / 1e-3).log1p())
    towers = columns["ecal"][columns["is_barrel"] > 0]
    assert sorted(towers.tolist()) == pytest.approx(sorted(tower_sums(event["ecal"])), rel=1e-5)


def test_events_without_photons_or_hits():
    event, photons = pair()
    events = with_photons(collisions_of([event]), [photons])
    with pytest.raises(
        UserError, match=r"area=photons with task 'toy', .* no reconstructed photons \(found: crystal\)"
    ):
        Calorimeter().represent(replace(events, info=replace(events.info, slots={"crystal": 25})))
    with pytest.raises(UserError, match="no reconstructed photons"):
        Calorimeter(area="photons").represent(random_events(2, 3))
    objects = replace(events, table=events.table[[name for name in events.table.fields if name not in NONE]])
    with pytest.raises(Skip, match="no calorimeter hits"):
        Calorimeter().represent(objects)


def test_tables_hold_the_shapes_of_both_showers():
    event, photons = pair()
    event["ecal"] = event["ecal"][:-1]
    images = Calorimeter().represent(with_photons(collisions_of([event]), [photons]))
    view = VIEWS["table", Images]
    table = dict(zip(view.shape(images).columns, view.batch(images, torch.tensor([0]))[0][0].tolist(), strict=True))
    for name, energy in (("shower1", 60.0), ("shower2", 30.0)):
        assert table[f"{name}_ecal_cluster1_energy"] == pytest.approx(math.log1p(9.7 * energy), rel=1e-5)
        assert table[f"{name}_ecal_cluster1_share9"] == pytest.approx(1.0)
        assert table[f"{name}_ecal_cluster1_share1"] == pytest.approx(0.8 / 0.97)
        assert table[f"{name}_ecal_cluster1_row"] == pytest.approx(1 / 32)
    assert table["barrel_ecal_cluster2_row"] == pytest.approx(2 * (8 + 0.5) / 34 - 1)


def test_the_columns_that_are_read():
    info = with_photons(collisions_of([NONE]), [[(1.0, 0.0, 0.0)]]).info
    assert Calorimeter().columns(info) == ("objects", "tracks", "ecal", "hcal")
    assert set(Calorimeter(divide="sum").columns(info)) == {"objects", "tracks", "ecal", "ecal_endcap", "hcal"}
