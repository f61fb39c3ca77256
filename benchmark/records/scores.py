"""Scores of the test events, as results keep them: the logarithms of ratios of probabilities, in half precision.

    circles-cnn-seed0-1a2b3c4d5e6f.npz    log-ratios of one result: test, validation and shifted test events
    events-0f1e2d3c4b5a.npz               ids, labels, weights and masses of a set of events, once for all results

A file of scores names its sets of events by a hash of their content, so that a file of other events is never taken for
them. Probabilities in half precision would move the rejection of a good classifier by a third; log-ratios keep the
order of events at both ends. Their low and their high bytes are stored apart, (2, n, classes - 1), since high bytes are
alike and compress well: the published files are 7% smaller for it. `read_scores` puts them together.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.core.arrays import arrays_parser
from benchmark.core.errors import UserError
from benchmark.core.stored import MB, StoredFile
from benchmark.metrics.compute import check_probabilities
from benchmark.records.fields import cleaned

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

MOST = 256 * MB
"""Bytes of all arrays of a file of scores: those of ten million events of five classes, each with two shifts."""
SCORES = StoredFile("scores", MOST, "Run the cell again.")
EVENTS = StoredFile("test events", MOST, "Run the cell again.")
EXAMPLES = StoredFile("pictures", 64 * MB, "Delete it.")

LARGEST_RATIO = 60.0
"""Log-ratios are clipped to this size: a probability that is exactly 0 counts as e^-60 of the largest one. In double
precision p_0 resolves log-ratios down to -36; events beyond are ties."""

_KINDS = {"event_ids": "iu", "labels": "iu", "weights": "f", "mass": "f"}
_TYPES = {"event_ids": np.int64, "labels": np.int64, "weights": np.float32, "mass": np.float32}
_RATIOS, _NAMED, _SHIFTED = "log_ratios", "events", "shifted."
_STORED = np.dtype("<f2")
_LARGEST_ITEM = 8
_MOST_WORDS = 100


IDS_OF_A_PROCESS = 10**10
"""Generated events of one process and split have ids from a multiple of this number on, in the order of generation."""


@dataclass(frozen=True, eq=False)
class ScoredEvents:
    """A set of events that were scored: all (n,), in the order of their ids."""

    event_ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    weights: NDArray[np.float32]
    mass: NDArray[np.float32] | None = None

    def columns(self) -> dict[str, Any]:
        """Those that there are, by name."""
        return {name: getattr(self, name) for name in _KINDS if getattr(self, name) is not None}

    @cached_property
    def sha256(self) -> str:
        """Hash of the content, whatever the file is compressed with."""
        made = hashlib.sha256()
        for name, column in self.columns().items():
            made.update(name.encode())
            made.update(np.ascontiguousarray(column, _TYPES[name]).tobytes())
        return made.hexdigest()


@dataclass(frozen=True, eq=False)
class Scores:
    """The scores of a cell, rounded as they are stored: metrics are computed from these alone.

    Parameters
    ----------
    events : the test events.
    log_ratios : (n, classes - 1) float16, ln(p_k / p_0) of the classes k = 1, 2, ...
    valid : scores of the validation events, on which thresholds are chosen.
    shifted : scores of test events of shifted simulations, by the name of the shift.
    """

    events: ScoredEvents
    log_ratios: NDArray[np.float16]
    valid: Scores | None = None
    shifted: Mapping[str, Scores] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        event_ids: ArrayLike,
        labels: ArrayLike,
        probabilities: ArrayLike,
        weights: ArrayLike | None = None,
        mass: ArrayLike | None = None,
    ) -> Scores:
        """The scores of events in any order; add the others with `dataclasses.replace(..., valid=..., shifted=...)`.

        Parameters
        ----------
        event_ids, labels : (n,) int.
        probabilities : (n, classes), whose sums may differ from 1.
        weights, mass : (n,); weights are 1 by default.

        Raises
        ------
        UserError
            For anything but probabilities.
        """
        ids = np.asarray(event_ids)
        given = {
            "event_ids": ids,
            "labels": labels,
            "weights": np.ones(len(ids)) if weights is None else weights,
            "mass": mass,
        }
        order = np.argsort(ids, kind="stable")
        columns = {n: np.asarray(c)[order].astype(_TYPES[n]) for n, c in given.items() if c is not None}
        found = np.asarray(probabilities, np.float64)
        names = tuple(f"number {place}" for place in range(found.shape[1] if found.ndim == 2 else 0))
        return cls(ScoredEvents(**columns), to_log_ratios(check_probabilities(found, len(ids), names)[order]))

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """(n, classes) float64, rows summing to 1."""
        ratios = self.log_ratios.astype(np.float64)
        logits = np.concatenate([np.zeros((len(ratios), 1)), ratios], axis=1)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        found: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
        return found

    def parts(self) -> dict[str, Scores]:
        """By the start of the names of their arrays in a file: test events, validation events, shifts."""
        valid = {"valid.": self.valid} if self.valid else {}
        return {"": self, **valid, **{f"{_SHIFTED}{name}.": shifted for name, shifted in self.shifted.items()}}


def to_log_ratios(probabilities: NDArray[np.float64]) -> NDArray[np.float16]:
    """ln(p_k / p_0) of probabilities (n, classes), as (n, classes - 1) float16; equal ones stay equal.

    No probability counts as less than e^-60 of the largest one of its event.
    """
    least = probabilities.max(axis=1, keepdims=True) * np.exp(-LARGEST_RATIO)
    logs = np.log(np.maximum(probabilities, np.maximum(least, np.finfo(np.float64).tiny)))
    ratios: NDArray[np.float16] = (logs[:, 1:] - logs[:, :1]).astype(np.float16)
    return ratios


def arrays_of(scores: Scores) -> dict[str, Any]:
    """The arrays of a file of scores; events are named, not held. `read_scores` also reads log-ratios as float16."""
    return {
        f"{start}{name}": value
        for start, part in scores.parts().items()
        for name, value in ((_RATIOS, _apart(part.log_ratios)), (_NAMED, np.array(part.events.sha256)))
    }


def _apart(ratios: NDArray[np.float16]) -> NDArray[np.uint8]:
    """(2, n, classes - 1): the low bytes of all log-ratios, then the high bytes."""
    pairs = np.ascontiguousarray(ratios, _STORED)[..., None].view(np.uint8)
    return np.ascontiguousarray(np.moveaxis(pairs, -1, 0))


def _together(planes: NDArray[np.uint8]) -> NDArray[np.float16]:
    """Log-ratios (n, classes - 1) of their bytes."""
    pairs = np.ascontiguousarray(np.moveaxis(planes, 0, -1))
    return pairs.view(_STORED)[..., 0].astype(np.float16, copy=False)


def read_scores(path: Path, sha256: str | None, classes: int, events: Callable[[str], ScoredEvents]) -> Scores:
    """The scores in a file.

    Parameters
    ----------
    events : the set of events of a hash; raises UserError if it is missing or changed.

    Raises
    ------
    UserError
        If the file is missing, has another hash than recorded, is of an earlier version, or holds anything but finite
        log-ratios of that many classes for at least one event.
    """

    def parse(content: bytes) -> Scores:
        return _scores(_arrays(content), classes, events)

    return SCORES.parse(path, parse, sha256)


def read_events(path: Path, sha256: str) -> ScoredEvents:
    """The set of events in a file. Raises UserError if it is missing or malformed, or its content has another hash."""

    def parse(content: bytes) -> ScoredEvents:
        found = _events(_arrays(content))
        if found.sha256 != sha256:
            raise ValueError("other events than the scores are of")
        return found

    return EVENTS.parse(path, parse)


def read_examples(path: Path) -> dict[str, NDArray[Any]]:
    """Pictures by class and their legend. Raises UserError for a file that holds anything else."""
    return EXAMPLES.parse(path, _examples)


_arrays = arrays_parser(MOST)
_pictures = arrays_parser(64 * MB)


def _scores(arrays: dict[str, NDArray[Any]], classes: int, events: Callable[[str], ScoredEvents]) -> Scores:
    if "scores" in arrays:
        raise UserError(f"has the probabilities of an earlier version, expected log-ratios. {SCORES.remedy}")
    starts = [name.removesuffix(_RATIOS) for name in arrays if name.endswith(_RATIOS)]
    expected = {f"{start}{name}" for start in starts for name in (_RATIOS, _NAMED)}
    if "" not in starts or set(arrays) != expected:
        found = cleaned(", ".join(arrays), 100)
        raise ValueError(f"has the arrays {found}, expected {_RATIOS} and {_NAMED}")
    parts = {start: _part(arrays[start + _RATIOS], arrays[start + _NAMED], classes, events) for start in starts}
    shifted = {n.removeprefix(_SHIFTED).removesuffix("."): p for n, p in parts.items() if n.startswith(_SHIFTED)}
    return Scores(parts[""].events, parts[""].log_ratios, parts.get("valid."), shifted)


def _part(ratios: NDArray[Any], named: NDArray[Any], classes: int, events: Callable[[str], ScoredEvents]) -> Scores:
    if named.shape != () or named.dtype != np.dtype("<U64"):
        raise ValueError(f"'{_NAMED}' is {named.dtype} of shape {named.shape}, expected a SHA-256")
    known = events(str(named))
    shape = (len(known.labels), classes - 1)
    if ratios.dtype == np.uint8 and ratios.shape == (2, *shape):
        ratios = _together(ratios)
    if ratios.dtype != np.float16 or ratios.shape != shape:
        raise ValueError(f"'{_RATIOS}' is {ratios.dtype} of shape {ratios.shape}, expected float16 of shape {shape}")
    if not (np.abs(ratios) <= LARGEST_RATIO).all():
        raise ValueError(f"'{_RATIOS}' has values beyond {LARGEST_RATIO:g}")
    if int(known.labels.max()) >= classes:
        raise ValueError(f"labels up to {known.labels.max()}, expected 0 to {classes - 1}")
    return Scores(known, ratios)


def _events(columns: dict[str, NDArray[Any]]) -> ScoredEvents:
    names = list(_KINDS)
    if sorted(columns) not in (sorted(names), sorted(names[:-1])):
        found = cleaned(", ".join(columns), 100)
        raise ValueError(f"has the arrays {found}, expected {', '.join(names[:-1])}")
    rows = columns["labels"].size
    for name, column in columns.items():
        if column.shape != (rows,) or column.dtype.kind not in _KINDS[name] or not rows:
            raise ValueError(f"'{name}' is {column.dtype} of shape {column.shape}, expected numbers of shape {(rows,)}")
        if column.dtype.itemsize > _LARGEST_ITEM:
            raise ValueError(f"'{name}' is {column.dtype}, expected numbers of at most {8 * _LARGEST_ITEM} bits")
        if name != "mass" and not np.isfinite(column).all():
            raise ValueError(f"'{name}' has values that are not finite")
    if int(columns["labels"].min()) < 0:
        raise ValueError(f"labels from {columns['labels'].min()}, expected 0 or more")
    weights = columns["weights"]
    if not 0 <= weights.min() <= weights.max() <= np.finfo(np.float32).max:
        raise ValueError(f"weights from {weights.min():g} to {weights.max():g}, expected 0 or more, at most 3.4e38")
    if len(np.unique(columns["event_ids"])) < rows:
        raise ValueError("'event_ids' has an id twice")
    return ScoredEvents(**{name: column.astype(_TYPES[name]) for name, column in columns.items()})


def _examples(content: bytes) -> dict[str, NDArray[Any]]:
    arrays = _pictures(content)
    for words in (array for array in arrays.values() if array.dtype.kind == "U"):
        if words.size > _MOST_WORDS or any(len(word) > _MOST_WORDS for word in words.flat):
            raise UserError(f"has more or longer names than {_MOST_WORDS}. Delete it.")
    return arrays
