"""The containers against Python lists."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from representations.kernels.pairs import PAIR_FEATURES, pair_features
from representations.samples import Graphs, Images, Panel, Ragged, Samples, Vectors
from representations.samples.graphs import TURNED
from representations.samples.particles import FRAME

if TYPE_CHECKING:
    from pathlib import Path

LENGTHS = st.lists(st.integers(0, 5), max_size=8)


def ragged(lengths: list[int], dtype: torch.dtype = torch.int32) -> Ragged:
    offsets = torch.tensor([0, *np.cumsum(lengths)], dtype=torch.int64)
    return Ragged(torch.arange(int(offsets[-1])).to(dtype), offsets)


def as_lists(rows: Ragged) -> list[list[Any]]:
    ends = rows.offsets.tolist()
    return [rows.values[a:b].tolist() for a, b in pairwise(ends)]


def common(count: int) -> dict[str, Any]:
    return {
        "classes": ("signal", "background"),
        "labels": torch.arange(count) % 2,
        "weights": torch.rand(count),
        "event_ids": torch.arange(count) + 100,
        "groups": torch.arange(count),
        "features": torch.rand(count, 2),
        "feature_names": ("ht", "mass"),
    }


def images(lengths: list[int], seed: int = 0) -> Images:
    rng = np.random.default_rng(seed)
    pixels = [rng.choice(24, length, replace=False) for length in lengths]
    offsets = torch.tensor([0, *np.cumsum(lengths)], dtype=torch.int64)
    return Images(
        **common(len(lengths)),
        panels=(Panel((2, 3, 4), span=(3.0, 3.0)),),
        pixels=Ragged(torch.tensor(np.concatenate([[], *pixels]), dtype=torch.int32), offsets),
        values=Ragged(torch.tensor(rng.integers(1, 256, sum(lengths)), dtype=torch.uint8), offsets),
        scale=255.0,
    )


def panels(lengths: list[int], seed: int = 0) -> Images:
    """The same pixels as two pictures: 1 x 2 x 5, and 2 x 1 x 7."""
    both = (Panel((1, 2, 5), (1.0, 1.0), name="barrel"), Panel((2, 1, 7), (1.0, 1.0), name="endcap", axes=("y", "x")))
    return replace(images(lengths, seed), panels=both)


def vectors(lengths: list[int]) -> Vectors:
    kinds = ragged(lengths, torch.int8)
    rows = Ragged(torch.rand(sum(lengths), 3) + 1, kinds.offsets)
    return Vectors(**common(len(lengths)), particles=rows, kinds=kinds, names=("pt", "eta", "phi"), slots={"jet": 4})


def graphs(lengths: list[int]) -> Graphs:
    """Each node has an edge to the next one, and the last one has none."""
    nodes = ragged(lengths)
    ends = [[(node, node + 1) for node in range(length - 1)] for length in lengths]
    flat = torch.tensor([pair for event in ends for pair in event], dtype=torch.int32).reshape(-1, 2)
    offsets = torch.tensor([0, *np.cumsum([len(event) for event in ends])], dtype=torch.int64)
    names = ("eta", "pt", "phi", "charge", "mass")
    rows = Ragged(torch.rand(len(nodes.values), len(names)), nodes.offsets)
    momenta = Ragged(torch.rand(len(nodes.values), 4), nodes.offsets)
    frames = Ragged(torch.rand(len(lengths), len(FRAME)), torch.arange(len(lengths) + 1))
    return Graphs(
        **common(len(lengths)), nodes=rows, edges=Ragged(flat, offsets), names=names, momenta=momenta, frames=frames
    )


@given(LENGTHS, st.data())
@settings(deadline=None)
def test_take_and_between_as_lists_do(lengths: list[int], data: st.DataObject) -> None:
    rows, lists = ragged(lengths), as_lists(ragged(lengths))
    assert len(rows) == len(lengths)
    assert rows.rows().tolist() == [i for i, length in enumerate(lengths) for _ in range(length)]
    index = data.draw(st.lists(st.integers(-len(lengths), len(lengths) - 1), max_size=10) if lengths else st.just([]))
    assert as_lists(rows.take(torch.tensor(index, dtype=torch.int64))) == [lists[i] for i in index]
    mask = data.draw(st.lists(st.booleans(), min_size=len(lengths), max_size=len(lengths)))
    assert as_lists(rows.take(torch.tensor(mask, dtype=torch.bool))) == [
        r for r, m in zip(lists, mask, strict=True) if m
    ]
    start = data.draw(st.integers(0, len(lengths)))
    stop = data.draw(st.integers(start, len(lengths)))
    assert as_lists(rows.between(start, stop)) == lists[start:stop]


@given(
    LENGTHS,
    st.one_of(st.none(), st.integers(-9, 9)),
    st.one_of(st.none(), st.integers(-9, 9)),
    st.sampled_from([None, 1, 2, -1, -3]),
)
@settings(deadline=None)
def test_slices_as_lists_do(lengths: list[int], start: int | None, stop: int | None, step: int | None) -> None:
    samples = vectors(lengths)
    part = samples[start:stop:step]
    assert as_lists(part.kinds) == as_lists(samples.kinds)[start:stop:step]
    assert part.event_ids.tolist() == samples.event_ids.tolist()[start:stop:step]
    assert len(part) == len(part.particles) == len(part.features)


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (np.array([3, 0, 0]), [3, 0, 0]),
        (np.array([2, 1], dtype=np.uint8), [2, 1]),
        (np.array([True, False, False, True]), [0, 3]),
        (torch.tensor([-1, 1]), [3, 1]),
        (torch.tensor([False, True, True, False]), [1, 2]),
        ([], []),
        (np.array([]), []),
        (np.zeros(4, bool), []),
    ],
    ids=str,
)
def test_indexing(index: Any, rows: list[int]) -> None:
    samples = images([2, 0, 3, 1])
    part = samples[index]
    assert isinstance(part, Images)
    assert part.event_ids.tolist() == [100 + row for row in rows]
    torch.testing.assert_close(part.dense(), samples.dense()[rows], rtol=0, atol=0)
    torch.testing.assert_close(part.features, samples.features[rows], rtol=0, atol=0)


def test_read_only_index_gives_no_warning() -> None:
    index = np.array([1, 0])
    index.flags.writeable = False
    assert images([1, 2])[index].event_ids.tolist() == [101, 100]


@pytest.mark.parametrize(
    "index", [np.array([0.5]), torch.tensor(2), torch.zeros(1, 1, dtype=torch.int64), np.array([9])]
)
def test_what_is_no_index(index: Any) -> None:
    with pytest.raises(IndexError):
        images([2, 0, 3, 1])[index]


@given(LENGTHS)
@settings(deadline=None)
def test_dense_against_a_loop(lengths: list[int]) -> None:
    samples = images(lengths)
    expected = torch.zeros(len(lengths), 24)
    for event, (pixels, values) in enumerate(zip(as_lists(samples.pixels), as_lists(samples.values), strict=True)):
        for pixel, value in zip(pixels, values, strict=True):
            expected[event, pixel] = value / 255
    torch.testing.assert_close(samples.dense(), expected.view(-1, 2, 3, 4))


@pytest.mark.parametrize("index", [None, [], [2], [3, 3, 0], [-1]])
def test_stored_is_dense_times_the_scale_in_bytes(index: list[int] | None) -> None:
    samples = images([3, 0, 5, 2])
    where = None if index is None else torch.tensor(index, dtype=torch.int64)
    stored = samples.stored(where)
    assert stored.dtype == torch.uint8
    torch.testing.assert_close(stored.to(torch.float32) / 255, samples.dense(where), rtol=0, atol=0)


@pytest.mark.parametrize("index", [[4], [-5], [0, 99]])
def test_rows_that_are_not_there(index: list[int]) -> None:
    """Compiled loops check no bounds: indices out of bounds must be refused before."""
    where = torch.tensor(index)
    calls = (images([3, 0, 5, 2]).dense, images([3, 0, 5, 2]).stored, ragged([3, 0, 5, 2]).take, graphs([2] * 4).joined)
    for call in calls:
        with pytest.raises(IndexError):
            call(where)
    with pytest.raises(IndexError):
        ragged([3, 0, 5, 2]).take(torch.tensor([True, False]))


def test_rows_of_every_type_and_width() -> None:
    index = torch.tensor([2, 0, 2])
    for dtype in (torch.uint8, torch.bool, torch.int16, torch.float64):
        for shape in ((), (1,), (3,), (2, 2), (0,)):
            values = torch.randint(0, 2, (6, *shape)).to(dtype)
            rows = Ragged(values, torch.tensor([0, 2, 2, 6])).take(index)
            assert torch.equal(rows.values, torch.cat([values[2:6], values[0:2], values[2:6]]))
            assert (rows.values.dtype, rows.offsets.tolist()) == (dtype, [0, 4, 6, 10])
    strided = torch.arange(12).reshape(2, 6).T  # not contiguous
    assert torch.equal(Ragged(strided, torch.tensor([0, 2, 6])).take(torch.tensor([1])).values, strided[2:])


def test_dense_of_a_subset() -> None:
    samples = images([3, 0, 5, 2])
    for index in ([], [2], [3, 3, 0], [-1]):
        where = torch.tensor(index, dtype=torch.int64)
        torch.testing.assert_close(samples.dense(where), samples.dense()[where], rtol=0, atol=0)


@given(LENGTHS, st.integers(0, 7), st.data())
@settings(deadline=None)
def test_padded_against_a_loop(lengths: list[int], length: int, data: st.DataObject) -> None:
    samples = vectors(lengths)
    index = data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=6) if lengths else st.just([]))
    dense, mask = samples.padded(torch.tensor(index, dtype=torch.int64), length)
    rows = as_lists(samples.particles)
    for i, event in enumerate(index):
        kept = rows[event][:length]
        assert mask[i].tolist() == [True] * len(kept) + [False] * (length - len(kept))
        assert dense[i].tolist() == kept + [[0.0] * 3] * (length - len(kept))


@given(LENGTHS, st.data())
@settings(deadline=None)
def test_joined_graphs_against_a_loop(lengths: list[int], data: st.DataObject) -> None:
    samples = graphs(lengths)
    index = data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=6) if lengths else st.just([]))
    found = samples.joined(torch.tensor(index, dtype=torch.int64))
    nodes, edges, event, pairs = [], [], [], []
    for place, i in enumerate(index):
        part = samples[i : i + 1]
        table, ends = part.nodes.values, part.edges.values.long()
        turned = part.frames.values[:, TURNED].expand(len(table), -1)
        pairs.append(pair_features(part.momenta.values, ends, turned))
        edges += [(a + len(event), b + len(event)) for a, b in ends.tolist()]
        event += [place] * len(table)
        nodes += table.tolist()
    assert found.nodes.tolist() == nodes
    assert found.event.tolist() == event
    assert [(a, b) for a, b in found.edges.T.tolist()] == edges
    torch.testing.assert_close(found.pairs, torch.cat([torch.zeros(0, len(PAIR_FEATURES)), *pairs]))


@given(LENGTHS, st.data())
@settings(deadline=None)
def test_kept_pairs_are_the_computed_ones(lengths: list[int], data: st.DataObject) -> None:
    samples = graphs(lengths)
    kept = samples.with_pairs()
    assert kept.nbytes == samples.nbytes + 24 * len(samples.edges.values) + samples.edges.offsets.nbytes
    index = data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=6) if lengths else st.just([]))
    rows = torch.tensor(index, dtype=torch.int64)
    for one, two in zip(samples.joined(rows), kept.joined(rows), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-6, atol=1e-6)
    part = kept[rows]
    assert part.pairs is not None
    assert part.pairs.lengths.tolist() == part.edges.lengths.tolist()


def test_graphs_are_moved_cut_and_weighed() -> None:
    samples = graphs([2, 0, 3])
    bytes_of_graphs = (5 * 5 * 4 + 4 * 8) + (3 * 2 * 4 + 4 * 8)
    bytes_of_graphs += (5 * 4 * 4 + 4 * 8) + (3 * 6 * 4 + 4 * 8)  # momenta and frames
    assert samples.nbytes == 3 * (8 + 4 + 8 + 8) + 3 * 2 * 4 + bytes_of_graphs
    moved = samples.to("cpu")
    assert (type(moved), moved.device) == (Graphs, torch.device("cpu"))
    assert as_lists(moved.edges) == [[[0, 1]], [], [[0, 1], [1, 2]]]
    picked = samples[np.array([2, 0])]
    assert as_lists(picked.edges) == [[[0, 1], [1, 2]], [[0, 1]]]
    assert torch.equal(picked.frames.values, samples.frames.values[[2, 0]])
    assert as_lists(samples[1:].nodes) == as_lists(samples.nodes)[1:]
    assert samples[1:].edges.values.data_ptr() == samples.edges.values[1:].data_ptr()


def test_slices_share_memory_and_memory_maps_give_no_warning(tmp_path: Path) -> None:
    samples = vectors([2, 3, 1])
    assert samples[1:].particles.values.data_ptr() == samples.particles.values[2:].data_ptr()
    np.save(tmp_path / "values.npy", samples.particles.values.numpy())
    mapped = torch.from_numpy(np.load(tmp_path / "values.npy", mmap_mode="c"))
    rows = Ragged(mapped, samples.particles.offsets)
    assert as_lists(rows.take(torch.tensor([2, 0]))) == as_lists(samples.particles.take(torch.tensor([2, 0])))


@given(LENGTHS, st.lists(st.integers(0, 8), max_size=3))
@settings(deadline=None)
def test_what_was_cut_and_joined_is_the_same(lengths: list[int], cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(lengths)) for cut in cuts), len(lengths)]
    for samples in (vectors(lengths), images(lengths), graphs(lengths)):
        joined = type(samples).join([samples[a:b] for a, b in pairwise(edges)])
        for name, part in vars(samples).items():
            other = getattr(joined, name)
            if isinstance(part, Ragged):
                assert (as_lists(other), other.values.dtype) == (as_lists(part), part.values.dtype)
                assert torch.equal(other.offsets, part.offsets)
            elif isinstance(part, torch.Tensor):
                assert torch.equal(other, part)
                assert other.dtype == part.dtype
            else:
                assert other == part


def test_masses_are_joined_where_all_parts_have_them() -> None:
    with_mass = replace(vectors([1, 2]), mass=torch.tensor([80.0, 91.0]))
    assert Vectors.join([with_mass, with_mass]).mass.tolist() == [80.0, 91.0] * 2
    with pytest.raises(ValueError, match=r"Vectors\.mass differs between the parts"):
        Vectors.join([with_mass, vectors([1])])


def test_what_can_not_be_joined() -> None:
    with pytest.raises(ValueError, match="cannot join samples of 0 kinds"):
        Samples.join([])
    with pytest.raises(ValueError, match="cannot join samples of 2 kinds"):
        Samples.join([vectors([1]), images([1])])
    with pytest.raises(ValueError, match=r"Images\.scale differs between the parts"):
        Images.join([images([1]), replace(images([1]), scale=1.0)])


def test_nbytes_and_device() -> None:
    samples = vectors([2, 3])
    ragged_bytes = (5 * 3 * 4 + 3 * 8) + (5 + 3 * 8)
    assert samples.nbytes == 2 * (8 + 4 + 8 + 8) + 2 * 2 * 4 + ragged_bytes
    moved = samples.to("cpu")
    assert (type(moved), moved.device, moved.nbytes) == (Vectors, torch.device("cpu"), samples.nbytes)
    assert torch.equal(moved.particles.values, samples.particles.values)


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match=r"offsets go from and to \[0, 3\]"):
        Ragged(torch.zeros(2), torch.tensor([0, 3]))
    with pytest.raises(ValueError, match="offsets"):
        Ragged(torch.zeros(2), torch.tensor([], dtype=torch.int64))
    with pytest.raises(ValueError, match=r"Samples\.weights has 2 rows, labels have 3"):
        Samples(**(common(3) | {"weights": torch.ones(2)}))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu() -> None:
    samples = images([3, 0, 5, 2])
    moved = samples.to("cuda")
    torch.testing.assert_close(moved[np.array([2, 0])].dense().cpu(), samples.dense()[[2, 0]])
    parts = graphs([3, 0, 5]), torch.tensor([2, 0])
    for here, there in zip(parts[0].joined(parts[1]), parts[0].to("cuda").joined(parts[1].cuda()), strict=True):
        torch.testing.assert_close(there.cpu(), here)
