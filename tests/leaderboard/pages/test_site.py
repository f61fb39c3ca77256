from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.core.errors import UserError
from benchmark.core.files import sha256
from benchmark.metrics.metric import MetricColumn
from benchmark.records.result import MetricValue
from benchmark.records.scores import Scores
from benchmark.records.store import ResultStore
from leaderboard.export import to_csv, to_latex, to_markdown
from leaderboard.pages.site import build, environment
from leaderboard.ranking.boards import rank
from leaderboard.terminal import board_text
from tests.faults.hostile import CALM, dangerous
from tests.leaderboard.factory import add_cell, add_scored, make_result, pictures_of

EVIL = "<script>alert(1)</script>\"'&</script><!--"


class Page(HTMLParser):
    """Collects tags with attributes, text and the content of scripts."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script" and data.strip().startswith("{"):
            self.scripts.append(data)
        else:
            self.text += data

    def attributes(self, name: str) -> list[str]:
        return [value for _, attributes in self.tags if (value := attributes.get(name)) is not None]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="session")
def site(full_store: ResultStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(full_store, tmp_path_factory.mktemp("site")).parent


def test_empty_store_says_what_to_run(tmp_path: Path) -> None:
    index = build(ResultStore(tmp_path / "nothing"), tmp_path / "site")
    assert index == tmp_path / "site" / "index.html"
    assert "python -m benchmark run --task ttbar" in Page(index).text


def test_index(site: Path) -> None:
    page = Page(site / "index.html")
    assert {"dimuon.html", "ttbar.html", "wprime.html"} <= set(page.attributes("href"))
    assert "not ranked" in page.text
    assert "fast simulation" in page.text
    assert "ttbar against wjets, drellyan" in page.text
    assert "Which of jpsi, psi2s, upsilon, z, none is it?" in page.text


def test_task_page(site: Path) -> None:
    page = Page(site / "ttbar.html")
    assert "fast simulation" in page.text
    assert "timeout: stopped after 3,600 s" in page.text
    assert "failed: loss became NaN in epoch 3" in page.text
    assert "Share of each true class" in page.text
    assert "ttbar0123456789abcdef" in page.text  # the whole fingerprint, in the provenance
    assert "machine.cpu" in page.text
    for script in page.scripts:
        json.loads(script)
    assert len(page.scripts) == 8
    assert "skipped: jets have no tracks at this level" in Page(site / "wprime.html").text


def test_names_are_for_readers(site: Path) -> None:
    text = Page(site / "ttbar.html").text
    for name in ("auc_ttbar_vs_wjets", "rejection_50", "peak_memory_mb", "train_events_per_s", "events: train"):
        assert name not in text
    assert "AUC, ttbar against wjets" in text
    assert "Background rejection 1/ε_B at 50% signal efficiency" in text


def test_smoke_gives_its_numbers_of_events(store: ResultStore, tmp_path: Path) -> None:
    events = {"train": 35299, "valid": 4561, "test": 5029}
    environment = {"gpu": None, "python": "3.11.7"}
    store.add(make_result(auc=0.8, preset="smoke", events=events, source="a.csv", environment=environment))
    text = Page(build(store, tmp_path / "site").parent / "ttbar.html").text
    assert "few hundred" not in text
    assert "35,299 training events, 5,029 test events" in text
    assert "null" not in text
    assert "3.11.7" in text


def test_real_data_is_not_called_fast_simulation(site: Path) -> None:
    assert "fast simulation" not in Page(site / "dimuon.html").text.lower()


def test_pictures_have_names_sizes_and_files(site: Path) -> None:
    images = [attributes for tag, attributes in Page(site / "ttbar.html").tags if tag == "img"]
    assert len(images) == 2 * 3 * 3  # boards, classes, pictures
    for image in images:
        assert (site / str(image["src"])).read_bytes().startswith(b"\x89PNG")
        assert image["width"] == "64"
        assert "eta −3 to 3 across, phi −π to π down" in str(image["alt"])


def test_nothing_comes_from_the_network(site: Path) -> None:
    for path in site.glob("*.html"):
        page = Page(path)
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            for value in page.attributes(name):
                assert not re.match(r"\s*(\w+:)?//", value), (path.name, value)
        for value in (
            value for tag, a in page.tags if tag in {"script", "link", "img"} for value in (a.get("src"), a.get("href"))
        ):
            assert value is None or value.startswith("data:,") or (site / value).is_file()
    for path in (site / "static").glob("*"):
        if path.name != "plotly.min.js":  # contains addresses of map tiles, which no figure uses
            assert "://" not in path.read_text(encoding="utf-8")
            assert "@import" not in path.read_text(encoding="utf-8")


def test_links_inside_the_site_lead_somewhere(site: Path) -> None:
    ids = {path.name: set(Page(path).attributes("id")) for path in site.glob("*.html")}
    for path in site.glob("*.html"):
        for link in Page(path).attributes("href"):
            name, _, anchor = link.partition("#")
            if link != "data:," and name.endswith((".html", "")) and (anchor or name.endswith(".html")):
                assert name in {"", *ids}, link
                assert not anchor or anchor in ids[name or path.name], (path.name, link)


def test_ids_are_unique(site: Path) -> None:
    for path in site.glob("*.html"):
        ids = Page(path).attributes("id")
        assert len(ids) == len(set(ids)), path.name


def test_same_results_same_bytes(full_store: ResultStore, site: Path, tmp_path: Path) -> None:
    build(full_store, tmp_path / "again")
    assert content(tmp_path / "again") == content(site)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "again").glob("*.html")}
    build(full_store, tmp_path / "again")
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "again").glob("*.html")}


def hostile() -> dict[str, Any]:
    return {
        "task": EVIL.replace("/", ""),
        "reason": EVIL,
        "variant": {EVIL: EVIL},
        "task_version": EVIL,
        "classes": (EVIL, EVIL + "2"),
        "source": EVIL,
        "fingerprint": EVIL.replace("/", ""),
        "preset": EVIL,
        "device": EVIL,
        "representation_parameters": {EVIL: [EVIL]},
        "parameters": {EVIL: {EVIL: EVIL}},
        "environment": {EVIL: EVIL, "traceback": EVIL},
        "details": {EVIL: 1.0},
        "timings": {EVIL: 2.0},
        "metric_columns": (
            MetricColumn("=evil", f"{EVIL} {{x}}", EVIL, unit=EVIL, source=EVIL, common=True),
            MetricColumn("model", "A model"),
            MetricColumn("<a>", "Any [b]<a>[/b]", better="lower", order=1),
        ),
        "created": EVIL,
    }


def test_text_of_results_is_never_markup(store: ResultStore, tmp_path: Path) -> None:
    scores = Scores.of(np.arange(6), np.arange(6) % 2, np.full((6, 2), 0.5, np.float32), np.ones(6, np.float32))
    fields = hostile()
    done = make_result(**fields, model=EVIL.replace("/", ""), representation=EVIL.replace("/", ""), auc=(0.5, 0.4, 0.6))
    numbers = {
        name: MetricValue(value=1.0, reason=EVIL) for name in (EVIL, "=evil", "model", "", " ", "<a><b><c>", "{y}")
    }
    done = done.model_copy(update={"confusion_matrix": [[3, 0], [1, 2]], "metrics": {**done.metrics, **numbers}})
    store.add(done, scores)
    store.add(make_result(**fields, status="failed", model="b"))
    site = build(store, tmp_path / "site").parent
    pages = sorted(site.glob("*.html"))
    assert len(pages) == 2
    for path in pages:
        page = Page(path)
        assert "alert(1)" in page.text
        raw = path.read_text(encoding="utf-8")
        assert "<script>alert" not in raw
        assert "<!--" not in raw
        for tag, attributes in page.tags:
            assert tag != "script" or attributes.keys() <= {"src", "defer", "type", "data-for"}
            assert not any(name.startswith("on") for name in attributes)
        for script in page.scripts:
            json.loads(script)
    boards = rank(store.all(), store)
    assert "[b]" in board_text(boards[0], 500)  # no markup of the terminal either
    assert ",'=evil," in to_csv(boards)
    for text in (to_markdown(boards), to_latex(boards)):
        assert "{x}" in text.replace("\\", "")


@CALM
@given(st.text(st.sampled_from("<>&\"'\x1b\u202e\u2066\x00\n") | st.characters()))
def test_pages_have_no_control_characters(text: str) -> None:
    page = environment().from_string("<p title='{{ text }}'>{{ text }}</p>{{ {'a': text} | tojson }}").render(text=text)
    assert dangerous(page) <= {"\n", "\t"}
    assert page.count("<") == page.count(">") == 2


def test_every_value_of_a_page_is_escaped(store: ResultStore, tmp_path: Path) -> None:
    """Texts of all kinds, in tables, tooltips, figures and scripts; links lead to pages of the site alone."""
    link, evil = "javascript:alert(1)//", "\x1b[2J\u202e\u2066\x9b\u2028"
    fields = {
        **{field: _replaced(value, link) for field, value in hostile().items()},
        "task": link.replace("/", ""),
        "fingerprint": link.replace("/", ""),
        "variant": {evil: evil},
        "variant_given": (),
        "parameters": {evil: {evil: [evil]}},
        "reason": evil,
        "environment": {"machine": {evil: [evil]}, "traceback": evil},
    }
    name = link.replace("/", "")
    scores = Scores.of(np.arange(6), np.arange(6) % 2, np.full((6, 2), 0.5, np.float32), np.ones(6, np.float32))
    store.add(make_result(**fields, model=name, representation=name, auc=(0.5, 0.4, 0.6)), scores)
    store.add(make_result(**fields, model="b", status="failed"))
    site = build(store, tmp_path / "site").parent
    assert {path.name for path in site.iterdir()} >= {"index.html", "results.json", "boards.csv"}
    for path in (*site.glob("*.html"), site / "results.json", site / "boards.csv"):
        assert dangerous(path.read_text(encoding="utf-8")) <= {"\n"}, path.name
    for path in site.glob("*.html"):
        page = Page(path)
        assert path.name == "index.html" or r"\x1b[2J\u202e" in page.text
        for script in page.scripts:
            assert not dangerous("".join(re.findall(r'"([^"]*)"', json.dumps(json.loads(script), ensure_ascii=False))))
        for link in (*page.attributes("href"), *page.attributes("src")):
            assert re.fullmatch(
                r"data:,|#[\w-]+|(static/|pictures/)?[\w.-]+\.(html|css|js|json|csv|png)(#[\w-]+)?", link
            ), link


def _replaced(value: Any, text: str) -> Any:
    """A value with this text in place of the markup."""
    if isinstance(value, str):
        return text
    if isinstance(value, dict):
        return {_replaced(key, text): _replaced(item, text) for key, item in value.items()}
    if isinstance(value, MetricColumn):
        return MetricColumn(value.name, text, text, unit=text, source=text)
    if isinstance(value, list | tuple):
        return tuple(_replaced(item, f"{text}{place}") for place, item in enumerate(value))
    return value


def test_matrix_pictures_and_scores_of_wrong_shape_are_left_out(store: ResultStore, tmp_path: Path) -> None:
    bare = make_result(task="wprime", auc=(0.5, 0.4, 0.6), confusion_matrix=[[1], [2, 3, 4]])
    path = store.folder / "wprime" / f"{bare.stem}.npz"
    path.parent.mkdir(parents=True)
    np.savez(path, log_ratios=np.full((3, 7), np.nan, np.float16), events=np.array("f" * 64))
    store.add(bare.model_copy(update={"scores_sha256": sha256(path)}))
    store.add_examples(
        "wprime", bare.fingerprint, {"w": np.zeros((2, 3), np.uint8), "qcd": np.zeros((0, 4, 4, 3), np.uint8)}
    )
    page = Page(build(store, tmp_path / "site").parent / "wprime.html")
    assert "Share of each true class" not in page.text
    assert "img" not in {tag for tag, _ in page.tags}


def test_broken_text_and_numbers_do_not_stop_the_build(store: ResultStore, tmp_path: Path) -> None:
    store.add(make_result(auc=0.5))
    (path,) = store.paths()
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, "environment": {"a": math.nan}}), encoding="utf-8")
    site = build(store, tmp_path / "site").parent
    assert json.loads((site / "results.json").read_text(encoding="utf-8"))[0]["environment"] == {"a": None}
    for odd in ({"details": {"a": math.nan}}, {"timings": {"b": math.inf}}, {"environment": {"half": "\ud83d"}}):
        path.write_text(json.dumps({**record, **odd}), encoding="utf-8")
        site = build(store, tmp_path / "site").parent
        assert json.loads((site / "results.json").read_text(encoding="utf-8")) == []


def test_stale_pages_are_removed_and_other_files_stay(store: ResultStore, tmp_path: Path) -> None:
    output = tmp_path / "site"
    add_cell(store, 1.0, events=60, task="wprime")
    store.add_examples("wprime", "wprime0123456789abcdef", pictures_of(("w", "qcd"), size=32))
    build(store, output)
    (output / "notes.html").write_text("mine", encoding="utf-8")
    build(ResultStore(tmp_path / "nothing"), output)
    assert not (output / "wprime.html").exists()
    assert not list((output / "pictures").glob("*"))
    assert (output / "notes.html").read_text(encoding="utf-8") == "mine"
    assert not list(output.rglob("*.tmp"))


def test_other_files_are_not_overwritten(store: ResultStore, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match=r"index\.html: was not written by the leaderboard"):
        build(store, tmp_path)
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == "mine"


def test_light() -> None:
    heavy = ["torch", "xgboost", "sklearn", "awkward", "pandas", "plotly", "scipy", "matplotlib", "pythia8mc"]
    code = f"import sys, leaderboard.pages.site; print([m for m in {heavy} if m in sys.modules])"
    root = Path(__file__).parents[3]
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert found.stdout.strip() == "[]"


def test_a_metric_from_a_file_is_on_the_page(store: ResultStore, tmp_path: Path) -> None:
    columns = (MetricColumn("brier", "Brier <b>", "Squared distance", better="lower", source="a paper"),)
    for model, value in (("a", 0.25), ("b", 0.35)):
        metrics = {
            "auc": MetricValue(value=0.9),
            "brier": MetricValue(value=value, low=value - 0.01, high=value + 0.01),
        }
        add_scored(store, make_result(model=model, metrics=metrics, metric_columns=columns))
    site = build(store, tmp_path / "site").parent
    page = Page(site / "ttbar.html")
    header = next(
        attributes for tag, attributes in page.tags if attributes.get("title") == "Squared distance; 95% interval"
    )
    assert header["data-first"] == "ascending"
    assert "Squared distance" in page.text
    assert "a paper" in page.attributes("title")
    best = [attributes for tag, attributes in page.tags if tag == "td" and "best" in (attributes.get("class") or "")]
    assert "0.25" in [attributes["data-value"] for attributes in best]
    assert "brier_low" in (site / "boards.csv").read_text(encoding="utf-8")
    assert "Brier <b>" not in (site / "ttbar.html").read_text(encoding="utf-8")


def test_inverted_rows_are_marked_and_explained(store: ResultStore, tmp_path: Path) -> None:
    add_scored(store, make_result(auc=0.5), strength=-1.0)
    text = Page(build(store, tmp_path / "site").parent / "ttbar.html").text
    assert text.count("AUC is significantly below 0.5, so the scores rank background above signal") >= 1
    assert "inverted" in text
    add_scored(store, make_result(auc=0.5, task="wprime"))
    assert "inverted" not in Page(build(store, tmp_path / "site").parent / "wprime.html").text


def test_ranks_are_explained(site: Path) -> None:
    titles = Page(site / "ttbar.html").attributes("title")
    assert any(
        re.fullmatch(r"Rank 1(-\d)? of 8: no row beats it significantly; it beats \w+( significantly)?", t)
        for t in titles
    )
