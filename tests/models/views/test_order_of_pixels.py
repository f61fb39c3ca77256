"""The order in which pixels are listed does not change any view."""

from __future__ import annotations

from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
import torch

from models.inputs import VIEWS
from representations.circles.circles import Circles
from representations.samples import Images, Ragged
from tests.models.conftest import rings
from tests.representations.collisions import random_events

EVENTS = 40
PICTURES = {"rings": rings(EVENTS), "circles": Circles(size=112).represent(random_events(EVENTS, 8))}


def shuffled(samples: Images) -> Images:
    """The same pictures, each with its pixels in another order."""
    chance = torch.Generator().manual_seed(0)
    rows, ends = samples.pixels.rows(), samples.pixels.offsets
    order = torch.argsort(rows + torch.rand(len(rows), generator=chance, dtype=torch.float64))
    pixels, values = (Ragged(part.values[order], ends) for part in (samples.pixels, samples.values))
    assert not torch.equal(pixels.values, samples.pixels.values)
    return replace(samples, pixels=pixels, values=values)


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("view_name", [view_name for view_name, kind in VIEWS if kind is Images])
def test_order_of_pixels_changes_no_bit_of_a_view(name: str, view_name: str) -> None:
    samples, view, index = PICTURES[name], VIEWS[view_name, Images], torch.arange(EVENTS)
    seen = [view.batch(view.prepare(pictures), index) for pictures in (samples, shuffled(samples))]
    for mine, theirs in zip(*seen, strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("view_name", [view_name for view_name, kind in VIEWS if kind is Images])
def test_order_of_particles_does_not_matter(view_name: str) -> None:
    """Circles are drawn in another order, so pixels are listed in another order."""
    events = random_events(EVENTS, 8)
    turned = replace(events, table=ak.with_field(events.table, events.table["objects"][:, ::-1], "objects"))
    view, index = VIEWS[view_name, Images], torch.arange(EVENTS)
    pictures = [Circles(size=112).represent(part) for part in (events, turned)]
    assert not np.array_equal(*(part.pixels.values.numpy() for part in pictures))
    for mine, theirs in zip(*(view.batch(view.prepare(part), index) for part in pictures), strict=True):
        assert torch.equal(mine, theirs)
