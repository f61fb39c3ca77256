"""Tensors of files that strangers may have written: nothing is allocated by a number that a file claims."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from benchmark.core.errors import UserError
from models.cnn import CNN
from models.ffnn import FFNN
from models.model import Context
from models.reference import Constant, Cut, Random
from models.tensors import LONGEST_HEADER, check_like, parse_tensors
from tests.models.conftest import panels, particles
from tests.models.test_export import CASES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor


def test_tensors_and_texts() -> None:
    tensors = {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor(7), "c": torch.zeros(0, 4, dtype=torch.int8)}
    found, texts = parse_tensors(save(tensors, {"card": "é"}))
    assert texts == {"card": "é"}
    check_like(found, tensors)
    assert all(torch.equal(found[name], value) for name, value in tensors.items())
    assert parse_tensors(save({})) == ({}, {})


def header(text: str, content: bytes = b"") -> bytes:
    return struct.pack("<Q", len(text)) + text.encode() + content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 7,
        struct.pack("<Q", 2**63),
        struct.pack("<Q", LONGEST_HEADER + 1) + b" " * 100,
        header("[" * 2000),
        header("[]"),
        header('{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}'),
        header('{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}', b"1234"),
        header('{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', b"1234"),
        header('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}', b"1234"),
        header('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', b"12345678"),
        header('{"a":{"dtype":"PICKLE","shape":[1],"data_offsets":[0,4]}}', b"1234"),
    ],
)
def test_headers_that_claim_too_much(content: bytes) -> None:
    with pytest.raises(Exception, match=r"."):
        parse_tensors(content)


def test_names_shapes_and_types_are_compared() -> None:
    expected = {"a": torch.empty(2, 3, device="meta"), "b": torch.empty((), dtype=torch.int64, device="meta")}
    good = {"a": torch.zeros(2, 3), "b": torch.tensor(1)}
    check_like(good, expected)
    for changes, reason in [
        ({"c": torch.zeros(1)}, "the tensor 'c' is none of this model"),
        ({"a": torch.zeros(3, 2)}, r"the tensor 'a' is \(3, 2\) torch.float32, expected \(2, 3\) torch.float32"),
        ({"b": torch.tensor(1.0)}, r"the tensor 'b' is \(\) torch.float32, expected \(\) torch.int64"),
    ]:
        with pytest.raises(ValueError, match=reason):
            check_like({**good, **changes}, expected)
    with pytest.raises(ValueError, match="the tensor 'a' is missing"):
        check_like({"b": good["b"]}, expected)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a fitted network on two inputs."""
    folder = tmp_path_factory.mktemp("network")
    model = FFNN(layers=1, units=4, epochs=1, pooling="deep-sets")
    model.fit(particles(40, features=2), particles(20, features=2), Context())
    model.save(folder)
    return (folder / "model.safetensors").read_bytes()


CHANGES: dict[str, tuple[Callable[[dict[str, Tensor]], object], str]] = {
    "a place of eleven digits": (
        lambda tensors: tensors.update(mean99999999999=torch.zeros(3), scale99999999999=torch.ones(3)),
        "the tensor 'mean99999999999' is none of this model",
    ),
    "zeros before a place": (
        lambda tensors: tensors.update(mean00=torch.zeros(3), scale00=torch.ones(3)),
        "the tensor 'mean00' is none of this model",
    ),
    "no scale": (lambda tensors: tensors.pop("scale0"), "the tensor 'mean0' is none of this model"),
    "a matrix of means": (
        lambda tensors: tensors.update(mean0=torch.zeros(3, 3), scale0=torch.zeros(3, 3)),
        r"mean and scale of input 0 are \(3, 3\) and \(3, 3\)",
    ),
    "a weight too many": (
        lambda tensors: tensors.update({"network.more": torch.zeros(1)}),
        "the tensor 'network.more' is none of this model",
    ),
    "numbers of half the size": (
        lambda tensors: tensors.update({name: value.half() for name, value in tensors.items() if "network" in name}),
        "torch.float16, expected",
    ),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_weights_are_those_of_the_network_of_the_card(network: bytes, tmp_path: Path, change: str) -> None:
    edit, reason = CHANGES[change]
    tensors, texts = parse_tensors(network)
    edit(tensors)
    (tmp_path / "model.safetensors").write_bytes(save(tensors, texts))
    with pytest.raises(UserError, match=rf"model\.safetensors: not a fitted model \(.*{reason}"):
        FFNN().load(tmp_path, Context())


def test_a_standardisation_of_other_inputs_is_refused(network: bytes, tmp_path: Path) -> None:
    tensors, texts = parse_tensors(network)
    samples = particles(10, features=2)
    for more, found in ((7, r"\[7, None, 2\]"), (1, r"\[1, None, 2\]")):
        tensors.update(mean0=torch.zeros(more), scale0=torch.ones(more))
        (tmp_path / "model.safetensors").write_bytes(save(tensors, texts))
        model = FFNN()
        model.load(tmp_path, Context())
        with pytest.raises(UserError, match=rf"standardises {found} columns of its inputs, expected \[\d, None, 2\]"):
            model.predict_proba(samples)


@pytest.mark.parametrize("name", [name for name in CASES if name != "resnet-50"])
def test_the_inputs_of_each_view_are_counted(name: str, tmp_path: Path) -> None:
    make, samples = CASES[name]
    model = make()
    model.fit(samples[:16], samples[16:32], Context())
    model.save(tmp_path)
    again = type(model)()
    again.load(tmp_path, Context())
    assert again.predict_proba(samples[:0]).shape == (0, len(samples.classes))
    np.testing.assert_array_equal(again.predict_proba(samples[:5]), model.predict_proba(samples[:5]))


CARDS: dict[str, tuple[dict[str, Any], str]] = {
    "a picture of a billion pixels": ({"shape": {"size": [2**15, 2**15]}}, "expected at most 33,554,432 numbers"),
    "a negative size": ({"shape": {"size": [-1, 5]}}, "expected at most"),
    "no classes": ({"classes": []}, "has 0 classes, expected distinct ones"),
    "a class twice": ({"classes": ["a", "a"]}, "has 2 classes, expected distinct ones"),
    "another view": ({"shape": {"view": "banana"}}, r"not a fitted model|is none of this model"),
    "a huge network": ({"parameters": {"width": 1024}}, "expected"),
    "an impossible network": ({"parameters": {"width": 2**40}}, "parameter 'width' is 1099511627776, expected"),
    "a parameter of another type": ({"parameters": {"width": [1]}}, "parameter 'width' is"),
    "another parameter": ({"parameters": {"code": "x"}}, "unknown parameter 'code'"),
}


@pytest.mark.parametrize("card", list(CARDS))
def test_cards_that_claim_too_much(card: str, tmp_path: Path) -> None:
    model = CNN(depth=7, width=4, epochs=1)
    model.fit(panels(24), panels(16), Context())
    model.save(tmp_path)
    file = tmp_path / "model.safetensors"
    changes, reason = CARDS[card]
    tensors, texts = parse_tensors(file.read_bytes())
    whole = json.loads(texts["card"])
    for name, change in changes.items():
        whole[name] = {**whole[name], **change} if isinstance(change, dict) else change
    file.write_bytes(save(tensors, {"card": json.dumps(whole)}))
    with pytest.raises(UserError, match=reason):
        CNN().load(tmp_path, Context())


def test_reference_models_have_their_tensors_alone(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    for kind, changes, reason in [
        (Constant, {"a": torch.zeros(1)}, "the tensor 'a' is none of this model"),
        (Random, {"column": torch.zeros(1)}, "the tensor 'column' is none of this model"),
        (Cut, {"column": torch.tensor([0, 18])}, "cuts on the columns .*, expected 18 columns"),
        (Cut, {"column": torch.tensor([0, -1])}, "cuts on the columns"),
        (Cut, {"scale": torch.ones(3, dtype=torch.float64)}, "the tensor 'scale' is"),
    ]:
        model = kind()
        model.fit(particles(40), particles(20), Context())
        model.save(tmp_path)
        _, texts = parse_tensors(file.read_bytes())
        file.write_bytes(save({**load(file.read_bytes()), **changes}, texts))
        with pytest.raises(UserError, match=reason):
            kind().load(tmp_path, Context())
