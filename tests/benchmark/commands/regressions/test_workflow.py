"""The workflow in docs: its commands are run here, with a small program in place of this one."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark import cli
from leaderboard.regressions import history
from tests.benchmark.repositories import commit, git, prepare, program

if TYPE_CHECKING:
    import pytest

WORKFLOW = Path(__file__).parents[4] / "docs" / "regressions.yml"


def commands() -> dict[str, list[str]]:
    """The `regressions` commands of the workflow, by name."""
    found = re.findall(r"run: \.venv/bin/python -m benchmark (regressions (\w+) .*)", WORKFLOW.read_text())
    return {name: shlex.split(line.replace("$GITHUB_BASE_REF", "main")) for line, name in found}


def test_a_pull_request_is_checked_and_a_push_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clone = program(tmp_path, monkeypatch)
    found = commands()
    assert sorted(found) == ["check", "record"]
    for name, strength in (("c", 1.0), ("d", 0.8)):
        prepare(tmp_path, name, strength=strength)
        commit(clone, {"version.txt": name}, name)
    git(clone, "update-ref", "refs/remotes/origin/main", "HEAD~1")
    monkeypatch.chdir(tmp_path)
    # benchmarks of kernels are not there: the small program has no tests
    words = {
        name: [word for word in words if word not in ("--kernels", "circles or images")]
        for name, words in found.items()
    }
    assert cli.exit_code(words["check"]) == 1
    assert cli.exit_code(words["record"]) == 0
    assert len(history.read(Path("leaderboard/history"))) == 2


def test_the_workflow_installs_and_commits_what_the_commands_need():
    text = WORKFLOW.read_text()
    assert "git add leaderboard/history" in text
    assert text.count("run: make .venv/installed-test") == text.count("actions/cache@") == 2
    for words in commands().values():
        assert words[words.index("--data") + 1] == re.search(r"path: (\w+)", text)[1]  # type: ignore[index]
