"""Files of trees: whatever is an index or a size is checked before XGBoost follows it."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xgboost

from benchmark.core.errors import UserError
from models.bdt import BDT
from models.boosted import check_trees, parse_ubjson
from models.model import Context
from tests.models.conftest import particles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COLUMNS = 18


def fitted(classes: int, **parameters: Any) -> BDT:
    model = BDT(trees=4, depth=3, **parameters)
    model.fit(particles(200, classes=classes), particles(60, classes=classes, seed=1), Context())
    return model


@pytest.fixture(scope="module", params=[2, 3])
def trees(request: pytest.FixtureRequest) -> tuple[int, bytes]:
    """The number of classes, and the file of fitted trees."""
    return request.param, bytes(fitted(request.param)._booster.save_raw("ubj"))


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list | np.ndarray) else value


def test_it_reads_what_xgboost_reads(trees: tuple[int, bytes]) -> None:
    booster = xgboost.Booster(model_file=bytearray(trees[1]))
    ours, theirs = plain(parse_ubjson(trees[1])), json.loads(booster.save_raw("json"))
    for document in (ours, theirs):  # rounded in JSON
        for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
            for name in ("base_weights", "loss_changes", "split_conditions", "sum_hessian"):
                tree[name] = np.asarray(tree[name], np.float32).tolist()
    assert ours == theirs
    check_trees(parse_ubjson(trees[1]), COLUMNS, trees[0])


@pytest.mark.parametrize("parameters", [{"min_weight": 30.0}, {"columns": 0.3}, {"subsample": 0.3}, {"l2": 1000.0}])
def test_trees_of_all_settings_are_taken(parameters: dict[str, float], tmp_path: Path) -> None:
    model = fitted(3, **parameters)
    model.save(tmp_path)
    again = BDT()
    again.load(tmp_path, Context())
    samples = particles(50, classes=3, seed=2)
    np.testing.assert_array_equal(again.predict_proba(samples), model.predict_proba(samples))
    assert again.parameters_count() == model.parameters_count()


def number(value: int) -> bytes:
    return b"L" + struct.pack(">q", value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "1 bytes at 0"),
        (b"{", "1 bytes at 1, expected at most 0"),
        (b"{}}", "1 bytes after its end"),
        (b"[" * 100, "the marker"),
        (b"[$d#" + number(2**61), "expected at most"),
        (b"[#" + number(2**40), "1,099,511,627,776 values in 0 bytes"),
        (b"[#" + number(-1), "-1 values"),
        (b"S" + number(-5), "-5 bytes"),
        (b"{" + 2 * (number(1) + b"aZ") + b"}", "the field 'a' twice"),
        (b"?", "the marker"),
        (b"{i\x01aZ}", "no length"),
    ],
)
def test_what_is_no_ubjson(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_ubjson(content)


def edit_tree(**changes: Callable[[np.ndarray], None]) -> Callable[[dict[str, Any]], None]:
    def edit(learner: dict[str, Any]) -> None:
        tree = learner["gradient_booster"]["model"]["trees"][1]
        for name, change in changes.items():
            tree[name] = tree[name].copy()
            change(tree[name])

    return edit


def put(place: int, value: int) -> Callable[[np.ndarray], None]:
    def change(array: np.ndarray) -> None:
        array[place] = value

    return change


def swap(one: int, other: int) -> Callable[[np.ndarray], None]:
    def change(array: np.ndarray) -> None:
        array[[one, other]] = array[[other, one]]

    return change


EDITS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a child beyond the end": (edit_tree(left_children=put(0, 10_000)), "nodes that are not each a child"),
    "a loop": (edit_tree(right_children=put(0, 0)), "nodes that are not each a child"),
    "a negative child": (edit_tree(left_children=put(0, -7)), "nodes that are not each a child"),
    "a node twice": (edit_tree(left_children=put(0, 2)), "nodes that are not each a child"),
    "a node after its child": (
        edit_tree(left_children=swap(0, 1), right_children=swap(0, 1)),
        "a child before its parent|not each a child",
    ),
    "another parent": (edit_tree(parents=put(2, -2)), "parents that do not have these children"),
    "a parent of the root": (edit_tree(parents=put(0, 1)), "parents that do not have these children"),
    "one child": (edit_tree(left_children=put(0, -1)), "nodes that are not each a child"),
    "a column beyond the end": (edit_tree(split_indices=put(0, COLUMNS)), "a cut on a column that is none of 18"),
    "a negative column": (edit_tree(split_indices=put(0, -1)), "a cut on a column that is none of 18"),
    "a cut on a category": (edit_tree(split_type=put(0, 1)), "a tree of categories"),
    "more columns": (lambda learner: learner["learner_model_param"].update(num_feature="19"), "num_feature is '19'"),
    "more classes": (lambda learner: learner["learner_model_param"].update(num_class="9"), "num_class is '9'"),
    "more targets": (lambda learner: learner["learner_model_param"].update(num_target="2"), "num_target is '2'"),
    "another score": (lambda learner: learner["learner_model_param"].update(base_score="x" * 90), "base_score is"),
    "another booster": (lambda learner: learner["gradient_booster"].update(name="dart"), "gradient_booster is 'dart'"),
    "another objective": (lambda learner: learner["objective"].update(name="rank:map"), "objective is 'rank:map'"),
    "fewer names": (lambda learner: learner.update(feature_names=["a"]), "1 names of columns, expected 18"),
    "trees of another class": (
        lambda learner: learner["gradient_booster"]["model"].update(
            tree_info=[5] * len(learner["gradient_booster"]["model"]["trees"])
        ),
        "trees of class 5",
    ),
    "fewer trees": (lambda learner: learner["gradient_booster"]["model"]["trees"].pop(), "num_trees is"),
    "a tree twice": (
        lambda learner: learner["gradient_booster"]["model"]["trees"][1].update(id=0),
        "the id of a tree is '0', expected 1",
    ),
    "rounds beyond the end": (
        lambda learner: learner["gradient_booster"]["model"].update(iteration_indptr=[0, 10**9]),
        "iteration_indptr",
    ),
}


@pytest.mark.parametrize("name", list(EDITS))
def test_indices_and_sizes(trees: tuple[int, bytes], name: str) -> None:
    document = parse_ubjson(trees[1])
    edit, reason = EDITS[name]
    edit(document["learner"])
    with pytest.raises(ValueError, match=reason):
        check_trees(document, COLUMNS, trees[0])


def test_a_changed_file_is_refused_in_one_line(tmp_path: Path) -> None:
    fitted(2).save(tmp_path)
    file = tmp_path / "model.ubj"
    file.write_bytes(file.read_bytes().replace(b"gbtree", b"gbtre?"))
    with pytest.raises(UserError, match=r"model\.ubj: not a fitted model \(.*\)\. Fit it again\.$"):
        BDT().load(tmp_path, Context())
