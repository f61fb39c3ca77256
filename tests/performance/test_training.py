"""Cost of training, from 1,000 to 30,000 events: the time per event must not grow.

    python -m pytest -o addopts= tests/performance/test_training.py --benchmark-only

Compare `us_per_event` within a group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from models.bdt import BDT
from models.cnn import CNN
from models.ffnn import FFNN
from models.model import Context
from models.mpnn import MPNN
from models.recnn import RecNN
from tests.models.conftest import particles, rings

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBERS = (1000, 3000, 10_000, 30_000)
VALID = 250

WAYS: dict[str, tuple[Callable[[], Any], Callable[..., Any]]] = {
    "cnn on pictures": (lambda: CNN(epochs=1), lambda n: rings(n, size=16)),
    "cnn on particles": (lambda: CNN(epochs=1), particles),
    "ffnn": (lambda: FFNN(epochs=1), particles),
    "bdt": (lambda: BDT(trees=50), particles),
    "mpnn": (lambda: MPNN(epochs=1), particles),
    "recnn": (lambda: RecNN(epochs=1), particles),
}


@pytest.mark.parametrize("count", NUMBERS)
@pytest.mark.parametrize("way", WAYS)
def test_fit(benchmark: Any, way: str, count: int) -> None:
    """One epoch; of trees, 50 of them."""
    make, events = WAYS[way]
    benchmark.group = f"training: {way}"
    model, valid, few = make(), events(VALID), events(100)
    make().fit(few, valid, Context())  # what is compiled and imported once
    train = few if benchmark.disabled else events(count)
    benchmark.pedantic(model.fit, (train, valid, Context()), rounds=1)
    if not benchmark.disabled:
        benchmark.extra_info["us_per_event"] = benchmark.stats.stats.median / count * 1e6
    assert len(model.predict_proba(valid)) == VALID
