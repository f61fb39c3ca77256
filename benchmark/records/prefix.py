"""The first test events of each class, by which results with different numbers of test events are compared."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from benchmark.records import fields


class Prefix(BaseModel):
    """The first test events of each class, and their hash.

    Generated test sets are nested: a set of 800 events of each class is the start of that of 5,000. Two results that
    have a prefix in common were tested on the same events as far as that, and these have equal ids.

    Parameters
    ----------
    events : of each class.
    fingerprint : the fingerprint of a test set of these events alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    events: fields.Count
    fingerprint: fields.FileName
