"""Every view of one representation shows a particle with the same columns, on every task."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
import pytest
import torch

from models.inputs import VIEWS
from models.views.graph_statistics import GraphStatistics
from representations.fourvectors.fourvectors import FourVectors
from representations.graph.graph import Graph
from representations.samples import Graphs, Vectors
from tasks.detector.geometry import CRYSTAL
from tasks.events import KINDS, Events
from tasks.registry import TASKS
from tests.representations.collisions import jets_of, lists, showers_of, truth_columns

if TYPE_CHECKING:
    from tasks.events import EventInfo

CORE = ("dimuon", "ttbar", "wprime", "diphoton", "egamma")
COUNT = 6
REPRESENTATIONS = [
    *(FourVectors(features=features) for features in ("standard", "raw", "complete")),
    *(Graph(features=features, k=2) for features in ("standard", "raw")),
    *(representation(masses="off") for representation in (FourVectors, Graph)),
]


def objects(info: EventInfo, rng: np.random.Generator) -> dict[str, Any]:
    """As many objects of each kind as a table has slots, and one more."""
    kinds = [KINDS.index(kind) for kind, slots in info.slots.items() for _ in range(slots + 1)]
    total = COUNT * len(kinds)
    table = lists(
        np.full(COUNT, len(kinds)),
        kind=np.tile(kinds, COUNT),
        pt=rng.exponential(30, total) + 20,
        eta=rng.uniform(-1.4, 1.4, total),
        phi=rng.uniform(-np.pi, np.pi, total),
        mass=rng.uniform(0, 5, total),
        charge=rng.choice([-1.0, 1.0], total),
    )
    return {"objects": table}


def events_of(task: str) -> Events:
    """Small events of a task."""
    info, rng = TASKS.load(task).resolve("quick").info("detector"), np.random.default_rng(0)
    if info.particles == "constituents":
        jets = [[(code, float(pt), *rng.normal(0, 0.3, 2).tolist()) for code, pt in zip(
            rng.choice([211, -211, 22, 130, 11], 9).tolist(), rng.exponential(20, 9), strict=True
        )] for _ in range(COUNT)]  # fmt: skip
        table = jets_of(jets).table
    elif info.particles == "ecal":
        hits = [[(80 + row, 100 + 3 * row, 9.0 / (1 + row)) for row in range(2, 7)] for _ in range(COUNT)]
        table = showers_of(hits).table
    else:
        table = ak.Array(truth_columns(COUNT) | objects(info, rng))
    if info.nodes == "photons":
        photons = table["objects"]
        eta, phi, pt = (ak.to_numpy(ak.flatten(photons[name]))[:, np.newaxis] for name in ("eta", "phi", "pt"))
        step = np.arange(3)  # three crystals a photon
        row = np.clip((eta / CRYSTAL + 85).astype(int), 3, 160) + step
        column = ((phi + np.pi) * 180 / np.pi).astype(int) + 0 * step
        flat = {"row": row.astype(np.int16), "column": column.astype(np.int16), "energy": pt / (1 + step)}
        hits = ak.unflatten(ak.zip({name: values.ravel() for name, values in flat.items()}), row.size // COUNT)
        table = ak.with_field(table, hits, "ecal")
    candidate = ak.zip({"ht": rng.uniform(0, 1, COUNT).astype(np.float32)})
    return Events(ak.with_field(table, candidate, "candidate"), info)


def rows_of(samples: Vectors | Graphs, name: str) -> tuple[list[str], np.ndarray]:
    """The columns of a view, and those of all particles, event by event and in their order (as sorted rows)."""
    view, index = VIEWS[name, type(samples)], torch.arange(len(samples))
    prepared = view.prepare(samples)
    columns = list(view.shape(samples).columns)
    if name == "tree":
        return columns, prepared.leaves.values.numpy()
    inputs = view.batch(prepared, index)
    if name == "edges":
        return columns, inputs[0].numpy()
    dense, mask = inputs[0].transpose(1, 2), inputs[1]
    return columns, dense[mask].numpy()


@pytest.mark.parametrize("representation", REPRESENTATIONS, ids=str)
@pytest.mark.parametrize("task", CORE)
def test_a_particle_has_the_same_columns_in_every_view(task: str, representation: FourVectors | Graph) -> None:
    samples = representation.represent(events_of(task))
    lengths = samples.rows.lengths
    slots = samples.capacity if isinstance(samples, Vectors) else int(lengths.max())
    for name in ("sequence", "nodes", "tree") if isinstance(samples, Vectors) else ("graph", "edges", "tree"):
        columns, rows = rows_of(samples, name)
        if name == "tree" and samples.masses:  # of a node: what its particles have to do with each other
            assert columns.pop() == "log_mass"
            rows = rows[:, :-1]
        assert tuple(columns) == samples.names
        kept = lengths.clamp(max=slots) if name == "sequence" else lengths
        place = torch.arange(len(samples.rows.values)) - samples.rows.offsets[samples.rows.rows()]
        there = place < kept[samples.rows.rows()]
        np.testing.assert_array_equal(rows, samples.rows.values[there].numpy())


@pytest.mark.parametrize("task", CORE)
@pytest.mark.parametrize("features", ["standard", "raw"])
def test_a_table_has_the_columns_of_its_particles(task: str, features: str) -> None:
    events = events_of(task)
    samples = FourVectors(features=features).represent(events)
    view = VIEWS["table", Vectors]
    table = view.batch(samples, torch.arange(COUNT))[0].reshape(COUNT, samples.capacity, -1)
    assert view.shape(samples).columns == tuple(
        f"{kind}{place + 1}_{name}"
        for kind, places in samples.slots.items() for place in range(places) for name in samples.names
    )  # fmt: skip
    for event in range(COUNT):
        rows = samples[event : event + 1].particles.values
        kinds = samples[event : event + 1].kinds.values
        slots = [
            row
            for number, places in enumerate(samples.slots.values())
            for row in [*rows[kinds == number][:places], *[torch.zeros(rows.shape[1])] * places][:places]
        ]
        assert torch.equal(table[event], torch.stack(slots))


@pytest.mark.parametrize("task", CORE)
@pytest.mark.parametrize("features", ["standard", "raw"])
def test_statistics_of_a_graph_are_of_the_columns_of_its_nodes(task: str, features: str) -> None:
    samples = Graph(features=features).represent(events_of(task))
    view = VIEWS["table", Graphs]
    found = dict(zip(view.shape(samples).columns, view.batch(samples, torch.arange(COUNT))[0].T, strict=True))
    assert len(found) == len(view.shape(samples).columns)
    own = [f"{name}_{moment}" for moment in GraphStatistics.node_moments for name in samples.names]
    assert list(found)[3 : 3 + len(own)] == own
    for place, name in enumerate(samples.names):
        mean = torch.stack([samples[e : e + 1].nodes.values[:, place].mean() for e in range(COUNT)])
        torch.testing.assert_close(found[f"{name}_mean"], mean, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("task", ["ttbar", "dimuon"])
def test_fourvectors_and_graphs_show_the_same_particles(task: str) -> None:
    events = events_of(task)
    info = replace(events.info, magnitude="pt")  # both in falling pt
    vectors, graphs = (some().represent(replace(events, info=info)) for some in (FourVectors, Graph))
    assert vectors.names == graphs.names
    assert torch.equal(vectors.particles.values, graphs.nodes.values)
