"""Random augmentation of training events, drawn anew in each epoch: mirror, rotation, translation and shear.

Shear, translation and mirror are those of the circle paper (arXiv:1708.07034, section 3), which gives no sizes; these
are ours. Physics does not change under a rotation in phi.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from benchmark.core.errors import Skip, UserError, did_you_mean
from representations.samples import Images

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.inputs import Inputs, Shape, View
    from representations.samples import Panel, Samples

WORDS = ("mirror", "rotation", "shear", "translation")
SHIFT = 0.1
"""Largest translation, as a fraction of the picture's width and height."""
SHEAR = 0.1
"""Largest shift of the first and last rows by a shear, as a fraction of half the picture's height."""
TOWERS = 72
"""HCAL towers around the barrel: pictures with them are only rotated by multiples of one tower, 5 degrees."""
_ETA, _PHI = (re.compile(rf"((?!delta_|sigma_|cos_|sin_)\w+_)?{axis}\d*") for axis in ("eta", "phi"))

Augmentation = Callable[["Inputs", torch.Generator], "Inputs"]


def wanted(words: str, model: str) -> tuple[str, ...]:
    """The words joined by `+`, an empty tuple for `none`. Raises UserError for unknown words."""
    split = () if words == "none" else tuple(words.split("+"))
    for word in split:
        if word not in WORDS:
            raise UserError(
                f"{model}: parameter 'augment' is '{words}', expected 'none', or words joined by '+' of "
                f"{', '.join(WORDS)}. {did_you_mean(word, WORDS)}"
            )
    return tuple(dict.fromkeys(split))


def augmentation(words: str, view: View[Samples], samples: Samples, model: str) -> Augmentation | None:
    """The augmentation of batches of these samples, None for `none`. Raises Skip if it does not apply to them."""
    kinds = wanted(words, model)
    if not kinds:
        return None
    if view.name == "picture" and isinstance(samples, Images):
        if len(samples.panels) != 1:
            raise Skip(f"{model}: augment={words} needs one picture per event, found {len(samples.panels)} panels.")
        return PictureAugmentation(kinds, samples.panels[0], samples.feature_names, model)
    if view.name == "sequence":
        return ParticleAugmentation(kinds, view.shape(samples), model)
    raise Skip(f"{model}: augment={words} is for pictures and sequences of particles, not for the view '{view.name}'.")


class Directions:
    """The mirror and rotation of columns that are directions: eta and phi, or the cosine and sine of phi.

    Parameters
    ----------
    names : names of the columns along axis 1.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.eta = [place for place, name in enumerate(names) if _ETA.fullmatch(name)]
        self.phi = [place for place, name in enumerate(names) if _PHI.fullmatch(name)]
        self.pairs = [
            (place, names.index(f"sin_{name[4:]}"))
            for place, name in enumerate(names)
            if name.startswith("cos_") and f"sin_{name[4:]}" in names
        ]

    def __call__(self, rows: Tensor, eta_sign: Tensor, phi_sign: Tensor, angle: Tensor) -> Tensor:
        """Rows (batch, columns, ...) with eta and phi times signs, and phi rotated by an angle, (batch,) each."""
        spread = (-1, *[1] * (rows.ndim - 2))
        eta_sign, phi_sign, angle = (value.view(spread) for value in (eta_sign, phi_sign, angle))
        turned = rows.clone()
        for place in self.eta:
            turned[:, place] = rows[:, place] * eta_sign
        for place in self.phi:
            turned[:, place] = torch.remainder(rows[:, place] * phi_sign + angle + math.pi, 2 * math.pi) - math.pi
        for cosine, sine in self.pairs:
            x, y = rows[:, cosine], rows[:, sine] * phi_sign
            turned[:, cosine] = x * angle.cos() - y * angle.sin()
            turned[:, sine] = x * angle.sin() + y * angle.cos()
        return turned


class ParticleAugmentation:
    """Mirror in eta and phi, and rotation in phi, of particles and of the features of events."""

    def __init__(self, kinds: Sequence[str], shape: Shape, model: str) -> None:
        self.kinds = kinds
        self.particles, self.features = Directions(shape.columns), Directions(shape.features)
        for kind in ("shear", "translation"):
            if kind in kinds:
                raise Skip(f"{model}: augment={kind} is for pictures; particles take mirror and rotation.")
        if not ((self.particles.phi or self.particles.pairs) and ("rotation" in kinds or self.particles.eta)):
            raise Skip(
                f"{model}: augment={'+'.join(kinds)} needs the columns eta, and phi or cos_phi and sin_phi, "
                f"found {', '.join(shape.columns) or 'none'}."
            )

    def __call__(self, inputs: Inputs, rng: torch.Generator) -> Inputs:
        """Particles (batch, columns, particles), mask, features."""
        particles, mask, features = inputs
        draws = torch.rand(3, len(particles), generator=rng).to(particles.device)
        eta_sign, phi_sign = (_signs(draw, "mirror" in self.kinds) for draw in draws[:2])
        moves = eta_sign, phi_sign, (2 * draws[2] - 1) * math.pi * ("rotation" in self.kinds)
        return self.particles(particles, *moves), mask, self.features(features, *moves)


class PictureAugmentation:
    """Changes of pictures by whole pixels, which keep lines sharp, and of the features of events.

    Pixels that leave a picture are lost and zeros enter, except in a rotation, which needs a picture of all angles in
    phi. A circle that is cut at the edge of the picture stays cut, unless it is drawn with wrap=True.
    """

    def __init__(self, kinds: Sequence[str], panel: Panel, features: Sequence[str], model: str) -> None:
        self.kinds, self.panel, self.features = kinds, panel, Directions(features)
        if panel.axes != ("eta", "phi"):
            raise Skip(f"{model}: augment needs a picture in eta and phi, found the axes {' and '.join(panel.axes)}.")
        around = math.isclose(panel.span[1], math.pi, rel_tol=1e-4)
        if "rotation" in kinds and not around:
            raise Skip(
                f"{model}: augment=rotation needs a picture that covers all angles in phi, found one of half width "
                f"{panel.span[1]:.3g}. Use translation."
            )
        pixels = panel.shape[1 if panel.turned else 2]
        towers = "hcal" in panel.channel_names and pixels % TOWERS == 0
        self.step = pixels // TOWERS if towers else 1

    def __call__(self, inputs: Inputs, rng: torch.Generator) -> Inputs:
        """Pictures (batch, channels, rows, columns), features."""
        pictures, features = inputs
        upright = pictures.transpose(2, 3) if self.panel.turned else pictures  # eta down, phi across
        draws = torch.rand(6, len(pictures), generator=rng).to(pictures.device)
        eta_sign, phi_sign = (_signs(draw, "mirror" in self.kinds) for draw in draws[:2])
        height, width = upright.shape[2:]
        turn = (draws[2] * (width // self.step)).long() * self.step * ("rotation" in self.kinds)
        down, across = (
            torch.round((2 * draw - 1) * SHIFT * pixels * ("translation" in self.kinds))
            for draw, pixels in ((draws[3], height), (draws[4], width))
        )
        slope = (2 * draws[5] - 1) * SHEAR * ("shear" in self.kinds)
        moved = _moved(upright, eta_sign, phi_sign, turn, down, across, slope)
        angle = turn * (2 * math.pi / width)
        turned = self.features(features, eta_sign, phi_sign, angle)
        return (moved.transpose(2, 3) if self.panel.turned else moved).contiguous(
            memory_format=torch.channels_last
        ), turned


def _signs(draw: Tensor, mirrored: bool) -> Tensor:
    return torch.where(draw < 0.5, -1.0, 1.0) if mirrored else torch.ones_like(draw)


def _moved(
    pictures: Tensor, eta_sign: Tensor, phi_sign: Tensor, turn: Tensor, down: Tensor, across: Tensor, slope: Tensor
) -> Tensor:
    """Pictures after mirror, rotation, shear and shift, in this order; parameters (batch,) each.

    Each output pixel is read at the inverse-transformed position.
    """
    count, channels, height, width = pictures.shape

    def each(value: Tensor) -> Tensor:
        return value.view(-1, 1, 1)

    middle_row, middle_column = (height - 1) / 2, (width - 1) / 2
    row = torch.arange(height, device=pictures.device).view(1, -1, 1) - each(down)
    column = torch.arange(width, device=pictures.device).view(1, 1, -1) - each(across)
    column = column - torch.round(each(slope) * (row - middle_row))
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    column = torch.remainder(column - each(turn), width)
    row = (row - middle_row) * each(eta_sign) + middle_row
    column = (column - middle_column) * each(phi_sign) + middle_column
    flat = (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)).round().long().flatten(1)
    moved = pictures.flatten(2).gather(2, flat.unsqueeze(1).expand(-1, channels, -1))
    return (moved * inside.flatten(1).unsqueeze(1)).view(count, channels, height, width)
