"""A folder of results with every kind of hostile file: the good ones are ranked as if the others were not there.

The commands run with bounds on memory and time; each file that can't be read is named in one line, and each
row whose scores can't be used is shown without a rank.
"""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import socket
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmark.core.files import sha256
from benchmark.records.store import ResultStore
from tests.leaderboard.factory import add_cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmark.records.result import Result

ROOT = Path(__file__).parents[2]
MOST_MEMORY = 2_500_000_000
PATIENCE_S = 120


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """A command with bounds on memory and time."""
    return subprocess.run(
        [sys.executable, "-m", "benchmark", *words],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY)),
    )


def a_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a path of a socket is short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(here)


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(5 * 10**9)


NO_FILES: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "folder": lambda path: path.mkdir(),
    "socket": a_socket,
    "loop": lambda path: path.symlink_to(path),
    "nothing": lambda path: path.symlink_to(path.parent / "not there"),
    "endless": sparse,
    "empty": lambda path: path.write_bytes(b""),
    "binary": lambda path: path.write_bytes(b"\xff\xfe\x00PK\x03\x04" * 100),
}

RECORDS: dict[str, Callable[[dict[str, Any]], object]] = {
    "nested": lambda fields: {**fields, "parameters": nested(900)},
    "number": lambda fields: {**fields, "seed": 10**400},
    "setting": lambda fields: {**fields, "parameters": {"a": 10**400}},
    "surrogate": lambda fields: {**fields, "variant": {"a": "\ud83d"}},
    "name": lambda fields: {**fields, "model": "x" * 10_000},
    "escape": lambda fields: {**fields, "model": "\x1b[2Jcnn"},
    "elsewhere": lambda fields: {**fields, "task": "../../elsewhere"},
    "classes": lambda fields: {**fields, "classes": [f"class{number}" for number in range(5000)]},
    "list": lambda fields: [0] * 900_000,
    "wrong": lambda fields: {name: [None] for name in fields},
    "later": lambda fields: {**fields, "schema_version": 99},
    "other": lambda fields: fields,  # under a name that is not its own
}


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def archive(method: int, **members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as made:
        for name, content in members.items():
            made.writestr(f"{name}.npy", content)
    return file.getvalue()


def claiming(shape: tuple[int, ...]) -> bytes:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


def changed(**columns: Any) -> Callable[[dict[str, Any]], bytes]:
    def make(good: dict[str, Any]) -> bytes:
        file = io.BytesIO()
        np.savez_compressed(file, **{**good, **columns})
        return file.getvalue()

    return make


N = 300
SCORES: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "scalar": changed(log_ratios=np.array(1)),
    "text": changed(log_ratios=np.full((N, 2), "0.5")),
    "structured": changed(log_ratios=np.zeros(N, [("a", "i8")])),
    "objects": changed(log_ratios=np.array([{}] * N, object)),
    "bomb": changed(log_ratios=np.zeros((70_000_000, 2), np.float16)),
    "elsewhere": changed(events=np.array(("../" * 30)[:64])),
    "lost": changed(events=np.array("0" * 64)),
    "claim": lambda _: archive(zipfile.ZIP_DEFLATED, scores=claiming((10**12, 3))),
    "lzma": lambda _: archive(zipfile.ZIP_LZMA, scores=claiming((0, 3))),
    "header": lambda _: archive(zipfile.ZIP_DEFLATED, scores=b"\x93NUMPY\x02\x00\xff\xff\xff\x01" + bytes(30_000_000)),
    "cut": lambda good: changed()(good)[:-200],
}


def hostile_rows(store: ResultStore, good: Result) -> list[Result]:
    """Rows with valid, sealed records whose scores can't be used."""
    path = store.folder / "ttbar" / f"{good.stem}.npz"
    with np.load(path) as arrays:
        columns = dict(arrays)
    rows = []
    for number, (name, make) in enumerate({**SCORES, **dict.fromkeys(NO_FILES)}.items()):
        bare = good.model_copy(update={"model": f"{name}-scores", "key": f"{number:064x}"[::-1]})
        file = store.folder / "ttbar" / f"{bare.stem}.npz"
        if make is None:
            NO_FILES[name](file)
        else:
            file.write_bytes(make(columns))
            bare = bare.model_copy(update={"scores_sha256": sha256(file)})
        rows.append(store.add(bare))
    return rows


def hostile_files(store: ResultStore, good: Result) -> list[Path]:
    """Records that can't be read."""
    folder, fields = store.folder / "ttbar", json.loads((store.folder / "ttbar" / f"{good.stem}.json").read_text())
    paths = []
    for name, make in NO_FILES.items():
        paths.append(folder / f"a-{name}.json")
        make(paths[-1])
    for name, change in RECORDS.items():
        paths.append(folder / f"b-{name}.json")
        paths[-1].write_text(json.dumps(change(fields)))
    return paths


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[Path], list[Result]]:
    """Good results, the same with hostile ones, the files that can't be read, and the rows without scores."""
    clean, hostile = (tmp_path_factory.mktemp(name) for name in ("clean", "hostile"))
    for folder in (clean, hostile):
        for model, strength in (("cnn", 1.2), ("bdt", 0.4)):
            add_cell(ResultStore(folder), strength, events=N, model=model)
    store = ResultStore(hostile)
    good = next(store.all())
    return clean, hostile, hostile_files(store, good), hostile_rows(store, good)


def test_boards_are_those_of_the_good_results(folders: tuple[Path, Path, list[Path], list[Result]]):
    clean, hostile, broken, rows = folders
    expected, found = (run("results", "--csv", "--results", str(folder)) for folder in (clean, hostile))
    assert (expected.returncode, found.returncode) == (0, 0), found.stderr[-2000:]
    lines = list(csv.DictReader(io.StringIO(found.stdout)))
    assert [line for line in lines if line["rank"]] == list(csv.DictReader(io.StringIO(expected.stdout)))
    unranked = {line["model"]: line["status"] for line in lines if not line["rank"]}
    assert unranked.keys() == {row.model for row in rows}
    assert all(status.startswith("done; unverified: scores: ") for status in unranked.values()), unranked
    warnings = found.stderr.splitlines()
    for path in broken:
        assert sum(line.startswith(f"warning: {path}: ") for line in warnings) == 1, path
    assert len(warnings) == len(broken), found.stderr
    assert all(line.isprintable() and len(line) < 1000 for line in warnings)


@pytest.mark.parametrize("kind", [*NO_FILES, "bomb", "names"])
def test_pictures(tmp_path: Path, kind: str):
    store = ResultStore(tmp_path)
    (tmp_path / "ttbar").mkdir()
    path = tmp_path / "ttbar" / "examples-0123456789ab.npz"
    if kind in NO_FILES:
        NO_FILES[kind](path)
    elif kind == "bomb":
        np.savez_compressed(path, ttbar=np.zeros((100, 512, 512, 3), np.uint8))
    else:
        np.savez_compressed(path, _kinds=np.full(1000, "x" * 1000))
    assert store.examples("ttbar", "0123456789abcdef") == {}


@pytest.mark.slow
def test_pages_and_other_outputs(folders: tuple[Path, Path, list[Path], list[Result]], tmp_path: Path):
    _, hostile, broken, rows = folders
    for words in (["leaderboard", "--output", str(tmp_path / "site")], ["results"], ["results", "--json"]):
        done = run(*words, "--results", str(hostile))
        assert done.returncode == 0, done.stderr[-2000:]
        assert len(done.stderr.splitlines()) == len(broken)
        text = (tmp_path / "site" / "ttbar.html").read_text() if words[0] == "leaderboard" else done.stdout
        assert all(row.model in text.replace("\n", "") for row in rows)
