"""What a cell means: its plug-ins, imported, with their parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.data.dataset import DataSet
from tasks.registry import TASKS

if TYPE_CHECKING:
    from benchmark.engine.request import Cell
    from models.model import Model
    from representations.representation import Representation


@dataclass(frozen=True)
class Job:
    """A cell with its plug-ins imported and their parameters resolved."""

    cell: Cell
    data: DataSet
    representation: Representation
    model: Model


def build(cell: Cell) -> Job:
    """Import what a cell names and resolve its parameters. Raises UserError for whatever is wrong with them."""
    data = DataSet(cell.task.target, cell.task.build(TASKS, cell.preset), cell.level, cell.source)
    return Job(
        cell, data, cell.representation.build(REPRESENTATIONS, cell.preset), cell.model.build(MODELS, cell.preset)
    )
