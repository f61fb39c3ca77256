"""The rows of the results of a board: which results belong together, and what each row is called."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from leaderboard.ranking.names import canonical, label, source_of
from leaderboard.ranking.row import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmark.records.result import Result


def make_rows(results: Iterable[Result], headline: str = "auc") -> tuple[Row, ...]:
    """The rows of results of one board: by representation, model, sources, device, training events, test events."""
    cells: dict[tuple[str, ...], list[Result]] = {}
    for result in sorted(results, key=lambda result: result.status != "done"):
        cells.setdefault(_cell_of(result, cells), []).append(result)
    rows = [replace(_row_of(cells[cell]), headline=headline) for cell in sorted(cells)]
    return tuple(_labelled(rows))


def _cell_of(result: Result, known: Mapping[tuple[str, ...], object]) -> tuple[str, ...]:
    """The fields that the seeds of one row have in common.

    A cell that stopped early may lack its events, or have another number of training events: it joins a row that is
    equal otherwise, unless there is one with its number.
    """
    cell = (
        result.representation,
        source_of(result.representation_origin),
        canonical(result.representation_parameters),
        result.model,
        source_of(result.model_origin),
        canonical(result.parameters),
        result.device,
        "published" if result.published else "",
    )
    whole = (*cell, f"{result.events['train']:012d}" if "train" in result.events else "", result.fingerprint)
    if result.status == "done" or whole in known:
        return whole
    alike = (other for other in sorted(known) if other[: len(cell)] == cell)
    return next((other for other in alike if result.fingerprint in ("", other[-1])), whole)


def _row_of(results: Sequence[Result]) -> Row:
    newest: dict[int, Result] = {}
    for result in sorted(results, key=lambda result: (result.created, result.key)):
        newest[result.seed] = result
    latest = tuple(newest[seed] for seed in sorted(newest))
    return Row(latest[0].representation, latest[0].model, latest, superseded=len(results) - len(latest))


def _labelled(rows: Sequence[Row]) -> list[Row]:
    """Rows with their names: each plug-in with the parameters that were given.

    Rows that would have the same name also get the parameters that differ among rows of the same plug-ins, such as a
    default that changed between versions.
    """
    firsts = [row.results[0] for row in rows]
    representations = _differing((r.representation, r.representation_parameters) for r in firsts)
    models = _differing((r.model, r.parameters) for r in firsts)

    def named(row: Row, *, in_full: bool) -> Row:
        first = row.results[0]
        of_representation, of_model = set(first.representation_given), set(first.parameters_given)
        if in_full:
            of_representation |= representations[first.representation]
            of_model |= models[first.model]
        return replace(
            row,
            representation=label(
                first.representation, first.representation_parameters, of_representation, first.representation_origin
            ),
            model=label(first.model, first.parameters, of_model, first.model_origin),
        )

    short = [named(row, in_full=False) for row in rows]
    names = Counter(_name(row) for row in short)
    return [named(row, in_full=True) if names[_name(row)] > 1 else row for row in short]


def _name(row: Row) -> tuple[str, str, str, str, int | None, int | None]:
    return row.representation, row.model, row.device, row.whose, row.train_events, row.test_events


def _differing(named: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, set[str]]:
    """By name, the parameters that differ between the occurrences of the name."""
    settings: dict[str, list[Mapping[str, Any]]] = {}
    for name, parameters in named:
        settings.setdefault(name, []).append(parameters)
    return {
        name: {
            key
            for key in set().union(*several)
            if len({canonical(each[key]) if key in each else None for each in several}) > 1
        }
        for name, several in settings.items()
    }
