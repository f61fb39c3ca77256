"""Small samples of clearly different classes, made in milliseconds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from representations.samples import Graphs, Images, Panel, Ragged, Vectors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KINDS = ("muon", "jet")


def ragged(lengths: torch.Tensor, values: torch.Tensor) -> Ragged:
    return Ragged(values, torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)]))


def truth(labels: torch.Tensor, classes: int, features: int = 0) -> dict[str, object]:
    n = len(labels)
    return {
        "classes": tuple(f"class{c}" for c in range(classes)),
        "labels": labels,
        "weights": torch.ones(n),
        "event_ids": torch.arange(n),
        "groups": torch.arange(n),
        "features": torch.zeros(n, features),
        "feature_names": tuple(f"feature{f}" for f in range(features)),
    }


def rings(
    n: int,
    *,
    size: int = 24,
    classes: int = 2,
    seed: int = 0,
    channels: int = 1,
    points: int = 40,
    empty: Sequence[int] = (),
    turned: bool = False,
) -> Images:
    """Rings in the last channel, with one radius per class, and noise in all. `empty`: events without pixels."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % classes
    radius = size * (0.1 + 0.25 * labels / max(1, classes - 1))
    centre = size * (0.35 + 0.3 * torch.rand(n, 2, generator=generator))
    angle = 2 * torch.pi * torch.rand(n, points, generator=generator)
    row = (centre[:, :1] + radius[:, None] * angle.sin()).long().clamp(0, size - 1)
    column = (centre[:, 1:] + radius[:, None] * angle.cos()).long().clamp(0, size - 1)
    ring = (channels - 1) * size**2 + row * size + column
    noise = torch.randint(channels * size**2, (n, 5), generator=generator)
    pixels = [torch.unique(p) for p in torch.cat([ring, noise], 1)]
    pixels = [p[:0] if event in empty else p for event, p in enumerate(pixels)]
    lengths = torch.tensor([len(p) for p in pixels], dtype=torch.int64)
    flat = torch.cat(pixels).to(torch.int32)
    values = torch.randint(128, 256, flat.shape, generator=generator).to(torch.uint8)
    return Images(
        **truth(labels, classes),
        panels=(Panel((channels, size, size), span=(3.0, 3.1416), turned=turned),),
        pixels=ragged(lengths, flat),
        values=ragged(lengths, values),
        scale=255.0,
    )


def panels(n: int) -> Images:
    """Events with two panels, 2 x 24 x 24 and 1 x 18 x 40."""
    first, second = rings(n, channels=2, empty=[1]), rings(n, size=40, seed=5)
    flat, inputs = [], []
    for event in range(n):
        start, stop = first.pixels.offsets[event : event + 2].tolist()
        flat.append(first.pixels.values[start:stop])
        inputs.append(first.values.values[start:stop])
        start, stop = second.pixels.offsets[event : event + 2].tolist()
        inside = second.pixels.values[start:stop] < 18 * 40
        flat.append(second.pixels.values[start:stop][inside] + 2 * 24 * 24)
        inputs.append(second.values.values[start:stop][inside])
    lengths = torch.tensor([len(a) + len(b) for a, b in zip(flat[::2], flat[1::2], strict=True)])
    both = (
        first.panels[0]._replace(name="barrel", channel_names=("ecal", "hcal")),
        second.panels[0]._replace(name="endcap", shape=(1, 18, 40)),
    )
    return replace(
        first, panels=both, pixels=ragged(lengths, torch.cat(flat)), values=ragged(lengths, torch.cat(inputs))
    )


def films(n: int, *, seed: int = 0) -> Images:
    """Rings as four samples in time; each ring is lit in one sample only, which a network has to remember."""
    samples = rings(n, seed=seed)
    (panel,) = samples.panels
    time = torch.arange(n) % 4
    pixels = samples.pixels.values + (panel.size * time).repeat_interleave(samples.pixels.lengths).to(torch.int32)
    names = tuple(f"sample{k}" for k in range(4))
    return replace(
        samples,
        panels=(panel._replace(shape=(4, *panel.shape[1:]), channel_names=names),),
        pixels=Ragged(pixels, samples.pixels.offsets),
    )


def particles(
    n: int, *, classes: int = 2, seed: int = 0, features: int = 0, shift: float = 1.0, empty: Sequence[int] = ()
) -> Vectors:
    """Up to 9 particles in falling pt, whose mean log pt grows by `shift` per class. `empty`: events without any."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % classes
    lengths = torch.randint(1, 10, (n,), generator=generator)
    lengths[list(empty)] = 0
    events = []
    for label, length in zip(labels.tolist(), lengths.tolist(), strict=True):
        pt = (3 + shift * label + 0.5 * torch.randn(length, generator=generator)).exp().sort(descending=True).values
        events.append(torch.stack([pt, *torch.randn(2, length, generator=generator)], dim=1))
    flat = torch.cat(events)
    return Vectors(
        **truth(labels, classes, features),
        particles=ragged(lengths, flat),
        kinds=ragged(lengths, torch.randint(len(KINDS), (len(flat),), generator=generator).to(torch.int8)),
        names=("pt", "eta", "phi"),
        slots={"muon": 2, "jet": 4},
    )


def chains(
    n: int, *, classes: int = 2, seed: int = 0, features: int = 0, shift: float = 1.0, empty: Sequence[int] = ()
) -> Graphs:
    """The particles of `particles` as nodes, each with edges from the previous node and from itself."""
    made = particles(n, classes=classes, seed=seed, features=features, shift=shift, empty=empty)
    lengths = made.particles.lengths.tolist()
    ends = [pair for length in lengths for i in range(length) for pair in ((i, i), (i - 1, i))[: 1 + (i > 0)]]
    masses = torch.zeros(len(made.particles.values), 1)
    return Graphs(
        **truth(made.labels, classes, features),
        nodes=Ragged(torch.cat([made.particles.values, masses], dim=1), made.particles.offsets),
        edges=ragged(
            torch.tensor([max(0, 2 * length - 1) for length in lengths]),
            torch.tensor(ends, dtype=torch.int32).reshape(-1, 2),
        ),
        names=(*made.names, "mass"),
    )


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """One thread, also if only this folder is tested: then torch is imported before OMP_NUM_THREADS is set."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=["rings", "particles", "chains"])
def samples(request: pytest.FixtureRequest) -> Images | Vectors | Graphs:
    """300 events of two classes for each kind of samples."""
    if request.param == "rings":
        return rings(300, channels=2)
    return (particles if request.param == "particles" else chains)(300, features=2)
