from __future__ import annotations

import csv
import io
import json
import math
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.metrics.metric import MetricColumn
from benchmark.records.result import MetricValue, Result
from leaderboard.export import _LATEX, to_csv, to_json, to_latex, to_markdown
from leaderboard.ranking.boards import rank
from leaderboard.terminal import board_text
from tests.faults.hostile import CALM, dangerous
from tests.leaderboard.factory import make_result

if TYPE_CHECKING:
    from leaderboard.ranking.board import Board

RESULTS = [
    make_result(model="cnn", parameters={"depth": 15}, auc=(0.91, 0.9, 0.925)),
    make_result(model="cnn", parameters={"depth": 50}, auc=(0.8, 0.7, 0.9)),
    make_result(model="bdt", status="skipped", reason="no | tracks & 50% <b>"),
]


def test_json_is_a_flat_list_of_results() -> None:
    found = json.loads(to_json(RESULTS))
    assert [Result.model_validate(record) for record in found] == RESULTS
    assert to_json([]) == "[]\n"


def test_json_has_no_nan() -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    text = to_json([make_result(auc=0.8, environment={"memory_gb": math.inf})])
    assert json.loads(text, parse_constant=refuse)[0]["environment"]["memory_gb"] is None


def test_csv_parses_back_with_full_numbers() -> None:
    lines = list(csv.DictReader(io.StringIO(to_csv(rank(RESULTS)))))
    assert [(line["rank"], line["model"], line["auc"]) for line in lines] == [
        ("1-2", "cnn[depth=15]", "0.91"),
        ("1-2", "cnn[depth=50]", "0.8"),
        ("", "bdt", ""),
    ]
    assert (float(lines[0]["auc_low"]), float(lines[0]["auc_high"])) == (0.9, 0.925)
    assert (float(lines[0]["interval_events_low"]), lines[0]["interval_seeds_low"]) == (0.9, "")
    assert lines[0]["task"] == "ttbar"
    assert lines[0]["fast_simulation"] == "True"
    assert lines[2]["status"] == "skipped: no | tracks & 50% <b>"


def test_csv_counts_are_whole_numbers() -> None:
    (line,) = csv.DictReader(io.StringIO(to_csv(rank([make_result(auc=0.5, parameters_count=756)]))))
    assert (line["parameters_count"], line["train_events"]) == ("756", "4000")


def test_csv_runs_no_formula() -> None:
    (line,) = csv.DictReader(io.StringIO(to_csv(rank([make_result(model="=cmd()", auc=0.5)]))))
    assert line["model"] == "'=cmd()"


def test_markdown_keeps_its_columns() -> None:
    text = to_markdown(rank(RESULTS))
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace(r"\|", "").count("|") for line in table}) == 1
    assert text.startswith("### ttbar: detector level")
    assert "(fast simulation)" in text
    assert r"cnn\[depth=15\]" in text
    assert "<b>" not in text


def test_latex_escapes() -> None:
    text = to_latex(rank(RESULTS))
    assert r"\& 50\% $<$b$>$" in text
    assert r"0.910 +0.015 $-$0.010" in text
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert len(body) == 3
    assert all(line.startswith("{}") and line.endswith(r"\\") for line in body)


def test_latex_backslash_and_caret() -> None:
    text = to_latex(rank([make_result(model=r"a\b^c_d", auc=0.5)]))
    assert r"a\textbackslash{}b\textasciicircum{}c\_d" in text


def test_nothing() -> None:
    assert to_markdown([]) == to_latex([]) == ""
    assert len(to_csv([]).splitlines()) == 1


def test_a_metric_from_a_file_is_in_every_download() -> None:
    column = MetricColumn("brier", "Brier score", "Squared distance", better="lower")
    values = {"auc": MetricValue(value=0.9), "brier": MetricValue(value=0.25, low=0.24, high=0.26)}
    results = [make_result(metrics=values, metric_columns=(column,)), make_result(task="wprime", auc=0.8)]
    boards = rank(results)
    own, other = csv.DictReader(io.StringIO(to_csv(boards)))
    assert (own["brier"], own["brier_low"], own["brier_high"]) == ("0.25", "0.24", "0.26")
    assert other["brier"] == ""
    assert "Brier score" in to_markdown(boards)
    assert "Brier score" in to_latex(boards)
    assert json.loads(to_json(results))[0]["metric_columns"][0]["header"] == "Brier score"


def test_inverted_rows_are_marked_in_every_download() -> None:
    boards = rank([make_result(auc=(0.38, 0.29, 0.47))])
    (line,) = csv.DictReader(io.StringIO(to_csv(boards)))
    assert line["status"].startswith("done; inverted: AUC is significantly below 0.5")
    assert line["auc"] == "0.38"
    for text in (to_markdown(boards), to_latex(boards)):
        assert "(inverted)" in text
        assert "inverted: AUC is significantly below 0.5" in text


TEXTS = st.text(st.sampled_from("\\`*_[]|#$~^&%{}<>\"'=+-@ \n\t\r\x1b\u202e\u2028a1é") | st.characters(), max_size=30)


def hostile_boards(text: str, name: str) -> list[Board]:
    """A board with these texts in names, headers and reasons, though a record with some of them would not be read."""
    column = MetricColumn("x", f"X {text}", text)
    fields = {"source": text, "preset": f"{name}p", "metric_columns": (column,), "level": name}
    values = {"auc": MetricValue(value=-0.5), "x": MetricValue(value=-1e-30, low=-0.6, high=0.4)}
    done = {**fields, "model": f"m{text}", "representation": name, "metrics": values}
    failed = {**fields, "model": text, "reason": text}
    made = [make_result(auc=0.5), make_result(status="failed", model="b")]
    return rank([result.model_copy(update=update) for result, update in zip(made, (done, failed), strict=True)])


@CALM
@given(TEXTS, TEXTS)
def test_csv_of_any_text_has_its_cells_and_no_formula(text: str, name: str) -> None:
    boards = hostile_boards(text, name)
    written = to_csv(boards)
    assert dangerous(written) <= {"\n"}
    header, *lines = csv.reader(io.StringIO(written))
    assert len(lines) == 2
    for line in lines:
        assert len(line) == len(header)
        numbers = [cell for cell in line if cell[:1] in set("=+-@＝＋－＠")]
        assert all(float(number) < 0 for number in numbers), "numbers stay numbers"
    found = [float(value) for field, value in zip(header, lines[0], strict=True) if field in ("auc", "x", "x_low")]
    assert found == [-0.5, -1e-30, -0.6]


@CALM
@given(TEXTS, TEXTS)
def test_markdown_of_any_text_has_its_cells_and_no_markup(text: str, name: str) -> None:
    for board in hostile_boards(text, name):
        written = to_markdown([board])
        assert dangerous(written) <= {"\n"}
        title, empty, *rest = written.splitlines()
        table, said = rest[:4], rest[4:]
        assert (title[:4], empty, len(table)) == ("### ", "", 4)
        assert not [line for line in said if line.startswith(("|", "#"))]
        plain = [re.sub(r"\\[\W_]", "", line) for line in (title[4:], *table)]
        assert len({line.count("|") for line in plain[1:]}) == 1
        assert not set("".join(plain)) & set("\\`*[]#$~<")


@CALM
@given(TEXTS, TEXTS)
def test_latex_of_any_text_has_its_cells_and_no_command(text: str, name: str) -> None:
    for board in hostile_boards(text, name):
        written = to_latex([board])
        assert dangerous(written) <= {"\n"}
        _, _, caption, columns, *_ = lines = written.splitlines()
        bodies = [line.removeprefix("{}").removesuffix(r" \\") for line in (lines[5], *lines[7:9])]
        allowed = re.compile("|".join(map(re.escape, sorted(_LATEX.values(), key=len, reverse=True))))
        for body in (caption.removeprefix(r"\caption{").removesuffix("}"), *bodies):
            assert not set(allowed.sub("", body.replace(" & ", ""))) & set("\\$%#_{}~^&|<>")
        count = len(columns.removeprefix(r"\begin{tabular}").strip("{}"))
        assert {body.count(" & ") for body in bodies} == {count - 1}


def test_the_sentences_of_a_caption_end_with_one_full_stop() -> None:
    (board,) = rank([make_result(model="cnn", seed=0), make_result(model="bdt", seed=1)])
    (caption,) = (line for line in to_latex([board]).splitlines() if line.startswith(r"\caption"))
    assert "No row has several seeds: ranks do not include the noise of trainings." in caption
    assert caption.endswith(".}")
    assert ".." not in caption


@CALM
@given(TEXTS, TEXTS)
def test_json_of_any_text_is_ascii_and_comes_back(text: str, name: str) -> None:
    result = make_result(status="failed").model_copy(update={"model": f"m{text}", "reason": name})
    written = to_json([result])
    assert written.isascii()
    assert dangerous(written) <= {"\n"}
    assert json.loads(written)[0]["model"] == f"m{text}"


@CALM
@given(TEXTS, TEXTS)
def test_a_board_of_any_text_does_not_control_the_terminal(text: str, name: str) -> None:
    for board in hostile_boards(text, name):
        assert dangerous(board_text(board, 80)) <= {"\n"}


def test_parts_of_an_interval_are_columns() -> None:
    results = [
        make_result(seed=seed, auc=(value, value - 0.02, value + 0.02)) for seed, value in enumerate((0.8, 0.84))
    ]
    (line,) = csv.DictReader(io.StringIO(to_csv(rank(results))))
    events, seeds = (
        [float(line[f"interval_{part}_{bound}"]) for bound in ("low", "high")] for part in ("events", "seeds")
    )
    assert events[0] < float(line["auc"]) < events[1]
    assert events[1] - events[0] == pytest.approx(0.04, rel=0.02)
    assert seeds[0] < events[0], "two seeds say little about trainings"
    assert float(line["auc_low"]) < seeds[0]
