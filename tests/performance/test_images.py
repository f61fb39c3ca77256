"""Jet images against peers jet by jet, and whole detectors made dense against a memory map of dense ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from representations.jet_image.jet_image import JetImage
from representations.samples import Images, Panel, Ragged
from tests.peers import peer
from tests.performance.sizes import MEASURED
from tests.representations.collisions import jets_of, with_column

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.events import Events
    from tests.performance.conftest import SideBySide

JETS, CONSTITUENTS = 20_000 if MEASURED else 200, 60
EVENTS, BATCH, SHAPE = (512, 128, (3, 280, 360)) if MEASURED else (16, 4, (3, 280, 360))
RNG = np.random.default_rng(0)
MOMENTA = np.stack([RNG.exponential(8, (JETS, CONSTITUENTS)) + 0.5, *RNG.normal(0, 0.3, (2, JETS, CONSTITUENTS))], 2)
"""pt, eta, phi of each constituent."""


@pytest.fixture(scope="module")
def jets() -> Events:
    """With the two hardest constituents for their subjets."""
    events = jets_of([[(22, *row) for row in jet] for jet in MOMENTA.tolist()], picture="jet")
    hardest = np.argsort(-MOMENTA[:, :, 0], axis=1)[:, :2]
    places = np.take_along_axis(MOMENTA[:, :, 1:], hardest[:, :, np.newaxis], axis=1).reshape(JETS, 4)
    names = ("subjet1_eta", "subjet1_phi", "subjet2_eta", "subjet2_phi")
    return with_column(
        events, "axes", [{"eta": 0.0, "phi": 0.0, **dict(zip(names, row, strict=True))} for row in places.tolist()]
    )


def energyflow() -> Callable[[], list[np.ndarray]]:
    pixelate = peer("energyflow.utils").pixelate
    return lambda: [pixelate(jet, npix=25, img_width=2.5) for jet in MOMENTA]


def energyflow_turned() -> Callable[[], list[np.ndarray]]:
    """With its own preprocessing: centred, turned by the principal axis, mirrored."""
    utils = peer("energyflow.utils")

    def one(jet: np.ndarray) -> np.ndarray:
        turned = utils.rotate_ptyphims(jet, center="ptscheme")
        return utils.pixelate(utils.reflect_ptyphims(turned, which="x", copy=False), npix=25, img_width=2.5)

    return lambda: [one(jet) for jet in MOMENTA]


def jetnet() -> Callable[[], np.ndarray]:
    to_image = peer("jetnet.utils").to_image
    rows = MOMENTA[:, :, [1, 2, 0]]
    return lambda: to_image(rows, 25, maxR=1.25)


@pytest.mark.parametrize(
    ("against", "make"),
    [
        ("EnergyFlow, pixels alone", energyflow),
        ("EnergyFlow, preprocessed", energyflow_turned),
        ("JetNet, pixels alone", jetnet),
    ],
)
def test_jet_images(side_by_side: SideBySide, jets: Events, against: str, make: Callable) -> None:
    """Ours with all steps of the preprocessing; that the pictures agree is tested among the representations."""
    jet_image, theirs = JetImage(), make()
    side_by_side(f"jet images, {JETS} jets of 60", lambda: jet_image.represent(jets), against, theirs, at_least=30)


def test_whole_detectors(side_by_side: SideBySide, tmp_path: Path) -> None:
    """0.8% of the pixels are lit, as in the fullest of 180 diphoton events with pile-up; on average 0.2% are."""
    size = int(np.prod(SHAPE))
    pixels = [np.flatnonzero(RNG.random(size) < 0.008).astype(np.int32) for _ in range(EVENTS)]
    offsets = torch.tensor(np.cumsum([0, *map(len, pixels)]))
    values = torch.tensor(RNG.exponential(1, int(offsets[-1])), dtype=torch.float32)
    images = Images(
        classes=("signal", "background"),
        **{name: torch.zeros(EVENTS, dtype=torch.int64) for name in ("labels", "event_ids", "groups")},
        weights=torch.ones(EVENTS),
        features=torch.zeros(EVENTS, 0),
        panels=(Panel(SHAPE, (3.0, np.pi)),),
        pixels=Ragged(torch.from_numpy(np.concatenate(pixels)), offsets),
        values=Ragged(values, offsets),
    )
    memory = np.lib.format.open_memmap(tmp_path / "dense.npy", "w+", np.float32, (EVENTS, *SHAPE))
    for index in torch.arange(EVENTS).split(BATCH):
        memory[index.numpy()] = images.dense(index).numpy()
    memory.flush()
    index = torch.from_numpy(RNG.permutation(EVENTS)[:BATCH])
    assert np.array_equal(images.dense(index).numpy(), memory[index.numpy()])
    assert 20 * (images.pixels.values.nbytes + images.values.nbytes) < memory.nbytes
    side_by_side(
        f"a batch of {BATCH} whole detectors, dense",
        lambda: images.dense(index),
        "NumPy's memory map",
        lambda: torch.from_numpy(memory[index.numpy()]),
        at_least=1,
        rounds=15,
    )
