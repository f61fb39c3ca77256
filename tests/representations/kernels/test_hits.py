"""Hits as flat columns: what is in them, and that a broken event is named."""

from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
from awkward.contents import ListOffsetArray, NumpyArray, RecordArray
from awkward.index import Index64

from benchmark.core.errors import Skip, UserError
from representations.calorimeter.calorimeter import Calorimeter
from representations.kernels.hits import hits_of, transverse
from tests.representations.collisions import collisions_of, jets_of, showers_of, with_column

FIELDS = ("row", "column", "energy")
HIT = {"row": 80, "column": 100, "energy": 8.0, "time": 0.5}
TRACK = {"eta": 0.1, "phi": 0.2, "pt": 3.0}
EVENT = {"ecal": [HIT], "ecal_endcap": [{**HIT, "row": 120, "column": 40}], "hcal": [HIT | {"row": 30, "column": 5}]}


def of(event):
    return collisions_of([{"ecal": [HIT], "ecal_endcap": [], "hcal": [], "tracks": []}, {"tracks": [TRACK], **event}])


def test_what_is_read():
    hits = hits_of(showers_of([[(3, 4, 1.0), (5, 6, -2.0)], [], [(7, 8, 0.0)]]), "ecal", FIELDS)
    assert (hits.events, len(hits), hits.event.tolist()) == (3, 3, [0, 0, 2])
    assert [hits[field].tolist() for field in FIELDS] == [[3, 5, 7], [4, 6, 8], [1.0, -2.0, 0.0]]
    few = hits.only(hits["energy"] < 1).with_fields(more=np.array([1.0, 2.0]))
    assert (few.event.tolist(), few["more"].tolist(), few.sums(few["more"]).tolist()) == ([0, 2], [1, 2], [1, 0, 2])


def test_transverse_energy():
    # eta by hand: the crystal's row, asinh(z / r) of the endcap's, the middle of the tower
    eta = {"ecal": 4.5 * 1.479 / 85, "ecal_endcap": np.arcsinh(3.154 / np.hypot(29.5 * 0.03, 9.5 * 0.03))}
    eta["hcal"] = 2.5 * 0.087
    event = {name: [{**hit, "row": 89} if name == "ecal" else hit for hit in hits] for name, hits in EVENT.items()}
    for name, expected in eta.items():
        hits = hits_of(of(event), name, FIELDS)
        assert transverse(hits, name)[1] == pytest.approx(8.0 / np.cosh(expected), rel=1e-6)
    assert transverse(hits_of(of(event), "tracks", ("pt",)), "tracks").tolist() == [0.0, 3.0]
    below = hits_of(of({**event, "ecal": [{**HIT, "energy": -5.0}]}), "ecal", FIELDS)
    assert transverse(below, "ecal")[1] == 0.0


@pytest.mark.parametrize(
    ("column", "change", "message"),
    [
        ("ecal", {"row": 170}, "a cell of ecal with its row outside 0 to 169"),
        ("ecal", {"column": -1}, "a cell of ecal with its column outside 0 to 359"),
        ("ecal_endcap", {"row": 200}, "a cell of ecal_endcap with its row outside 0 to 199"),
        ("ecal_endcap", {"column": 100}, "a cell of ecal_endcap with its column outside 0 to 99"),
        ("hcal", {"row": 56}, "a cell of hcal with its row outside 0 to 55"),
        ("hcal", {"column": 72}, "a cell of hcal with its column outside 0 to 71"),
        ("hcal", {"row": 50, "column": 7}, "a cell of hcal with its column odd, where a tower is two columns wide"),
        ("ecal", {"energy": np.nan}, "a cell of ecal with its energy that is missing, NaN or infinite"),
        ("ecal", {"time": np.inf}, "a cell of ecal with its time that is missing"),
        ("hcal", {"energy": -np.inf}, "a cell of hcal with its energy that is missing"),
        ("tracks", {"phi": np.nan}, "one of its tracks with its phi that is missing"),
    ],
)
@pytest.mark.parametrize("area", ["ecal", "detector"])
def test_the_event_of_a_broken_hit_is_named(area, column, change, message):
    event = {**EVENT, "tracks": [TRACK]}
    event[column] = [event[column][0], event[column][0] | change]
    with pytest.raises(UserError, match=rf"toy: event 1001 has {message}"):
        Calorimeter(area=area, time="on").represent(of(event))
    Calorimeter(area=area, time="on").represent(of({**EVENT, "tracks": [TRACK]}))


def test_a_number_that_is_missing():
    events = with_column(showers_of([[]] * 2), "ecal", [[HIT], [HIT, {**HIT, "energy": None}]])
    with pytest.raises(UserError, match="event 1001 has a cell of ecal with its energy that is missing"):
        Calorimeter(area="barrel").represent(events)
    events = with_column(showers_of([[]] * 2), "ecal", [[HIT], None])
    with pytest.raises(UserError, match=r"event 1001 has no list of ecal"):
        Calorimeter(area="barrel").represent(events)


@pytest.mark.parametrize("area", ["crop", "barrel", "detector", "ecal"])
@pytest.mark.parametrize("offsets", [[0, 3, 2, 5], [0, 1, 1, 9]])
def test_offsets_out_of_order(area, offsets):
    record = RecordArray([NumpyArray(np.arange(5.0)) for _ in FIELDS], list(FIELDS))
    events = showers_of([[]] * 3)
    broken = ak.Array(ListOffsetArray(Index64(np.array(offsets)), record))
    columns = {name: events.table[name] for name in events.table.fields if name != "ecal"}
    wrong = 1001 if offsets[2] < offsets[1] else 1002
    with pytest.raises(UserError, match=rf"event {wrong} has no list of ecal: it is missing, or its offsets"):
        Calorimeter(area=area).represent(replace(events, table=ak.zip({**columns, "ecal": broken}, depth_limit=1)))


@pytest.mark.parametrize("area", ["crop", "barrel"])
def test_lists_of_different_lengths(area):
    ecal = ak.Array({"row": [[1], [1, 2]], "column": [[3], [4, 5]], "energy": [[1.0], [2.0]]})
    with pytest.raises(UserError, match=r"event 1001 has lists of different lengths as ecal\.row and energy"):
        Calorimeter(area=area).represent(with_column(showers_of([[], []]), "ecal", ecal))
    jets = jets_of([[(22, 1.0, 0.0, 0.0)]], picture="jet")
    fields = {name: jets.table["constituents"][name] for name in jets.table["constituents"].fields}
    broken = with_column(jets, "constituents", ak.Array({**fields, "eta": [[0.0, 1.0]]}))
    with pytest.raises(UserError, match=r"event 1000 has lists of different lengths as constituents.pt and eta"):
        Calorimeter().represent(broken)


def test_what_is_not_there():
    with pytest.raises(Skip, match=r"toy: no calorimeter hits in these events, which are of the level"):
        hits_of(showers_of([[]]), "hcal", FIELDS)
    with pytest.raises(UserError, match=r"toy: its ecal have no depth \(found: row, column, energy, time\)"):
        hits_of(showers_of([[]]), "ecal", (*FIELDS, "depth"))
