"""The contract, for every registered representation on objects, jets and showers."""

from __future__ import annotations

import dataclasses
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
import pytest
import torch

from benchmark.core.errors import Skip
from representations.registry import REPRESENTATIONS
from representations.samples import Images, Ragged, Samples
from representations.samples.store import Writer, load
from tasks.events import SPLITS, TRUTH
from tests.representations import looped
from tests.representations.collisions import collisions_of, jets_of, random_events, with_column

if TYPE_CHECKING:
    from pathlib import Path

    from representations.representation import Representation
    from tasks.events import Events

COUNT = 7
SUBJETS = ("eta", "phi", "subjet1_eta", "subjet1_phi", "subjet2_eta", "subjet2_phi")


def objects() -> Events:
    return random_events(COUNT, 5, slots={"electron": 2, "muon": 2, "jet": 4, "bjet": 2, "met": 1})


def jets() -> Events:
    rng = np.random.default_rng(1)
    some = [
        [(211, *row) for row in np.column_stack([rng.exponential(9, n), rng.normal(0, 0.3, (n, 2))])] for n in LENGTHS
    ]
    axes = [dict(zip(SUBJETS, row, strict=True)) for row in rng.normal(0, 0.2, (COUNT, 6)).tolist()]
    scalars = [dict(zip(("mass", "tau21"), row, strict=True)) for row in rng.exponential(1, (COUNT, 2)).tolist()]
    made = with_column(jets_of(some, picture="jet", expert=("tau21", "mass")), "axes", axes)
    return with_column(made, "candidate", scalars)


def showers() -> Events:
    rng = np.random.default_rng(2)
    some = [looped.random_event(rng, hits) for hits in LENGTHS]
    return collisions_of(some, slots={"crystal": 25}, magnitude="energy")


LENGTHS = (4, 1, 9, 3, 12, 2, 6)

Case = tuple["Representation", "Events", "Samples"]


@pytest.fixture(params=REPRESENTATIONS.names())
def cases(request: pytest.FixtureRequest) -> list[Case]:
    """A representation with each kind of events that it has samples of."""
    representation: Representation = REPRESENTATIONS.load(request.param).resolve("smoke")
    found, reasons = [], []
    for make in (objects, jets, showers):
        events = make()
        try:
            found.append((representation, events, representation.represent(events)))
        except Skip as reason:
            reasons.append(str(reason))
    assert not any("\n" in reason for reason in reasons)
    if not found:
        pytest.skip(reasons[-1])
    return found


def plain(samples: Samples) -> dict[str, Any]:
    """All fields as lists and plain values."""
    parts = {field.name: getattr(samples, field.name) for field in dataclasses.fields(samples)}
    found: dict[str, Any] = {}
    for name, part in parts.items():
        if isinstance(part, Ragged):
            found[name] = part.values.tolist(), part.offsets.tolist(), part.values.dtype
        else:
            found[name] = (part.tolist(), part.dtype) if isinstance(part, torch.Tensor) else part
    return found


def test_it_fits_nothing(cases: list[Case]):
    for representation, events, samples in cases:
        before = repr(representation)
        with pytest.raises(dataclasses.FrozenInstanceError):
            representation.fitted = True  # type: ignore[attr-defined]
        again = pickle.loads(pickle.dumps(representation))
        assert plain(again.represent(events)) == plain(representation.represent(events)) == plain(samples)
        assert repr(again) == repr(representation) == before


def test_samples_are_in_the_order_of_the_events(cases: list[Case]):
    for representation, events, samples in cases:
        assert samples.event_ids.tolist() == events.column("event_id").tolist()
        assert samples.labels.tolist() == events.column("label").tolist()
        order = np.random.default_rng(3).permutation(COUNT)
        assert plain(representation.represent(events[order])) == plain(samples[order])


def test_samples_do_not_depend_on_other_events(cases: list[Case]):
    for representation, events, samples in cases:
        parts = [representation.represent(events[place : place + 1]) for place in range(COUNT)]
        assert plain(type(samples).join(parts)) == plain(samples)
        assert len(representation.represent(events[:0])) == 0


def test_labels_and_weights_are_no_input(cases: list[Case]):
    for representation, events, samples in cases:
        table = events.table
        columns = {name: table[name] for name in table.fields}
        columns |= {"label": 1 - table["label"], "weight": table["weight"] * 3}
        columns |= {"event_id": table["event_id"] + 5, "group": table["group"] + 5}
        other = representation.represent(replace(events, table=ak.zip(columns, depth_limit=1)))
        assert other.labels.tolist() != samples.labels.tolist()
        same = {name: getattr(samples, name) for name in ("labels", "weights", "event_ids", "groups")}
        assert plain(replace(other, **same)) == plain(samples)


def test_the_columns_that_it_names_suffice(cases: list[Case]):
    for representation, events, samples in cases:
        wanted = representation.columns(events.info)
        if wanted is not None:
            loaded = [name for name in events.table.fields if name in (*TRUTH, *wanted)]
            assert plain(representation.represent(replace(events, table=events.table[loaded]))) == plain(samples)


def test_its_picture_and_legend(cases: list[Case]):
    for representation, events, samples in cases:
        picture = representation.picture(samples)
        if picture is not None:
            assert (picture.dtype, picture.shape[0], picture.shape[-1], picture.ndim) == (np.uint8, COUNT, 3, 4)
            assert len(np.unique(picture)) > 1
        for kind, colour in representation.legend(events.info).items():
            assert kind
            assert len(colour) == 3
            assert all(0 <= part <= 255 for part in colour)


def test_what_it_leaves_out(cases: list[Case]):
    for representation, events, samples in cases:
        assert len(samples) == COUNT
        for lost, total in representation.losses(events).values():
            assert lost.shape == total.shape == (COUNT,)
            assert (lost >= 0).all()
            assert (lost <= total).all()


def test_its_channels_have_a_quantity(cases: list[Case]):
    for _, _, samples in cases:
        if isinstance(samples, Images):
            for panel in samples.panels:
                assert len(panel.quantities) == len(panel.channel_names) == panel.shape[0]
                assert all(quantity.name and quantity.text and quantity.factor > 0 for quantity in panel.channels)
                assert {quantity.unit for quantity in panel.channels} <= {"", "GeV", "ns"}
            assert len({panel.name for panel in samples.panels}) == len(samples.panels)


def test_samples_survive_the_store(cases: list[Case], tmp_path: Path):
    for number, (_, _, samples) in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        with Writer(folder) as writer:
            for split in SPLITS:
                writer.add(split, samples)
            writer.finish({})
        stored = load(folder)
        assert stored is not None
        assert plain(stored.splits["train"]) == plain(samples)
        if isinstance(samples, Images):
            (first, *_), (found, *_) = samples.panels, stored.splits["train"].panels  # type: ignore[attr-defined]
            assert found.channels == first.channels
            assert all(type(quantity) is type(first.channels[0]) for quantity in found.quantities)
