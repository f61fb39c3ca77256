"""Features of pairs against their formulas in float64, and against the library `vector`."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import vector

from representations.kernels.pairs import FLOOR, PAIR_FEATURES, pair_features


def features(
    rows: list[list[float]] | np.ndarray, pairs: list[tuple[int, int]], turned: list[list[float]] | None = None
) -> dict[str, np.ndarray]:
    """By name, of particles (pt, eta, phi, mass)."""
    momenta = torch.tensor(np.asarray(rows), dtype=torch.float32)
    turns = None if turned is None else torch.tensor(turned)
    found = pair_features(momenta, torch.tensor(pairs).reshape(-1, 2), turns)
    return dict(zip(PAIR_FEATURES, found.double().numpy().T, strict=True))


def at_random(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    columns = rng.exponential(20, n), rng.normal(0, 1, n), rng.uniform(-np.pi, np.pi, n), rng.choice([0, 0.14, 5.0], n)
    return np.stack(columns, axis=1).astype(np.float32)


@pytest.mark.parametrize("centre", [0.0, 1.7])
def test_formulas(centre: float) -> None:
    rows = at_random(200) + np.array([0, centre, 0, 0], np.float32)
    pairs = [(i, i + 1) for i in range(199)]
    pt, eta, phi, mass = rows.astype(np.float64).T
    p = vector.array({"pt": pt, "eta": eta, "phi": phi, "mass": mass})
    a, b = p[:-1], p[1:]
    found = features(rows, pairs)
    softer = np.minimum(a.pt, b.pt)
    expected = {
        "delta_eta": eta[:-1] - eta[1:],
        "delta_phi": a.deltaphi(b),
        "delta_r": a.deltaR(b),
        "ln_z": np.log(softer / (a.pt + b.pt)),
        "ln_kt": np.log(softer * a.deltaR(b)),
        "ln_m2": np.log((a + b).mass2),
    }
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=2e-5, atol=2e-5, err_msg=name)


def test_masses_of_collimated_pairs_keep_their_digits() -> None:
    """2e-4 apart at 200 GeV: energies and momenta alone would leave nothing in float32."""
    steep = np.array([2.0, 2.0002, 2.0001], np.float32).astype(float).tolist()
    rows = [[200.0, steep[0], 1.0, 0.0], [100.0, steep[1], 1.0, 0.0], [150.0, steep[2], 1.0, 0.1396]]
    found = features(rows, [(0, 1), (0, 2), (1, 2)])
    with np.errstate(all="raise"):
        pt, eta, phi, mass = np.array(rows, np.longdouble).T
        energy = np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)
        p = np.stack([energy, pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)])
        total = p[:, [0, 0, 1]] + p[:, [1, 2, 2]]
        expected = np.log(total[0] ** 2 - (total[1:] ** 2).sum(axis=0))
    np.testing.assert_allclose(found["ln_m2"], expected.astype(float), atol=1e-3)


def test_across_the_seam() -> None:
    found = features([[1, 0, np.pi - 0.1, 0], [1, 0, -np.pi + 0.1, 0]], [(0, 1), (1, 0)])
    np.testing.assert_allclose(found["delta_phi"], [-0.2, 0.2], atol=1e-6)
    np.testing.assert_allclose(found["delta_r"], [0.2, 0.2], atol=1e-6)


def test_differences_are_turned_and_mirrored_as_columns_are() -> None:
    """A quarter of a turn takes (1, 0) to (0, 1); lengths, angles and masses stay."""
    rows = [[5.0, 1.0, 0.5, 0.0], [3.0, 0.0, 0.5, 0.0], [3.0, 0.0, 0.2, 0.0]]
    pairs = [(0, 1), (1, 2)]
    plain, quarter = features(rows, pairs), features(rows, pairs, [[0.0, 1.0, -1.0]] * 3)
    np.testing.assert_allclose(quarter["delta_eta"], [0.0, 0.3], atol=1e-6)
    np.testing.assert_allclose(quarter["delta_phi"], [1.0, 0.0], atol=1e-6)
    for name in PAIR_FEATURES[2:]:
        np.testing.assert_array_equal(quarter[name], plain[name])


def test_floors() -> None:
    """On one spot, of no pt, and a node with itself."""
    rows = [[5.0, 0.3, 1.0, 0.0], [5.0, 0.3, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]
    found = features(rows, [(0, 1), (2, 3), (0, 2), (0, 0)])
    floor = np.log(FLOOR)
    np.testing.assert_allclose(found["ln_kt"], [floor] * 4, rtol=1e-6)
    np.testing.assert_allclose(found["ln_m2"], [floor] * 4, rtol=1e-6)
    np.testing.assert_allclose(found["ln_z"], [np.log(0.5), floor, floor, np.log(0.5)], rtol=1e-6)


def test_nothing_is_infinite() -> None:
    large = 3e38
    rows = [
        [large, 0.0, 0.0, large],
        [large, 1e29, 0.0, 0.0],
        [0.0, -1e29, 3.0, large],
        [1e-38, 80.0, 1.0, 1e-38],
        [1.0, -80.0, 1.0, -0.5],
    ]
    for values in features(rows, [(a, b) for a in range(5) for b in range(5)]).values():
        assert np.isfinite(values).all()
