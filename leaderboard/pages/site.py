"""The static pages: an index, a page a task, and the scripts they need, so that they work with no network."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from benchmark.core.errors import UserError
from benchmark.core.files import make_folder, write_atomically
from leaderboard.export import to_csv, to_json
from leaderboard.pages.views import BoardView, anchor, board_view, briefly, question, slug
from leaderboard.ranking.boards import rank_with
from leaderboard.ranking.scores import ScoreBook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchmark.records.store import ResultStore

MANIFEST = ".leaderboard.json"
"""The list of files that a build wrote, by which a later build knows its own."""

_HERE = Path(__file__).parents[1]


def build(store: ResultStore, output: Path) -> Path:
    """Write the pages of all results to a folder; returns the path of its `index.html`.

    Files are written beside their place and renamed, pages after what they need. Pages of an earlier build that are
    no longer wanted are removed; files of others are left alone. The same results give the same bytes.
    Raises UserError when a file of somebody else stands where a page belongs.
    """
    book = ScoreBook(store)
    results = sorted(store.all(), key=lambda result: (result.task, result.stem))
    boards = rank_with(results, book)
    views = [board_view(board, store, book) for board in boards]
    files: dict[str, bytes] = {
        **_static(),
        **{picture.path: picture.png for view in views for _, shown in view.pictures for picture in shown},
        "results.json": _utf8(to_json(results)),
        "boards.csv": _utf8(to_csv(boards)),
        **_pages(views),
    }
    _write(output, files)
    return output / "index.html"


def environment() -> jinja2.Environment:
    """Templates that escape whatever they are given: a result may come from a stranger."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["json.dumps_kwargs"] = {"sort_keys": True, "allow_nan": False, "separators": (",", ":")}
    made.globals.update(slug=slug, question=question, anchor=anchor, briefly=briefly)
    return made


def _pages(views: list[BoardView]) -> dict[str, bytes]:
    templates = environment()
    tasks: dict[str, list[BoardView]] = {}
    for view in views:
        tasks.setdefault(view.board.task, []).append(view)
    pages = {
        f"{slug(task)}.html": templates.get_template("task.html").render(task=task, views=shown)
        for task, shown in tasks.items()
    }
    # last, so that it never links to a page that isn't there yet
    pages["index.html"] = templates.get_template("index.html").render(tasks=tasks)
    return {name: _utf8(text) for name, text in pages.items()}


def _utf8(text: str) -> bytes:
    """Bytes of a page. Half a surrogate pair in a stranger's file must not take the site down."""
    return text.encode("utf-8", "replace")


def _static() -> dict[str, bytes]:
    files = {
        f"static/{path.name}": path.read_bytes()
        for path in sorted((_HERE / "static").iterdir())
        if path.suffix in {".css", ".js"}
    }
    files["static/plotly.min.js"] = _plotly_script().read_bytes()
    return files


def _plotly_script() -> Path:
    """The script inside the installed package, found without importing it."""
    found = importlib.util.find_spec("plotly")
    for folder in (found.submodule_search_locations if found else None) or ():
        script = Path(folder) / "package_data" / "plotly.min.js"
        if script.is_file():
            return script
    raise UserError("plotly: the package is not installed, or lacks its script. Install it: pip install plotly")


def _write(output: Path, files: Mapping[str, bytes]) -> None:
    make_folder(output)
    known = _manifest(output)
    for name in files:
        if name.endswith(".html") and name not in known and (output / name).exists():
            raise UserError(
                f"{output / name}: exists, and was not written by the leaderboard. Name another folder, or remove it."
            )
    # first with the names of both builds: whatever an interruption leaves behind is still known as ours
    _write_manifest(output, known | set(files))
    for name, content in files.items():
        path = output / name
        make_folder(path.parent)
        if not path.is_file() or path.read_bytes() != content:
            write_atomically(path, lambda file, content=content: file.write(content))  # type: ignore[misc]
    for name in sorted(known - set(files)):
        (output / name).unlink(missing_ok=True)
    _write_manifest(output, set(files))


def _manifest(output: Path) -> set[str]:
    """Names of an earlier build, but for any that would lead out of the folder."""
    try:
        names = json.loads((output / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    root = output.resolve()
    texts = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return {name for name in texts if (root / name).resolve().is_relative_to(root) and (root / name).is_file()}


def _write_manifest(output: Path, names: Iterable[str]) -> None:
    text = json.dumps({"files": sorted(names)}, indent=1).encode()
    write_atomically(output / MANIFEST, lambda file: file.write(text))
