"""One training in two processes of torchrun has the loss curve of one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from models.cnn import CNN
from models.layers import pictures
from models.model import Context
from models.training import loop
from models.training.batches import Batch
from models.training.parallel import ALONE, Team
from tests.models.conftest import rings

ROOT = Path(__file__).parents[3]
SAMPLES = rings(101)


def curve() -> list[float]:
    """Training and validation losses of each epoch, then some scores, in float32: bfloat16 rounds a share otherwise."""
    losses: list[float] = []
    check, bfloat16 = loop._check_finite, pictures.has_bfloat16

    def watch(loss: float, role: str, epoch: int, settings: object) -> None:
        losses.append(loss)
        check(loss, role, epoch, settings)

    loop._check_finite = watch  # type: ignore[assignment]
    pictures.has_bfloat16 = lambda: False  # type: ignore[assignment]
    try:
        model = CNN(depth=7, width=4, epochs=3, batch_size=16, balance="clone")
        model.fit(SAMPLES[:71], SAMPLES[71:], Context())
    finally:
        loop._check_finite = check
        pictures.has_bfloat16 = bfloat16
    return losses + model.predict_proba(SAMPLES[:5])[:, 0].tolist()


def test_two_processes_have_the_loss_curve_of_one(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import json, os, sys\n"
        "from pathlib import Path\n"
        "import torch\n"
        "torch.set_num_threads(1)\n"
        "from tests.models.training.test_parallel import curve\n"
        "Path(sys.argv[1], os.environ['RANK'] + '.json').write_text(json.dumps(curve()))\n"
    )
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*run, str(script), str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    assert first == second
    assert first == pytest.approx(curve(), abs=1e-5)


def test_shares_cover_the_batch_with_its_weight() -> None:
    index = torch.arange(7)
    losses = torch.rand(7)
    teams = [Team(rank, 3) for rank in range(3)]
    shares = [team.share(index) for team in teams]
    assert torch.equal(torch.cat(shares), index)
    means = []
    for team, share in zip(teams, shares, strict=True):
        batch = team.weighted(
            Batch((), share, torch.ones(len(share)), torch.full((len(share),), torch.nan)), len(index)
        )
        means.append((losses[share] * batch.weights).mean())
    assert float(torch.stack(means).mean()) == pytest.approx(float(losses.mean()))
    assert ALONE.share(index) is index
    assert ALONE.agree(3)
