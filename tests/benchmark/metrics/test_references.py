"""What a constant, a guess, an oracle and an inverted oracle get, by every metric and for the classes of every task."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmark.metrics.compute import compute
from benchmark.metrics.metric import Scored
from benchmark.metrics.registry import METRICS
from tasks.registry import TASKS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmark.metrics.metric import Estimate

EVENTS = 600
"""Of each class."""

Model = "Callable[[NDArray[np.int64], int], NDArray[np.float64]]"


def constant(labels: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    return np.full((len(labels), classes), 1 / classes)


def guess(labels: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    return np.random.default_rng(len(labels)).dirichlet(np.ones(classes), len(labels))


def oracle(labels: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    return np.eye(classes)[labels]


def inverted(labels: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    return (1 - np.eye(classes)[labels]) / (classes - 1)


def numbers(task: str, model: Model) -> tuple[dict[str, Estimate], int, bool]:
    """The estimates of all metrics, the number of classes, and whether one of them is the signal."""
    info = TASKS.load(task).resolve("smoke").info("detector")
    labels = np.tile(np.arange(len(info.classes)), EVENTS)
    mass = 50 + np.random.default_rng(2).exponential(50.0, len(labels))
    scored = Scored(labels, model(labels, len(info.classes)), info.classes, mass=mass, signal=info.has_signal)
    scored = replace(scored, valid=scored, yields=dict.fromkeys(info.classes, 100.0))
    metrics = [METRICS.load(name)() for name in METRICS.names()]
    return compute(metrics, scored), len(info.classes), info.has_signal


def areas(found: dict[str, Estimate]) -> dict[str, float | None]:
    return {name: estimate.value for name, estimate in found.items() if name.startswith("auc")}


@pytest.mark.parametrize("task", TASKS.core())
def test_a_constant(task: str):
    found, classes, signal = numbers(task, constant)
    assert set(areas(found).values()) == {0.5}
    assert found["log_loss"].value == pytest.approx(np.log(classes))
    assert found["accuracy"].value == pytest.approx(1 / classes)
    assert found["ece"].value == pytest.approx(0, abs=1e-12)
    if signal:
        assert [found[f"rejection_{p}"].value for p in (30, 50, 70)] == pytest.approx([1 / 0.3, 1 / 0.5, 1 / 0.7])
        assert (found["signal_accuracy"].value, found["signal_accuracy_best"].value) == (0.5, 0.5)
        assert found["significance_gain"].value == 1, "everything passes"
        assert found["significance"].value == pytest.approx(100 / np.sqrt(classes * 100))
        assert [found[name].value for name in ("cvm", "cvm_knn", "cvm_bins")] == pytest.approx([0, 0, 0], abs=1e-12)
        assert found["jsd_50"].reason.endswith("0 events fail, expected 50")


@pytest.mark.parametrize("task", TASKS.core())
def test_a_guess(task: str):
    found, classes, signal = numbers(task, guess)
    chance = {
        **dict.fromkeys(areas(found), 0.5),
        "accuracy": 1 / classes,
        **({"signal_accuracy_best": 0.5, "rejection_50": 2.0} if signal else {}),
    }
    for name, value in chance.items():
        margin = 1.5 * (found[name].high - found[name].low) / 2  # three errors
        assert abs(found[name].value - value) < margin, name
    assert found["ece"].value > 5 * found["ece_calibrated"].value, "it is sure of what it does not know"
    if signal:
        assert found["cvm"].low < found["cvm_independent"].value < found["cvm"].high
        assert found["jsd_50"].value < 4 * found["jsd_50_independent"].value


@pytest.mark.parametrize("task", TASKS.core())
def test_an_oracle(task: str):
    found, _, signal = numbers(task, oracle)
    assert set(areas(found).values()) == {1.0}
    assert found["auc"].low > 0.99
    assert [found[name].value for name in ("log_loss", "accuracy", "ece")] == [0, 1, 0]
    if signal:
        assert (found["signal_accuracy"].value, found["signal_accuracy_best"].value) == (1, 1)
        for point in (30, 50, 70):
            rejection = found[f"rejection_{point}"]
            assert rejection.value is None
            assert rejection.low > 100
            assert rejection.reason == f"no background event passes at a signal efficiency of {point}%"
        assert found["significance_gain"].value == 1, "no other threshold has 20 background events above it"
        assert found["cvm"].value == 0
        assert found["jsd_50"].reason.endswith("0 events pass, expected 50")


@pytest.mark.parametrize("task", TASKS.core())
def test_an_inverted_oracle(task: str):
    found, _, signal = numbers(task, inverted)
    by_own_score = {name: value for name, value in areas(found).items() if "_vs_" not in name or "ratio" in name}
    assert set(by_own_score.values()) == {0.0}
    assert found["auc"].high < 0.01
    assert found["accuracy"].value == 0
    assert found["log_loss"].value == pytest.approx(-np.log(2.0**-52))
    if signal:
        assert found["signal_accuracy"].value == 0
        assert [found[f"rejection_{p}"].value for p in (30, 50, 70)] == [1, 1, 1], "all of the background comes first"
        assert found["significance_gain"].value == 1
