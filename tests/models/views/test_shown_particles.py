"""Particles with their columns found once: the same batches as where these are found for each of them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.inputs import INPUTS
from models.views.shown_particles import ShownParticles
from representations.samples import Vectors
from tests.models.conftest import particles

VIEWS = [INPUTS[name, Vectors] for name in ("sequence", "nodes")]


@pytest.mark.parametrize("look", VIEWS, ids=lambda look: look.view)
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_prepared_or_not(look, data: st.DataObject) -> None:  # type: ignore[no-untyped-def]
    n = data.draw(st.integers(1, 10))
    samples = particles(n, seed=n, features=1, empty=[0])
    index = torch.tensor(data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=12)))
    prepared = look.prepare(samples)
    assert isinstance(prepared, ShownParticles)
    assert look.prepare(prepared) is prepared
    assert look.shape(prepared) == look.shape(samples)
    for ours, theirs in zip(look.batch(prepared, index), look.batch(samples, index), strict=True):
        assert torch.equal(ours, theirs)
    for ours, theirs in zip(look.rows(prepared, index), look.rows(samples, index), strict=True):
        assert (ours is None) == (theirs is None)
        assert ours is None or torch.equal(ours, theirs)


@pytest.mark.parametrize("look", VIEWS, ids=lambda look: look.view)
def test_too_many_to_keep(look, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("models.views.shown_particles.KEPT_BYTES", 10)
    samples = particles(6)
    assert look.prepare(samples) is samples
