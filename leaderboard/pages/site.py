"""The static pages: an index, a page per task, and the scripts they need, so that they work with no network."""

from __future__ import annotations

import importlib.util
import json
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import jinja2

from benchmark.core.errors import UserError
from benchmark.core.files import make_folder, write_atomically
from benchmark.records.store import PAGES_MARK
from leaderboard.export import to_csv, to_json
from leaderboard.pages.sections import BoardSection, board_section, event_counts, question, rank_in_words, slug
from leaderboard.ranking.boards import rank_with
from leaderboard.ranking.scores import ScoreBook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchmark.records.store import ResultStore

_HERE = Path(__file__).parents[1]


def build(store: ResultStore, output: Path) -> Path:
    """Write the pages of all results to a folder, and return the path of its `index.html`.

    Pages are written after the files that they need. Files of an earlier build that are not needed any more are
    removed; other files stay. The same results give the same bytes. Raises UserError if a page would overwrite a file
    that is not from an earlier build.
    """
    book = ScoreBook(store)
    results = sorted(store.all(), key=lambda result: (result.task, result.stem))
    boards = rank_with(results, book)
    sections = [board_section(board, store, book) for board in boards]
    files: dict[str, bytes] = {
        **_static(),
        **{picture.path: picture.png for section in sections for _, several in section.pictures for picture in several},
        "results.json": _utf8(to_json(results, book)),
        "boards.csv": _utf8(to_csv(boards)),
        **_pages(sections),
    }
    _write(output, files)
    return output / "index.html"


def environment() -> jinja2.Environment:
    """Templates that escape all values, since results may come from other people."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["json.dumps_kwargs"] = {"sort_keys": True, "allow_nan": False, "separators": (",", ":")}
    made.globals.update(slug=slug, question=question, event_counts=event_counts, rank_in_words=rank_in_words)
    return made


def _pages(sections: list[BoardSection]) -> dict[str, bytes]:
    templates = environment()
    tasks: dict[str, list[BoardSection]] = {}
    for section in sections:
        tasks.setdefault(section.board.task, []).append(section)
    pages = {
        f"{slug(task)}.html": templates.get_template("task.html").render(task=task, sections=boards)
        for task, boards in tasks.items()
    }
    # last, so that all its links have a page
    pages["index.html"] = templates.get_template("index.html").render(tasks=tasks)
    return {name: _utf8(text) for name, text in pages.items()}


def _utf8(text: str) -> bytes:
    """Bytes of a page. Half a surrogate pair in a file of a stranger must not stop the build."""
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
    """The script in the installed package, which is not imported."""
    spec = importlib.util.find_spec("plotly")
    for folder in (spec.submodule_search_locations if spec else None) or ():
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
    # the names of both builds first, so that the next build also knows the files of an interrupted one
    _write_manifest(output, known | set(files))
    for name, content in files.items():
        path = output / name
        make_folder(path.parent)
        if not path.is_file() or path.read_bytes() != content:
            write_atomically(path, partial(_copy, content))
    for name in sorted(known - set(files)):
        (output / name).unlink(missing_ok=True)
    _write_manifest(output, set(files))


def _copy(content: bytes, file: IO[bytes]) -> None:
    file.write(content)


def _manifest(output: Path) -> set[str]:
    """The files of an earlier build, without any outside the folder."""
    try:
        names = json.loads((output / PAGES_MARK).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    root = output.resolve()
    texts = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return {name for name in texts if (root / name).resolve().is_relative_to(root) and (root / name).is_file()}


def _write_manifest(output: Path, names: Iterable[str]) -> None:
    text = json.dumps({"files": sorted(names)}, indent=1).encode()
    write_atomically(output / PAGES_MARK, lambda file: file.write(text))
