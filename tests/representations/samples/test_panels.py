"""Pictures of several panels, against dense arrays."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from representations.samples import Images, Panel
from tests.representations.samples.test_samples import LENGTHS, images, panels


@given(LENGTHS, st.integers(0, 99), st.data())
@settings(deadline=None)
def test_panels_are_parts_of_one_list_of_pixels(lengths: list[int], seed: int, data: st.DataObject) -> None:
    samples = panels(lengths, seed)
    index = data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=6) if lengths else st.just([]))
    rows = torch.tensor(index, dtype=torch.int64)
    flat = torch.zeros(len(lengths), 24)
    for event, (start, stop) in enumerate(pairwise(samples.pixels.offsets.tolist())):
        for pixel, value in zip(samples.pixels.values[start:stop], samples.values.values[start:stop], strict=True):
            flat[event, int(pixel)] = float(value) / 255.0
    barrel, endcap = samples.dense_panels(rows)
    torch.testing.assert_close(barrel, flat[rows, :10].view(len(rows), 1, 2, 5))
    torch.testing.assert_close(endcap, flat[rows, 10:].view(len(rows), 2, 1, 7))
    assert torch.equal(samples.panel("barrel").dense(rows), barrel)
    assert torch.equal(samples.panel("endcap").dense(rows), endcap)
    assert torch.equal(samples[rows].dense_panels()[1], endcap)
    joined = Images.join([samples, samples])
    assert torch.equal(joined.dense_panels()[0], torch.cat([samples.dense_panels()[0]] * 2))


def test_several_panels_are_not_one_picture() -> None:
    samples = panels([3, 2])
    for ask in (samples.dense, lambda: samples.shape, lambda: samples.span, lambda: samples.channel_names):
        with pytest.raises(ValueError, match=r"2 panels \(barrel, endcap\), expected one"):
            ask()
    with pytest.raises(KeyError):
        samples.panel("tracker")
    assert samples.panel("endcap").shape == (2, 1, 7)
    with pytest.raises(ValueError, match="panels differs"):
        Images.join([samples, images([1])])


@pytest.mark.parametrize("turned", [False, True])
def test_where_pixels_lie(turned: bool) -> None:
    panel = Panel((1, 3, 4), (3.0, 1.0), turned=turned)
    down, across = (1.0, 3.0) if turned else (3.0, 1.0)  # half widths
    middles = [(y + 0.5, x + 0.5) for y in range(3) for x in range(4)]
    expected = [(-down + 2 * down / 3 * y, -across + 2 * across / 4 * x) for y, x in middles]
    found = panel.place(*torch.tensor(middles, dtype=torch.float64).unbind(dim=1))
    torch.testing.assert_close(
        torch.stack(found[::-1] if turned else found, dim=1), torch.tensor(expected, dtype=torch.float64)
    )


@pytest.mark.parametrize("turned", [False, True])
def test_where_uneven_pixels_lie(turned: bool) -> None:
    panel = Panel((1, 3, 3), (3.0, 1.5), turned=turned, edges=(-3.0, -1.0, 1.5, 3.0))
    first, second = torch.tensor([0.0, 0.5, 1.0, 1.2, 2.9, 3.0]), torch.arange(6) / 2
    found = panel.place(second, first) if turned else panel.place(first, second)
    torch.testing.assert_close(found[0], torch.tensor([-3.0, -2.0, -1.0, -0.5, 2.85, 3.0]))
    torch.testing.assert_close(found[1], torch.arange(6) / 2 - 1.5)
