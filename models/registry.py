"""The registry of models; a model is imported only when it is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.core.registry import Registry

if TYPE_CHECKING:
    from models.model import Model

MODELS: Registry[Model] = Registry("models", "models.model:Model")
