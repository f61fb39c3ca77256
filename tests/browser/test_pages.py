"""The pages in a real browser, from file:// and without network."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Literal

import pytest

from benchmark.records.result import MetricValue
from benchmark.records.store import ResultStore
from leaderboard.pages.site import build
from tests.leaderboard.factory import add_scored, fill, make_result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Route

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
REQUIRED = os.environ.get("REQUIRE_BROWSER") == "1"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        unavailable("playwright is not installed")
    if CHROMIUM is None:
        unavailable("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


def unavailable(why: str) -> None:
    if REQUIRED:
        pytest.fail(f"{why}, and REQUIRE_BROWSER=1")
    pytest.skip(why)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    store = ResultStore(folder / "results")
    fill(store, events=600)
    return build(store, folder / "site").parent


class Visit:
    """A page with the errors that it gave."""

    def __init__(self, browser: Browser, site: Path, width: int, scheme: Literal["light", "dark"] = "light") -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page: Page = self.context.new_page()
        self.site = site
        self.wrong: list[str] = []
        self.page.on(
            "console", lambda m: self.wrong.append(m.text) if m.type in {"error", "warning", "trace"} else None
        )
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("requestfailed", lambda request: self.wrong.append(request.url))
        self.page.route("**/*", self._only_files)

    def _only_files(self, route: Route) -> None:
        if route.request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            self.wrong.append(route.request.url)
            route.abort()

    def open(self, name: str) -> Page:
        self.page.goto((self.site / name).as_uri())
        return self.page

    def draw(self) -> int:
        """Scroll to every figure and wait until it is drawn. Returns how many there are."""
        plots = self.page.locator(".plot")
        for plot in plots.all():
            plot.scroll_into_view_if_needed()
            plot.locator(".main-svg").first.wait_for(timeout=10_000)
        return plots.count()


@pytest.fixture
def desktop(browser: Browser, site: Path) -> Iterator[Visit]:
    made = Visit(browser, site, 1280)
    yield made
    made.context.close()


@pytest.fixture(params=[1280, 400], ids=["desktop", "phone"])
def visit(request: pytest.FixtureRequest, browser: Browser, site: Path) -> Iterator[Visit]:
    made = Visit(browser, site, request.param)
    yield made
    made.context.close()


@pytest.mark.parametrize(
    ("name", "figures"), [("index.html", 0), ("ttbar.html", 8), ("dimuon.html", 4), ("wprime.html", 3)]
)
def test_pages_draw_without_errors(visit: Visit, name: str, figures: int) -> None:
    page = visit.open(name)
    assert visit.draw() == figures
    assert page.locator(".plot .main-svg .gtitle, .plot .xtitle").count() >= figures
    assert page.locator(".plot .ytitle").count() >= figures
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    assert visit.wrong == []


def test_curves_have_points_and_a_legend_next_to_them(visit: Visit) -> None:
    visit.open("ttbar.html")
    visit.draw()
    plot = visit.page.locator(".plot").first
    lines = plot.locator(".scatterlayer path.js-line")
    assert lines.count() == 9
    assert all(len(str(line.get_attribute("d"))) > 100 for line in lines.all())
    legend, area = plot.locator(".legend .bg").bounding_box(), plot.locator(".gridlayer").first.bounding_box()
    assert legend is not None
    assert area is not None
    assert legend["x"] >= area["x"] + area["width"] - 1 or legend["y"] >= area["y"] + area["height"] - 1


def column(page: Page, header: str) -> list[str]:
    values: list[str] = page.evaluate(
        """header => {
            const table = document.querySelector("table.sortable");
            const index = [...table.tHead.rows[0].cells].findIndex((cell) => cell.innerText.includes(header));
            return [...table.tBodies[0].rows].map((row) => row.cells[index].dataset.value);
        }""",
        header,
    )
    return values


def test_a_click_sorts_and_a_second_one_reverses(visit: Visit) -> None:
    page = visit.open("ttbar.html")
    if page.locator(".more").first.is_visible():
        page.locator(".more input").first.check()
    header = page.locator("table.sortable th", has_text="Prediction").first
    before = column(page, "Prediction")
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "descending"
    falling = [float(value) for value in column(page, "Prediction")]
    assert falling == sorted(falling, reverse=True)
    assert sorted(falling) == sorted(map(float, before))
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert [float(value) for value in column(page, "Prediction")] == sorted(falling)
    assert page.locator("table.sortable").first.locator("th[aria-sort]").count() == 1
    assert visit.wrong == []


def test_the_keyboard_sorts(desktop: Visit) -> None:
    page = desktop.open("ttbar.html")
    button = page.locator("table.sortable th", has_text="Representation").first.get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    names = column(page, "Representation")
    assert names == sorted(names)
    page.keyboard.press("Space")
    assert column(page, "Representation") == sorted(names, reverse=True)


def test_ranks_sort_as_numbers_and_come_back(desktop: Visit) -> None:
    page = desktop.open("ttbar.html")
    before = column(page, "Rank")
    page.locator("table.sortable th", has_text="AUC").first.get_by_role("button").click()
    page.locator("table.sortable th", has_text="Rank").first.get_by_role("button").click()
    assert column(page, "Rank") == before


def test_a_link_in_the_board_opens_the_row(desktop: Visit) -> None:
    page = desktop.open("ttbar.html")
    assert page.locator("details[open]").count() == 0
    page.locator("table.sortable tbody th a").first.click()
    page.locator("details[open]").first.wait_for()
    assert "AUC, ttbar against wjets" in page.locator("details[open]").first.inner_text()


OVERFLOWING = """() => [...document.querySelectorAll("section.board > .scroll, .task > .scroll")]
    .filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.getAttribute("aria-label"))"""


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["index.html", "ttbar.html", "dimuon.html", "wprime.html"])
def test_tables_need_no_sideways_scrolling(browser: Browser, site: Path, name: str, width: int) -> None:
    visit = Visit(browser, site, width)
    page = visit.open(name)
    assert page.evaluate(OVERFLOWING) == []
    for cell in page.locator("table.sortable thead th", has_text="AUC").all():
        box = cell.bounding_box()
        assert box is not None
        assert 0 < box["x"] < box["x"] + box["width"] <= width
    visit.context.close()


def test_on_a_phone_a_check_box_shows_the_other_columns(browser: Browser, site: Path) -> None:
    visit = Visit(browser, site, 390)
    page = visit.open("ttbar.html")
    header = page.locator("table.sortable th", has_text="Prediction").first
    assert not header.is_visible()
    page.locator(".more input").first.check()
    assert header.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    visit.context.close()


def test_nothing_covers_a_plot(visit: Visit) -> None:
    page = visit.open("wprime.html")
    visit.draw()
    assert page.locator(".modebar-btn").count() == 0


def test_lower_limits_sort_above_all_numbers(browser: Browser, tmp_path: Path) -> None:
    # no background event passed for > 411, one for 1,576: limits are first in descending order, missing values last
    store = ResultStore(tmp_path / "results")
    for model, rejection in {
        "few": MetricValue(value=1576.0, low=238.0, high=10483.0),
        "none": MetricValue(value=None, low=411.0, reason="no background event passes"),
        "fewer": MetricValue(value=None, low=500.0, reason="no background event passes"),
        "undefined": MetricValue(value=None, reason="no events"),
        "many": MetricValue(value=12.0, low=9.0, high=15.0),
    }.items():
        add_scored(store, make_result(model=model, metrics={"rejection_50": rejection}))
    visit = Visit(browser, build(store, tmp_path / "site").parent, 1280)
    page = visit.open("ttbar.html")
    assert page.locator("td.best", has_text="1,576").count() == 0
    button = page.locator("table.sortable th", has_text="Rejection").first.get_by_role("button")
    models = "[...document.querySelectorAll('table.sortable tbody th')].map((cell) => cell.innerText)"
    button.click()
    assert page.evaluate(models) == ["fewer", "none", "few", "many", "undefined"]
    button.click()
    assert page.evaluate(models) == ["many", "few", "none", "fewer", "undefined"]
    visit.context.close()


def test_dark_pages_have_light_text(browser: Browser, site: Path) -> None:
    visit = Visit(browser, site, 1280, scheme="dark")
    page = visit.open("wprime.html")
    visit.draw()
    colour = "element => getComputedStyle(element).fill.match(/\\d+/g).slice(0, 3).map(Number)"
    assert min(page.locator(".plot .xtitle").first.evaluate(colour)) > 150
    assert visit.wrong == []
    visit.context.close()


def test_without_scripts_the_numbers_are_there(browser: Browser, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "ttbar.html").as_uri())
    assert page.locator("table.sortable").first.locator("tbody tr").count() == 8
    assert "needs JavaScript" in page.locator("figure.chart").first.inner_text()
    context.close()
