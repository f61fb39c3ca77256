"""Paths that no file can have, in every option, argument and variable: one line and exit code 2.

And outputs that exist already, but are no regular files, which no command replaces.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, get_type_hints

import pytest

from benchmark import cli
from benchmark.commands import options
from benchmark.core.errors import UserError
from benchmark.core.files import write_atomically
from benchmark.core.paths import user_path
from benchmark.engine import api
from tests.benchmark.toys import TOY

if TYPE_CHECKING:
    from collections.abc import Iterator

    import typer

ROOT = Path(cli.__file__).parents[1]
IMPOSSIBLE = {
    "of an unknown user": "~nobody-of-this-name/x",
    "with a long name": "x" * 300,
    "long": "/".join(["x" * 200] * 30),
    "behind a link to itself": "loop/x",
}
LINES = {
    "run source": "run --task dimuon --source {}",
    "run keep_models": "run --task dimuon --keep-models {}",
    "run results": "run --task dimuon --results {}",
    "run data": "run --task dimuon --data {}",
    "results results": "results --results {}",
    "rescore results": "rescore {}",
    "compare results": "compare bdt cnn --results {}",
    "compare data": "compare HEAD~1..HEAD --data {}",
    "compare plots": "compare bdt cnn --events 3 --plots {}",
    "regressions record history": "regressions record --history {}",
    "regressions record results": "regressions record --results {}",
    "regressions record data": "regressions record --data {}",
    "regressions check history": "regressions check --history {}",
    "regressions check results": "regressions check --results {}",
    "regressions check data": "regressions check --data {}",
    "leaderboard results": "leaderboard --results {}",
    "leaderboard output": "leaderboard --results model --output {}",
    "info results": "info --results {}",
    "info data": "info --data {}",
    "predict model": "predict {} events",
    "predict events": "predict model {}",
    "predict output": "predict model events --output {}.csv",
    "export model": "export {} --onnx file",
    "export onnx": "export model --onnx {}",
    "data generate data": "data generate dimuon --data {}",
    "data import source": "data import dimuon --source {}",
    "data import data": "data import dimuon --source . --data {}",
    "data fetch to": "data fetch dimuon-csv --to {}",
    "data fetch data": "data fetch --data {}",
    "data verify data": "data verify --data {}",
    "data show data": "data show dimuon --data {}",
    "data clean data": "data clean --data {}",
    "data clean leftovers": "data clean --leftovers {}",
}
"""A command line for every option and argument that is a path."""
WORDS = [
    "run --task {}.py:X",
    "run --representation {}.py:X",
    "run --model {}.py:X",
    "run --metric {}.py:X",
    "list {}.py:X",
    "data show {}.py:X",
    "data generate {}.py",
]
"""Names that may be paths."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "data"))
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert cli.exit_code(words) == cli.WRONG_REQUEST, words
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert len(line) < 2000
    return line


@pytest.mark.parametrize("path", list(IMPOSSIBLE.values())[:2], ids=list(IMPOSSIBLE)[:2])
def test_a_path_that_nothing_can_have(here: Path, capsys: pytest.CaptureFixture[str], path: str):
    for line in (*LINES.values(), *WORDS):
        assert "can't be" in refused(capsys, *line.format(path).split()), line
    assert sorted(entry.name for entry in here.iterdir()) == ["loop", "model"], "nothing was made"


def test_every_option_that_is_a_path_is_tried():
    found = {
        f"{name} {option}"
        for name, command in _commands(cli.app)
        for option, kind in get_type_hints(command).items()
        if "Path" in str(kind) and option != "more"
    }
    assert found - LINES.keys() == {"data show plots"}, "which is looked at only if there are data"


def _commands(app: typer.Typer, before: str = "") -> Iterator[tuple[str, object]]:
    for command in app.registered_commands:
        yield f"{before}{command.name}", command.callback
    for group in app.registered_groups:
        yield from _commands(group.typer_instance, f"{group.name} ")


@pytest.mark.parametrize("path", [*IMPOSSIBLE.values(), "a\0b", "\ud800"], ids=[*IMPOSSIBLE, "zero byte", "no text"])
def test_paths_from_python_and_the_environment(here: Path, path: str, monkeypatch: pytest.MonkeyPatch):
    for call in (lambda: api.load_results(path), lambda: api.parse_options(keep_models=path)):
        with pytest.raises(UserError, match="can't be used"):
            call()
    if "\0" not in path and path != "\ud800":
        monkeypatch.setenv("BENCHMARK_DATA", path)
        with pytest.raises(UserError, match=r"BENCHMARK_DATA .*: can't be used"):
            options.data_root(None)
    monkeypatch.delenv("BENCHMARK_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", "/" + "x" * 300)
    with pytest.raises(UserError, match=r"cache folder .*: can't be used"):
        options.data_root(None)


def test_the_home_folder_and_links(here: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(here))
    (here / "link.csv").symlink_to("file")
    assert user_path("~/a", "x") == here / "a"
    assert user_path("link.csv", "x") == here / "file"
    assert user_path("~/link.csv", "x", follow=False) == here / "link.csv"


def test_one_function_knows_home_folders():
    """Another one would not say what is wrong with a path."""
    packages = ("benchmark", "tasks", "representations", "models", "leaderboard")
    paths = (path for package in packages for path in (ROOT / package).rglob("*.py"))
    assert [path.name for path in paths if ".expanduser(" in path.read_text()] == ["paths.py"]


def test_a_dry_run_refuses_folders_that_cannot_be_made(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "file").touch()
    plan = ("run", "--dry-run", "--task", TOY, "--preset", "smoke")
    for option in ("--results", "--data", "--keep-models"):
        for path in ("file", "file/below", "/dev/null", "/dev/null/below", "/proc/below"):
            line = refused(capsys, *plan, option, path)
            assert f"{option} {Path(path).absolute()}: " in line
            assert "expected a folder" in line
    os.mkdir(here / "closed", 0o500)
    if os.geteuid():  # root may write everywhere
        assert "read-only" in refused(capsys, *plan, "--results", "closed/below")
        assert "read-only" in refused(capsys, *plan, "--results", "closed")
    assert cli.exit_code((*plan, "--results", "new/folder")) == cli.DONE
    assert not (here / "new").exists()


def special(folder: Path) -> dict[str, str]:
    """Paths of what is no regular file, each with its kind; a device is only named, or it could be replaced."""
    os.mkfifo(folder / "pipe")
    (folder / "link_to_pipe").symlink_to("pipe")
    (folder / "link_to_device").symlink_to("/dev/null")
    return {"pipe": "a pipe", "link_to_pipe": "a pipe", "link_to_device": "a device", "/dev/full": "a device"}


def test_an_output_replaces_no_device_and_no_pipe(here: Path, capsys: pytest.CaptureFixture[str]):
    for name, kind in special(here).items():
        table = f"{Path(name).name}.csv"
        (here / table).symlink_to(name)
        for line in (f"export model --onnx {name}", f"predict model events --output {table}"):
            assert f"is {kind}, expected a file to write" in refused(capsys, *line.split())
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_no_writer_replaces_a_pipe(here: Path):
    os.mkfifo(here / "pipe")
    with pytest.raises(UserError, match="is a pipe, expected a file to write"):
        write_atomically(here / "pipe", lambda file: file.write(b"x"))
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)


def test_an_output_that_is_a_link_goes_to_its_file(here: Path):
    (here / "sub").mkdir()
    (here / "link").symlink_to("sub/file")
    (here / "sub" / "file").write_text("old")
    write_atomically(options.file_to_write(Path("link"), "--onnx"), lambda file: file.write(b"new"))
    assert (here / "link").is_symlink()
    assert (here / "sub" / "file").read_text() == "new"
