"""Energy-flow polynomials against closed forms."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from benchmark.core.errors import Skip
from representations import energy_flow
from representations.energy_flow import EnergyFlow
from tests.peers import peer
from tests.representations.collisions import events_of, jets_of

RNG = np.random.default_rng(7)
JETS = [np.column_stack([RNG.exponential(9, n) + 0.1, RNG.normal((0.5, 3.1), 0.4, (n, 2))]) for n in (5, 1, 12, 2)]
"""pt, eta, phi of constituents, across the seam in phi."""


@pytest.fixture(autouse=True)
def installed() -> None:
    peer("energyflow")


def wrapped(rows: np.ndarray) -> list:
    """The same constituents with phi in [-pi, pi)."""
    return [(211, pt, eta, (phi + np.pi) % (2 * np.pi) - np.pi) for pt, eta, phi in rows.tolist()]


def polynomials(**options) -> dict[str, np.ndarray]:
    """Columns by name, the last jet empty."""
    samples = EnergyFlow(**options).represent(jets_of([*map(wrapped, JETS), []], picture="jet"))
    return dict(zip(samples.feature_names, samples.features.numpy().T, strict=True))


@pytest.mark.parametrize("measure", ["hadr", "hadrdot"])
@pytest.mark.parametrize("beta", [1.0, 0.5, 2.0])
@pytest.mark.parametrize("shares", [True, False])
def test_small_graphs_have_closed_forms(measure: str, beta: float, shares: bool):
    found = polynomials(degree=3, measure=measure, beta=beta, shares=shares)
    for jet, rows in enumerate(JETS):
        pt, eta, phi = rows.T
        z = pt / pt.sum() if shares else pt
        deta, dphi = np.subtract.outer(eta, eta), np.subtract.outer(phi, phi)
        square = deta**2 + dphi**2 if measure == "hadr" else 2 * (np.cosh(deta) - np.cos(dphi))
        theta = np.maximum(square, 0) ** (beta / 2)
        expected = {
            "efp_dot": z.sum(),
            "efp_01": z @ theta @ z,
            "efp_01_01": z @ theta**2 @ z,
            "efp_01_02": z @ (theta @ z) ** 2,
            "efp_01_02_12": np.einsum("i,j,k,ij,jk,ki", z, z, z, theta, theta, theta),
            "efp_01_23": (z @ theta @ z) ** 2,
        }
        assert {name: found[name][jet] for name in expected} == pytest.approx(expected, rel=2e-5, abs=1e-12)
    assert all(column[-1] == 0 for column in found.values())


@pytest.mark.parametrize(("degree", "count"), [(0, 1), (1, 2), (2, 5), (3, 13), (4, 36)])
def test_the_number_of_polynomials(degree: int, count: int):
    assert len(polynomials(degree=degree)) == count  # a dictionary: names differ
    assert EnergyFlow(degree=degree).represent(jets_of([])).features.shape == (0, count)


def test_beta_2_is_the_mass():
    """With angles of massless four-vectors the line is (m / pt)^2: 2 p_a p_b summed over pairs, twice."""
    (jet, *_) = JETS
    pt, eta, phi = jet.T
    momentum = np.array([pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)]).sum(axis=1)
    mass2 = momentum[0] ** 2 - (momentum[1:] ** 2).sum()
    found = polynomials(degree=1, measure="hadrdot", beta=2.0)["efp_01"][0]
    assert found == pytest.approx(2 * mass2 / pt.sum() ** 2, rel=1e-4)


def test_events_without_a_jet():
    with pytest.raises(Skip, match="toy: no constituents of a jet in these events"):
        EnergyFlow().represent(events_of([[("jet", 30.0, 0.0, 0.0)]]))


def test_a_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(energy_flow, "find_spec", lambda _: None)
    with pytest.raises(
        Skip, match=r"energyflow \(GPLv3\) is not installed. Install it: pip install --no-deps energyfl"
    ):
        energy_flow.energyflow()


def test_it_is_imported_only_to_compute():
    code = "import sys, representations.energy_flow; print('energyflow' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False"]
