from itertools import count, islice

import awkward as ak
import numpy as np
import pytest

from benchmark.core.errors import UserError
from tasks.generator import progress, pythia
from tasks.generator.pythia import accepted, collisions, level_settings

BARE = ("PartonLevel:MPI=off", "PartonLevel:ISR=off", "PartonLevel:FSR=off", "HadronLevel:all=off")
W = ("Beams:eCM=7000", "WeakSingleBoson:ffbar2W=on", *BARE)


def test_one_seed_gives_the_same_collisions_in_any_batches():
    def energies(seed, batch, batches):
        parts = islice(collisions(W, seed, "w", batch), batches)
        return np.concatenate([ak.to_numpy(ak.flatten(part.prt.p.e)) for part in parts])

    assert np.array_equal(energies(5, 20, 1), energies(5, 10, 2))
    assert not np.array_equal(energies(5, 5, 1), energies(6, 5, 1))


def test_an_unknown_setting_is_named(capfd):
    with pytest.raises(UserError, match=r"ttbar: Pythia does not know the setting 'Top:gg2tbar=on'"):
        next(collisions(("Top:gg2tbar=on",), 1, "ttbar"))


def test_contradictory_settings_are_named():
    # energy that goes down the beam pipe is not kept, but asked for in Pythia's check of each event
    with pytest.raises(UserError, match=r"wjets: Pythia gave up with .*PartonLevel:Remnants=off.*contradictory"):
        next(collisions((*W, "PartonLevel:Remnants=off"), 1, "wjets", 10))


def test_settings_with_which_pythia_cannot_start_are_named():
    with pytest.raises(UserError, match=r"w: Pythia can't start with .*24:onMode=off"):
        next(collisions((*W, "24:onMode=off"), 1, "w"))  # a W that may not decay into anything


def test_levels():
    assert level_settings("detector") == level_settings("hadron") == ()
    assert level_settings("generator") == ("HadronLevel:all=off",)
    assert set(level_settings("generator", multiparton=False)) == {"HadronLevel:all=off", "PartonLevel:MPI=off"}


# --- the selection, on numbers in place of collisions ----------------------------------------------------------------


def tens():
    """Endless batches of ten numbers."""
    return (ak.Array({"x": np.arange(10 * n, 10 * n + 10)}) for n in count())


def fives(rows):
    return rows[rows.x % 5 == 0]


@pytest.mark.parametrize(
    ("wanted", "whole", "batches"), [(1, 1, 1), (2, 1, 1), (3, 1, 2), (3, 3, 3), (7, 3, 6), (6, 2, 4), (5, 3, 3)]
)
def test_whole_batches_are_kept_in_order(wanted, whole, batches):
    rows = accepted(tens(), fives, wanted, "numbers", whole)
    assert rows.x.to_list() == list(range(0, 10 * batches, 5))


@pytest.mark.parametrize(("wanted", "whole", "reported"), [(3, 1, [2, 1]), (3, 3, [2, 1, 0]), (5, 1, [2, 2, 1])])
def test_accepted_events_are_reported_up_to_the_number_wanted(monkeypatch, wanted, whole, reported):
    heard = []
    monkeypatch.setattr(progress, "report", heard.append)
    accepted(tens(), fives, wanted, "numbers", whole)
    assert heard == reported


def test_no_more_batches_are_made_than_are_needed():
    batches = tens()
    accepted(batches, fives, 4, "numbers")
    assert next(batches).x[0] == 20


def test_an_empty_selection_is_an_error(monkeypatch):
    monkeypatch.setattr(pythia, "HARDLY_ANY", 55)
    batches = tens()
    with pytest.raises(UserError, match=r"numbers: 0 of 60 collisions pass the selection"):
        accepted(batches, lambda rows: rows[rows.x < 0], 1, "numbers")
    assert next(batches).x[0] == 60


def test_a_rare_event_is_waited_for(monkeypatch):
    monkeypatch.setattr(pythia, "HARDLY_ANY", 55)
    rows = accepted(tens(), lambda rows: rows[(rows.x == 7) | (rows.x == 333)], 2, "numbers")
    assert rows.x.to_list() == [7, 333]
