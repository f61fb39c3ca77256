from __future__ import annotations

import csv
import io
import json
import math

from benchmark.metrics.metric import MetricColumn
from benchmark.records.result import MetricValue, Result
from leaderboard.export import to_csv, to_json, to_latex, to_markdown
from leaderboard.ranking.boards import rank
from tests.leaderboard.factory import make_result

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

    text = to_json([make_result(auc=0.8, timings={"fit": math.inf})])
    assert json.loads(text, parse_constant=refuse)[0]["timings"]["fit"] is None


def test_csv_parses_back_with_full_numbers() -> None:
    lines = list(csv.DictReader(io.StringIO(to_csv(rank(RESULTS)))))
    assert [(line["rank"], line["model"], line["auc"]) for line in lines] == [
        ("1-2", "cnn[depth=15]", "0.91"),
        ("1-2", "cnn[depth=50]", "0.8"),
        ("", "bdt", ""),
    ]
    assert (float(lines[0]["auc_low"]), float(lines[0]["auc_high"])) == (0.9, 0.925)
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
