"""Rules for the code as a whole: the direction of imports, and limits that keep it readable."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import grimp
import pytest

from benchmark.metrics.registry import METRICS
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS

ROOT = Path(__file__).parents[1]
PACKAGES = ("benchmark", "tasks", "representations", "models", "leaderboard")

LINES_IN_A_FILE = 320
TYPE_IGNORES = 40
IMPORTS_IN_FUNCTIONS = 165
"""They are there to start quickly, and no other reason is good enough. Lower this when some go."""


def folders() -> list[Path]:
    """Every package folder, relative to the root."""
    found = {path.parent.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("__init__.py")}
    return sorted(found)


@cache
def sources() -> dict[str, str]:
    """The text of every file of the product, by its path."""
    files = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {str(path.relative_to(ROOT)): path.read_text() for path in files}


def test_imports_go_one_way():
    code = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_no_file_imports_itself_through_others():
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    while leaves := {module for module, imported in imports.items() if not imported}:
        imports = {module: imported - leaves for module, imported in imports.items() if module not in leaves}
    # the modules that are left are in a cycle, or import one
    while tops := set(imports).difference(*imports.values()):
        imports = {module: imported for module, imported in imports.items() if module not in tops}
    assert not imports, "cycles among:\n" + "\n".join(f"{module} -> {sorted(to)}" for module, to in imports.items())


def test_files_are_short():
    lengths = {path: len(text.splitlines()) for path, text in sources().items()}
    assert {path: length for path, length in lengths.items() if length > LINES_IN_A_FILE} == {}


def test_a_class_name_means_one_thing():
    names = Counter(
        node.name for text in sources().values() for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_few_types_are_ignored():
    counts = {path: text.count("type: ignore") for path, text in sources().items() if "type: ignore" in text}
    assert sum(counts.values()) < TYPE_IGNORES, counts


def test_imports_inside_functions_do_not_grow():
    counts = {path: imports_in_functions(text) for path, text in sources().items()}
    assert sum(counts.values()) <= IMPORTS_IN_FUNCTIONS, {path: count for path, count in counts.items() if count}


def imports_in_functions(text: str) -> int:
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    found = {
        node for function in functions for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)
    }
    return len(found)


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


def test_every_folder_of_tests_is_a_package():
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []
