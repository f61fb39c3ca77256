"""The options of calorimeter images, one by one."""

from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
import torch

from benchmark.core.errors import UserError
from representations.calorimeter.calorimeter import Calorimeter
from tasks.detector.digis import BARREL, FIELDS, with_samples
from tests.representations import looped
from tests.representations.collisions import collisions_of, jets_of, showers_of, truth_columns, with_column

SHOWER = [(80, 100, 8.0), (81, 100, 2.0), (80, 101, 1.0), (78, 98, 0.5)]
JET = [(22, 60.0, 0.5, 3.0), (211, 30.0, 0.9, 3.1), (130, 5.0, 0.6, -3.1), (211, 3.0, 0.2, 2.7)]
SUM = [8 / np.cosh(4.5 * 1.479 / 85), 2 / np.cosh(3.5 * 1.479 / 85), 1 / np.cosh(4.5 * 1.479 / 85)]
TRANSVERSE = sum(SUM) + 0.5 / np.cosh(6.5 * 1.479 / 85)


def with_digis(events, seed=0):
    hits = with_samples(events.table["ecal"], BARREL, np.random.default_rng(seed))
    return replace(events, table=ak.with_field(events.table, hits, "ecal"))


def with_mass(events, *masses):
    return replace(events, table=ak.with_field(events.table, np.array(masses, np.float32), "mass"))


def random_events(count=3, hits=30, seed=1, **changes):
    rng = np.random.default_rng(seed)
    return collisions_of([looped.random_event(rng, hits) for _ in range(count)], **changes)


@pytest.mark.parametrize("area", ["crop", "barrel"])
def test_digis_are_ten_channels(area):
    events = with_digis(showers_of([SHOWER, [], [(3, 359, 5.0)]]))
    images = Calorimeter(area=area, time="digis", unit=2.0, scale="linear").represent(events)
    assert images.channel_names == FIELDS == tuple(f"sample{k}" for k in range(10))
    assert images.shape[0] == 10
    expected = np.zeros((3, *images.shape))
    for event, hits in enumerate(ak.to_list(events.table["ecal"])):
        for hit in hits:
            row, column = hit["row"], hit["column"]
            if area == "crop":
                row, column = (row - 64, column - 84) if event == 0 else (row - 3 + 16, column - 359 + 16)
            for k in range(10):
                expected[event, k, row, column] += hit[f"sample{k}"] / 2.0
    np.testing.assert_allclose(images.dense(), expected, rtol=1e-6)
    assert expected[0, 5].max() == pytest.approx(4.0, abs=0.1)  # the pulse peaks in the sixth sample


def test_digis_stand_between_tracks_and_towers():
    rng = np.random.default_rng(2)
    event = looped.random_event(rng, 5)
    for hit in event["ecal"]:
        hit.update({name: float(k) for k, name in enumerate(FIELDS)})
    images = Calorimeter(time="digis", area="barrel", coarse=2).represent(collisions_of([event]))
    assert images.channel_names == ("tracks", *FIELDS, "hcal")
    sums = images.dense().sum(dim=(0, 2, 3))[1:11]
    torch.testing.assert_close(sums, len(event["ecal"]) * torch.arange(10.0) / 10.0)


def test_events_without_digis_or_times():
    with pytest.raises(
        UserError, match=r"'toy' have no samples of their pulse \(found: .*\). Use egamma\[digis=true\]"
    ):
        Calorimeter(time="digis").represent(showers_of([SHOWER]))
    with pytest.raises(UserError, match=r"have no time \(found: row, column, energy\). Leave time=on out"):
        Calorimeter(time="on", area="barrel").represent(showers_of([SHOWER], times=False))
    for time in ("on", "digis"):
        with pytest.raises(UserError, match=f"time={time} with task 'toy', whose events are jets without hits"):
            Calorimeter(time=time).represent(jets_of([JET], picture="jet"))


@pytest.mark.parametrize("area", ["crop", "barrel", "ecal", "detector"])
def test_times_of_single_hits(area):
    hits = [{"row": 80, "column": 100 + 2 * k, "energy": 5.0 - k, "time": float(k) - 1.0} for k in range(4)]
    event = {"ecal": hits, "ecal_endcap": [], "hcal": [], "tracks": []}
    images = Calorimeter(area=area, time="on").represent(collisions_of([event]))
    barrel = images.panels[0]
    assert barrel.channel_names == (("ecal", "time") if area == "crop" else ("tracks", "ecal", "hcal", "time"))
    row, column = {"crop": (16, 16), "barrel": (80, 100), "ecal": (80, 100), "detector": (135, 100)}[area]
    times = images.dense_panels()[0][0, -1]
    np.testing.assert_allclose(times[row, column : column + 8 : 2], [-0.04, 0.0, 0.04, 0.08], rtol=1e-6)
    assert (times != 0).sum() == 3


@pytest.mark.parametrize(("area", "coarse"), [("barrel", 1), ("barrel", 5), ("detector", 1), ("ecal", 2)])
def test_times_that_share_a_pixel_are_averaged(area, coarse):
    event = looped.random_event(np.random.default_rng(6), 400)
    energy, weighted = (
        {name: [dict(hit) for hit in hits] for name, hits in event.items() if name != "time"} for _ in range(2)
    )
    for name in ("ecal", "ecal_endcap"):
        for hit, first, second in zip(event[name], energy[name], weighted[name], strict=True):
            first["energy"] = max(hit["energy"], 1e-9)
            second["energy"] = max(hit["energy"], 1e-9) * hit["time"]
    images = Calorimeter(area=area, time="on", coarse=coarse).represent(collisions_of([event]))
    found = {panel.name: tensor[0, -1] for panel, tensor in zip(images.panels, images.dense_panels(), strict=True)}
    below, above = (getattr(looped, area)(part) for part in (energy, weighted))
    if area != "ecal":
        below, above = {"": below}, {"": above}
    for name, times in found.items():
        weight, product = (looped.coarse(part[name]["ecal"], coarse) for part in (below, above))
        mean = np.divide(product, weight, out=np.zeros_like(weight), where=weight > 0) / 25.0
        np.testing.assert_allclose(times, mean, rtol=1e-5, atol=1e-6)


def test_divided_by_the_mass():
    events = with_mass(random_events(), 100.0, 125.0, 60.0)
    for area in ("crop", "barrel", "ecal", "detector"):
        plain = Calorimeter(area=area, unit=1.0, scale="linear").represent(events).dense_panels()
        divided = Calorimeter(area=area, divide="mass").represent(events).dense_panels()
        for one, other in zip(plain, divided, strict=True):
            torch.testing.assert_close(other * torch.tensor([100.0, 125.0, 60.0]).view(3, 1, 1, 1), one)
    with pytest.raises(UserError, match=r"divide=mass, but the events of task 'toy' have no mass"):
        Calorimeter(divide="mass").represent(random_events())
    for mass in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(UserError, match=f"event 1001 has the mass {mass}, expected a number above 0"):
            Calorimeter(divide="mass").represent(with_mass(random_events(), 100.0, mass, 60.0))


def test_divided_by_the_sum():
    events = showers_of([SHOWER, []], picture="barrel")
    divided = Calorimeter(divide="sum").represent(events).dense()
    assert divided[0, 0, 80, 100] == pytest.approx(8.0 / TRANSVERSE, rel=1e-6)
    assert divided[1].sum() == 0
    tracks = [[{"pt": 4.0, "eta": 2.9, "phi": 0.0}], []]
    more = with_column(events, "tracks", tracks)  # also what is not in the picture
    hcal = [[{"row": 30, "column": 3, "energy": 7.0}, {"row": 31, "column": 3, "energy": -50.0}], []]
    more = with_column(more, "hcal", hcal)
    for area, row, column in (("barrel", 80, 100), ("crop", 16, 16)):
        images = Calorimeter(divide="sum", area=area).represent(more)
        value = images.dense()[0, images.channel_names.index("ecal"), row, column]
        assert value == pytest.approx(8.0 / (TRANSVERSE + 4.0 + 7.0 / np.cosh(2.5 * 0.087)), rel=1e-6)
        needed = Calorimeter(divide="sum", area=area).columns(events.info)
        assert set(needed) == {"tracks", "ecal", "ecal_endcap", "hcal"}


@pytest.mark.parametrize("divide", ["mass", "sum"])
def test_an_event_of_other_energy_looks_the_same(divide):
    rng = np.random.default_rng(8)
    event = looped.random_event(rng, 30)
    scale = {"ecal": "energy", "ecal_endcap": "energy", "hcal": "energy", "tracks": "pt"}
    twice = {name: [{**hit, scale[name]: 2 * hit[scale[name]]} for hit in hits] for name, hits in event.items()}
    events = with_mass(collisions_of([event, twice]), 90.0, 180.0)
    pictures = Calorimeter(area="detector", divide=divide).represent(events).dense()
    torch.testing.assert_close(pictures[0], pictures[1])


def test_hits_below_a_threshold_are_left_out():
    events = showers_of([SHOWER, [(1, 1, -0.5), (1, 2, 0.0)]])
    for area in ("crop", "barrel"):
        sums = {
            least: Calorimeter(area=area, suppress=least, unit=1.0, scale="linear")
            .represent(events)
            .dense()
            .sum(dim=(1, 2, 3))
            .tolist()
            for least in (0.0, 1e-3, 1.0, 2.5, 100.0)
        }
        assert sums == {
            0.0: [11.5, -0.5],
            1e-3: [11.5, 0.0],
            1.0: [11.0, 0.0],
            2.5: [8.0, 0.0],
            100.0: [0.0, 0.0],
        }
    faint = random_events()
    least = Calorimeter(area="ecal", suppress=3.0, unit=1.0).represent(faint)
    kept = sum(hit["energy"] for hit in ak.to_list(faint.table["hcal"][0]) if hit["energy"] >= 3.0)
    hcal = sum(float(tensor[0, 2].sum()) for tensor in least.dense_panels())
    tracks = sum(float(tensor[0, 0].sum()) for tensor in least.dense_panels())
    plain = Calorimeter(area="ecal", unit=1.0).represent(faint).dense_panels()
    assert hcal == pytest.approx(kept, rel=1e-5)
    assert tracks == pytest.approx(sum(float(tensor[0, 0].sum()) for tensor in plain))


def test_what_is_suppressed_is_not_in_the_sum():
    one = Calorimeter(divide="sum", suppress=5.0).represent(showers_of([SHOWER])).dense()
    assert one.sum() == pytest.approx(8.0 / SUM[0], rel=1e-6)


@pytest.mark.parametrize("area", ["barrel", "ecal", "detector"])
def test_the_scale_of_the_hcal(area):
    events = random_events()
    pairs = zip(
        Calorimeter(area=area).represent(events).dense_panels(),
        Calorimeter(area=area, hcal_scale=2.5).represent(events).dense_panels(),
        strict=True,
    )
    for plain, scaled in pairs:
        torch.testing.assert_close(scaled[:, 2], 2.5 * plain[:, 2])
        assert torch.equal(scaled[:, :2], plain[:, :2])


def test_logarithms_of_energies_below_zero():
    events = showers_of([[(1, 1, -5.0), (1, 2, 20.0)]])
    picture = Calorimeter(scale="log", area="barrel").represent(events).dense()[0, 0]
    assert (picture[1, 1], picture[1, 2]) == pytest.approx((-np.log(1.5), np.log(3.0)))


def test_small_presets_draw_towers_but_no_coarse_showers():
    quick = Calorimeter.resolve("quick")
    assert quick == Calorimeter.resolve("smoke")
    assert quick.coarse == "towers"
    for particles, shape in (("objects", (34, 72)), ("ecal", (170, 360))):
        events = random_events(1)
        events = replace(events, info=replace(events.info, particles=particles, picture="barrel"))
        assert quick.represent(events).shape[1:] == shape
    assert [Calorimeter.resolve(preset).coarse for preset in ("standard", "paper")] == [1, 1]
    assert Calorimeter.resolve("quick", {"coarse": "1"}).coarse == 1
    with pytest.raises(UserError, match="parameter 'coarse' is '3'"):
        Calorimeter.resolve("quick", {"coarse": "3"})


def test_values_out_of_range():
    for option, value in {"suppress": -1.0, "hcal_scale": -1.0}.items():
        with pytest.raises(UserError, match=f"parameter '{option}'"):
            Calorimeter(**{option: value})


@pytest.mark.parametrize(
    ("given", "instead"),
    [
        ({"area": "jet"}, "area=jet is for jet images, expected an option of calorimeter images. Use jet_image."),
        ({"rotate": "false"}, r"Use jet_image\[rotate=false\]"),
        ({"size": "40"}, r"Use jet_image\[size=40\]"),
    ],
)
def test_options_of_jet_images_are_those_of_jet_image(given, instead):
    with pytest.raises(UserError, match=f"^calorimeter: .*{instead}"):
        Calorimeter.resolve("", given)


def test_labels_are_no_input():
    events = random_events(2)
    columns = truth_columns(2) | {"label": np.array([1, 0], np.int8)}
    other = ak.zip({name: columns.get(name, events.table[name]) for name in events.table.fields}, depth_limit=1)
    first, second = (Calorimeter(area="ecal").represent(part) for part in (events, replace(events, table=other)))
    assert torch.equal(first.values.values, second.values.values)
    assert first.labels.tolist() != second.labels.tolist()
