"""`data fetch`, with a data set on a server on loopback."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmark import cli
from benchmark.commands.data.fetch import complete, following, human
from tasks.sources.catalogue import Source, SourceFile, sources
from tests.tasks.sources.downloads import CONTENT, MD5, SHA256
from tests.tasks.sources.server import answers, drops_after

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.tasks.sources.server import Server

RECORD = "https://example.org/record/1"


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch, slept: list[float]) -> Callable[..., Source]:
    """Make a data set of two files at an address the only one."""

    def make(url: str, checksum: str | None = MD5) -> Source:
        files = tuple(
            SourceFile(name, (f"{url}/{name}",), RECORD, len(CONTENT), checksum) for name in ("one.csv", "two.csv")
        )
        source = Source("toys", "dimuon", "Toys", "CC0", RECORD, files)
        monkeypatch.setattr("tasks.sources.catalogue.sources", lambda: {"toys": source})
        return source

    return make


@pytest.mark.parametrize("words", [(), ("list",)])
def test_the_list(capsys: pytest.CaptureFixture[str], words: tuple[str, ...]):
    assert cli.exit_code(["data", "fetch", *words]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0].split()[:2] == ["source", "task"]
    assert [line.split()[0] for line in lines[1 : len(sources()) + 1]] == list(sources())
    assert captured.err == ""


def test_the_list_as_json(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert cli.exit_code(["data", "fetch", "--json", "--data", str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)["sources"]
    assert [source["name"] for source in found] == list(sources())
    assert found[0]["folder"] == str(tmp_path / "downloads" / found[0]["name"])
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_name(capsys: pytest.CaptureFixture[str]):
    assert cli.exit_code(["data", "fetch", "dimuon_csv"]) == 2
    assert capsys.readouterr().err.startswith("error: unknown source 'dimuon_csv'. Did you mean 'dimuon-csv'?")
    assert cli.exit_code(["data", "fetch", "dimuon-csv", "--only", "Zmumu.cvs"]) == 2
    assert "Did you mean 'Zmumu.csv'?" in capsys.readouterr().err


def test_fetched_and_the_next_command(
    listed,
    server: Server,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    listed(server.url("files"))
    server.steps = [drops_after(100_000)]
    assert cli.exit_code(["data", "fetch", "toys", "--data", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    folder = tmp_path / "downloads" / "toys"
    assert captured.out.splitlines() == [
        f"toys: {RECORD}, licence CC0",
        f"next: python -m benchmark run --task dimuon --source {folder}",
    ]
    assert f"one.csv: downloaded, verified with {MD5}" in captured.err
    assert "trying again in 1 s" in captured.err
    assert (folder / "two.csv").read_bytes() == CONTENT
    assert cli.exit_code(["data", "fetch", "toys", "--data", str(tmp_path), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert len(server.asked) == 3


def test_one_file_of_it_to_another_folder(
    listed,
    server: Server,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    listed(server.url("files"))
    words = ["--only", "two.csv", "--to", str(tmp_path / "my data"), "--json"]
    assert cli.exit_code(["data", "fetch", "toys", *words]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["complete"] is True
    assert found["next"] == f"python -m benchmark run --task dimuon --source '{tmp_path / 'my data' / 'two.csv'}'"
    (file,) = found["files"]
    assert (file["name"], file["status"], file["sha256"]) == ("two.csv", "downloaded", SHA256)


def test_without_a_network_it_says_what_to_get_by_hand(
    listed,
    silent_host: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    listed(silent_host)
    folder = tmp_path / "by hand"
    words = ["data", "fetch", "toys", "--to", str(folder)]
    assert cli.exit_code(words) == 1
    captured = capsys.readouterr()
    (line,) = [line for line in captured.err.splitlines() if line.startswith("error")]
    assert line.startswith(f"error: toys: one.csv was not downloaded ({silent_host}/one.csv: no answer (")
    assert line.endswith(f"Get it from {RECORD}, save it as {folder / 'one.csv'} and run the same command again.")
    lines = captured.out.splitlines()
    assert lines[1] == f"to get by hand, into {folder}:"
    assert lines[2] == f"  one.csv from {RECORD} (300.0 kB, {MD5})"
    assert lines[3] == f"    curl -fL -C - -o '{folder / 'one.csv'}' {silent_host}/one.csv"
    assert lines[-1] == f"then verify them: python -m benchmark data fetch toys --to '{folder}'"

    for name in ("one.csv", "two.csv"):
        (folder / name).write_bytes(CONTENT)
    assert cli.exit_code(words) == 0
    assert f"--source '{folder}'" in capsys.readouterr().out


def test_the_command_to_verify_names_the_chosen_files(listed, silent_host: str, tmp_path: Path, capsys):
    listed(silent_host)
    assert cli.exit_code(["data", "fetch", "toys", "--to", str(tmp_path), "--only", "two.csv"]) == 1
    command = f"python -m benchmark data fetch toys --to {tmp_path} --only two.csv"
    assert capsys.readouterr().out.splitlines()[-1] == f"then verify them: {command}"


def test_a_failure_does_not_stop_the_other_files(
    listed,
    server: Server,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    listed(server.url("files"), checksum=None)
    server.steps = [answers(404)]
    assert cli.exit_code(["data", "fetch", "toys", "--to", str(tmp_path), "--json"]) == 1
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["complete"] is False
    assert [file["status"] for file in found["files"]] == ["failed", "downloaded"]
    assert "404 Not Found" in found["files"][0]["reason"]
    warning, fetched, error = captured.err.splitlines()[-3:]
    assert warning.startswith("warning: two.csv: no checksum is published; later downloads are compared with sha256:")
    assert fetched == "two.csv: downloaded, not verified, no checksum is known"
    assert error.startswith("error: toys: one.csv was not downloaded")
    (tmp_path / "two.csv").unlink()
    server.steps = [answers(404)]
    assert cli.exit_code(["data", "fetch", "toys", "--to", str(tmp_path), "--quiet"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1


def test_interrupted(
    listed,
    server: Server,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch,
):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    listed(server.url("files"))
    words = ["data", "fetch", "toys", "--to", str(tmp_path)]
    with monkeypatch.context() as patched:
        patched.setattr("benchmark.commands.data.fetch_progress.DownloadProgress.downloaded", interrupt)
        assert cli.exit_code(words) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "interrupted; run the same command again to resume"
    assert not (tmp_path / "one.csv").exists()
    assert cli.exit_code(words) == 0


def test_a_folder_that_cannot_be_made(listed, silent_host: str, tmp_path: Path, capsys):
    listed(silent_host)
    (tmp_path / "file").write_text("in the way")
    assert cli.exit_code(["data", "fetch", "toys", "--to", str(tmp_path / "file")]) == 2
    assert "the folder can't be made" in capsys.readouterr().err


def test_names_complete():
    assert complete("dimuon-") == ["dimuon-csv", "dimuon-nanoaod"]
    assert complete("li") == ["list"]


def test_sizes_for_people():
    assert [human(size) for size in (None, 1500, 15_164_517, 2_244_449_133)] == ["", "1.5 kB", "15.2 MB", "2.2 GB"]


@pytest.mark.parametrize("source", sources().values(), ids=sources())
def test_the_next_command_names_a_file_or_the_folder(source: Source, tmp_path: Path):
    command = following(source, source.files, tmp_path)
    place = tmp_path / source.files[0].name if len(source.files) == 1 else tmp_path
    assert command == f"python -m benchmark run --task {source.task} --source {place}"
