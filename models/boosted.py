"""Boosted trees in XGBoost's universal binary JSON (UBJSON), checked before XGBoost reads them.

XGBoost follows the indices in a file without looking: a wrong one reads or writes foreign memory. So the file is parsed
here first, and everything that is used as an index or a size is compared with the number of columns and classes.
"""

from __future__ import annotations

import re
import struct
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMBERS = {b"i": ">i1", b"U": ">u1", b"I": ">i2", b"l": ">i4", b"L": ">i8", b"d": ">f4", b"D": ">f8"}
_TYPES = {marker: np.dtype(kind) for marker, kind in _NUMBERS.items()}
_WORDS = {b"Z": None, b"T": True, b"F": False}
DEEPEST = 20
_COUNT = re.compile(r"[0-9]{1,9}")
_SCORE = re.compile(r"[-+0-9.eE, \[\]]{1,1000}")
_NO_PARENT = 2**31 - 1
_PARALLEL = (
    *("right_children", "split_indices", "split_conditions", "default_left"),
    *("base_weights", "loss_changes", "sum_hessian", "split_type"),
)
"""The arrays of a tree that have one number for each node, as `left_children` has."""


# --- UBJSON ----------------------------------------------------------------------------------------------------------


def parse_ubjson(content: bytes) -> Any:
    """A document as XGBoost writes it; arrays of one type become numpy arrays. Raises ValueError for anything else."""
    reader = _Reader(content)
    found = reader.value(reader.take(1), DEEPEST)
    if reader.at != len(content):
        raise ValueError(f"{len(content) - reader.at:,} bytes after its end")
    return found


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0

    def take(self, size: int) -> bytes:
        if not 0 <= size <= len(self.content) - self.at:
            raise ValueError(f"{size:,} bytes at {self.at:,}, expected at most {len(self.content) - self.at:,}")
        self.at += size
        return self.content[self.at - size : self.at]

    def length(self) -> int:
        if self.take(1) != b"L":
            raise ValueError(f"no length at {self.at:,}")
        (found,) = struct.unpack(">q", self.take(8))
        return int(found)

    def text(self) -> str:
        return self.take(self.length()).decode()

    def value(self, marker: bytes, deepest: int) -> Any:
        if marker == b"S":
            return self.text()
        if marker in _TYPES:
            kind = _TYPES[marker]
            return np.frombuffer(self.take(kind.itemsize), kind)[0].item()
        if marker in _WORDS:
            return _WORDS[marker]
        if marker not in (b"{", b"[") or not deepest:
            raise ValueError(f"the marker {marker!r} at {self.at:,}")
        return self.fields(deepest - 1) if marker == b"{" else self.items(deepest - 1)

    def fields(self, deepest: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self.content[self.at : self.at + 1] != b"}":
            name = self.text()
            if name in found:
                raise ValueError(f"the field {name[:80]!r} twice")
            found[name] = self.value(self.take(1), deepest)
        self.at += 1
        return found

    def items(self, deepest: int) -> Any:
        marker = self.take(1)
        if marker == b"$":
            kind = _TYPES[self.take(1)]
            if self.take(1) != b"#":
                raise ValueError(f"no number of values at {self.at:,}")
            return np.frombuffer(self.take(self.length() * kind.itemsize), kind)
        if marker == b"#":
            count = self.length()
            if not 0 <= count <= len(self.content) - self.at:
                raise ValueError(f"{count:,} values in {len(self.content) - self.at:,} bytes")
            return [self.value(self.take(1), deepest) for _ in range(count)]
        found = []
        while marker != b"]":
            found.append(self.value(marker, deepest))
            marker = self.take(1)
        return found


# --- trees -----------------------------------------------------------------------------------------------------------


def check_trees(document: Any, columns: int, classes: int) -> None:
    """Raise an error unless a document holds trees on this number of columns, for this number of classes."""
    learner = document["learner"]
    groups = 1 if classes == 2 else classes
    sizes = learner["learner_model_param"]
    _equal("num_feature", _count(sizes["num_feature"]), columns)
    _equal("num_class", max(_count(sizes["num_class"]), 1), groups)
    _equal("num_target", _count(sizes.get("num_target", "1")), 1)
    if not _SCORE.fullmatch(sizes["base_score"]):
        raise ValueError(f"base_score is {sizes['base_score'][:80]!r}")
    if sizes["base_score"].startswith("["):
        _equal("the length of base_score", sizes["base_score"].count(",") + 1, groups)
    objective = learner["objective"]
    _equal("objective", objective["name"], "binary:logistic" if groups == 1 else "multi:softprob")
    if groups > 1:
        _equal("num_class", _count(objective["softmax_multiclass_param"]["num_class"]), classes)
    if len(learner["feature_names"]) not in (0, columns) or len(learner["feature_types"]):
        raise ValueError(f"{len(learner['feature_names'])} names of columns, expected {columns}, and no types")
    booster = learner["gradient_booster"]
    _equal("gradient_booster", booster["name"], "gbtree")
    _check_forest(booster["model"], columns, groups)


def _check_forest(model: dict[str, Any], columns: int, groups: int) -> None:
    trees, group, rounds = model["trees"], _whole(model["tree_info"]), _whole(model["iteration_indptr"])
    _equal("num_trees", _count(model["gbtree_model_param"]["num_trees"]), len(trees))
    _equal("num_parallel_tree", _count(model["gbtree_model_param"]["num_parallel_tree"]), 1)
    _equal("the length of tree_info", len(group), len(trees))
    if len(group) and not 0 <= group.min() <= group.max() < groups:
        raise ValueError(f"trees of class {group.max()}, expected fewer than {groups}")
    ends = [0, *rounds.tolist()[1:-1], len(trees)]
    if rounds.tolist() != ends or any(first > last for first, last in pairwise(ends)):
        raise ValueError("iteration_indptr does not divide the trees into rounds")
    if any(len(part) for part in model.get("cats", {}).values()):
        raise ValueError("categories, expected numbers")
    for place, tree in enumerate(trees):
        _equal("the id of a tree", tree["id"], place)
        _check_tree(tree, columns)


def _check_tree(tree: dict[str, Any], columns: int) -> None:
    left, right, split = (_whole(tree[name]) for name in ("left_children", "right_children", "split_indices"))
    nodes = len(left)
    if not nodes or any(len(tree[name]) != nodes for name in _PARALLEL):
        raise ValueError("a tree with arrays of different lengths")
    sizes = tree["tree_param"]
    _equal("num_nodes", _count(sizes["num_nodes"]), nodes)
    if _count(sizes["size_leaf_vector"]) > 1 or _whole(tree["split_type"]).any():
        raise ValueError("a tree of categories or of vectors, expected one of numbers")
    if any(len(values) for name, values in tree.items() if name.startswith("categories")):
        raise ValueError("categories, expected numbers")
    _equal("num_deleted", _count(sizes["num_deleted"]), 0)
    inner = left != -1
    above = np.flatnonzero(inner)
    children = np.concatenate([left[inner], right[inner]])
    if (right[~inner] != -1).any() or not np.array_equal(np.sort(children), np.arange(1, nodes)):
        raise ValueError("nodes that are not each a child of one other")
    if (children <= np.tile(above, 2)).any():  # each child comes after its parent, so a path ends
        raise ValueError("a child before its parent")
    parents = np.full(nodes, _NO_PARENT)
    parents[children] = np.tile(above, 2)
    if not np.array_equal(parents, _whole(tree["parents"])):
        raise ValueError("parents that do not have these children")
    if ((split[inner] < 0) | (split[inner] >= columns)).any():
        raise ValueError(f"a cut on a column that is none of {columns}")


def _whole(values: Any) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ValueError(f"{str(array.dtype)[:80]}, expected a list of whole numbers")
    return array.astype(np.int64)


def _count(text: Any) -> int:
    if not isinstance(text, str) or not _COUNT.fullmatch(text):
        raise ValueError(f"the size {str(text)[:80]!r}, expected a whole number")
    return int(text)


def _equal(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise ValueError(f"{what} is {str(found)[:80]!r}, expected {expected!r}")
