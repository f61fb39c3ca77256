"""The static pages: an index, a page per task, and the scripts they need, so that they work with no network."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from benchmark.core.errors import UserError
from benchmark.core.text import plain_lines
from leaderboard.export import to_csv, to_json
from leaderboard.pages.folder import reserved, write_pages
from leaderboard.pages.sections import (
    BoardSection,
    board_section,
    event_counts,
    headline_in_words,
    question,
    rank_in_words,
    slug,
)
from leaderboard.ranking.boards import rank_with
from leaderboard.ranking.scores import ScoreBook

if TYPE_CHECKING:
    from benchmark.records.store import ResultStore

_HERE = Path(__file__).parents[1]


def build(store: ResultStore, output: Path) -> Path:
    """Write the pages of all results to a folder, and return the path of its `index.html`.

    Pages are written after the files that they need. Files of an earlier build that are not needed any more are
    removed; other files stay. The same results give the same bytes. Raises UserError if a page would overwrite a file
    that is not from an earlier build, or lies behind a link.
    """
    with reserved(output):  # before results are read, so that the last build to end has all of them
        write_pages(output, _files(store))
    return output / "index.html"


def _files(store: ResultStore) -> dict[str, bytes]:
    """The content of all files, by path, pages last."""
    book = ScoreBook(store)
    results = sorted(store.all(), key=lambda result: (result.task, result.stem, result.published))
    boards = rank_with(results, book)
    sections = [board_section(board, store, book) for board in boards]
    return {
        **_static(),
        **{picture.path: picture.png for section in sections for _, several in section.pictures for picture in several},
        "results.json": _utf8(to_json(results, book)),
        "boards.csv": _utf8(to_csv(boards)),
        **_pages(sections),
    }


def environment() -> jinja2.Environment:
    """Templates that escape all values, since results may come from other people: markup and control characters."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        finalize=_without_control,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["json.dumps_kwargs"] = {"sort_keys": True, "allow_nan": False, "separators": (",", ":")}
    made.globals.update(slug=slug, question=question, event_counts=event_counts, rank_in_words=rank_in_words)
    made.globals.update(headline_in_words=headline_in_words)
    return made


def _without_control(value: object) -> object:
    """A value of a template. What is markup already consists of such values."""
    return plain_lines(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


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
