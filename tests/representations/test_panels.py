"""Pictures of several panels, against dense arrays."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from representations.samples import Images
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
