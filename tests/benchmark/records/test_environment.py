from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from benchmark.core.machine import gpu_name, usable_cores
from benchmark.records import environment

if TYPE_CHECKING:
    import pytest


def test_what_is_recorded_is_json_and_complete():
    found = environment.describe()
    assert json.loads(json.dumps(found)) == found
    assert found["cores"] == usable_cores() >= 1
    assert found["memory_gb"] > 0
    assert "not installed" not in found["packages"].values()
    assert gpu_name("cpu") is None


def test_code_without_a_repository(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    found = environment.code.__wrapped__()
    assert (found.revision, found.dirty) == (None, None)
    assert environment.git("rev-parse", "HEAD", root=tmp_path) is None


def test_only_what_can_change_a_result_makes_the_code_dirty(monkeypatch: pytest.MonkeyPatch, tmp_path):
    def git(*words: str) -> None:
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True, capture_output=True)

    def dirty() -> bool | None:
        return environment.code.__wrapped__().dirty

    monkeypatch.setattr(environment, "ROOT", tmp_path)
    for name in ("models/mine.py", "README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
    git("init")
    git("add", ".")
    git("-c", "user.name=n", "-c", "user.email=e", "commit", "-m", "first")
    assert dirty() is False
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("")
    (tmp_path / "README.md").write_text("2")
    assert dirty() is False
    (tmp_path / "models" / "other.py").write_text("")
    assert dirty() is True
    (tmp_path / "models" / "other.py").unlink()
    (tmp_path / "models" / "mine.py").write_text("2")
    assert dirty() is True


def test_the_folders_that_make_results_are_there():
    assert all((environment.ROOT / name / "__init__.py").is_file() for name in environment.MAKES_RESULTS)
