"""The boards are complete, and ask for what there is."""

import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from support.metric_catalogue import all_metrics, sample_names
from support.monitoring_files import BOARD_FILES, OTHERS, queries_of, read_board, recorded, rules
from support.promql import series_of

DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24
KINDS = {"row", "timeseries", "stat", "table"}
UNITS = {"short", "none", "s", "bytes", "percentunit", "reqps", "eps", "cps"}
VARIABLE = re.compile(r"\$\{?(\w+)")
NOT_SHOWN = {
    "process_virtual_memory_bytes",
    "python_gc_objects_collected_total",
    "python_gc_objects_uncollectable_total",
    "python_info",
}
"""What only matters to somebody who looks for it."""

boards = pytest.mark.parametrize("path", BOARD_FILES, ids=lambda path: path.stem)


def panels(path: Path) -> list[Any]:
    return [panel for panel in read_board(path)["panels"] if panel["type"] != "row"]


def test_there_is_a_board_for_each_subject() -> None:
    names = ["dependencies", "events", "overview", "reads", "statistics", "sync", "writes"]
    assert [path.stem for path in BOARD_FILES] == names


def test_ids_and_titles_of_boards_are_unique() -> None:
    found = [read_board(path) for path in BOARD_FILES]
    for member in ("uid", "title"):
        assert max(Counter(board[member] for board in found).values()) == 1


@boards
def test_board_has_what_provisioning_needs(path: Path) -> None:
    board = read_board(path)
    assert board["uid"] == f"hmr-{path.stem}"
    assert "id" not in board
    assert board["schemaVersion"] >= 39
    assert board["description"]
    assert board["timezone"] == "utc"


@boards
def test_panels_have_ids_of_their_own_and_known_kinds(path: Path) -> None:
    found = read_board(path)["panels"]
    assert max(Counter(panel["id"] for panel in found).values()) == 1
    assert {panel["type"] for panel in found} <= KINDS
    assert all(panel["title"] for panel in found)


@boards
def test_panels_of_a_row_have_titles_of_their_own(path: Path) -> None:
    rows: list[list[str]] = []
    for panel in read_board(path)["panels"]:
        if panel["type"] == "row":
            rows.append([])
        else:
            rows[-1].append(panel["title"])
    assert [row for row in rows if not row or max(Counter(row).values()) > 1] == []


@boards
def test_panels_lie_beside_each_other(path: Path) -> None:
    places = [panel["gridPos"] for panel in read_board(path)["panels"]]
    assert all(place["x"] + place["w"] <= WIDTH for place in places)
    overlapping = [
        (one, other)
        for one, other in combinations(places, 2)
        if one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    ]
    assert overlapping == []


@boards
def test_every_query_goes_to_the_chosen_data_source(path: Path) -> None:
    for panel in panels(path):
        assert panel["datasource"] == DATA_SOURCE
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        letters = [target["refId"] for target in panel["targets"]]
        assert letters == sorted(set(letters))
        assert letters
        assert all(target["datasource"] == DATA_SOURCE for target in panel["targets"])


@boards
def test_queries_use_the_variables_of_their_board(path: Path) -> None:
    board = read_board(path)
    variables = {variable["name"] for variable in board["templating"]["list"]} | {"__rate_interval"}
    used = {name for query in queries_of(board) for name in VARIABLE.findall(query)}
    assert used <= variables
    assert variables - used <= {"datasource", "__rate_interval"}


@boards
def test_queries_ask_for_series_that_exist(path: Path) -> None:
    known = sample_names() | OTHERS | recorded()
    assert {
        query: series_of(query) - known for query in queries_of(read_board(path)) if series_of(query) - known
    } == {}


def test_every_metric_is_shown_or_watched() -> None:
    asked = {
        name for path in BOARD_FILES for query in queries_of(read_board(path)) for name in series_of(query)
    }
    asked |= {name for rule in rules() for name in series_of(rule.expression)}
    unseen = [one.name for one in all_metrics() if not one.samples & asked]
    assert sorted(set(unseen) - NOT_SHOWN) == []
