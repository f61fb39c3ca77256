"""Stored data sets and samples that were changed: a run ends with the same results or a line, never with others."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tasks.data.dataset import DataSet
from tasks.data.generation import plan
from tasks.data.inventory import lock_of
from tasks.data.shards import record
from tasks.registry import TASKS
from tests.faults.nursery import TOY
from tests.faults.report import Trial
from tests.faults.scenarios import Scenario, run_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.scenarios import Workshop

RUN = Scenario("run on data", run_of("constant"), ("data",))


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def gone(path: Path) -> None:
    path.unlink()


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link(path: Path) -> None:
    """To the same content elsewhere, as somebody who moves large files to another disk leaves it."""
    elsewhere = path.parent.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    shutil.move(path, elsewhere / "file")
    path.symlink_to(elsewhere / "file")


def wrong_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def other(path: Path) -> None:
    """Another file of the same kind."""
    near = (near for near in sorted(path.parent.iterdir()) if near.suffixes == path.suffixes and near != path)
    path.write_bytes(next((file.read_bytes() for file in near if file.is_file()), b"{}"))


CHANGES = (flipped, cut, emptied, gone, folder, link, wrong_link, pipe, other)


def data_set(place: Path) -> Path:
    """The folder of training and validation events in the place of a scenario."""
    (found,) = (path for path in (place / "data" / "peak").iterdir() if "-test-" not in path.name)
    return found


def samples(place: Path) -> Path:
    (found,) = (path for path in (data_set(place) / "samples").iterdir() if path.is_dir())
    return found


def of_killed_run(place: Path) -> Path:
    """The data set as a run leaves it that is killed before it writes the manifest."""
    target = data_set(place)
    task = TASKS.load(TOY).resolve("smoke")
    data = DataSet(TOY, task, "detector")
    for shard in plan(data):
        record(target, shard, data.recipe().key())
    (target / "manifest.json").unlink()
    shutil.rmtree(target / "samples")
    return target


def made(path: Path) -> Path:
    path.write_bytes(b"1")
    return path


FILES: dict[str, Callable[[Path], Path]] = {
    "manifest": lambda place: data_set(place) / "manifest.json",
    "shard": lambda place: data_set(place) / "falling-train-0001.parquet",
    "record of samples": lambda place: samples(place) / "samples.json",
    "tensor": lambda place: samples(place) / "train-labels.bin",
    "lock": lambda place: made(data_set(place) / ".lock"),
    "lock of samples": lambda place: made(lock_of(samples(place))),
    "record of a shard": lambda place: of_killed_run(place) / ".falling-train-0001.parquet.json",
    "shard of a killed run": lambda place: of_killed_run(place) / "falling-train-0001.parquet",
    "lock of a killed run": lambda place: made(of_killed_run(place) / ".lock"),
}
SHORT = {
    ("manifest", flipped),
    ("manifest", pipe),
    ("shard", cut),
    ("shard", wrong_link),
    ("record of samples", other),
    ("tensor", flipped),
    ("tensor", folder),
    ("record of a shard", other),
    ("shard of a killed run", flipped),
    ("lock of a killed run", folder),
}


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        pytest.param(
            kind, change, id=f"{kind}, {change.__name__}", marks=[] if (kind, change) in SHORT else pytest.mark.slow
        )
        for kind in FILES
        for change in CHANGES
    ],
)
def test_a_changed_file(
    kind: str, change: Callable[[Path], None], shop: Workshop, survives: Callable[[Trial], None]
) -> None:
    expected = shop.reference(RUN).state
    place = shop.place(RUN)
    change(FILES[kind](place))
    ended = shop.run(RUN, place)
    trial = Trial("changed data", kind, change.__name__)
    trial.add(ended)
    if not ended.is_clear:
        trial.problems.append(f"ended with {ended.code}: {ended.err[-400:]}")
    found = shop.state(RUN, place)
    names = [name for name in expected.files if name.startswith("results/")]
    if ended.code == 0:
        trial.problems += [f"{name}: other content" for name in names if found.files.get(name) != expected.files[name]]
    elif not ended.err.strip().splitlines()[-1].startswith("error: "):
        trial.problems.append(f"no line says why: {ended.err[-400:]}")
    if "elete" in ended.err and change in (folder, wrong_link, pipe):
        trial.problems.append(f"advises to delete what may be whole: {ended.err[-400:]}")
    survives(trial)


def test_permissions(shop: Workshop) -> None:
    """What can't be read is not called damaged; a superuser can read everything."""
    if os.geteuid() == 0:
        pytest.skip("a superuser may read every file")
    place = shop.place(RUN)
    for name in ("manifest", "shard"):
        path = FILES[name](place)
        path.chmod(0)
        ended = shop.run(RUN, place)
        path.chmod(0o644)
        assert ended.code == 2
        assert "can't be read (Permission denied)" in ended.err
        assert "elete" not in ended.err
