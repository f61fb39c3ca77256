"""The course of a training: whether it was finished, and the losses of each epoch or boosting round."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from benchmark.records import fields

MOST_EPOCHS = 10_000


class Epoch(BaseModel):
    """One pass over the training events, or one boosting round.

    Parameters
    ----------
    train_loss, valid_loss : mean cross-entropy per event, classes balanced.
    valid_auc : mean area under the ROC curve of the validation events over the classes, each against the rest.
    learning_rate : of its steps.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    train_loss: fields.Number | None = None
    valid_loss: fields.Number
    valid_auc: fields.Number | None = None
    learning_rate: fields.Number | None = None


class Training(BaseModel):
    """The course of one training.

    Parameters
    ----------
    cap : the largest number of epochs or rounds.
    best : the one whose weights are used, counted from 1.
    converged : whether patience ended the training before the cap.
    history : each epoch that was trained, first to last; of a boosted tree at most 100 rounds, equally spaced, and the
        best one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: fields.Count
    best: fields.Count
    cap: fields.Count
    converged: bool
    history: Annotated[tuple[Epoch, ...], Field(max_length=MOST_EPOCHS)] = ()
