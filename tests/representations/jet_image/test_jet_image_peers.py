"""Jet images against those of other libraries, where they mean the same."""

from __future__ import annotations

import numpy as np
import pytest

from representations.jet_image.jet_image import JetImage
from tests.peers import peer
from tests.representations.collisions import jets_of, with_column

STEPS = ("translate", "rotate", "flip", "normalise")
SUBJETS = ("subjet1_eta", "subjet1_phi", "subjet2_eta", "subjet2_phi")


def jets(count: int, seed: int = 0) -> list[np.ndarray]:
    """pt, eta, phi in float32, as events hold them; far from the seam, of which peers know nothing."""
    rng = np.random.default_rng(seed)
    found = [
        np.stack([rng.exponential(8, n) + 0.1, *rng.normal(0, 0.3, (2, n))], 1) for n in rng.integers(1, 60, count)
    ]
    return [jet.astype(np.float32).astype(np.float64) for jet in found]


def pictures(rows: list[np.ndarray], steps: tuple[str, ...], axes: np.ndarray | None = None) -> np.ndarray:
    """Ours, (jets, eta, phi); axes: eta and phi of both subjets, (jets, 4)."""
    events = jets_of([[(22, *row) for row in jet.tolist()] for jet in rows], picture="jet")
    if axes is not None:
        places = [{"eta": 0.0, "phi": 0.0, **dict(zip(SUBJETS, row, strict=True))} for row in axes.tolist()]
        events = with_column(events, "axes", places)
    return JetImage(**{step: step in steps for step in STEPS}).represent(events).dense()[:, 0].numpy()


def about(rows: list[np.ndarray], centre: np.ndarray) -> list[np.ndarray]:
    """The jets as they are seen from eta and phi, (jets, 2)."""
    return [np.column_stack([jet[:, 0], jet[:, 1:] - place]) for jet, place in zip(rows, centre, strict=True)]


def turned(rows: list[np.ndarray], angle: np.ndarray) -> list[np.ndarray]:
    cos, sin = np.cos(angle), np.sin(angle)
    spun = [np.array([[c, s], [-s, c]]) for c, s in zip(cos, sin, strict=True)]
    return [np.column_stack([jet[:, 0], jet[:, 1:] @ matrix]) for jet, matrix in zip(rows, spun, strict=True)]


def prepared(steps: tuple[str, ...]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Our pictures of jets with two subjets, and the same jets moved, turned and mirrored here, for others to draw."""
    rows = jets(200)
    axes = np.random.default_rng(1).normal(0, 0.3, (200, 4)).astype(np.float32).astype(np.float64)
    centroid = np.array([np.average(jet[:, 1:], axis=0, weights=jet[:, 0]) for jet in rows])
    moved = about(rows, axes[:, :2] if "translate" in steps else centroid)
    if "rotate" in steps:
        moved = turned(moved, -np.pi / 2 - np.arctan2(axes[:, 3] - axes[:, 1], axes[:, 2] - axes[:, 0]))
    if "flip" in steps:
        for jet in moved:
            jet[:, 1] *= -1 if jet[jet[:, 1] < 0, 0].sum() > jet[jet[:, 1] > 0, 0].sum() else 1
    return pictures(rows, steps, axes), moved


def agree(ours: np.ndarray, theirs: np.ndarray) -> None:
    """All but a few in a thousand pixels: what lies on an edge to the last bit may fall to either side."""
    assert ours.shape == theirs.shape
    assert theirs.any(axis=(1, 2)).all()
    different = ~np.isclose(ours, theirs, rtol=1e-5, atol=1e-5)
    assert different.any(axis=(1, 2)).mean() <= 0.01


@pytest.mark.parametrize("steps", [STEPS[:n] for n in range(4)], ids=str)
def test_as_numpys_histogram_has_them(steps: tuple[str, ...]) -> None:
    ours, moved = prepared(steps)
    edges = np.linspace(-1.25, 1.25, 26)
    agree(ours, np.array([np.histogram2d(jet[:, 1], jet[:, 2], [edges] * 2, weights=jet[:, 0])[0] for jet in moved]))


@pytest.mark.parametrize("steps", [STEPS[:n] for n in range(4)], ids=str)
def test_as_jetnet_has_them(steps: tuple[str, ...]) -> None:
    to_image = peer("jetnet.utils").to_image
    ours, moved = prepared(steps)
    agree(ours, np.array([to_image(jet[:, [1, 2, 0]], 25, maxR=1.25) for jet in moved]))


@pytest.mark.parametrize("steps", [STEPS[:n] for n in range(4)], ids=str)
def test_as_energyflow_has_them(steps: tuple[str, ...]) -> None:
    """It moves pictures by whole pixels to where the centroid lies; a window cut out of a larger one undoes that."""
    pixelate = peer("energyflow.utils").pixelate
    ours, moved = prepared(steps)
    theirs = []
    for jet in moved:
        eta, phi = np.ceil(np.average(jet[:, 1:], axis=0, weights=jet[:, 0]) / 0.1 - 0.5).astype(int)
        large = pixelate(jet, npix=75, img_width=7.5, norm=False)[:, :, 0]  # phi down, eta across
        theirs.append(large[25 - phi : 50 - phi, 25 - eta : 50 - eta].T)
    agree(ours, np.array(theirs))


def test_normalised_as_energyflow_has_them_but_for_the_norm() -> None:
    """Its pixels add up to 1, the squares of ours do."""
    pixelate = peer("energyflow.utils").pixelate
    rows = jets(100)
    centred = about(rows, np.array([np.average(jet[:, 1:], axis=0, weights=jet[:, 0]) for jet in rows]))
    theirs = np.array([pixelate(jet, npix=25, img_width=2.5)[:, :, 0].T for jet in centred])
    agree(pictures(rows, ("normalise",)), theirs / np.sqrt((theirs**2).sum(axis=(1, 2), keepdims=True)))


def test_the_principal_axis_is_energyflows() -> None:
    """It stands upright there as well, but with the half of more pt above: ours has the longer, fainter half below."""
    utils = peer("energyflow.utils")
    rows = jets(200, seed=2)
    centroid = np.array([np.average(jet[:, 1:], axis=0, weights=jet[:, 0]) for jet in rows])
    ours = pictures(rows, ("translate", "rotate"), np.concatenate([centroid, centroid], axis=1))
    theirs = np.array(
        [utils.pixelate(utils.rotate_ptyphims(jet), 25, 2.5, norm=False)[:, :, 0].T for jet in about(rows, centroid)]
    )
    # up to a half turn and a reflection, for both leave to chance which way an axis points
    ways = [theirs[:, ::a, ::b] for a in (1, -1) for b in (1, -1)]
    found = np.any([np.isclose(ours, way, rtol=1e-4, atol=1e-4).all(axis=(1, 2)) for way in ways], axis=0)
    lone = np.array([len(jet) < 2 for jet in rows])
    assert (found | lone).mean() > 0.95
