"""The penalty on scores that depend on the mass: its definition, its gradient, and its effect on a network."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from benchmark.core.errors import Skip
from benchmark.metrics.cramer_von_mises import cvm
from benchmark.metrics.cvm import windows
from models.ffnn import FFNN
from models.inputs import VIEWS
from models.model import Context
from models.training.batches import Batches
from models.training.penalty import Penalty, nearest
from representations.samples import Vectors
from tests.models.conftest import particles


def batch(n: int, seed: int = 0, known: float = 0.6) -> tuple[Tensor, Tensor]:
    """Logits (n, 3) with well separated log-odds, and masses, NaN for some."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, 3, generator=generator)
    logits[:, 0] = 0.2 * torch.randperm(n, generator=generator) + logits[:, 1:].logsumexp(1)
    mass = 90 + 30 * torch.rand(n, generator=generator)
    return logits, torch.where(torch.rand(n, generator=generator) < known, mass, torch.nan)


def log_odds(logits: Tensor) -> np.ndarray:
    raised = logits.double().exp()
    return np.asarray((raised[:, 0] / raised[:, 1:].sum(1)).log())


def neighbourhoods(mass: np.ndarray, neighbours: int) -> list[list[int]]:
    return [sorted(range(len(mass)), key=lambda b: abs(mass[b] - mass[a]))[:neighbours] for a in range(len(mass))]


def by_definition(logits: Tensor, mass: Tensor, neighbours: int) -> float:
    """Means over pairs of two events, one pair after the other."""
    chosen = ~mass.isnan().numpy()
    s, m = log_odds(logits)[chosen], mass.numpy()[chosen].astype(float)
    everyone = range(len(s))

    def mean(pairs: object) -> float:
        return float(np.mean([abs(s[a] - s[b]) for a, b in pairs]))  # type: ignore[attr-defined]

    values = [
        mean((a, b) for a in near for b in everyone if a != b)
        - mean(permutations(near, 2)) / 2
        - mean(permutations(everyone, 2)) / 2
        for near in neighbourhoods(m, neighbours)
    ]
    return float(np.mean(values))


@pytest.mark.parametrize("neighbours", [2, 5, 12])
@pytest.mark.parametrize("seed", [0, 1])
def test_penalty_equals_its_definition(neighbours: int, seed: int) -> None:
    logits, mass = batch(50, seed)
    found = Penalty(0.7, neighbours)(logits, mass)
    assert float(found) == pytest.approx(0.7 * by_definition(logits, mass, neighbours), rel=1e-4)


def test_penalty_equals_the_integral_of_squared_differences() -> None:
    """In the integral an event is its own neighbour, as in hep_ml: each mean has more pairs, of distance 0."""
    logits, mass = batch(300, known=1.0)
    logits[:, 0] += (mass - 105).abs() / 3
    s, k, n = log_odds(logits), 60, 300
    edges = np.sort(s)
    everyone = np.searchsorted(np.sort(s), edges[:-1], side="right") / n
    apart = np.abs(s[:, None] - s)
    total, own = 0.0, 0.0
    for near in neighbourhoods(mass.numpy().astype(float), k):
        here = np.searchsorted(np.sort(s[near]), edges[:-1], side="right") / k
        total += float(((here - everyone) ** 2 * np.diff(edges)).sum()) / n
        own += float(apart[near][:, near].sum() / (2 * k * k * (k - 1)) - apart[near].sum() / (k * n * (n - 1))) / n
    own += float(apart.sum() / (2 * n * n * (n - 1)))
    assert float(Penalty(1.0, k)(logits, mass)) == pytest.approx(total - own, abs=1e-4)


def test_gradient() -> None:
    """It equals finite differences, and the formula of the flatness loss, F_i - F at each score."""
    logits, mass = batch(40)
    penalty = Penalty(1.0, 6)
    inputs = logits.clone().requires_grad_()
    penalty(inputs, mass).backward()  # type: ignore[no-untyped-call]
    assert inputs.grad is not None
    step = 1e-2
    for event in range(40):
        moved = [logits.clone(), logits.clone()]
        moved[0][event, 0] -= step
        moved[1][event, 0] += step
        slope = float(penalty(moved[1], mass) - penalty(moved[0], mass)) / (2 * step)
        assert float(inputs.grad[event, 0]) == pytest.approx(slope, abs=2e-5)
    # the score is one number: the gradient of the signal logit is minus that of the others
    assert inputs.grad.sum(1).abs().max() < 1e-6
    assert (inputs.grad[mass.isnan()] == 0).all()

    chosen = ~mass.isnan().numpy()
    s, m = log_odds(logits)[chosen], mass.numpy()[chosen].astype(float)
    n, k = len(s), 6
    expected = np.zeros(n)
    for near in neighbourhoods(m, k):
        for a in near:  # of k - 1 and n - 1 others: an event is not compared with itself
            here, everywhere = np.mean([s[b] < s[a] for b in near if b != a]), np.sum(s < s[a]) / (n - 1)
            expected[a] += (2 * everywhere - 1 - (2 * here - 1)) / (n * k)
        for b in range(n):  # and the change of the distribution of all
            expected[b] += (np.sum(s[near] < s[b]) - np.sum(s[near] > s[b])) / (n * k * (n - 1))
            expected[b] -= (2 * np.sum(s < s[b]) / (n - 1) - 1) / n / n
    np.testing.assert_allclose(inputs.grad[:, 0].numpy()[chosen], expected, atol=1e-6)


def test_scores_independent_of_the_mass_have_no_penalty_on_average() -> None:
    generator = torch.Generator().manual_seed(3)
    blank = [Penalty(1.0, 12)(torch.randn(120, 3, generator=generator), torch.rand(120)) for _ in range(300)]
    values = torch.stack(blank)
    assert abs(float(values.mean())) < 4 * float(values.std()) / 300**0.5
    mass = torch.rand(120, generator=generator)
    telling = torch.stack([3 * mass, torch.zeros(120), torch.zeros(120)], dim=1)
    assert float(Penalty(1.0, 12)(telling, mass)) > 20 * float(values.std())


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=30), st.integers(2, 12))
def test_the_nearest_are_near(values: list[int], neighbours: int) -> None:
    mass = torch.tensor(values, dtype=torch.float32)
    mass[mass > 25] = torch.nan
    near = nearest(mass, neighbours)
    known = int((~mass.isnan()).sum())
    for a, row in enumerate(near):
        if mass[a].isnan():
            assert not row.any()
            continue
        assert int(row.sum()) == min(neighbours, known)
        distances = (mass - mass[a]).abs()
        expected = distances[~mass.isnan()].sort().values[: int(row.sum())]
        assert torch.equal(distances[row].sort().values, expected)


def test_order_of_events_does_not_matter() -> None:
    logits, mass = batch(60)
    turned = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    plain = float(Penalty(1.0)(logits, mass))
    assert float(Penalty(1.0)(logits[turned], mass[turned])) == pytest.approx(plain, rel=1e-5)
    # nor do events without a mass, nor a number that is added to all logits of an event
    inputs = torch.where(mass.isnan()[:, None], 100.0, logits) + torch.randn(60, 1)
    assert float(Penalty(1.0)(inputs, mass)) == pytest.approx(plain, rel=1e-4)


@pytest.mark.parametrize("known", [0, 1, 2, 11, 12])
def test_no_penalty_with_few_masses(known: int) -> None:
    logits, _ = batch(30)
    mass = torch.where(torch.arange(30) < known, torch.arange(30.0), torch.nan)
    inputs = logits.requires_grad_()
    value = Penalty(1.0, 12)(inputs, mass)
    value.backward()  # type: ignore[no-untyped-call]
    assert abs(float(value.detach())) < 1e-5
    assert inputs.grad is not None
    assert inputs.grad.abs().max() < 1e-6
    assert abs(float(Penalty(1.0, 40)(logits.detach(), mass))) < 1e-5


def sculptable(n: int, seed: int = 0) -> Vectors:
    """Two classes that differ in the mass, which is the first feature, and in the second feature."""
    generator = torch.Generator().manual_seed(seed)
    samples = particles(n, seed=seed, features=2, shift=0.0)
    signal = samples.labels == 0
    mass = torch.where(
        signal, 125 + 2 * torch.randn(n, generator=generator), 90 + 70 * torch.rand(n, generator=generator)
    )
    honest = torch.randn(n, generator=generator) + 0.8 * signal
    features = torch.stack([(mass - 125).abs() / 20, honest], dim=1)
    return replace(samples, mass=mass, features=features, slots={"muon": 0, "jet": 0})


def mass_correlation(model: FFNN, test: Vectors) -> float:
    background = (test.labels == 1).numpy()
    assert test.mass is not None
    score, mass = model.predict_proba(test)[background, 0], test.mass.numpy()[background]
    return cvm(score.astype(float), windows(mass.astype(float), 100, 50))


def test_decorrelation_removes_the_mass_only() -> None:
    train, valid, test = sculptable(1200, 1), sculptable(400, 2), sculptable(2000, 3)
    settings = {"layers": 1, "units": 32, "dropout": 0.0, "epochs": 20, "batch_size": 150, "learning_rate": 5e-3}
    aware, plain = FFNN(**settings), FFNN(**settings, decorrelation=20.0)  # type: ignore[arg-type]
    for model in (aware, plain):
        model.fit(train, valid, Context())
    assert mass_correlation(aware, test) > 0.05
    assert mass_correlation(plain, test) < 0.2 * mass_correlation(aware, test)
    score = plain.predict_proba(test)[:, 0]
    signal = (test.labels == 0).numpy()
    assert score[signal].mean() > score[~signal].mean() + 0.05
    again = FFNN(**settings, decorrelation=20.0)  # type: ignore[arg-type]
    again.fit(train, valid, Context())
    np.testing.assert_array_equal(again.predict_proba(test)[:, 0], score)


def test_masses_are_those_of_the_first_background() -> None:
    samples = replace(particles(9, classes=3), mass=torch.arange(9.0))
    found = Batches(VIEWS["table", Vectors], samples, "cpu")(torch.tensor([1, 4, 5, 0]))
    assert found.masses.isnan().tolist() == [False, False, True, True]
    assert found.masses[:2].tolist() == [1, 4]
    without = Batches(VIEWS["table", Vectors], particles(9), "cpu")
    assert without.masses.isnan().all()


def test_a_task_without_mass_is_skipped() -> None:
    samples = particles(40)
    with pytest.raises(Skip, match=r"decorrelation=0\.15 needs the mass"):
        FFNN(decorrelation=0.15).fit(samples[:20], samples[20:], Context())
