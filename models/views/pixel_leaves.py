"""Pictures as a few massless particles: their brightest pixels, or what was drawn pooled to cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from models.views.leaves import MOST, Leaves, check
from models.views.pictures import named_channels
from representations.samples import Ragged
from tasks.detector.geometry import HALF_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from representations.samples import Images, Panel

_CHUNK = 1 << 24
"""Pixels of all channels that are dense at once: 64 MB."""
_ENDS = {"endcap_minus": -HALF_LENGTH, "endcap_plus": HALF_LENGTH}
"""Metres along z of the panels whose axes are y and x."""
_PT = ("pt", "tracks")
_TIME = "time"


def of_pixels(samples: Images) -> Leaves:
    """Pictures as massless particles, `MOST` an event at most, on the CPU; beside each what its channels hold.

    Measured pictures: the most energetic pixels, channels added up. Rows are eta and columns phi, evenly over the span,
    or y and x on the face of an endcap. A channel called pt or tracks holds pt, any other energy, but time, which is
    neither. A pixel whose sum is not above zero, as noise may make it, is none.
    Drawings (one picture of bytes, as of `Circles`): pooled on the finest grid of 1, 2, 4, ... pixels of which no more
    than `MOST` cells are lit. A cell lies at the centroid of its ink, which stands for pt; rows are phi, columns eta.

    Raises UserError, naming the event, for what is NaN or infinite.
    """
    names = channels_of(samples)
    pixels = sum(panel.size // panel.shape[0] for panel in samples.panels)
    drawn = len(samples.panels) == 1 and samples.values.values.dtype == torch.uint8
    take = _cells if drawn else _pixels
    chunks = torch.split(torch.arange(len(samples)), max(1, _CHUNK // (len(names) * pixels)))
    parts = [part for chunk in chunks for part in take(samples, chunk)]
    events, counts, table, dropped = (torch.cat(column) for column in zip(*parts, strict=True))
    order = torch.argsort(events)
    rows = Ragged(table, torch.cat([counts.new_zeros(1), counts.cumsum(0)])).take(order)
    momenta = Ragged(rows.values[:, :4], rows.offsets)
    check(samples, momenta)
    return Leaves(momenta, rows.values[:, 4:].to(torch.float32), names, dropped[order])


def channels_of(samples: Images) -> tuple[str, ...]:
    """The names of `Leaves.others`: of all channels of all panels."""
    return tuple(name for panel in samples.panels for name in named_channels(samples, panel))


class _Part(NamedTuple):
    """The leaves of some events of the samples.

    events, counts (events,) int64: which, and how many leaves each. table (leaves, 4 + channels) float64: momenta and
    what the channels hold. dropped (events,) float64.
    """

    events: Tensor
    counts: Tensor
    table: Tensor
    dropped: Tensor


def _pixels(samples: Images, index: Tensor) -> Iterator[_Part]:
    """The most energetic pixels, from the listed ones: most of a picture is empty."""
    directions = [_directions(panel) for panel in samples.panels]
    eta, phi = (torch.cat(parts) for parts in zip(*directions, strict=True))
    event, pixel, value = samples.entries(index)
    place, channel = _places(samples.panels, pixel)
    factor = torch.where(_is_pt(samples)[channel], eta[place].cosh(), 1.0).where(~_is_time(samples)[channel], 0.0)

    node, entry = torch.unique(event * len(eta) + place, return_inverse=True)
    held = value.new_zeros(len(node), len(channels_of(samples)))
    held[entry, channel] = value
    energy = torch.zeros(len(node), dtype=torch.float64).index_add_(0, entry, value * factor)
    # what is NaN is chosen first, and then refused
    energy = torch.where(energy.isnan(), torch.inf, energy).clamp(min=0)
    event, place = node // len(eta), node % len(eta)
    order = torch.argsort(energy, descending=True, stable=True)
    order = order[torch.argsort(event[order], stable=True)]
    lengths = torch.bincount(event, minlength=len(index))
    rank = torch.arange(len(order)) - (lengths.cumsum(0) - lengths)[event[order]]
    kept = order[(rank < MOST) & (energy[order] > 0)]

    pt = energy[kept] / eta[place[kept]].cosh()
    momenta = torch.stack([pt, eta[place[kept]], phi[place[kept]], torch.zeros_like(pt)], dim=1)
    whole, left = (torch.zeros(len(index), dtype=torch.float64) for _ in range(2))
    whole.index_add_(0, event, energy)
    left.index_add_(0, event[kept], energy[kept])
    dropped = 1 - torch.where(whole > 0, left / whole, 1.0)
    counts = torch.bincount(event[kept], minlength=len(index))
    yield _Part(index, counts, torch.cat([momenta, held[kept]], dim=1), dropped)


def _places(panels: tuple[Panel, ...], pixel: Tensor) -> tuple[Tensor, Tensor]:
    """The place and the channel of flat pixels, both counted through all panels."""
    place, channel = torch.empty_like(pixel), torch.empty_like(pixel)
    start = places = channels = 0
    for panel in panels:
        inside = (pixel >= start) & (pixel < start + panel.size)
        flat, plane = pixel[inside] - start, panel.size // panel.shape[0]
        place[inside], channel[inside] = flat % plane + places, flat // plane + channels
        start, places, channels = start + panel.size, places + plane, channels + panel.shape[0]
    return place, channel


def _is_pt(samples: Images) -> Tensor:
    """Which channels of all panels hold pt."""
    return _named(samples, _PT)


def _is_time(samples: Images) -> Tensor:
    """Which channels of all panels are neither pt nor energy."""
    return _named(samples, (_TIME,))


def _named(samples: Images, names: tuple[str, ...]) -> Tensor:
    own = [name for panel in samples.panels for name in panel.channel_names or [""] * panel.shape[0]]
    return torch.tensor([name in names for name in own], dtype=torch.bool)


def _cells(samples: Images, index: Tensor) -> Iterator[_Part]:
    """Ink pooled event by event, until few enough cells are lit."""
    (panel,) = samples.panels
    eta, phi = _drawn_directions(panel)
    ink = samples.dense(index)
    total = ink.sum(dim=1, keepdim=True)
    planes = torch.cat([ink, total * eta, total * phi], dim=1)
    while True:
        few = (planes[:, :-2].sum(dim=1) > 0).flatten(1).sum(dim=1) <= MOST
        shown = planes[few].flatten(2)
        pt = shown[:, :-2].to(torch.float64).sum(dim=1)
        across, down = (shown[:, -2:] / pt.clamp(min=1e-12).unsqueeze(1)).unbind(dim=1)
        yield _brightest(index[few], pt * across.cosh(), across, down, shown[:, :-2])
        if bool(few.all()):
            return
        index, planes = index[~few], avg_pool2d(planes[~few], 2, ceil_mode=True, divisor_override=1)


def _brightest(index: Tensor, energy: Tensor, eta: Tensor, phi: Tensor, planes: Tensor) -> _Part:
    """The `MOST` places of highest energy above 0.

    energy (events, places) float64; eta, phi (places,) or (events, places); planes (events, channels, places).
    """
    # what is NaN is chosen first, and then refused
    energy = torch.where(energy.isnan(), torch.inf, energy).clamp(min=0)
    found, place = energy.topk(min(MOST, energy.shape[1]), dim=1)
    lit = found > 0
    eta, phi = (part.expand_as(energy).gather(1, place)[lit] for part in (eta, phi))
    held = planes.gather(2, place.unsqueeze(1).expand(-1, planes.shape[1], -1)).transpose(1, 2)[lit]
    table = torch.stack([found[lit] / eta.cosh(), eta, phi, torch.zeros_like(eta)], dim=1)
    whole = energy.sum(dim=1)
    dropped = 1 - torch.where(whole > 0, found.sum(dim=1) / whole, 1.0)
    return _Part(index, lit.sum(dim=1), torch.cat([table, held], dim=1), dropped)


def _directions(panel: Panel) -> tuple[Tensor, Tensor]:
    """eta and phi (places,) float64 of the middles of a measured picture's pixels."""
    down, across = (_middles(pixels, half) for pixels, half in zip(panel.shape[1:], panel.span, strict=True))
    first, second = (part.flatten() for part in torch.meshgrid(down, across, indexing="ij"))
    if panel.axes == ("eta", "phi"):
        return first, second
    z = torch.tensor(_ENDS[panel.name], dtype=torch.float64)
    return torch.asinh(z / torch.hypot(first, second)), torch.atan2(first, second)


def _drawn_directions(panel: Panel) -> tuple[Tensor, Tensor]:
    """eta (1, columns) and phi (rows, 1) float32 of the middles of a drawing's pixels."""
    eta, phi = _middles(panel.shape[2], panel.span[0]), _middles(panel.shape[1], panel.span[1])
    return eta.to(torch.float32), phi.to(torch.float32).unsqueeze(1)


def _middles(pixels: int, half: float) -> Tensor:
    """Of so many pixels between -half and half."""
    return half * ((2 * torch.arange(pixels, dtype=torch.float64) + 1) / pixels - 1)
