"""Leaves of trees: the hardest particles, the brightest pixels, pooled cells of ink."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmark.core.errors import Skip, UserError
from models.views import leaves as limits
from models.views import pixel_leaves
from models.views.leaves import of_particles
from models.views.pixel_leaves import of_pixels
from representations.samples import Images, Panel, Ragged, Vectors
from tasks.detector.geometry import endcap_direction
from tests.models.conftest import particles, ragged, rings, truth


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """At most 5 leaves, so that some are dropped."""
    for module in (limits, pixel_leaves):
        monkeypatch.setattr(module, "MOST", 5)
    return 5


def columns(samples: Vectors, names: tuple[str, ...], values: torch.Tensor) -> Vectors:
    return replace(samples, names=names, particles=replace(samples.particles, values=values))


class TestParticles:
    def test_columns_are_taken_over(self) -> None:
        samples = particles(6, empty=[1])
        leaves = of_particles(samples)
        torch.testing.assert_close(leaves.momenta.values[:, :3], samples.particles.values.double())
        assert not leaves.momenta.values[:, 3].any()
        assert leaves.names == samples.names
        assert torch.equal(leaves.others, samples.particles.values)
        assert not leaves.dropped.any()

    def test_momenta_are_kept_beside_other_columns(self) -> None:
        samples = particles(20)
        pt, eta, phi = samples.particles.values.unbind(dim=1)
        momenta = torch.stack([pt, eta, phi, torch.full_like(pt, 5.0)], dim=1)
        values = torch.stack([pt.log(), torch.ones_like(pt)], dim=1)
        named = replace(
            columns(samples, ("log_pt", "charge"), values), momenta=Ragged(momenta, samples.particles.offsets)
        )
        leaves = of_particles(named)
        assert torch.equal(leaves.momenta.values, momenta.double())
        assert leaves.names == ("log_pt", "charge")

    def test_the_softest_are_dropped(self, few: int) -> None:
        samples = particles(40, seed=4)
        leaves = of_particles(samples)
        for event in range(40):
            pt = samples.particles.take(torch.tensor([event])).values[:, 0].double()
            remaining = leaves.momenta.take(torch.tensor([event])).values[:, 0]
            assert torch.equal(remaining, pt[:few])  # particles are in falling pt
            assert float(leaves.dropped[event]) == pytest.approx(float(1 - pt[:few].sum() / pt.sum()))
        assert leaves.dropped.max() > 0

    def test_refusals(self) -> None:
        samples = particles(5)
        with pytest.raises(Skip, match=r"no known momenta \(found: pt, eta, x\)"):
            of_particles(columns(samples, ("pt", "eta", "x"), samples.particles.values))
        broken = samples.particles.values.clone()
        broken[-1, 1] = torch.nan
        with pytest.raises(UserError, match="event 4 has eta nan, expected a finite number"):
            of_particles(columns(samples, samples.names, broken))

    def test_lists_without_columns(self) -> None:
        """As in fourvectors[features=high], which has no particles."""
        empty = torch.zeros(4, dtype=torch.int64)
        samples = Vectors(
            **truth(torch.tensor([0, 1, 0]), 2, 2),
            particles=Ragged(torch.zeros(0, 0), empty),
            kinds=Ragged(torch.zeros(0, dtype=torch.int8), empty),
            names=(),
            slots={},
        )
        assert of_particles(samples).momenta.lengths.tolist() == [0, 0, 0]


def pictures(planes: torch.Tensor, *panels: Panel) -> Images:
    """Measured pictures (n, pixels of all panels)."""
    event, pixel = planes.nonzero(as_tuple=True)
    lengths = torch.bincount(event, minlength=len(planes))
    return Images(
        **truth(torch.arange(len(planes)) % 2, 2),
        panels=panels,
        pixels=ragged(lengths, pixel.to(torch.int32)),
        values=ragged(lengths, planes[event, pixel]),
    )


class TestPixels:
    def test_the_brightest_by_hand(self, few: int) -> None:
        rng = np.random.default_rng(1)
        planes = torch.from_numpy(rng.exponential(size=(3, 2, 4, 6)).astype(np.float32))
        planes[1, :, 0, 0] = torch.tensor([-3.0, 0.5])  # noise with a negative sum
        panel = Panel((2, 4, 6), (2.0, 3.0), ("tracks", "ecal"))
        leaves = of_pixels(pictures(planes.flatten(1), panel))
        assert leaves.names == ("tracks", "ecal")
        for event in range(3):
            found = []
            for row in range(4):
                for column in range(6):
                    eta, phi = (row + 0.5) - 2.0, (column + 0.5) - 3.0
                    tracks, ecal = planes[event, :, row, column].tolist()
                    energy = tracks * np.cosh(eta) + ecal
                    found.append((max(energy, 0), energy / np.cosh(eta), eta, phi, 0.0, tracks, ecal))
            found.sort(reverse=True)
            mine = leaves.momenta.take(torch.tensor([event])).values
            np.testing.assert_allclose(mine, np.array(found)[:few, 1:5], rtol=1e-6)
            others = leaves.others[leaves.momenta.offsets[event] :][:few]
            np.testing.assert_allclose(others, np.array(found)[:few, 5:], rtol=1e-6)
            dropped = sum(energy for energy, *_ in found[few:]) / sum(energy for energy, *_ in found)
            assert float(leaves.dropped[event]) == pytest.approx(dropped)

    def test_rows_need_not_be_even(self) -> None:
        planes = torch.tensor([[0.0, 2.0, 1.0, 0.0, 0.0, 4.0]])
        panel = Panel((1, 3, 2), (3.0, 1.0), ("ecal",), edges=(-3.0, -1.0, 0.0, 3.0))
        momenta = of_pixels(pictures(planes, panel)).momenta.values
        expected = [(2.0, -2.0, 0.5), (1.0, -0.5, -0.5), (4.0, 1.5, 0.5)]  # energy, eta, phi
        expected = sorted(((energy / np.cosh(eta), eta, phi) for energy, eta, phi in expected), reverse=True)
        np.testing.assert_allclose(momenta[momenta[:, 0].argsort(descending=True), :3], expected, rtol=1e-6)

    def test_time_is_no_energy(self) -> None:
        planes = torch.tensor([[1.0, 0.0, 0.3, 7.0]])
        panel = Panel((2, 1, 2), (1.0, 1.0), ("energy", "time"))
        leaves = of_pixels(pictures(planes, panel))
        assert leaves.momenta.values[:, 0].tolist() == [1.0]
        np.testing.assert_allclose(leaves.others, [[1.0, 0.3]])

    def test_endcap_pixels_have_the_directions_of_crystals(self) -> None:
        barrel = Panel((1, 2, 2), (1.479, np.pi), ("ecal",), "barrel")
        ends = [Panel((1, 100, 100), (1.5, 1.5), ("ecal",), f"endcap_{name}", ("y", "x")) for name in ("minus", "plus")]
        planes = torch.zeros(1, 4 + 2 * 100 * 100)
        planes[0, 2], planes[0, 4 + 30 * 100 + 71], planes[0, 4 + 10_000 + 80 * 100 + 20] = 3.0, 2.0, 1.0
        leaves = of_pixels(pictures(planes, barrel, *ends))
        eta, phi = endcap_direction(np.array([30, 180]), np.array([71, 20]))
        np.testing.assert_allclose(leaves.momenta.values[:, 1], [1.479 / 2, *eta], rtol=1e-6)
        np.testing.assert_allclose(leaves.momenta.values[:, 2], [-np.pi / 2, *phi], rtol=1e-6)
        np.testing.assert_allclose(leaves.momenta.values[:, 0], [3, 2, 1] / leaves.momenta.values[:, 1].cosh().numpy())
        assert leaves.names == ("barrel_ecal", "endcap_minus_ecal", "endcap_plus_ecal")
        np.testing.assert_allclose(leaves.others, np.diag([3.0, 2.0, 1.0]))

    def test_nan_is_refused(self) -> None:
        planes = torch.tensor([[1.0, 2.0], [torch.nan, 1.0]])
        with pytest.raises(UserError, match=r"event 1 has pt inf, expected a finite number\. Look for NaN"):
            of_pixels(pictures(planes, Panel((1, 1, 2), (1.0, 1.0))))

    def test_empty_pictures(self) -> None:
        samples = pictures(torch.zeros(3, 8), Panel((1, 2, 4), (1.0, 1.0)))
        assert of_pixels(samples[:0]).momenta.lengths.tolist() == []
        leaves = of_pixels(samples)
        assert leaves.momenta.lengths.tolist() == [0, 0, 0]
        assert not leaves.dropped.any()


class TestDrawings:
    @pytest.mark.parametrize("most", [3, 20, 128])
    def test_ink_is_pooled_until_few_cells_are_lit(self, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (limits, pixel_leaves):
            monkeypatch.setattr(module, "MOST", most)
        samples = rings(8, size=21, channels=2, empty=[3], turned=True)
        leaves = of_pixels(samples)
        dense = samples.dense().double().numpy()
        y, x = (np.mgrid[:21, :21] + 0.5) / 21 * 2 - 1
        for event in range(8):
            ink, step = dense[event], 1
            while True:
                cells: dict[tuple[int, int], list[tuple[int, int]]] = {}
                for row, column in zip(*ink.sum(0).nonzero(), strict=True):
                    cells.setdefault((row // step, column // step), []).append((row, column))
                if len(cells) <= most:
                    break
                step *= 2
            rows = []
            for places in cells.values():
                at = tuple(np.array(places).T)
                light = ink[:, *at]
                weight = light.sum(0)
                rows.append(
                    [
                        weight.sum(),
                        3 * np.average(x[at], weights=weight),
                        3.1416 * np.average(y[at], weights=weight),
                        *light.sum(1),
                    ]
                )
            here = slice(*leaves.momenta.offsets[event : event + 2].tolist())
            mine = np.concatenate([leaves.momenta.values[here, :3], leaves.others[here]], axis=1)
            expected = np.array(rows).reshape(-1, 5)
            assert len(mine) == len(expected) <= most
            order = [np.lexsort(np.round(part, 4).T) for part in (mine, expected)]
            np.testing.assert_allclose(mine[order[0]], expected[order[1]], rtol=1e-5, atol=1e-5)
        assert not leaves.dropped.abs().max() > 1e-9

    def test_leaves_do_not_depend_on_other_events(self) -> None:
        samples = rings(6, size=60)
        together = of_pixels(samples)
        for event in range(6):
            alone = of_pixels(samples[event : event + 1])
            torch.testing.assert_close(alone.momenta.values, together.momenta.take(torch.tensor([event])).values)
        assert of_pixels(samples[:0]).momenta.lengths.tolist() == []
