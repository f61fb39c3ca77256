"""Lists of particles: batches are the same if columns are computed once or batch by batch."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.inputs import VIEWS
from models.views.particles import PreparedParticles
from representations.samples import Vectors
from tests.models.conftest import particles

BOTH = [VIEWS[name, Vectors] for name in ("sequence", "nodes")]


@pytest.mark.parametrize("view", BOTH, ids=lambda view: view.name)
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_prepared_batches_are_the_same(view, data: st.DataObject) -> None:  # type: ignore[no-untyped-def]
    n = data.draw(st.integers(1, 10))
    samples = particles(n, seed=n, features=1, empty=[0])
    index = torch.tensor(data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=12)))
    prepared = view.prepare(samples)
    assert isinstance(prepared, PreparedParticles)
    assert view.prepare(prepared) is prepared
    assert view.shape(prepared) == view.shape(samples)
    for ours, theirs in zip(view.batch(prepared, index), view.batch(samples, index), strict=True):
        assert torch.equal(ours, theirs)
    for ours, theirs in zip(view.rows(prepared, index), view.rows(samples, index), strict=True):
        assert (ours is None) == (theirs is None)
        assert ours is None or torch.equal(ours, theirs)


@pytest.mark.parametrize("view", BOTH, ids=lambda view: view.name)
def test_large_columns_are_computed_batch_by_batch(view, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("models.views.particles.MAX_PREPARED_BYTES", 10)
    samples = particles(6)
    assert view.prepare(samples) is samples
