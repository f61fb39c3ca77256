"""Pictures of few colours: the same as pictures that list every channel's value."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.inputs import VIEWS
from representations.circles.circles import Circles
from representations.samples import Images, Panel, Ragged
from tests.representations.collisions import random_events

if TYPE_CHECKING:
    from collections.abc import Callable

PALETTE = ((0, 0), (255, 0), (0, 51), (255, 102))


def painted(lengths: list[int], seed: int = 0, side: int = 5) -> Images:
    rng = np.random.default_rng(seed)
    lengths = [min(length, side * side) for length in lengths]
    places = [rng.permutation(side * side)[:length] for length in lengths]
    pixels = torch.tensor(np.concatenate([[], *places]), dtype=torch.int32)
    codes = torch.tensor(rng.integers(0, len(PALETTE), len(pixels)), dtype=torch.uint8)
    offsets = torch.tensor(np.cumsum([0, *lengths]))
    n = len(lengths)
    return Images(
        classes=("signal", "background"),
        **{name: torch.arange(n) % 2 for name in ("labels", "event_ids", "groups")},
        weights=torch.ones(n),
        features=torch.zeros(n, 0),
        panels=(Panel((2, side, side), (1.0, 1.0), name="only"),),
        pixels=Ragged(pixels, offsets),
        values=Ragged(codes, offsets),
        scale=255.0,
        palette=PALETTE,
    )


def listed(images: Images) -> Images:
    """The same pictures with an entry for every channel, by a loop."""
    plane = images.shape[1] * images.shape[2]
    rows = []
    for start, stop in zip(images.pixels.offsets[:-1].tolist(), images.pixels.offsets[1:].tolist(), strict=True):
        entries = zip(images.pixels.values[start:stop].tolist(), images.values.values[start:stop].tolist(), strict=True)
        rows.append([(c * plane + at, v) for at, code in entries for c, v in enumerate(PALETTE[code]) if v])
    offsets = torch.tensor(np.cumsum([0, *map(len, rows)]))
    flat = [entry for row in rows for entry in row]
    pixels = torch.tensor([at for at, _ in flat], dtype=torch.int32)
    values = torch.tensor([value for _, value in flat], dtype=torch.uint8)
    return replace(images, palette=(), pixels=Ragged(pixels, offsets), values=Ragged(values, offsets))


@given(lengths=st.lists(st.integers(0, 25), min_size=1, max_size=6), seed=st.integers(0, 99), data=st.data())
@settings(max_examples=40, deadline=None)
def test_as_if_every_channel_were_listed(lengths: list[int], seed: int, data: st.DataObject) -> None:
    images = painted(lengths, seed)
    expected = listed(images)
    index = torch.tensor(data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=8)), dtype=torch.int64)
    assert torch.equal(images.dense(index), expected.dense(index))
    assert torch.equal(images.stored(index), expected.stored(index))
    assert images.stored(index).dtype == torch.uint8
    for ours, theirs in zip(images.entries(index), expected.entries(index), strict=True):
        assert torch.equal(ours, theirs)
    if not len(index):
        return
    (ours,), (theirs,) = (VIEWS["table", Images].batch(some, index) for some in (images, expected))
    torch.testing.assert_close(ours, theirs)


def test_entries_make_the_dense_picture() -> None:
    images = Circles(size=56).represent(random_events(5, 8))
    index = torch.tensor([4, 0, 0])
    event, pixel, value = images.entries(index)
    canvas = torch.zeros(3, 3 * 56 * 56)
    canvas[event, pixel] = value
    assert torch.equal(canvas.view(3, 3, 56, 56), images.dense(index))
    assert len(torch.unique(event * canvas.shape[1] + pixel)) == len(pixel)


def test_each_lit_pixel_has_one_entry() -> None:
    images = Circles().represent(random_events(20, 8))
    lit = (images.dense() > 0).any(dim=1).sum(dim=(1, 2))
    assert images.pixels.lengths.tolist() == lit.tolist()


def test_the_only_panel_of_painted_pictures() -> None:
    images = painted([3, 4])
    assert images.panel("only") is images
    with pytest.raises(KeyError):
        images.panel("other")


def test_a_palette_of_other_channels_is_refused() -> None:
    with pytest.raises(ValueError, match="the palette has other channels than the 2 of the picture"):
        replace(painted([3]), palette=((1, 2, 3),))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu() -> None:
    images = painted([3, 0, 25])
    assert torch.equal(images.to("cuda").dense().cpu(), images.dense())
    assert torch.equal(images.to("cuda").stored().cpu(), images.stored())


@pytest.mark.parametrize("form", [painted, lambda lengths: listed(painted(lengths))], ids=["palette", "channels"])
def test_written_over_what_is_there(form: Callable[[list[int]], Images]) -> None:
    images, index = form([3, 25, 0]), torch.tensor([1, 2])
    for make, dtype in ((images.stored, torch.uint8), (images.dense, torch.float32)):
        out = torch.full((2, *images.shape), 7, dtype=dtype)
        assert make(index, out=out).data_ptr() == out.data_ptr()
        assert torch.equal(out, make(index))
        mask = torch.tensor([False, True, True])
        assert torch.equal(make(mask, out=torch.full_like(out, 7)), out)
        assert make(index[:0], out=out[:0]).shape == (0, *images.shape)


@pytest.mark.parametrize(
    "out",
    [
        torch.empty(1, 2, 5, 5, dtype=torch.uint8),
        torch.empty(2, 2, 5, 5),
        torch.empty(2, 5, 5, 2, dtype=torch.uint8).movedim(3, 1),
    ],
    ids=["shape", "type", "strides"],
)
def test_out_that_does_not_fit(out: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"out is .*, expected \(2, 2, 5, 5\) torch.uint8 on cpu, contiguous"):
        painted([3, 25]).stored(out=out)
