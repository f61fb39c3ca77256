"""Every kind of panel as a picture: labels inside, legends over no curve, no warning, whatever is empty."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import matplotlib.figure
import numpy as np
import pytest
from PIL import Image

from benchmark.core.errors import UserError
from benchmark.displays.figures import draw
from tasks.validation.figure import Axis, Curve, Figure, Map, MeasuredPoints, Panel, spectrum

if TYPE_CHECKING:
    from pathlib import Path

MASS = Axis("$m$", "GeV")
FALLING = spectrum("falling", MASS, {"a": np.linspace(0, 9, 500) ** 2, "b": [80.0] * 90}, np.linspace(0, 81, 28))
POINTS = MeasuredPoints(*(np.array(values) for values in ([1.0, 2.0], [0.5, 0.7], [0.4, 0.6], [0.6, 0.8])))
NOTHING = MeasuredPoints(*np.empty((4, 0)))
PLANE = Map("plane", MASS, Axis("y"), Axis("energy", "GeV"), np.arange(12.0).reshape(3, 4), (0, 4), (0, 3))
PANELS: dict[str, Panel] = {
    "spectrum": FALLING,
    "logarithmic": replace(FALLING, log_y=True, scale="density"),
    "marked": replace(FALLING, scale="events", lines={"here": 40.0}, overlay={"fit": (np.arange(9.0), np.ones(9))}),
    "empty": spectrum("empty", MASS, {"a": [], "b": []}, [1, 10, 100]),
    "wide": spectrum("wide", Axis("$p_T$", "GeV", log=True), {"a": [1.0, 50.0]}, np.geomspace(0.5, 500, 9)),
    "narrow": spectrum("narrow", Axis("$p_T$", "GeV", log=True), {"a": [20.0, 50.0]}, np.geomspace(20, 90, 9)),
    "whole": spectrum("whole", Axis("jets"), {"a": [0, 1, 1]}, np.arange(-0.5, 3)),
    "curve": Curve("curve", MASS, Axis("share", log=True), {"a": POINTS, "b": NOTHING}, {"0.7": 0.7}),
    "no-curve": Curve("no points", MASS, Axis("share"), {"a": NOTHING}, y_from=0.0),
    "map": PLANE,
    "log-map": replace(PLANE, z=Axis("energy", "GeV", log=True)),
    "difference": replace(PLANE, values=PLANE.values - 5.0, diverging=True),
    "no-map": replace(PLANE, values=np.full((3, 4), np.nan), z=Axis("energy", log=True)),
}


@pytest.fixture
def canvases(monkeypatch: pytest.MonkeyPatch) -> list[matplotlib.figure.Figure]:
    """The figures that were saved."""
    saved: list[matplotlib.figure.Figure] = []
    save = matplotlib.figure.Figure.savefig

    def remember(self: matplotlib.figure.Figure, *given: object, **named: object) -> None:
        saved.append(self)
        save(self, *given, **named)

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", remember)
    return saved


@pytest.mark.parametrize("name", PANELS)
def test_everything_is_on_the_picture(name: str, tmp_path: Path, canvases: list[matplotlib.figure.Figure]):
    draw(Figure(name, "a title", (PANELS[name], FALLING)), "toy, level detector: 5 of 5 events", tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    with Image.open(tmp_path / "a.png") as image:
        width, height = image.size
    (canvas,) = canvases
    assert [text.get_text() for text in canvas.texts] == ["a title", "toy, level detector: 5 of 5 events"]
    for text in [*canvas.texts, *(axis.label for axes in canvas.axes for axis in (axes.xaxis, axes.yaxis))]:
        box = text.get_window_extent()
        assert box.x0 > -1
        assert box.y0 > -1
        assert box.x1 < width + 1
        assert box.y1 < height + 1


def test_long_titles_and_labels_fit(tmp_path: Path, canvases: list[matplotlib.figure.Figure]):
    draw(Figure("x", "title " * 20, (FALLING,)), "label " * 25, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        width = image.width
    for text in canvases[0].texts:
        box = text.get_window_extent()
        assert 0.8 * width < box.x1 < width


@pytest.mark.parametrize("name", ["spectrum", "logarithmic", "marked", "wide", "whole"])
def test_the_legend_lies_over_no_bin(name: str, tmp_path: Path, canvases: list[matplotlib.figure.Figure]):
    draw(Figure(name, "a title", (PANELS[name], FALLING)), "toy", tmp_path / "a.png")
    axes = canvases[0].axes[0]
    legend = axes.get_legend()
    assert legend is not None
    lowest = axes.transAxes.inverted().transform(legend.get_window_extent().get_points())[0, 1]
    highest = max(float(np.nanmax(panel.heights(label)[0])) for panel in [PANELS[name]] for label in panel.counts)
    at = axes.transAxes.inverted().transform(axes.transData.transform((1.0, highest)))[1]
    assert at < lowest
    assert [text.get_text() for text in legend.get_texts()][: len(PANELS[name].counts)] == [*PANELS[name].counts]


def test_what_lies_beyond_is_said(tmp_path: Path, canvases: list[matplotlib.figure.Figure]):
    panel = spectrum("", MASS, {"a": [1.0, 2.0, 3.0, 99.0]}, [0, 5, 10])
    draw(Figure("x", "x", (panel,)), "toy", tmp_path / "a.png")
    legend = canvases[0].axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["a (25% beyond)"]


def test_a_folder_that_is_gone(tmp_path: Path):
    with pytest.raises(UserError, match="can't be written"):
        draw(Figure("x", "x", (FALLING,)), "toy", tmp_path / "none" / "a.png")
