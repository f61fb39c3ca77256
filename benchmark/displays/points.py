"""Displays of lists of particles and of graphs: discs at (eta, phi) with an area proportional to pt, and edges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from benchmark.displays.frame import Frame, particles_frame
from benchmark.displays.style import SMALL, PanelGrid, header, rgb, save, styled
from representations.circles.colours import COLOURS, colour_of, in_order, name_of
from representations.kernels.particles import FULL_SPAN, principal, span_of
from representations.samples import Graphs, Vectors

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from benchmark.displays.overview import Overview
    from tasks.events import EventInfo

ACROSS = 6
"""Events in a row."""
PANEL = 2.2
"""Inches of a side."""
LARGEST = 320.0
"""Area of the largest disc in points squared; `SMALLEST` stays visible."""
SMALLEST = 1.5
CHARGES = {-1.0: ("negative", "#3f90da"), 0.0: ("neutral", "#717581"), 1.0: ("positive", "#bd1f01")}
"""Names and colours of particles that have no kind."""
CRYSTAL = ("crystal", "#3f90da")
HITS = (CRYSTAL, ("tower", "#717581"), ("photon1", "#ff8c00"), ("photon2", "#3f90da"))
"""Names and colours of hits, and of the photon to which one belongs."""


@dataclass(frozen=True)
class Points:
    """Particles of one event at their places on a display, (particles,) each, and undirected edges (E, 2).

    sort : what gives the colour: the name of a kind or of a charge.
    """

    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    sort: NDArray[Any]
    edges: NDArray[np.int64]


def draw(overview: Overview, title: str, label: str, stem: Path) -> list[Path]:
    """Write STEM-examples.png, unless no sample has particles with pt, eta and phi; returns its path."""
    return draw_examples(overview, f"{title}: examples", label, stem)


def draw_examples(overview: Overview, title: str, label: str, stem: Path) -> list[Path]:
    """The same, with a title of its own."""
    if not any(len(points.pt) for part in _events(overview).values() for points in part):
        return []
    path = stem.with_name(f"{stem.name}-examples.png")
    with styled(**SMALL):
        save(examples(overview, title, label).canvas, path)
    return [path]


def examples(overview: Overview, title: str, label: str) -> PanelGrid:
    """A row of events per class."""
    events, frame = _events(overview), particles_frame(overview.info)
    rows = [
        (name, start, part[start : start + ACROSS])
        for name, part in events.items()
        for start in range(0, len(part), ACROSS)
    ]
    across = max(len(part) for _, _, part in rows)
    page = PanelGrid.of(len(rows), across, (PANEL, PANEL), right=2.0)
    header(page.canvas, title, label, frame.note)
    every = [points for part in events.values() for points in part]
    largest = max(float(points.pt.max(initial=0.0)) for points in every) or 1.0
    for number, (name, start, part) in enumerate(rows):
        page.say(number, name)
        for place, points in enumerate(part):
            axes = page.at(number, place)
            _draw(axes, points, frame, largest)
            axes.set_title(f"event {int(overview.examples[name].event_ids[start + place])}", pad=3)
            below = [row for row, (_, _, other) in enumerate(rows) if len(other) > place]
            frame.label(axes, left=place == 0, bottom=number == below[-1])
    page.legend(_legend(every, largest))
    return page


def _events(overview: Overview) -> dict[str, list[Points]]:
    """The particles of the examples of each class."""
    samples: dict[str, Any] = overview.examples
    return {
        name: [_points(part[place : place + 1], overview.info) for place in range(len(part))]
        for name, part in samples.items()
    }


def _points(event: Vectors | Graphs, info: EventInfo) -> Points:
    """The particles of one event; eta and phi count from the centre of the jet or shower."""
    rows = event.rows.values
    momenta = event.momenta_of(rows)
    if momenta is None:
        nothing = np.zeros(0)
        return Points(nothing, nothing, nothing, nothing, np.zeros((0, 2), np.int64))
    column = {name: values.astype(np.float64) for name, values in zip(event.names, rows.numpy().T, strict=True)}
    pt, eta, phi = momenta[:, :3].numpy().T.astype(np.float64)
    if span_of(info) != FULL_SPAN and len(pt):
        # a shower counts from its hottest crystal, a jet from its centroid, whatever the columns count from
        weight = pt if info.particles == "constituents" else np.arange(len(pt)) == pt.argmax()
        total = max(float(weight.sum()), 1e-30)
        turned = principal(phi - phi[0])
        eta, phi = eta - (weight * eta).sum() / total, principal(turned - (weight * turned).sum() / total)
    joined = event.edges.values.numpy().astype(np.int64) if isinstance(event, Graphs) else np.zeros((0, 2), np.int64)
    return Points(pt, eta, principal(phi), _sorts(column, info, len(pt)), joined)


def _sorts(column: dict[str, NDArray[np.float64]], info: EventInfo, count: int) -> NDArray[Any]:
    """The kind of each particle if there are several kinds, else its charge, unless all are neutral."""
    if info.particles == "ecal":
        return np.full(count, CRYSTAL[0], dtype=object)
    slots = [name for name in column if name.startswith("is_")]
    if len(slots) > 1:
        place = np.argmax([column[name] for name in slots], axis=0)
        return np.asarray(np.array([name.removeprefix("is_") for name in slots], dtype=object)[place])
    charge = column.get("charge", np.zeros(count))
    only = slots[0].removeprefix("is_") if slots else ""
    if only in COLOURS and not charge.any():
        return np.full(count, only, dtype=object)
    names = np.array([name for name, _ in CHARGES.values()], dtype=object)
    return np.asarray(names[(np.sign(charge) + 1).astype(int)])


def _colour(sort: str) -> Any:
    return dict((*CHARGES.values(), *HITS)).get(sort) or rgb(colour_of(sort))


def _draw(axes: Axes, points: Points, frame: Frame, largest: float) -> None:
    axes.add_collection(
        LineCollection(
            list(_segments(points, whole=frame.up.high == math.pi)), colors="0.55", linewidths=0.5, alpha=0.45
        )
    )
    order = np.argsort(-points.pt, kind="stable")  # the small ones on top
    (left, right), (bottom, top) = frame.across.ends, frame.up.ends
    inside = (points.eta >= left) & (points.eta <= right) & (points.phi >= bottom) & (points.phi <= top)
    order = order[inside[order]]
    # not clipped: a disc on the edge is drawn whole
    axes.scatter(
        points.eta[order], points.phi[order], s=_area(points.pt[order], largest), clip_on=False,
        c=[_colour(sort) for sort in points.sort[order]], alpha=0.75, linewidths=0.4, edgecolors="white", zorder=2,
    )  # fmt: skip


def _segments(points: Points, *, whole: bool) -> NDArray[np.float64]:
    """Both ends of each edge once, (E, 2, 2). An edge across the seam in phi is drawn on both sides."""
    pairs = np.unique(np.sort(points.edges, axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    a, b = pairs.T
    start = np.stack([points.eta[a], points.phi[a]], axis=1)
    end = np.stack([points.eta[b], points.phi[b]], axis=1)
    if not whole:
        return np.stack([start, end], axis=1)
    step = np.stack([end[:, 0] - start[:, 0], principal(end[:, 1] - start[:, 1])], axis=1)
    return np.concatenate([np.stack([start, start + step], axis=1), np.stack([end - step, end], axis=1)])


def _area(pt: NDArray[np.float64], largest: float) -> NDArray[np.float64]:
    return np.asarray(SMALLEST + LARGEST * pt / largest)


def _legend(every: list[Points], largest: float) -> list[Line2D]:
    """A disc of each colour in use, and three sizes."""
    dot: dict[str, Any] = {"marker": "o", "linestyle": "none", "markeredgecolor": "white", "markeredgewidth": 0.4}
    there = {str(sort) for points in every for sort in points.sort}
    charges = [name for name, _ in CHARGES.values() if name in there]
    names = [*charges, *in_order(there.difference(charges))]
    colours = [Line2D([], [], color=_colour(name), markersize=8, label=name_of(name), **dot) for name in names]
    sizes = [
        Line2D([], [], color="0.3", markersize=math.sqrt(_area(np.array([pt]), largest)[0]),
               label=f"$p_T$ {pt:g} GeV", **dot)
        for pt in (_round(largest / part) for part in (1, 5, 25))
    ]  # fmt: skip
    return [*colours, *sizes]


def _round(value: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above the value."""
    power = 10.0 ** math.floor(math.log10(value))
    return float(f"{max(part for part in (1, 2, 5) if part * power <= value * (1 + 1e-9)) * power:.1g}")
