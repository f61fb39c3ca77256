"""Scores and pictures of strangers: anything but finite scores of the right shape is refused in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmark.core.errors import UserError
from benchmark.core.files import sha256
from benchmark.records.scores import read_examples, read_scores

if TYPE_CHECKING:
    from pathlib import Path

N = 6
GOOD: dict[str, Any] = {
    "event_ids": np.arange(N),
    "labels": np.arange(N) % 2,
    "scores": np.full((N, 2), 0.5, np.float32),
    "weights": np.ones(N, np.float32),
}


def refused(path: Path) -> str:
    with pytest.raises(UserError) as error:
        read_scores(path, sha256(path), 2)
    text = str(error.value)
    assert text.startswith(f"{path}: not scores (")
    assert text.endswith("Run the cell again.")
    assert len(text.splitlines()) == 1
    return text


def test_valid_scores(tmp_path: Path):
    path = tmp_path / "scores.npz"
    for columns in (GOOD, {**GOOD, "mass": np.full(N, np.nan, np.float32)}):
        np.savez_compressed(path, **columns)
        found = read_scores(path, sha256(path), 2)
        assert {name for name, value in vars(found).items() if value is not None} == set(columns)
        assert all(getattr(found, name).dtype == column.dtype for name, column in columns.items())
    with pytest.raises(UserError, match="changed since"):
        read_scores(path, "0" * 64, 2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"labels": np.array(1)}, "'event_ids' is int64 of shape (6,), expected numbers of shape (1,)"),
        ({"labels": np.zeros((N, 1), int)}, "'labels' is int64 of shape (6, 1)"),
        ({"labels": np.arange(N) % 3}, "labels from 0 to 2, expected 0 to 1"),
        ({"labels": -np.arange(N)}, "labels from -5 to 0"),
        ({"labels": GOOD["labels"].astype(float)}, "'labels' is float64"),
        ({"labels": GOOD["labels"].astype(bool)}, "'labels' is bool"),
        ({"scores": np.full((N, 2), "0.5")}, "'scores' is <U3"),
        ({"scores": np.full((N, 2), np.nan)}, "'scores' has values that are not finite"),
        ({"scores": np.full((N, 3), 0.5)}, "'scores' is float64 of shape (6, 3), expected numbers of shape (6, 2)"),
        ({"scores": np.full(2 * N, 0.5)}, "'scores' is float64 of shape (12,)"),
        ({"scores": np.full((N, 2), 0.5j)}, "holds complex128"),
        ({"weights": np.ones(N - 1)}, "'weights' is float64 of shape (5,)"),
        ({"weights": np.full(N, np.inf)}, "'weights' has values that are not finite"),
        ({"event_ids": np.zeros(N, [("a", "i8")])}, "expected numbers or text"),
        ({"event_ids": np.arange(N).astype(str)}, "'event_ids' is <U21"),
        ({"event_ids": np.array([{}] * N, object)}, "holds object"),
        ({"more": np.zeros(N)}, "has the arrays event_ids, labels, scores, weights, more"),
        ({"\x1b[2J" + "x" * 500: np.zeros(N)}, "has the arrays"),
        (
            {name: np.zeros((0, 2) if name == "scores" else 0, column.dtype) for name, column in GOOD.items()},
            "shape (0",
        ),
    ],
)
def test_malformed_scores(tmp_path: Path, change: dict[str, Any], reason: str):
    path = tmp_path / "scores.npz"
    np.savez_compressed(path, **{**GOOD, **change})
    text = refused(path)
    assert reason in text
    assert "\x1b" not in text


def test_missing_arrays(tmp_path: Path):
    np.savez_compressed(tmp_path / "scores.npz", **{name: GOOD[name] for name in ("labels", "scores")})
    assert "has the arrays labels, scores, expected event_ids" in refused(tmp_path / "scores.npz")


def test_pictures_with_long_names(tmp_path: Path):
    path = tmp_path / "examples.npz"
    for kinds in (np.array(["x" * 101]), np.array(["x"] * 101)):
        np.savez_compressed(path, _kinds=kinds)
        with pytest.raises(UserError, match="has more or longer names than 100"):
            read_examples(path)
    broken = np.frombuffer(b"\xff\xff\xff\x7f", "<U1")  # no character
    np.savez_compressed(path, _kinds=broken)
    with pytest.raises(UserError, match="not pictures"):
        read_examples(path)
