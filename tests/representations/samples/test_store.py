"""Samples that were written part by part and opened again, against the same samples in memory."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.core.seal import SEAL, _hash
from representations.samples import Images, Ragged, Vectors
from representations.samples.store import RECORD, DamagedError, NotStorable, Writer, load
from tasks.events import SPLITS
from tests.representations.samples.test_samples import LENGTHS, graphs, images, panels, vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from representations.samples import Samples


def write(folder: Path, parts: Sequence[Samples], **about: Any) -> None:
    """All splits alike."""
    with Writer(folder) as writer:
        for split in SPLITS:
            for part in parts:
                writer.add(split, part)
        writer.finish(about)


def same(found: Samples, expected: Samples) -> None:
    """Bit by bit, and nothing of another type."""
    assert type(found) is type(expected)
    for name, part in vars(expected).items():
        other = getattr(found, name)
        pairs = [(other.values, part.values), (other.offsets, part.offsets)] if isinstance(part, Ragged) else []
        pairs += [(other, part)] if isinstance(part, torch.Tensor) else []
        for one, two in pairs:
            assert (one.dtype, one.shape) == (two.dtype, two.shape), name
            assert one.numpy().tobytes() == two.numpy().tobytes(), name
        if not pairs:
            assert other == part, name
            assert list(map(type, other)) == list(map(type, part)) if isinstance(part, tuple) else True


@given(LENGTHS, st.lists(st.integers(0, 8), max_size=3))
@settings(deadline=None, max_examples=30)
def test_what_was_written_part_by_part_is_as_it_was(lengths: list[int], cuts: list[int]) -> None:
    ends = [0, *sorted(min(cut, len(lengths)) for cut in cuts), len(lengths)]
    for samples in (vectors(lengths), images(lengths), panels(lengths), graphs(lengths)):
        with TemporaryDirectory() as name:
            write(Path(name), [samples[a:b] for a, b in pairwise(ends)])
            splits = load(Path(name)).splits
            assert tuple(splits) == SPLITS
            for found in splits.values():
                same(found, samples)


def test_splits_masses_and_what_was_said(tmp_path: Path) -> None:
    samples = {split: images([1, 3], seed) for seed, split in enumerate(SPLITS)}
    samples["test"] = replace(samples["test"], mass=torch.tensor([80.0, 91.5]))
    with Writer(tmp_path) as writer:
        for split in reversed(SPLITS):
            writer.add(split, samples[split])
        writer.finish({"rate": 0.1, "of": ["a", None, True]})
    found = load(tmp_path)
    assert found.about == {"rate": 0.1, "of": ["a", None, True]}
    for split in SPLITS:
        same(found.splits[split], samples[split])


def test_what_is_changed_in_memory_stays_as_it_was_on_disk(tmp_path: Path) -> None:
    write(tmp_path, [vectors([2, 1])])
    first = load(tmp_path).splits["train"]
    first.labels.add_(7)
    assert first.labels.tolist() == [7, 8]
    assert load(tmp_path).splits["train"].labels.tolist() == [0, 1]


def test_a_folder_that_was_not_finished_holds_nothing(tmp_path: Path) -> None:
    with Writer(tmp_path) as writer:
        writer.add("train", vectors([2, 1]))
    assert load(tmp_path) is None
    assert load(tmp_path / "none") is None


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def unclosed(path: Path) -> None:
    path.write_text(path.read_text().rstrip()[:-1])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def edit(**changes: Any) -> Callable[[Path], None]:
    """Change the record's JSON, as `train__kind` in the split of training events."""

    def change(path: Path) -> None:
        record = json.loads(path.read_text())
        for name, value in changes.items():
            if name.startswith("train__"):
                record["splits"]["train"][name.removeprefix("train__")] = value
            else:
                record[name] = value
        reseal(path, record)

    return change


def reseal(path: Path, record: dict[str, Any]) -> None:
    """Write a record with a right seal, as somebody may who knows how."""
    fields = {name: value for name, value in record.items() if name != SEAL}
    path.write_text(json.dumps({**fields, SEAL: _hash(fields)}))


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ([2**53, 2**53, 2**53], "16 bytes, expected"),
        ([10**30], "'splits.train.columns.labels.shape.0': "),
        ([-2], "'splits.train.columns.labels.shape.0': "),
        ([2] * 9, "at most 8 items"),
        ([], "at least 1 item"),
        ([0, 2**53, 2**53], "16 bytes, expected 0"),
    ],
)
def test_a_shape_that_is_not_that_of_the_file_is_never_mapped(tmp_path: Path, shape: list[int], reason: str) -> None:
    write(tmp_path, [vectors([2, 1])])
    record = json.loads((tmp_path / RECORD).read_text())
    record["splits"]["train"]["columns"]["labels"]["shape"] = shape
    reseal(tmp_path / RECORD, record)
    with pytest.raises(DamagedError, match=reason):
        load(tmp_path)


def test_an_empty_file_of_a_huge_shape(tmp_path: Path) -> None:
    write(tmp_path, [vectors([])])
    record = json.loads((tmp_path / RECORD).read_text())
    record["splits"]["train"]["columns"]["features"]["shape"] = [0, 2**53, 2**53]
    reseal(tmp_path / RECORD, record)
    with pytest.raises(DamagedError, match=RECORD):
        load(tmp_path)


@pytest.mark.parametrize("name", [RECORD, "train-labels.bin"])
@pytest.mark.parametrize("kind", ["a folder", "a pipe"])
def test_what_is_no_file_is_noticed(tmp_path: Path, name: str, kind: str) -> None:
    write(tmp_path, [vectors([2, 1])])
    (tmp_path / name).unlink()
    (Path.mkdir if kind == "a folder" else os.mkfifo)(tmp_path / name)
    with pytest.raises(DamagedError, match=rf"{name}: is {kind}, expected a file"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("file", "damage", "reason"),
    [
        ("train-labels.bin", cut, r"train-labels.bin: 15 bytes, expected 16"),
        ("test-particles.values.bin", flip, r"test-particles.values.bin: changed since it was written"),
        ("valid-kinds.offsets.bin", Path.unlink, r"no such file, expected a tensor"),
        (RECORD, unclosed, r"not a record of samples \(Expecting"),
        (RECORD, flip, r"not a record of samples"),
        (RECORD, lambda path: path.write_text(path.read_text().replace("train", "trial")), r"splits|seal"),
        (
            RECORD,
            lambda path: path.write_text(path.read_text().replace("float32", "float64")),
            r"its seal is missing or",
        ),
        (RECORD, lambda path: path.write_text('{"about": {}, "splits": {}}'), r"its seal is missing or wrong"),
        (RECORD, lambda path: path.write_text("[" * 100_000), r"not a record of samples"),
        (RECORD, edit(schema_version=2), r"'schema_version': Input should be 1"),
        (RECORD, edit(more=1), r"'more': Extra inputs"),
        (RECORD, edit(splits={}), r"KeyError: 'train'"),
        (RECORD, edit(train__kind="Path"), r"KeyError: 'Path'"),
        (RECORD, edit(train__columns={}), r"KeyError"),
        (RECORD, edit(train__plain={"names": 1, "slots": 2, "classes": 3, "mass": None}), r"KeyError: 'feature_names"),
    ],
)
def test_what_is_damaged_is_noticed(tmp_path: Path, file: str, damage: Callable[[Path], None], reason: str) -> None:
    write(tmp_path, [vectors([2, 1])])
    damage(tmp_path / file)
    with pytest.raises(DamagedError, match=reason):
        load(tmp_path)


def test_tensors_that_do_not_fit_together_are_noticed(tmp_path: Path) -> None:
    """As a record that somebody else wrote, with hashes that are right."""
    write(tmp_path, [vectors([2, 1])])
    record = json.loads((tmp_path / RECORD).read_text())
    columns = record["splits"]["train"]["columns"]
    columns["labels"]["shape"] = [1, 2]
    reseal(tmp_path / RECORD, record)
    with pytest.raises(DamagedError, match=r"ValueError: Vectors\.weights has 2 rows, labels have 1"):
        load(tmp_path)


@dataclass(frozen=True, kw_only=True)
class Coloured(Images):
    colour: str = "red"


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (Coloured(**vars(images([1]))), "samples of kind Coloured, expected Images, Vectors, Graphs"),
        (replace(images([1]), scale=np.float32(3)), "Images.scale: .*float32 is not JSON"),
        (replace(images([1]), scale=float("nan")), "Images.scale: .*not JSON"),
        (replace(vectors([1]), names=["pt", "eta", "phi"]), r"Vectors.names is \['pt'.*read back as \('pt'"),
        (replace(vectors([1]), slots={4: 1}), "Vectors.slots"),
        (replace(images([1]), features=torch.ones(1, 2, dtype=torch.bfloat16)), "train-features of torch.bfloat16"),
    ],
)
def test_what_json_can_not_tell_is_refused(tmp_path: Path, samples: Samples, reason: str) -> None:
    with Writer(tmp_path) as writer, pytest.raises(NotStorable, match=reason):
        writer.add("train", samples)


def test_a_disk_that_refuses(tmp_path: Path) -> None:
    with Writer(tmp_path / "none") as writer, pytest.raises(NotStorable, match=r"can't be written \(No such file"):
        writer.add("train", vectors([1]))


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (images([1]), replace(images([1]), scale=1.0), r"Images\.scale differs between the parts"),
        (vectors([1]), replace(vectors([1]), mass=torch.ones(1)), r"Vectors\.mass differs"),
        (replace(vectors([1]), mass=torch.ones(1)), vectors([1]), r"Vectors\.mass differs"),
        (vectors([1]), images([1]), "samples of kinds Vectors and Images"),
        (
            images([1]),
            replace(images([1]), values=Ragged(torch.ones(1), torch.tensor([0, 1]))),
            r"train-values.values: rows of torch.float32 \(\) after rows of torch.uint8",
        ),
    ],
)
def test_parts_that_differ_in_more_than_events(tmp_path: Path, first: Samples, second: Samples, reason: str) -> None:
    with Writer(tmp_path) as writer:
        writer.add("train", first)
        with pytest.raises(ValueError, match=reason):
            writer.add("train", second)


def test_slots_keep_their_order(tmp_path: Path) -> None:
    """Columns of tables follow it."""
    write(tmp_path, [replace(vectors([1]), slots={"jet": 4, "electron": 2, "bjet": 1})])
    found = load(tmp_path).splits["train"]
    assert isinstance(found, Vectors)
    assert list(found.slots.items()) == [("jet", 4), ("electron", 2), ("bjet", 1)]
