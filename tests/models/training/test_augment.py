"""Augmentation: each kind by hand, seeds, and training with it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.core.errors import Skip, UserError
from models.cnn import CNN
from models.ffnn import FFNN
from models.inputs import VIEWS, Shape
from models.model import Context
from models.training.augment import (
    SHIFT,
    Directions,
    ParticleAugmentation,
    PictureAugmentation,
    _moved,
    augmentation,
    wanted,
)
from models.training.batches import Batches
from representations.samples import Images, Panel, Vectors
from tests.models.conftest import particles, rings

FULL = Panel((1, 12, 8), (3.0, math.pi), turned=True)  # 12 rows of phi, 8 columns of eta


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def picture(seed: int = 0, events: int = 64, channels: int = 2) -> torch.Tensor:
    return torch.rand(events, channels, *FULL.shape[1:], generator=rng(seed))


def moved(picture: torch.Tensor, **moves: float) -> torch.Tensor:
    plain = {"eta_sign": 1.0, "phi_sign": 1.0, "turn": 0.0, "down": 0.0, "across": 0.0, "slope": 0.0}
    return _moved(picture, *(torch.full((len(picture),), value) for value in (plain | moves).values()))


class TestPixels:
    """Rows are eta here, columns phi."""

    start = picture()

    def test_mirrors_are_flips(self) -> None:
        assert torch.equal(moved(self.start, eta_sign=-1.0), self.start.flip(2))
        assert torch.equal(moved(self.start, phi_sign=-1.0), self.start.flip(3))

    @pytest.mark.parametrize("turn", [1, 3, 7])
    def test_a_rotation_is_a_roll(self, turn: int) -> None:
        assert torch.equal(moved(self.start, turn=turn), self.start.roll(turn, 3))

    def test_a_shift_fills_with_zeros(self) -> None:
        expected = torch.zeros_like(self.start)
        expected[:, :, 2:, :-1] = self.start[:, :, :-2, 1:]
        assert torch.equal(moved(self.start, down=2.0, across=-1.0), expected)

    def test_a_shear_shifts_each_row_by_its_distance_from_the_middle(self) -> None:
        expected = torch.zeros_like(self.start)
        for row in range(12):
            shift = round(0.5 * (row - 5.5))  # both round halves to even
            for column in range(8):
                if 0 <= column - shift < 8:
                    expected[:, :, row, column] = self.start[:, :, row, column - shift]
        assert torch.equal(moved(self.start, slope=0.5), expected)


def augmented(words: str, samples: Images | Vectors, seed: int = 0) -> tuple[torch.Tensor, ...]:
    view = VIEWS["picture" if isinstance(samples, Images) else "sequence", type(samples)]
    inputs = view.batch(samples, torch.arange(len(samples)))
    found = augmentation(words, view, samples, "cnn")
    assert found is not None
    return found(inputs, rng(seed))


def test_mirrored_pictures_are_one_of_four() -> None:
    samples = rings(80)
    start, (found, _) = samples.dense(), augmented("mirror", samples)
    which = torch.stack([(found == start.flip(axes)).flatten(1).all(1) for axes in ((), (2,), (3,), (2, 3))])
    assert which.any(0).all()
    assert (which.sum(1) > 8).all()  # of 80, 20 expected each


def test_rotated_circles_are_rolled_along_the_rows() -> None:
    pictures = PictureAugmentation(("rotation",), FULL, (), "cnn")
    start = picture()
    found, _ = pictures((start, torch.zeros(64, 0)), rng())
    which = torch.stack([(found == start.roll(turn, 2)).flatten(1).all(1) for turn in range(12)])
    assert which.any(0).all()
    assert which.any(1).sum() > 8
    # of a calorimeter, whose rows are eta, along the columns
    other = PictureAugmentation(("rotation",), FULL._replace(shape=(1, 8, 12), turned=False), (), "cnn")
    again, _ = other((start.transpose(2, 3), torch.zeros(64, 0)), rng())
    assert torch.equal(again.transpose(2, 3), found)


def test_pictures_with_towers_rotate_by_whole_towers() -> None:
    panel = Panel((2, 4, 144), (1.5, math.pi), ("ecal", "hcal"))
    start = torch.rand(64, 2, 4, 144, generator=rng())
    found, _ = PictureAugmentation(("rotation",), panel, (), "cnn")((start, torch.zeros(64, 0)), rng())
    which = torch.stack([(found == start.roll(2 * tower, 3)).flatten(1).all(1) for tower in range(72)])
    assert which.any(0).all()


def test_translations_stay_within_their_bound() -> None:
    samples = rings(200, size=40)
    single = torch.zeros(200, 1, 40, 40)
    single[:, :, 20, 20] = 1
    panel = samples.panels[0]
    found, _ = PictureAugmentation(("translation",), panel, (), "cnn")((single, torch.zeros(200, 0)), rng())
    where = found.flatten(1).argmax(1)
    assert torch.equal(found.sum((1, 2, 3)), torch.ones(200))
    for place in (where // 40 - 20, where % 40 - 20):
        assert (int(place.min()), int(place.max())) == (-40 * SHIFT, 40 * SHIFT)


@given(angle=st.floats(-7, 7), mirrored=st.booleans())
@settings(max_examples=50, deadline=None)
def test_angles_and_their_cosines_rotate_alike(angle: float, mirrored: bool) -> None:
    phi = torch.linspace(-3, 3, 5, dtype=torch.float64).expand(2, 1, 5)
    rows = torch.cat([phi * 0 + 1.5, phi, phi.cos(), phi.sin(), phi * 0 + 7], 1)
    signs = torch.full((2,), -1.0 if mirrored else 1.0, dtype=torch.float64)
    turned = Directions(("eta", "phi", "cos_phi", "sin_phi", "delta_phi"))(
        rows, signs, signs, torch.full((2,), angle, dtype=torch.float64)
    )
    expected = phi * signs[0] + angle
    torch.testing.assert_close(turned[:, 2:3], expected.cos())
    torch.testing.assert_close(turned[:, 3:4], expected.sin())
    torch.testing.assert_close(turned[:, 1:2].sin(), expected.sin())
    assert float(turned[:, 1].abs().max()) <= math.pi
    assert torch.equal(turned[:, 0], 1.5 * signs[:, None].expand(2, 5))
    assert (turned[:, 4] == 7).all()  # a difference, which a rotation does not change


def test_particles_and_features_rotate_together() -> None:
    samples = replace(particles(40, features=2), feature_names=("pt1", "phi2"))
    view = VIEWS["sequence", Vectors]
    start, mask, features = view.batch(samples, torch.arange(40))
    found, same, turned = augmented("mirror+rotation", samples)
    assert torch.equal(mask, same)
    pt, eta, phi = range(3)
    assert torch.equal(found[:, pt], start[:, pt])
    assert torch.equal(found[:, 3:], start[:, 3:])
    assert torch.equal(found[:, eta].abs(), start[:, eta].abs())
    flipped = torch.stack([found[:, phi] - start[:, phi], found[:, phi] + start[:, phi]])
    alike = torch.stack([(part - part[:, :1]).sin().abs().max(1).values < 1e-5 for part in flipped])
    assert alike.any(0).all()
    assert torch.equal(turned[:, 0], features[:, 0])
    assert len(torch.unique(turned[:, 1])) == 40


def test_augmentation_is_seeded_and_only_in_training() -> None:
    samples = rings(30)
    one, again, other = (augmented("shear+mirror", samples, seed)[0] for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    view = VIEWS["picture", Images]
    batches = Batches(view, samples, "cpu", augment=augmentation("mirror", view, samples, "cnn"))
    index = torch.arange(30)
    assert torch.equal(batches(index).inputs[0], samples.dense())
    assert not torch.equal(next(iter(batches.ahead([index], rng()))).inputs[0], samples.dense())


@pytest.mark.parametrize("samples", [rings(60), particles(60)], ids=["pictures", "particles"])
def test_models_train_with_augmentation(samples: Images | Vectors) -> None:
    def scores(augment: str) -> np.ndarray:
        model = CNN(depth=7, width=4, epochs=2, batch_size=16, augment=augment)
        model.fit(samples[:40], samples[40:], Context())
        return model.predict_proba(samples)

    np.testing.assert_array_equal(scores("mirror"), scores("mirror"))
    assert not np.array_equal(scores("mirror"), scores("none"))


def test_words() -> None:
    assert wanted("none", "cnn") == ()
    assert wanted("shear+mirror+shear", "cnn") == ("shear", "mirror")
    with pytest.raises(UserError, match=r"cnn: parameter 'augment' is 'miror'.*Did you mean 'mirror'"):
        CNN(augment="miror")


def test_other_inputs_are_skipped() -> None:
    def fit(samples: Images | Vectors, augment: str, make: type = CNN) -> None:
        make(augment=augment).fit(samples[:20], samples[20:], Context())

    jets = replace(rings(30), panels=(Panel((1, 24, 24), (0.8, 0.8)),))
    ends = replace(rings(30), panels=(Panel((1, 24, 24), (1.7, 1.7), axes=("y", "x")),))
    two = replace(rings(30), panels=(Panel((1, 12, 24), (3.0, 3.0)),) * 2)
    nameless = replace(particles(30), names=("pt", "a", "b"))
    for samples, words, make, reason in [
        (rings(30), "mirror", FFNN, "for pictures and sequences of particles, not for the view .table."),
        (particles(30), "mirror+shear", CNN, "augment=shear is for pictures"),
        (jets, "rotation", CNN, "covers all angles in phi, found one of half width 0.8"),
        (ends, "mirror", CNN, "found the axes y and x"),
        (two, "mirror", CNN, "found 2 panels"),
        (nameless, "mirror", CNN, "needs the columns eta, and phi"),
    ]:
        with pytest.raises(Skip, match=reason):
            fit(samples, words, make)


def test_columns_are_identified_by_name() -> None:
    shape = Shape("sequence", ("pt", "jet_eta", "phi12", "cos_phi", "sin_phi", "sigma_phi", "delta_eta", "beta"))
    known = ParticleAugmentation(("mirror",), shape, "cnn").particles
    assert (known.eta, known.phi, known.pairs) == ([1], [2], [(3, 4)])
