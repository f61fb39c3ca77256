"""One record of what a result depends on, and the keys of its parts."""

from __future__ import annotations

from typing import Any

import pytest

from benchmark.records.identity import DataContent, DataRecipe, Identity, Part


def part(name: str, **changes: Any) -> Part:
    fields = {"target": name, "name": name, "version": "1", "file": "", "parameters": {"depth": 7, "width": 4}}
    return Part(**{**fields, "given": ("depth",), **changes})


def content(**changes: Any) -> DataContent:
    fields = {"level": "detector", "content": "c", "fingerprint": "f", "train": 100, "source": "generated"}
    return DataContent(**{**fields, "shards": ("1", "2"), **changes})


def identity(**changes: Any) -> Identity:
    parts = {"task": part("ttbar"), "representation": part("circles"), "model": part("cnn")}
    rest = {"level": "detector", "content": content(), "preset": "quick", "seed": 0, "device": "cpu", "sources": "s"}
    return Identity(**{**parts, **rest, **changes})


CHANGES = {
    "task": {"task": part("dimuon")},
    "representation": {"representation": part("circles", version="2")},
    "model": {"model": part("cnn", file="edited")},
    "parameter": {"model": part("cnn", parameters={"depth": 9, "width": 4})},
    "events": {"content": content(content="other", shards=("3",))},
    "seed": {"seed": 1},
    "device": {"device": "cuda"},
    "processes": {"processes": 2},
    "preset": {"preset": "paper"},
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_result_and_its_training_have_keys_of_their_own(name: str):
    one, other = identity(), identity(**CHANGES[name])
    assert one.result_key() != other.result_key()
    assert one.training_key() != other.training_key(), "or a training would continue from the checkpoint of another"


@pytest.mark.parametrize("name", CHANGES)
def test_samples_depend_on_task_representation_and_events_alone(name: str):
    changed = identity().samples_key() != identity(**CHANGES[name]).samples_key()
    assert changed == (name in ("task", "representation", "events"))


def test_source_code_counts_for_samples_and_trainings_only():
    one, other = identity(), identity(sources="edited")
    assert one.samples_key() != other.samples_key()
    assert one.training_key() != other.training_key()
    assert one.result_key() == other.result_key()


def test_parameters_with_default_values_do_not_count():
    """A plug-in may gain a parameter, and its results stand."""
    wider = part("cnn", parameters={"depth": 7, "width": 5, "new": 0})
    assert identity(model=wider).result_key() == identity().result_key()


def test_keys_do_not_change():
    """Results and data sets that exist are found under these names."""
    assert identity().result_key() == "95f5cb40859a6d2a728e2faf3c82aa190b142d46aaf692733acfdfb2727e7bb0"
    assert (
        identity(content=None, processes=2).result_key()
        == "cf6dde3c9d77eae82d6d35f6de5ac6c4ba7682cd555744be81f3abf0c564a75d"
    )
    recipe = DataRecipe(
        task="ttbar",
        version="2",
        file="",
        level="detector",
        parameters={"events_per_class": 4000},
        origin={"generator": "8.317.2", "detector": "3"},
    )
    assert recipe.key() == "e957d534899c7a915e5b764ac712e228d3356343adcfe74bb4967a4fa66d6223"


def test_an_identity_survives_json():
    assert Identity.model_validate_json(identity().model_dump_json()) == identity()
