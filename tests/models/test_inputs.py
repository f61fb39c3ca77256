"""Every view against a slow, obviously correct reference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import avg_pool2d

from benchmark.core.errors import Skip, UserError
from models.bdt import BDT
from models.cnn import CNN
from models.ffnn import FFNN
from models.inputs import VIEWS, Shape, View, view_of
from models.model import Context
from models.training.batches import mean_and_scale
from representations.samples import Images, Samples, Vectors
from tests.models.conftest import chains, panels, particles, rings

if TYPE_CHECKING:
    from pathlib import Path

    from models.model import Model

NOT_BY_EVENT = ("edges", "tree")
"""Views with one row per node instead of per event; they have their own tests."""
ALL = sorted((pair for pair in VIEWS if pair[0] not in NOT_BY_EVENT), key=lambda pair: (pair[0], pair[1].__name__))


def make(kind: type[Samples], n: int, **options: object) -> Samples:
    if kind is Images:
        return rings(n, channels=2, **options)
    return (particles if kind is Vectors else chains)(n, features=2, **options)


def moments_of(picture: np.ndarray) -> list[float]:
    """Sum, centroid and second moments of one dense channel, pixel by pixel."""
    height, width = picture.shape
    row, column = np.mgrid[:height, :width]
    y, x = 2 * (row + 0.5) / height - 1, 2 * (column + 0.5) / width - 1
    weight = np.abs(picture)
    if not weight.sum():
        return [0.0] * 6
    cy, cx = np.average(y, weights=weight), np.average(x, weights=weight)
    second = (
        np.average((y - cy) ** 2, weights=weight),
        np.average((x - cx) ** 2, weights=weight),
        np.average((y - cy) * (x - cx), weights=weight),
    )
    return [picture.sum(), cy, cx, *second]


@given(size=st.integers(1, 70), channels=st.integers(1, 3), seed=st.integers(0, 99))
@settings(max_examples=25)
def test_pooled_pixels_equal_those_of_dense_pictures(size: int, channels: int, seed: int) -> None:
    samples = rings(5, size=size, channels=channels, seed=seed, empty=[2])
    view = VIEWS["table", Images]
    index = torch.tensor([4, 2, 0, 0])
    (table,) = view.batch(samples, index)
    dense = samples.dense(index)
    step = -(-size // 16)
    pooled = avg_pool2d(dense, step, ceil_mode=True, count_include_pad=False)
    reference = [[value for channel in event for value in moments_of(channel)] for event in dense.numpy().astype(float)]
    cells = pooled.flatten(1).shape[1]
    torch.testing.assert_close(table[:, :cells], pooled.flatten(1))
    torch.testing.assert_close(table[:, cells:], torch.tensor(reference, dtype=torch.float32), atol=2e-5, rtol=1e-4)
    assert len(view.shape(samples).columns) == table.shape[1]


def test_moments_of_negative_and_uneven_pictures() -> None:
    samples = rings(6, size=20)
    signed = replace(samples, values=replace(samples.values, values=torch.randn(len(samples.values.values))), scale=1.0)
    signed = replace(signed, panels=(signed.panels[0]._replace(shape=(2, 10, 20)),))
    (table,) = VIEWS["table", Images].batch(signed, torch.arange(6))
    reference = [[value for channel in event for value in moments_of(channel)] for event in signed.dense().numpy()]
    names = VIEWS["table", Images].shape(signed).columns
    moments = [place for place, name in enumerate(names) if "_cell" not in name and "_cluster" not in name]
    torch.testing.assert_close(
        table[:, moments], torch.tensor(np.array(reference), dtype=torch.float32), atol=2e-5, rtol=1e-4
    )


def test_names_of_pooled_pixels() -> None:
    samples = rings(2, size=20, channels=2)
    samples = replace(samples, panels=(samples.panels[0]._replace(channel_names=("ecal", "hcal")),))
    columns = VIEWS["table", Images].shape(samples).columns
    assert columns[11] == "ecal_cell1_1"  # 20 pixels make 10 cells of 2
    assert columns[200] == "ecal_sum"
    assert columns[-1] == "hcal_row_column"
    assert len(set(columns)) == len(columns) == 212


def test_tables_of_panels_are_concatenated() -> None:
    samples, view, index = panels(5), VIEWS["table", Images], torch.tensor([4, 1, 0, 0])
    (table,) = view.batch(samples, index)
    alone = [samples.panel(name) for name in ("barrel", "endcap")]
    torch.testing.assert_close(table, torch.cat([view.batch(part, index)[0] for part in alone], dim=1))
    columns = view.shape(samples).columns
    assert len(set(columns)) == len(columns) == table.shape[1]
    assert "barrel_ecal_cell3_11" in columns
    assert columns[-1] == "endcap_channel0_row_column"
    own = [name for part in alone for name in view.shape(part).columns]
    assert [name.removeprefix("barrel_").removeprefix("endcap_") for name in columns] == own


def test_all_cells_of_a_channel_weigh_as_much_as_a_moment() -> None:
    samples, view = panels(9), VIEWS["table", Images]
    (found,) = mean_and_scale([view.rows(samples, index) for index in torch.arange(9).split(4)])
    assert found is not None
    table = view.batch(samples, torch.arange(9))[0].double().numpy()
    names = view.shape(samples).columns
    inputs = (table - found[0].numpy()) * found[1].numpy()
    for channel in ("barrel_ecal", "barrel_hcal", "endcap_channel0"):
        cells = [place for place, name in enumerate(names) if name.startswith(f"{channel}_cell")]
        assert not inputs[1, cells].any() or channel.startswith("endcap")  # an empty picture stays empty
        assert np.square(inputs[:, cells]).sum(axis=1).mean() == pytest.approx(1.0, rel=1e-5)
        whole = np.sqrt(np.square(table[:, cells]).sum(axis=1).mean())
        np.testing.assert_allclose(inputs[:, cells] * whole, table[:, cells], rtol=1e-5, atol=1e-7)
    moments = [place for place, name in enumerate(names) if "_cell" not in name]
    np.testing.assert_allclose(inputs[:, moments].mean(axis=0), 0.0, atol=1e-5)
    np.testing.assert_allclose(inputs[:, moments].std(axis=0), 1.0, rtol=1e-4)


def test_pictures_of_several_panels_are_a_tensor_each() -> None:
    samples, view, index = panels(5), VIEWS["picture", Images], torch.tensor([4, 1])
    barrel, endcap, features = view.batch(samples, index)
    torch.testing.assert_close(barrel, samples.panel("barrel").dense()[index])
    torch.testing.assert_close(endcap, samples.panel("endcap").dense()[index])
    assert barrel.sum(dim=(1, 2, 3)).tolist()[1] == 0.0
    assert endcap.sum() > 0
    assert features.shape == (2, 0)
    shape = view.shape(samples)
    assert shape.columns == ("barrel_ecal", "barrel_hcal", "endcap_channel0")
    assert [(panel.columns, panel.size) for panel in shape.panels] == [
        (("barrel_ecal", "barrel_hcal"), (24, 24)),
        (("endcap_channel0",), (18, 40)),
    ]
    assert str(shape) == "picture of 3 columns, 24x24, 18x40, 0 features"
    assert len(view.rows(samples, index)) == 3


@pytest.mark.parametrize(
    "model",
    [BDT(trees=2), FFNN(epochs=1), CNN(depth=7, width=4, epochs=1), CNN(architecture="jet", width=2, epochs=1)],
    ids=lambda model: model.name,
)
def test_several_panels_are_fitted_and_loaded(model: Model, tmp_path: Path) -> None:
    samples = panels(40)
    model.fit(samples[:30], samples[30:], Context())
    model.save(tmp_path)
    again = type(model)()
    again.load(tmp_path, Context())
    np.testing.assert_array_equal(again.predict_proba(samples), model.predict_proba(samples))
    with pytest.raises(UserError, match="but the samples are a"):
        again.predict_proba(samples.panel("barrel"))


def table_of(samples: Vectors) -> np.ndarray:
    """Slots filled by a loop over particles."""
    rows = []
    for event in range(len(samples)):
        start, stop = samples.particles.offsets[event : event + 2].tolist()
        row = np.zeros((samples.capacity, len(samples.names)), np.float32)
        first = dict(zip(samples.slots, np.cumsum([0, *samples.slots.values()]), strict=False))
        filled = dict.fromkeys(samples.slots, 0)
        for particle in range(start, stop):
            kind = list(samples.slots)[samples.kinds.values[particle]]
            if filled[kind] < samples.slots[kind]:
                row[first[kind] + filled[kind]] = samples.particles.values[particle]
                filled[kind] += 1
        rows.append(np.concatenate([row.ravel(), samples.features[event]]))
    return np.array(rows)


@given(n=st.integers(1, 20), seed=st.integers(0, 99), muons=st.integers(0, 4), jets=st.integers(0, 5))
@settings(max_examples=25)
def test_leading_particles_fill_the_slots_of_their_kind(n: int, seed: int, muons: int, jets: int) -> None:
    samples = replace(particles(n, seed=seed, features=2, empty=[0]), slots={"muon": muons, "jet": jets})
    view = VIEWS["table", Vectors]
    (table,) = view.batch(samples, torch.arange(n))
    np.testing.assert_array_equal(table, table_of(samples))
    assert len(view.shape(samples).columns) == table.shape[1]


def test_names_of_leading_particles() -> None:
    columns = VIEWS["table", Vectors].shape(particles(3, features=1)).columns
    assert columns[0] == "muon1_pt"
    assert columns[7] == "jet1_eta"
    assert columns[-2:] == ("jet4_phi", "feature0")


def test_sequence_holds_particles_and_mask() -> None:
    samples = particles(12, features=2, empty=[3])
    index = torch.tensor([5, 3, 0])
    inputs, mask, features = VIEWS["sequence", Vectors].batch(samples, index)
    assert VIEWS["sequence", Vectors].shape(samples).columns == ("pt", "eta", "phi")
    assert inputs.shape == (3, 3, mask.shape[1])
    assert mask.shape[1] <= samples.capacity
    for place, event in enumerate(index.tolist()):
        start, stop = samples.particles.offsets[event : event + 2].tolist()
        length = min(stop - start, samples.capacity)
        assert mask[place].tolist() == [True] * length + [False] * (mask.shape[1] - length)
        torch.testing.assert_close(inputs[place, :3, :length].T, samples.particles.values[start : start + length])
    assert features.shape == (3, 2)


def test_pictures_are_the_dense_ones() -> None:
    samples = rings(4, channels=2)
    pictures, features = VIEWS["picture", Images].batch(samples, torch.tensor([2, 0]))
    torch.testing.assert_close(pictures, samples.dense()[[2, 0]])
    assert features.shape == (2, 0)
    assert VIEWS["picture", Images].shape(samples) == Shape("picture", ("channel0", "channel1"), (24, 24))


@pytest.mark.parametrize("pair", ALL, ids=lambda pair: f"{pair[0]}-{pair[1].__name__}")
class TestEveryInput:
    def test_inputs_of_an_event_do_not_depend_on_others(self, pair: tuple[str, type[Samples]]) -> None:
        view: View[Samples] = VIEWS[pair]
        samples = make(pair[1], 9, empty=[4])
        together = view.batch(samples, torch.arange(9))
        for event in range(9):
            alone = view.batch(samples, torch.tensor([event]))
            for one, all_of_them in zip(alone, together, strict=True):
                inputs = all_of_them[event : event + 1][tuple(map(slice, one.shape))]  # a batch may have more padding
                torch.testing.assert_close(one, inputs, rtol=1e-6, atol=1e-6)

    def test_empty_events(self, pair: tuple[str, type[Samples]]) -> None:
        view: View[Samples] = VIEWS[pair]
        samples = make(pair[1], 3, empty=[0, 1, 2])
        for part in view.batch(samples, torch.arange(3)):
            assert len(part) == 3
            assert not part.any()

    def test_labels_weights_and_mass_are_never_inputs(self, pair: tuple[str, type[Samples]]) -> None:
        view: View[Samples] = VIEWS[pair]
        samples = make(pair[1], 8)
        other = replace(samples, labels=1 - samples.labels, weights=samples.weights * 3, mass=torch.rand(8))
        for one, two in zip(view.batch(samples, torch.arange(8)), view.batch(other, torch.arange(8)), strict=True):
            assert torch.equal(one, two)

    def test_rows_are_the_batch_without_padding(self, pair: tuple[str, type[Samples]]) -> None:
        view: View[Samples] = VIEWS[pair]
        samples = make(pair[1], 8)
        inputs, rows = view.batch(samples, torch.arange(8)), view.rows(samples, torch.arange(8))
        assert [part.shape[1] for part, row in zip(inputs, rows, strict=True) if row is not None] == [
            row.shape[1] for row in rows if row is not None
        ]


def test_unknown_pair_is_skipped_with_a_one_line_reason() -> None:
    with pytest.raises(Skip, match="mpnn: no view of Vectors as picture, expected samples of kind Images") as raised:
        view_of(("picture",), particles(2), "mpnn")
    assert "\n" not in str(raised.value)


def test_the_first_view_that_fits_is_used() -> None:
    assert view_of(("picture", "sequence"), particles(2), "cnn") is VIEWS["sequence", Vectors]
    assert view_of(("table", "sequence"), particles(2), "cnn") is VIEWS["table", Vectors]
