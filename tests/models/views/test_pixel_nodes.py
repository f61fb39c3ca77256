"""Nodes of pictures against dense pictures, pixel by pixel."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.inputs import VIEWS
from models.views.nodes import MOST
from models.views.pixel_nodes import PixelNodes, PreparedPixels
from representations.samples import Images, Panel
from tests.models.conftest import ragged, rings

VIEW = VIEWS["nodes", Images]
assert isinstance(VIEW, PixelNodes)


def calorimeter(
    n: int, lit: int = 30, *, panels: tuple[Panel, ...] | None = None, seed: int = 0, empty: tuple[int, ...] = ()
) -> Images:
    """Energies, some negative, in random pixels of two channels."""
    generator = torch.Generator().manual_seed(seed)
    panels = panels or (Panel((2, 12, 20), (1.5, math.pi), ("ecal", "hcal")),)
    size = sum(panel.size for panel in panels)
    pixels = [torch.randperm(size, generator=generator)[: 0 if i in empty else lit].sort().values for i in range(n)]
    lengths = torch.tensor([len(part) for part in pixels])
    values = (
        torch.randn(int(lengths.sum()), generator=generator).exp()
        * (torch.rand(int(lengths.sum()), generator=generator) * 1.2 - 0.2).sign()
    )
    base = rings(n)
    flat = torch.cat(pixels).to(torch.int32)
    return replace(base, panels=panels, pixels=ragged(lengths, flat), values=ragged(lengths, values), scale=1.0)


def brightest(picture: np.ndarray) -> list[tuple[int, int]]:
    """Rows and columns of lit pixels of a dense picture (channels, rows, columns), the most energetic first."""
    energy = np.maximum(picture, 0).sum(axis=0)
    lit = np.argwhere((picture != 0).any(axis=0)).tolist()
    return sorted(map(tuple, lit), key=lambda place: -energy[place])


@pytest.mark.parametrize("lit", [3, 30, 300])
@pytest.mark.parametrize("prepared", [False, True])
def test_pixels_one_by_one(lit: int, prepared: bool) -> None:
    samples = calorimeter(4, lit, empty=(2,))
    inputs = VIEW.prepare(samples) if prepared else samples
    nodes, mask, _ = VIEW.batch(inputs, torch.tensor([3, 2, 0]))
    assert VIEW.shape(inputs).columns == (
        *("eta", "phi", "cos_phi", "sin_phi", "delta_eta", "cos_delta_phi", "sin_delta_phi"),
        *("ecal", "hcal", "ln_ecal", "ln_hcal"),
    )
    dense = samples.dense().double().numpy()
    for place, event in enumerate([3, 2, 0]):
        picture = dense[event]
        expected = brightest(picture)[:MOST]
        assert int(mask[place].sum()) == len(expected)
        if not expected:
            continue

        def eta_phi(where: tuple[int, int]) -> tuple[float, float]:
            return (2 * (where[0] + 0.5) / 12 - 1) * 1.5, (2 * (where[1] + 0.5) / 20 - 1) * math.pi

        hot = eta_phi(expected[0])
        rows = []
        for where in sorted(expected):
            eta, phi = eta_phi(where)
            value = picture[:, where[0], where[1]]
            logarithms = np.sign(value) * np.log1p(np.abs(value) / 1e-3)
            delta = phi - hot[1]
            own = [eta, phi, math.cos(phi), math.sin(phi), eta - hot[0], math.cos(delta), math.sin(delta)]
            rows.append([*own, *value, *logarithms])
        np.testing.assert_allclose(nodes[place, :, : len(rows)].T, rows, rtol=1e-4, atol=1e-5)


def test_rows_need_not_be_even() -> None:
    edges = tuple((np.linspace(-1, 1, 13) ** 3).tolist())
    samples = calorimeter(1, panels=(Panel((1, 12, 20), (1.0, 1.0), ("ecal",), edges=edges),))
    nodes, mask, _ = VIEW.batch(samples, torch.arange(1))
    rows = np.argwhere(samples.dense()[0, 0].numpy())[:, 0]
    np.testing.assert_allclose(nodes[0, 0][mask[0]], [(edges[row] + edges[row + 1]) / 2 for row in rows], atol=1e-6)


@pytest.mark.parametrize("lit", [30, 300, 400])
def test_what_is_dropped(lit: int) -> None:
    samples = calorimeter(3, lit, empty=(1,))
    expected = []
    for picture in samples.dense().double().numpy():
        energy = np.maximum(picture, 0).sum(axis=0)
        remaining = sum(energy[place] for place in brightest(picture)[:MOST])
        expected.append(1 - remaining / energy.sum() if energy.sum() else 0.0)
    dropped = VIEW.dropped(samples)
    np.testing.assert_allclose(dropped, expected, atol=1e-6)
    assert (dropped > 0.01).any() == (lit > 200)
    assert len(VIEW.dropped(samples[:0])) == 0
    assert torch.equal(VIEW.dropped(VIEW.prepare(samples)), dropped)


def test_times_are_no_energy() -> None:
    samples = calorimeter(2, 400, panels=(Panel((2, 12, 20), (1.5, 1.0), ("ecal", "time")),))
    nodes, mask, _ = VIEW.batch(samples, torch.arange(2))
    columns = VIEW.shape(samples).columns
    assert "cos_phi" not in columns  # only if phi covers all angles
    ecal = samples.dense()[:, 0].flatten(1)
    least = nodes[0, columns.index("ecal")][mask[0]].clamp(min=0).min()
    assert least >= ecal[0].clamp(min=0).sort(descending=True).values[MOST] - 1e-6


def test_several_panels() -> None:
    barrel = Panel((1, 6, 8), (1.5, math.pi), ("ecal",), "barrel")
    endcap = Panel((2, 4, 4), (1.2, 1.2), ("ecal", "hcal"), "endcap", ("y", "x"))
    samples = calorimeter(5, 20, panels=(barrel, endcap))
    nodes, mask, _ = VIEW.batch(samples, torch.arange(5))
    columns = VIEW.shape(samples).columns
    assert columns[:8] == ("eta", "phi", "y", "x", "cos_phi", "sin_phi", "is_barrel", "is_endcap")
    by_name = dict(zip(columns, nodes.transpose(0, 1), strict=True))
    barrel_dense, endcap_dense = samples.dense_panels()
    for event in range(5):
        there = mask[event]
        on_endcap = by_name["is_endcap"][event][there] == 1
        assert on_endcap.sum() == (endcap_dense[event] != 0).any(0).sum()
        assert (by_name["is_barrel"][event][there] == 1).sum() == (barrel_dense[event] != 0).sum()
        y, x = (by_name[name][event][there][on_endcap] for name in ("y", "x"))
        row, column = ((y / 1.2 + 1) / 2 * 4).long(), ((x / 1.2 + 1) / 2 * 4).long()
        for channel, name in enumerate(("ecal", "hcal")):
            torch.testing.assert_close(
                by_name[name][event][there][on_endcap], endcap_dense[event, channel, row, column]
            )
        assert not by_name["eta"][event][there][on_endcap].any()


def lit_cells(picture: np.ndarray, step: int) -> int:
    """Cells of `side` pixels in which any channel is lit."""
    _, row, column = picture.nonzero()
    return len(set(zip(row // step, column // step, strict=True)))


@pytest.mark.parametrize("size", [8, 24, 100])
@pytest.mark.parametrize("prepared", [False, True])
def test_strokes_cell_by_cell(size: int, prepared: bool) -> None:
    samples = rings(4, size=size, channels=3, points=300, empty=[1], turned=True)
    inputs = VIEW.prepare(samples) if prepared else samples
    nodes, mask, _ = VIEW.batch(inputs, torch.arange(4))
    assert VIEW.shape(inputs).columns == (
        *("eta", "phi", "down", "across", "slope", "channel0", "channel1", "channel2"),
    )
    for event, picture in enumerate(samples.dense().double().numpy()):
        rows = []
        step = next(step for step in (1, 2, 4, 8) if lit_cells(picture, step) <= MOST)
        for top in range(0, size, step):
            for left in range(0, size, step):
                cell = picture[:, top : top + step, left : left + step]
                ink = cell.sum(axis=0)
                if not ink.any():
                    continue
                row, column = np.mgrid[: ink.shape[0], : ink.shape[1]]
                y = np.average((row + 0.5) / step, weights=ink)
                x = np.average((column + 0.5) / step, weights=ink)
                covariance = (
                    np.cov(((row + 0.5) / step).ravel(), ((column + 0.5) / step).ravel(), aweights=ink.ravel(), ddof=0)
                    if ink.size > 1
                    else np.zeros((2, 2))
                )
                eta = (2 * (left + x * step) / size - 1) * 3.0
                phi = (2 * (top + y * step) / size - 1) * 3.1416
                moments = [covariance[0, 0], covariance[1, 1], covariance[0, 1]]
                rows.append([eta, phi, *moments, *(cell.sum(axis=(1, 2)) / step**2)])
        assert int(mask[event].sum()) == len(rows) <= MOST
        if rows:
            np.testing.assert_allclose(nodes[event, :, : len(rows)].T, rows, rtol=1e-4, atol=1e-4)
    assert not VIEW.dropped(samples).any()


def test_a_full_drawing_is_used_completely() -> None:
    samples = rings(1, size=64, turned=True)
    lengths = torch.tensor([64 * 64])
    full = ragged(lengths, torch.arange(64 * 64, dtype=torch.int32))
    samples = replace(samples, pixels=full, values=ragged(lengths, torch.full((64 * 64,), 255, dtype=torch.uint8)))
    nodes, mask, _ = VIEW.batch(samples, torch.arange(1))
    assert int(mask.sum()) == 64  # cells of 8 x 8 pixels
    ink = VIEW.shape(samples).columns.index("channel0")
    torch.testing.assert_close(nodes[0, ink][mask[0]], torch.ones(64))


def test_nodes_are_computed_once() -> None:
    samples = calorimeter(1500, 10)
    prepared = VIEW.prepare(samples)
    assert isinstance(prepared, PreparedPixels)
    assert VIEW.prepare(prepared) is prepared
    assert len(prepared.pixels.values) == 0
    index = torch.tensor([1499, 3, 1024])
    for one, other in zip(VIEW.batch(prepared[index], torch.arange(3)), VIEW.batch(samples, index), strict=True):
        torch.testing.assert_close(one, other)
    assert len(VIEW.prepare(samples[:0])) == 0
