"""Which device a name stands for, on machines with and without GPUs."""

from __future__ import annotations

import pytest

from benchmark.core import machine
from benchmark.core.errors import UserError
from benchmark.core.machine import resolve_device


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch):
    return lambda count: monkeypatch.setattr(machine, "_gpu_count", lambda: count)


@pytest.mark.parametrize("wanted", ["gpu", "cpu:0", "auto:1", "cuda:", "cuda:x", "cuda:-1", "cuda:0:1", ""])
def test_unknown_devices(wanted: str):
    with pytest.raises(UserError, match=f"unknown device '{wanted}'. Known: auto, cpu, cuda"):
        resolve_device(wanted)


def test_machine_without_gpu(gpus):
    gpus(0)
    assert resolve_device("auto") == resolve_device("cpu") == "cpu"
    for wanted in ("cuda", "cuda:0"):
        with pytest.raises(UserError, match=f"device {wanted}: torch finds no CUDA GPU.*--device cpu"):
            resolve_device(wanted)


def test_machine_with_gpus(gpus):
    gpus(2)
    assert resolve_device("auto") == "cuda"
    assert resolve_device("cuda:1") == "cuda:1"
    with pytest.raises(UserError, match=r"device cuda:2: there are 2 GPUs.*cuda:0 to cuda:1"):
        resolve_device("cuda:2")
