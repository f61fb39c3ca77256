"""Any classifier of scikit-learn, on a table."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from sklearn.utils import all_estimators

from benchmark.core.errors import UserError, did_you_mean
from models.table_model import TableModel


@dataclass(kw_only=True)
class Sklearn(TableModel):
    """Any classifier of scikit-learn, on a table of pooled pixels, leading particles or graph moments.

    Columns are standardised, and all classes have the same total weight if the estimator takes sample weights. The seed
    becomes `random_state`. A fitted estimator can't be saved, because scikit-learn's own formats are pickles, which run
    code when they are loaded; results are stored as usual.
    """

    name = "sklearn"
    version: ClassVar[str] = "2"  # tables of pictures hold the shapes of clusters
    extra: ClassVar[bool] = True

    estimator: Annotated[
        str,
        "class of the estimator, such as RandomForestClassifier, with its module if you like: "
        "sklearn.ensemble.RandomForestClassifier",
    ] = "HistGradientBoostingClassifier"
    settings: Annotated[
        str,
        "parameters of the estimator, such as 'max_iter=200 max_depth=5'; with ';' for ',' in a value, such as "
        "'hidden_layer_sizes=(64;32)'",
    ] = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.classifier(0)

    def classifier(self, seed: int) -> Any:
        """A new estimator with its settings and the seed. Raises UserError if scikit-learn refuses the settings."""
        kind, settings = find_estimator(self.estimator), parse_settings(self.settings)
        try:
            estimator = kind(**settings)
            known = estimator.get_params()
        except TypeError as error:
            raise UserError(f"sklearn: {self.estimator} can't be made: {error}. Change settings.") from error
        if "random_state" in known and "random_state" not in settings:
            estimator.set_params(random_state=seed)
        if not hasattr(estimator, "predict_proba"):
            raise UserError(
                f"sklearn: {self.estimator} gives no probabilities with these settings, expected a classifier with "
                "predict_proba, such as HistGradientBoostingClassifier or LogisticRegression."
            )
        return estimator


def find_estimator(name: str) -> type[Any]:
    """The classifier of this name, with or without its module. Raises UserError if scikit-learn has none."""
    module, _, short = name.rpartition(".")
    known = dict(all_estimators(type_filter="classifier"))
    kind: type[Any] | None = known.get(short)
    if kind is None or (module and not f"{kind.__module__}.".startswith(f"{module}.")):
        raise UserError(f"sklearn: scikit-learn has no classifier '{name}'. {did_you_mean(short, known)}")
    return kind


def parse_settings(text: str) -> dict[str, Any]:
    """`max_iter=200 criterion=gini` as values. Raises UserError for anything that is not name=value."""
    settings = {}
    for word in text.split():
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            raise UserError(f"sklearn: parameter 'settings' has '{word}', expected name=value with spaces between.")
        value = value.replace(";", ",")
        try:
            settings[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):  # plain text needs no quotes
            settings[name] = value
    return settings
