"""Every area against pictures made hit by hit, and what must not change them."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from representations.calorimeter.calorimeter import Calorimeter
from tests.representations import looped
from tests.representations.collisions import collisions_of

SEEDS = st.integers(0, 2**32 - 1)
HITS = st.integers(0, 40)
AREAS = ("crop", "barrel", "ecal", "detector")
EMPTY: looped.Event = {"ecal": [], "ecal_endcap": [], "hcal": [], "tracks": []}


def drawn(area, events, **options):
    """Pictures as float64, by panel and channel: (events, rows, columns) each."""
    images = Calorimeter(area=area, unit=1.0, scale="linear", **options).represent(collisions_of(events))
    dense = images.dense_panels()
    return {
        panel.name: {name: tensor[:, place].double().numpy() for place, name in enumerate(panel.channel_names)}
        for panel, tensor in zip(images.panels, dense, strict=True)
    }


def expected(area, event):
    found = getattr(looped, area)(event)
    return found if area == "ecal" else {"": found}


@pytest.mark.parametrize("area", AREAS)
@given(SEEDS, HITS)
@settings(max_examples=12, deadline=None)
def test_pictures_are_those_made_hit_by_hit(area, seed, hits):
    rng = np.random.default_rng(seed)
    events = [looped.random_event(rng, hits), EMPTY, looped.random_event(rng, 1)]
    found = drawn(area, events)
    for place, event in enumerate(events):
        slow = expected(area, event)
        assert set(slow) == set(found)
        for panel, channels in slow.items():
            assert set(channels) == set(found[panel])
            for channel, picture in channels.items():
                np.testing.assert_allclose(found[panel][channel][place], picture, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("step", [2, 5])
def test_coarse_pictures_are_sums(area, step):
    event = looped.random_event(np.random.default_rng(7), 60)
    fine, coarse = drawn(area, [event]), drawn(area, [event], coarse=step)
    for panel, channels in fine.items():
        for channel, picture in channels.items():
            summed = picture[0] if area == "crop" else looped.coarse(picture[0], step)
            assert coarse[panel][channel][0].shape == summed.shape
            np.testing.assert_allclose(coarse[panel][channel][0], summed, rtol=1e-5, atol=1e-4)


def test_shapes():
    def sizes(area, step):
        return [panel.shape for panel in Calorimeter(area=area, coarse=step).represent(collisions_of([EMPTY])).panels]

    assert sizes("barrel", 2) == [(3, 85, 180)]
    assert sizes("ecal", 1) == [(3, 170, 360), (3, 100, 100), (3, 100, 100)]
    assert sizes("ecal", 5) == [(3, 34, 72), (3, 20, 20), (3, 20, 20)]
    assert sizes("detector", 2) == [(3, 140, 180)]
    assert sizes("crop", 5) == [(1, 32, 32)]


def turned(event, degrees):
    """The event turned about the beam by whole towers: 10 degrees, or 5 without towers of two columns."""
    by = degrees // 5

    def around(hits, columns, step):
        return [{**hit, "column": (hit["column"] + step * by) % columns} for hit in hits]

    def quarter(hit):
        return {**hit, "row": hit["column"] + hit["row"] // 100 * 100, "column": 99 - hit["row"] % 100}

    ends = event["ecal_endcap"]
    for _ in range(degrees // 90 if degrees % 90 == 0 else 0):
        ends = [quarter(hit) for hit in ends]
    phis = [(track["phi"] + math.radians(degrees) + math.pi) % (2 * math.pi) - math.pi for track in event["tracks"]]
    return {
        "ecal": around(event["ecal"], 360, 5),
        "ecal_endcap": ends if degrees % 90 == 0 else [],
        "hcal": around(event["hcal"], 72, 1),
        "tracks": [{**track, "phi": phi} for track, phi in zip(event["tracks"], phis, strict=True)],
    }


@pytest.mark.parametrize("area", ["barrel", "detector"])
@given(SEEDS, st.integers(1, 71))
@settings(max_examples=10, deadline=None)
def test_a_turned_event_is_a_turned_picture(area, seed, towers):
    event = {**looped.random_event(np.random.default_rng(seed), 30), "ecal_endcap": []}
    if towers % 2:
        event["hcal"] = [hit for hit in event["hcal"] if not looped.is_wide(hit["row"])]
    found = drawn(area, [event, turned(event, 5 * towers)])[""]
    for before, after in found.values():
        np.testing.assert_allclose(after, np.roll(before, 5 * towers, axis=1), rtol=1e-6)


@given(SEEDS, st.integers(1, 3))
@settings(max_examples=10, deadline=None)
def test_a_quarter_turn_turns_the_endcaps_too(seed, quarters):
    event = looped.random_event(np.random.default_rng(seed), 30)
    # a track on a crystal's very edge may round to either side
    event["tracks"] = [{**track, "phi": round(math.degrees(track["phi"])) * math.pi / 180} for track in event["tracks"]]
    event["tracks"] = [{**track, "phi": track["phi"] + 0.008} for track in event["tracks"]]
    both = [event, turned(event, 90 * quarters)]
    found = drawn("ecal", both)
    for name, (before, after) in found["barrel"].items():
        np.testing.assert_allclose(after, np.roll(before, 90 * quarters, axis=1), rtol=1e-6, err_msg=name)
    for panel in ("endcap_minus", "endcap_plus"):
        for name, (before, after) in found[panel].items():
            np.testing.assert_allclose(after, np.rot90(before, -quarters), rtol=1e-6, err_msg=name)
    for before, after in drawn("detector", both)[""].values():
        np.testing.assert_allclose(after, np.roll(before, 90 * quarters, axis=1), rtol=1e-6)


@pytest.mark.parametrize("area", AREAS)
@given(SEEDS)
@settings(max_examples=8, deadline=None)
def test_the_order_of_hits_and_the_company_of_events_do_not_matter(area, seed):
    rng = np.random.default_rng(seed)
    event, other = looped.random_event(rng, 25), looped.random_event(rng, 12)
    mixed = {name: [hits[k] for k in rng.permutation(len(hits))] for name, hits in event.items()}
    alone = drawn(area, [event])
    for panel, channels in drawn(area, [other, mixed, EMPTY, event]).items():
        for name, pictures in channels.items():
            np.testing.assert_allclose(pictures[1], alone[panel][name][0], rtol=1e-6, atol=1e-9)
            np.testing.assert_array_equal(pictures[3], alone[panel][name][0])
            assert pictures[2].sum() == 0


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_energy_is_kept(seed):
    event = looped.random_event(np.random.default_rng(seed), 50)
    total = {name: sum(hit["energy"] for hit in event[name]) for name in ("ecal", "ecal_endcap", "hcal")}
    inner = sum(hit["energy"] for hit in event["hcal"] if 11 <= hit["row"] < 45)
    both = total["ecal"] + total["ecal_endcap"]
    sums = {
        area: {name: sum(part[name].sum() for part in drawn(area, [event]).values()) for name in ("ecal", "hcal")}
        for area in AREAS[1:]
    }
    assert (sums["detector"]["ecal"], sums["detector"]["hcal"]) == pytest.approx((both, total["hcal"]), rel=1e-5)
    assert (sums["ecal"]["ecal"], sums["ecal"]["hcal"]) == pytest.approx((both, total["hcal"]), rel=1e-5)
    assert (sums["barrel"]["ecal"], sums["barrel"]["hcal"]) == pytest.approx((total["ecal"], inner), rel=1e-5)


def test_every_tower_behind_the_endcaps_has_its_energy_there():
    hcal = [
        {"row": row, "column": column, "energy": 1.0 + row}
        for row in range(56)
        for column in range(72)
        if not (looped.is_wide(row) and column % 2) and not 11 <= row < 45
    ]
    assert len(hcal) == 2 * (3 * 72 + 8 * 36)
    events = collisions_of([{**EMPTY, "hcal": [hit]} for hit in hcal])
    images = Calorimeter(area="ecal", unit=1.0).represent(events)
    barrel = images.panels[0].size
    assert (images.pixels.values >= barrel).all()
    sums = np.bincount(images.pixels.rows(), images.values.values)
    np.testing.assert_allclose(sums, [hit["energy"] for hit in hcal], rtol=1e-6)
    assert images.pixels.lengths.min() == 6


def test_thousands_of_hits_huge_energies_and_none():
    rng = np.random.default_rng(3)
    many = looped.random_event(rng, 5000)
    huge = {**EMPTY, "ecal": [{"row": 3, "column": 4, "energy": 3e38, "time": 0.0}] * 3}
    none = {**EMPTY, "ecal": [{"row": 3, "column": 4, "energy": 0.0, "time": 0.0}]}
    for area in AREAS[1:]:
        found = drawn(area, [many, huge, none])
        for panel, channels in expected(area, many).items():
            for name, picture in channels.items():
                np.testing.assert_allclose(found[panel][name][0], picture, rtol=1e-5, atol=1e-3)
        ecal = next(iter(found.values()))["ecal"]
        assert ecal[1].max() == np.finfo(np.float32).max  # what is beyond float32 is its largest number
        assert ecal[2].sum() == 0


def test_sparse_and_dense_pictures_agree():
    rng = np.random.default_rng(5)
    events = [looped.random_event(rng, 20), EMPTY, looped.random_event(rng, 9)]
    images = Calorimeter(area="ecal").represent(collisions_of(events))
    assert [panel.name for panel in images.panels] == ["barrel", "endcap_minus", "endcap_plus"]
    sizes = [panel.size for panel in images.panels]
    flat = np.zeros((3, sum(sizes)), np.float32)
    for event in range(3):
        start, stop = images.pixels.offsets[event : event + 2].tolist()
        pixels = images.pixels.values[start:stop].numpy()
        assert (np.diff(pixels) > 0).all()
        flat[event, pixels] = images.values.values[start:stop].numpy()
    ends = np.cumsum([0, *sizes])
    for place, (panel, dense) in enumerate(zip(images.panels, images.dense_panels(), strict=True)):
        part = flat[:, ends[place] : ends[place + 1]].reshape(3, *panel.shape)
        np.testing.assert_array_equal(dense.numpy(), part)
        np.testing.assert_array_equal(images.panel(panel.name).dense().numpy(), part)


def test_a_shower_on_the_seam():
    hits = [{"row": 80, "column": column % 360, "energy": 9.0 - abs(column), "time": 0.0} for column in range(-5, 6)]
    shifted = [{**hit, "column": (hit["column"] + 100) % 360} for hit in hits]
    first, second = drawn("crop", [{**EMPTY, "ecal": hits}, {**EMPTY, "ecal": shifted}])[""]["ecal"]
    np.testing.assert_array_equal(first, second)
    assert first[16, 11:22].tolist() == [4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0]


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_what_lies_outside_is_counted(seed):
    event = looped.random_event(np.random.default_rng(seed), 60)
    events = collisions_of([event, EMPTY])
    etas = np.array([abs(track["eta"]) for track in event["tracks"]])
    assert Calorimeter(area="barrel").outside(events).tolist() == [(etas >= 1.479).sum(), 0]
    assert Calorimeter(area="detector").outside(events).tolist() == [(etas >= 3).sum(), 0]
    ones = {**event, "tracks": [{**track, "pt": 1.0} for track in event["tracks"]]}
    shown = sum(panel["tracks"].sum() for panel in looped.ecal(ones).values())
    assert Calorimeter(area="ecal").outside(events).tolist() == [60 - shown, 0]
    lit = {**event, "ecal": [{**hit, "energy": 1.0} for hit in event["ecal"]]}
    hits = looped.crop(lit)["ecal"].sum()
    assert Calorimeter(area="crop").outside(collisions_of([lit])).tolist() == [len(event["ecal"]) - hits]
    without = replace(events, table=events.table[[name for name in events.table.fields if name != "tracks"]])
    assert Calorimeter(area="barrel").outside(without).tolist() == [0, 0]


def test_a_task_without_endcaps_has_empty_ones():
    events = collisions_of([looped.random_event(np.random.default_rng(1), 20)])
    kept = [name for name in events.table.fields if name not in ("ecal_endcap", "hcal")]
    images = Calorimeter(area="ecal").represent(replace(events, table=events.table[kept]))
    assert images.panels[1].channel_names == ("tracks", "ecal")
    assert images.panel("endcap_plus").dense()[:, 1].sum() == 0
