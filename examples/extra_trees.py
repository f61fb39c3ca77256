"""A classifier on numpy arrays, as your own model: anything with `fit(X, y)` and `predict_proba(X)`.

python -m benchmark run --task ttbar --model examples/extra_trees.py:ExtraTrees
"""

from dataclasses import dataclass

from sklearn.ensemble import ExtraTreesClassifier

from models.table_model import TableModel


@dataclass(kw_only=True)
class ExtraTrees(TableModel):
    """Extremely randomised trees on a table of pooled pixels, leading particles or graph moments."""

    name = "extra_trees"

    trees: int = 200

    def classifier(self, seed: int) -> ExtraTreesClassifier:
        return ExtraTreesClassifier(self.trees, min_samples_leaf=5, random_state=seed, n_jobs=-1)
