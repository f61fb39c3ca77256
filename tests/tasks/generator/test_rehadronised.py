"""Partons hadronised repeatedly until they give the wanted jet, at most one event for each set of partons."""

import awkward as ak
import pytest

from benchmark.core.errors import UserError
from tasks.generator.rehadronised import rehadronised

SETTINGS = ("Beams:eCM=8000", "PromptPhoton:qg2qgamma=on", "PhaseSpace:pTHatMin=30", "PartonLevel:MPI=off")


def test_partons_and_hadrons_are_selected():
    asked = {"partons": 0, "hadrons": 0}

    def partons(particles):
        asked["partons"] += 1
        assert all(pt > 0.3 for _, pt, _, _ in particles)
        return asked["partons"] % 2 == 0

    def hadrons(particles):
        asked["hadrons"] += 1
        # hadrons have taken the partons' place, the photon is still there
        assert not any(abs(code) in (1, 2, 3, 21) for code, *_ in particles)
        assert any(code == 22 for code, *_ in particles)
        return asked["hadrons"] % 3 == 0

    events = next(rehadronised(SETTINGS, 5, "test", partons, hadrons, tries=3, batch=4))
    assert len(events) == 4
    assert asked == {"partons": 8, "hadrons": 12}  # every second set of partons, each at its third try
    assert {"px", "py", "pz", "e", "pt", "eta", "phi", "pdg_id", "visible"} == set(events.fields)
    # energy is kept, whatever became of the partons
    for event in events:
        assert ak.sum(event.e) == pytest.approx(8000, rel=1e-6)
        assert ak.sum(event.px) == pytest.approx(0, abs=1e-3)


def test_same_seed_same_events():
    def yes(particles):
        return True

    one, two = (next(rehadronised(SETTINGS, 5, "test", yes, yes, batch=3)) for _ in range(2))
    assert ak.array_equal(one, two)


def test_unknown_settings_are_named():
    with pytest.raises(UserError, match="Beams:eCN"):
        next(rehadronised(("Beams:eCN=1",), 5, "test", bool, bool))


def test_no_event_at_all_is_an_error():
    with pytest.raises(UserError, match=r"none of 2,000 collisions gives a wanted jet\. Loosen"):
        next(rehadronised(SETTINGS, 5, "test", lambda partons: False, lambda hadrons: True, batch=2))
