"""What holds for the code as a whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.metrics.registry import METRICS
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS

ROOT = Path(__file__).parents[1]
PACKAGES = ("benchmark", "tasks", "representations", "models", "leaderboard")


def folders() -> list[Path]:
    """Every package folder, relative to the root."""
    found = {path.parent.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("__init__.py")}
    return sorted(found)


def test_imports_go_one_way():
    code = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("registry", [TASKS, REPRESENTATIONS, MODELS, METRICS], ids=lambda registry: registry.group)
def test_every_plugin_says_in_a_line_what_it_is(registry):
    for name, entry in registry.entries().items():
        assert entry.summary.endswith("."), name
        assert 20 < len(entry.summary) < 120, name


@pytest.mark.parametrize("folder", folders(), ids=str)
def test_every_package_folder_is_mirrored_in_the_tests(folder: Path):
    tests = ROOT / "tests" / folder
    assert (tests / "__init__.py").is_file(), "or the tests' folder shadows the package"
    assert list(tests.glob("test_*.py")), f"no tests in {tests}"


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("test_*.py")), ids=lambda path: path.stem)
def test_every_folder_of_tests_is_a_package(path: Path):
    assert (path.parent / "__init__.py").is_file()
