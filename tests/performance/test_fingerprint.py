"""Cost of a fingerprint: events of objects alone, and events with the hits of a whole detector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
import pytest

from tasks.data.fingerprint import digests

if TYPE_CHECKING:
    from collections.abc import Callable

HITS = {"row": "i2", "column": "i2", "energy": "f4", "time": "f4"}
OBJECTS = {"pt": "f4", "eta": "f4", "phi": "f4", "mass": "f4", "charge": "f4", "kind": "i1"}


@pytest.mark.parametrize(("events", "hits"), [(10_000, 0), (1000, 500), (1000, 3000)])
def test_digests(per_event: Callable[..., Any], events: int, hits: int) -> None:
    rng = np.random.default_rng(0)

    def lists(counts: np.ndarray, kinds: dict[str, str]) -> ak.Array:
        total = counts.sum()
        return ak.unflatten(
            ak.zip({name: rng.integers(0, 99, total).astype(kind) for name, kind in kinds.items()}), counts
        )

    columns = {
        "event_id": np.arange(events),
        "group": np.arange(events),
        "label": np.zeros(events, "i1"),
        "weight": np.ones(events, "f4"),
        "objects": lists(rng.poisson(8, events), OBJECTS),
        "candidate": ak.zip({f"c{i}": rng.random(events).astype("f4") for i in range(12)}),
    }
    if hits:
        columns["ecal"] = lists(rng.poisson(hits, events), HITS)
    table = ak.zip(columns, depth_limit=1)
    found = per_event(events, digests, table)
    assert len(np.unique(found, axis=0)) == events
