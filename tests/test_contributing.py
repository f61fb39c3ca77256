"""The files that CONTRIBUTING.md shows are complete: each is run as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmark.engine.progress import Display
from benchmark.engine.request import Request, Settings
from benchmark.engine.runner import run
from leaderboard.export import to_csv
from leaderboard.ranking.boards import rank
from leaderboard.terminal import board_text

TEXT = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", TEXT, flags=re.DOTALL))
COMMANDS = dict(re.findall(r"^    python -m benchmark run .*?--(\w+) (\w+\.py:\w+)$", TEXT, flags=re.MULTILINE))


def test_there_is_one_file_of_each_kind() -> None:
    assert sorted(COMMANDS) == ["metric", "model", "representation", "task"]
    assert {target.partition(":")[0] for target in COMMANDS.values()} == set(BLOCKS)


@pytest.mark.parametrize("kind", sorted(COMMANDS))
def test_the_file_runs_as_it_stands(kind: str, tmp_path: Path) -> None:
    for name, text in BLOCKS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    # The toy task needs no generator, so that each kind is tried on it in seconds.
    chosen = {"task": COMMANDS["task"], "representation": "fourvectors", "model": "ffnn", kind: COMMANDS[kind]}
    named = {name: str(tmp_path / target) if ".py:" in target else target for name, target in chosen.items()}
    request = Request(
        tasks=(named["task"],),
        representations=(named["representation"],),
        models=(named["model"],),
        metrics=(named["metric"],) if "metric" in named else (),
        preset="smoke",
    )
    settings = Settings(results=tmp_path / "results", data=tmp_path / "data", workers=1)
    with Display(quiet=True) as display:
        (result,) = run(request, settings, display)
    assert result.status == "done", result.reason
    auc = result.metrics["auc"].value
    assert auc is not None
    if kind in ("task", "metric"):  # what a plane cuts, or coarse cells show, can't tell a peak from its sidebands
        assert auc > 0.6
    else:
        assert 0.0 <= auc <= 1.0
    if kind == "metric":
        brier = result.metrics["brier"]
        assert brier.value is not None
        assert 0.0 < brier.value < 1.0
        (board,) = rank([result])
        assert "Brier score" in board_text(board, 100)
        assert "brier,brier_low,brier_high" in to_csv([board])
