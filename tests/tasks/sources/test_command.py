"""Bad files give one line on standard error, exit code 2, and no traceback."""

import h5py
import numpy as np
import pytest

from benchmark import cli

CASES = {
    "ttbar": ("ttbar.root", b"junk", "truncated or no ROOT file"),
    "top": ("train.h5", b"junk", "truncated or no HDF5 file"),
    "quark_gluon": ("QG_jets.npz", b"junk", "truncated or no .npz archive"),
}


@pytest.mark.parametrize("task", CASES)
def test_a_file_that_cannot_be_read(task, tmp_path, capsys):
    name, content, words = CASES[task]
    path = tmp_path / name
    path.write_bytes(content)
    assert run(task, path, tmp_path) == 2
    assert_one_line(capsys, words)


def test_a_whole_file_without_what_is_needed(tmp_path, capsys):
    path = tmp_path / "train.h5"
    with h5py.File(path, "w") as file:
        file["X"] = np.zeros(3)
    assert run("top", path, tmp_path) == 2
    assert_one_line(capsys, "has no pandas table")


def test_an_extra_task_without_files(tmp_path, capsys):
    assert run("top", None, tmp_path) == 2
    assert_one_line(capsys, "zenodo.org/records/2603256")


def run(task, source, folder):
    words = ["run", "--task", task, "--preset", "smoke", "--representation", "fourvectors", "--model", "bdt"]
    words += ["--data", str(folder / "data"), "--results", str(folder / "results"), "--workers", "1", "--quiet"]
    return cli.exit_code([*words, *(["--source", str(source)] if source else [])])


def assert_one_line(capsys, words):
    text = capsys.readouterr().err
    (line,) = [line for line in text.splitlines() if line.startswith("error: ")]
    assert words in line
    assert "Traceback" not in text
