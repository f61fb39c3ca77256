from __future__ import annotations

import json

import pytest

from benchmark import environment
from benchmark.environment import resolve_device
from benchmark.errors import UserError


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch):
    return lambda count: monkeypatch.setattr(environment, "_gpu_count", lambda: count)


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


def test_what_is_recorded_is_json_and_complete():
    found = environment.describe()
    assert json.loads(json.dumps(found)) == found
    assert found["cores"] == environment.default_workers() >= 1
    assert found["memory_gb"] > 0
    assert "not installed" not in found["packages"].values()
    assert environment.gpu_name("cpu") is None


def test_code_without_a_repository(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    found = environment.code.__wrapped__()
    assert (found.revision, found.dirty) == (None, None)
    assert environment._git("rev-parse", "HEAD") is None
