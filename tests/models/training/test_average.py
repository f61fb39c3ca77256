"""The average of the weights: its numbers, its place in the network, and what it is good for."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.training.average import Average


def number(value: float) -> nn.Linear:
    """A network of one weight."""
    network = nn.Linear(1, 1, bias=False)
    return set_to(network, value)


def set_to(network: nn.Linear, value: float) -> nn.Linear:
    nn.init.constant_(network.weight, value)
    return network


def average_of(average: Average) -> float:
    return float(average.tensors()["weight"])


def test_the_first_steps_by_hand() -> None:
    """Decays 2/11, 3/12, then 0.3: 0 -> 9/11, -> (9/11)/4 + 3/4 * 2, -> 0.3 of that + 0.7 * 3."""
    network = number(0.0)
    average = Average(network, 0.3)
    expected = (9 / 11, 9 / 44 + 1.5, 0.3 * (9 / 44 + 1.5) + 2.1)
    for step, value in enumerate(expected, start=1):
        set_to(network, step)
        average.update()
        assert average_of(average) == pytest.approx(value, rel=1e-6)


def test_it_takes_the_place_of_the_weights_and_leaves_it() -> None:
    network = number(0.0)
    average = Average(network, 0.9)
    set_to(network, 5.0)
    average.update()
    weight = network.weight
    with average.in_place():
        assert network.weight.item() == average_of(average)
        assert average_of(average) == pytest.approx(5.0 * 9 / 11)
    assert network.weight is weight
    assert weight.item() == 5.0


def test_without_decay_it_is_the_weights() -> None:
    network = number(2.0)
    average = Average(network, 0.0)
    average.update()
    with average.in_place():
        assert network.weight.item() == 2.0
    assert average.tensors() == {}


def test_running_means_are_averaged_and_counts_are_not() -> None:
    network = nn.BatchNorm1d(2)
    average = Average(network, 0.99)
    for _ in range(40):
        network(torch.randn(64, 2) + 3.0)
        average.update()
    assert set(average.tensors()) == {"weight", "bias", "running_mean", "running_var"}
    with average.in_place():
        assert network.running_mean is not None
        torch.testing.assert_close(network.running_mean, average.tensors()["running_mean"])
        assert network.num_batches_tracked == 40


def test_it_is_nearer_to_the_minimum_than_the_weights() -> None:
    """Steps along noisy gradients of (w - 1)^2 / 2 at a constant rate, where w scatters around 1."""
    noise = torch.Generator().manual_seed(0)
    network = number(0.0)
    average = Average(network, 0.99)
    far, near = [], []
    for step in range(2000):
        gradient = network.weight.item() - 1.0 + float(torch.randn((), generator=noise))
        set_to(network, network.weight.item() - 0.1 * gradient)
        average.update()
        if step >= 500:
            far.append(abs(network.weight.item() - 1.0))
            near.append(abs(average_of(average) - 1.0))
    assert sum(near) < 0.5 * sum(far)


def test_it_comes_back_from_its_tensors() -> None:
    one, other = Average(number(1.0), 0.9), Average(number(7.0), 0.9)
    other.restore({name: value.clone() for name, value in one.tensors().items()})
    assert average_of(other) == 1.0
