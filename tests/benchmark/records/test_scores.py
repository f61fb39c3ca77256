"""Scores and pictures of strangers: anything but finite log-ratios of the right shape is refused in one line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmark.core.errors import UserError
from benchmark.core.files import sha256
from benchmark.metrics.auc import Auc
from benchmark.metrics.metric import Scored
from benchmark.metrics.rejection import Rejection
from benchmark.records.result import read_result
from benchmark.records.scores import LARGEST_RATIO, Scores, arrays_of, read_events, read_examples, read_scores
from benchmark.records.scoring import score
from benchmark.records.store import ResultStore
from tests.benchmark.records.test_store import record, scores

if TYPE_CHECKING:
    from pathlib import Path

N = 6
GOOD = Scores.of(np.arange(N), np.arange(N) % 2, np.full((N, 2), 0.5))
EVENTS: dict[str, Any] = {"event_ids": np.arange(N), "labels": np.arange(N) % 2, "weights": np.ones(N, np.float32)}


def read(path: Path, classes: int = 2) -> Scores:
    return read_scores(path, sha256(path), classes, {GOOD.events.sha256: GOOD.events}.__getitem__)


def refused(path: Path, noun: str) -> str:
    with pytest.raises(UserError) as error:
        read(path) if noun == "scores" else read_events(path, GOOD.events.sha256)
    text = str(error.value)
    assert text.startswith(f"{path}: not {noun} (")
    assert text.endswith("Run the cell again.")
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text
    return text


def test_valid_scores(tmp_path: Path):
    path = tmp_path / "scores.npz"
    for given in (GOOD, replace(GOOD, valid=GOOD), replace(GOOD, valid=GOOD, shifted={"a.b": GOOD, "valid": GOOD})):
        np.savez_compressed(path, **arrays_of(given))
        found = read(path)
        assert found.parts().keys() == given.parts().keys()
        assert all(part.log_ratios.dtype == np.float16 for part in found.parts().values())
    with pytest.raises(UserError, match="changed since"):
        read_scores(path, "0" * 64, 2, lambda _: GOOD.events)


def test_every_half_comes_back_and_the_earlier_form_is_read(tmp_path: Path):
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    ratios = halves[np.abs(halves) <= LARGEST_RATIO][: 3 * 10_000].reshape(10_000, 3)
    ids = np.arange(10_000)
    given = Scores(replace(GOOD.events, event_ids=ids, labels=ids % 4, weights=np.ones(10_000, np.float32)), ratios)
    stored = arrays_of(given)
    assert stored["log_ratios"].nbytes == ratios.nbytes
    path = tmp_path / "scores.npz"
    for form in (stored["log_ratios"], ratios, np.asfortranarray(ratios)):
        np.savez_compressed(path, log_ratios=form, events=stored["events"])
        found = read_scores(path, sha256(path), 4, {given.events.sha256: given.events}.__getitem__)
        assert found.log_ratios.dtype == np.float16
        assert found.log_ratios.tobytes() == ratios.tobytes()


def test_scores_compress_better_than_plain_halves(tmp_path: Path):
    rng = np.random.default_rng(0)
    logits = rng.normal(2.0, 3.0, 20_000)
    given = Scores.of(np.arange(20_000), logits > 0, np.stack([1 / (1 + np.exp(logits)), 1 / (1 + np.exp(-logits))], 1))
    np.savez_compressed(tmp_path / "apart.npz", log_ratios=arrays_of(given)["log_ratios"])
    np.savez_compressed(tmp_path / "plain.npz", log_ratios=given.log_ratios)
    assert (tmp_path / "apart.npz").stat().st_size < (tmp_path / "plain.npz").stat().st_size


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"log_ratios": np.zeros((2, N, 2), np.uint8)}, "'log_ratios' is uint8 of shape (2, 6, 2), expected float16"),
        ({"log_ratios": np.zeros((N, 1), np.uint8)}, "'log_ratios' is uint8 of shape (6, 1), expected float16"),
        ({"log_ratios": np.full((2, N, 1), 255, np.uint8)}, "'log_ratios' has values beyond 60"),
        ({"log_ratios": np.zeros((N, 1), np.float32)}, "'log_ratios' is float32 of shape (6, 1), expected float16"),
        ({"log_ratios": np.zeros((N, 2), np.float16)}, "of shape (6, 2), expected float16 of shape (6, 1)"),
        ({"log_ratios": np.zeros(N, np.float16)}, "of shape (6,)"),
        ({"log_ratios": np.full((N, 1), np.nan, np.float16)}, "'log_ratios' has values beyond 60"),
        ({"log_ratios": np.full((N, 1), -61, np.float16)}, "'log_ratios' has values beyond 60"),
        ({"log_ratios": np.array([{}] * N, object)}, "holds object"),
        ({"events": np.array("f")}, "'events' is <U1 of shape ()"),
        ({"events": np.array(["f" * 64])}, "'events' is <U64 of shape (1,)"),
        ({"events": np.array("f" * 64)}, "f" * 64),
        ({"more": np.zeros(N)}, "has the arrays log_ratios, events, more"),
        ({"\x1b[2J" + "x" * 500: np.zeros(N)}, "has the arrays"),
        ({"valid.log_ratios": np.zeros((N, 1), np.float16)}, "has the arrays"),
    ],
)
def test_malformed_scores(tmp_path: Path, change: dict[str, Any], reason: str):
    path = tmp_path / "scores.npz"
    np.savez_compressed(path, **{**arrays_of(GOOD), **change})
    assert reason in refused(path, "scores")


def test_labels_beyond_the_classes(tmp_path: Path):
    path = tmp_path / "scores.npz"
    np.savez_compressed(path, log_ratios=np.zeros((N, 0), np.float16), events=np.array(GOOD.events.sha256))
    with pytest.raises(UserError, match="labels up to 1, expected 0 to 0"):
        read(path, classes=1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"labels": np.array(1)}, "'event_ids' is int64 of shape (6,), expected numbers of shape (1,)"),
        ({"labels": np.zeros((N, 1), int)}, "'labels' is int64 of shape (6, 1)"),
        ({"labels": -np.arange(N)}, "labels from -5"),
        ({"labels": EVENTS["labels"].astype(float)}, "'labels' is float64"),
        ({"labels": EVENTS["labels"].astype(bool)}, "'labels' is bool"),
        ({"labels": 1 - EVENTS["labels"]}, "other events than the scores are of"),
        ({"weights": np.ones(N, np.longdouble)}, "'weights' is float128, expected numbers of at most 64 bits"),
        ({"weights": np.full(N, 1e308)}, "weights from 1e+308 to 1e+308, expected 0 or more"),
        ({"weights": -np.ones(N)}, "weights from -1 to -1"),
        ({"event_ids": np.zeros(N, int)}, "'event_ids' has an id twice"),
        ({"weights": np.ones(N - 1)}, "'weights' is float64 of shape (5,)"),
        ({"weights": np.full(N, np.inf)}, "'weights' has values that are not finite"),
        ({"mass": np.ones(N)}, "other events than the scores are of"),
        ({"event_ids": np.zeros(N, [("a", "i8")])}, "expected numbers or text"),
        ({"event_ids": np.arange(N).astype(str)}, "'event_ids' is <U21"),
        ({"more": np.zeros(N)}, "has the arrays event_ids, labels, weights, more"),
        ({name: np.zeros(0, column.dtype) for name, column in EVENTS.items()}, "shape (0"),
    ],
)
def test_malformed_events(tmp_path: Path, change: dict[str, Any], reason: str):
    path = tmp_path / "events.npz"
    np.savez_compressed(path, **{**EVENTS, **change})
    assert reason in refused(path, "test events")


def test_scores_of_an_earlier_version_are_refused_in_one_line(tmp_path: Path):
    path = tmp_path / "scores.npz"
    np.savez_compressed(path, **EVENTS, scores=np.full((N, 2), 0.5, np.float32))
    with pytest.raises(UserError, match=r"npz: has the probabilities of an earlier version.*Run the cell again"):
        read(path)


# --- what rounding does -----------------------------------------------------------------------------------------------


def test_rounded_scores_move_no_metric():
    """Relative to double precision, at any strength; probabilities in half precision move rejections by a third."""
    rng = np.random.default_rng(5)
    events = 60_000
    labels = np.arange(events) % 3
    for strength in (0.5, 2.0, 6.0):
        logits = strength * (labels[:, None] == np.arange(3)) + rng.normal(size=(events, 3))
        exact = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        stored = Scores.of(np.arange(events), labels, exact.astype(np.float32)).probabilities
        classes = ("s", "b", "c")
        for metric in (Auc(), Rejection()):
            given, rounded = metric(Scored(labels, exact, classes)), metric(Scored(labels, stored, classes))
            for name, estimate in given.items():
                for bound in ("value", "low", "high"):
                    a, b = getattr(estimate, bound), getattr(rounded[name], bound)
                    assert b == a or b == pytest.approx(a, rel=1e-3), (strength, name, bound)


def test_probabilities_of_zero_and_one_keep_the_order_of_classes():
    exact = np.array([[1, 0, 0], [0, 0.3, 0.7], [0, 1, 0], [1e-40, 0.7, 0.3], [0, 0, 1], [0.5, 0.5, 0]])
    found = Scores.of(np.arange(6), np.zeros(6, int), exact)
    assert (np.abs(found.log_ratios) <= LARGEST_RATIO).all()
    np.testing.assert_allclose(found.probabilities, exact, atol=0.01)
    assert found.probabilities.argmax(axis=1).tolist() == exact.argmax(axis=1).tolist()


def test_equal_scores_stay_equal_and_order_is_kept():
    rng = np.random.default_rng(6)
    first = np.repeat(np.sort(rng.uniform(size=500)) ** 8, 2)  # many close to 0
    found = Scores.of(np.arange(1000), np.zeros(1000, int), np.stack([first, 1 - first], axis=1)).probabilities[:, 0]
    assert (found[::2] == found[1::2]).all()
    assert (np.diff(found) >= 0).all()


def test_events_are_in_the_order_of_their_ids():
    mixed = Scores.of([5, 3, 4], [0, 1, 2], np.eye(3) * 0.7 + 0.1, mass=[50, 30, 40])
    assert mixed.events.event_ids.tolist() == [3, 4, 5]
    assert mixed.events.labels.tolist() == [1, 2, 0]
    assert mixed.events.mass is not None
    assert mixed.events.mass.tolist() == [30, 40, 50]
    assert mixed.probabilities.argmax(axis=1).tolist() == [1, 2, 0]


@pytest.mark.parametrize("bad", [float("nan"), -0.1, 1.1])
def test_only_probabilities_are_stored(bad: float):
    with pytest.raises(UserError, match="are not probabilities"):
        Scores.of([0], [0], [[bad, 0.5]])


# --- in a store -------------------------------------------------------------------------------------------------------


def test_numbers_computed_again_are_the_same(tmp_path: Path):
    store, given = (
        ResultStore(tmp_path),
        replace(scores(500, mass=True), valid=scores(200), shifted={"pileup": scores(300)}),
    )
    evaluation = score(given, record().classes, has_signal=True)
    stored = store.add(evaluation.added_to(record()), given)
    again = score(ResultStore(tmp_path).scores(stored), record().classes, has_signal=True)
    assert again == evaluation
    assert stored.shifted["pileup"].events == 300


def test_a_set_of_events_is_stored_once_and_mended(tmp_path: Path):
    store = ResultStore(tmp_path)
    one = store.add(record(), scores())
    (path,) = (tmp_path / "ttbar").glob("events-*.npz")
    content = path.read_bytes()
    path.write_bytes(content[:-9])
    assert "events: not test events" in str(ResultStore(tmp_path).scores_or_reason(one))
    two = ResultStore(tmp_path).add(record(model="bdt"), scores())  # the same events
    assert path.read_bytes() == content
    assert list((tmp_path / "ttbar").glob("events-*.npz")) == [path]
    store = ResultStore(tmp_path)
    assert store.scores(one).events is store.scores(two).events
    path.unlink()
    assert ResultStore(tmp_path).scores_or_reason(one) == (
        "scores: events: no such file, expected test events. Run the cell again."
    )


def test_a_kill_between_the_files_of_a_result_mixes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each of the three writes may be the last one: the old result stays whole, or its cell runs again."""
    from benchmark.records import store as module

    kept = ResultStore(tmp_path)
    old = kept.add(record(), scores())
    write = module.write_atomically
    for last in range(3):
        done: list[object] = []

        def dies(path: Path, content: Any, done: list[object] = done, last: int = last) -> None:
            if len(done) == last:
                raise KeyboardInterrupt
            done.append(path)
            write(path, content)

        monkeypatch.setattr(module, "write_atomically", dies)
        with pytest.raises(KeyboardInterrupt):
            ResultStore(tmp_path).add(record(created="later"), scores(30 + last))
        monkeypatch.undo()
        store = ResultStore(tmp_path)
        found = store.find("ttbar", old.key)
        assert found in (None, old)
        assert (found is None) == (last == 2), "only a record whose scores were replaced runs again"
        if found:
            assert len(store.scores(found).log_ratios) == 20
        kept.add(record(), scores())


def test_records_of_the_first_version_have_their_ratios_renamed():
    from tests.benchmark.records.test_result import HISTORIC

    found = read_result(HISTORIC / "v1.json")
    assert not [name for name in found.metrics if "_vs_" in name and not name.endswith("_ratio")]


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
