"""Prometheus' own tools find nothing wrong with our files."""

from pathlib import Path

import pytest
import yaml

from support.monitoring_files import (
    ALERTMANAGER_FILES,
    BOARD_FILES,
    PROMETHEUS,
    RULE_FILES,
    STORY_FILES,
    alerts,
    plain_query,
    queries_of,
    read_board,
    read_yaml,
)
from support.promtool import run_tool


def test_rules_are_right() -> None:
    status, said = run_tool("promtool", "check", "rules", *RULE_FILES)
    assert (status, said.count("SUCCESS")) == (0, len(RULE_FILES)), said


def test_configuration_is_right() -> None:
    status, said = run_tool("promtool", "check", "config", PROMETHEUS / "prometheus.yml")
    assert status == 0, said
    assert said.count("rules found") == len(RULE_FILES)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", STORY_FILES, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_only_then(path: Path) -> None:
    status, said = run_tool("promtool", "test", "rules", path)
    assert status == 0, said


def test_story_that_is_not_so_is_found_out(tmp_path: Path) -> None:
    story = {
        "rule_files": [str(path) for path in RULE_FILES],
        "tests": [
            {
                "input_series": [],
                "promql_expr_test": [
                    {
                        "expr": 'count(ALERTS{alertname="Watchdog",alertstate="firing"})',
                        "eval_time": "5m",
                        "exp_samples": [],
                    }
                ],
            }
        ],
    }
    (tmp_path / "story.yml").write_text(yaml.safe_dump(story))
    status, said = run_tool("promtool", "test", "rules", tmp_path / "story.yml")
    assert (status, "FAILED" in said) == (1, True)


@pytest.mark.parametrize("path", BOARD_FILES, ids=lambda path: path.stem)
def test_queries_of_boards_are_right(path: Path, tmp_path: Path) -> None:
    queries = [plain_query(query) for query in queries_of(read_board(path))]
    recording = [{"record": f"board:query:{number}", "expr": query} for number, query in enumerate(queries)]
    rules = tmp_path / "rules.yml"
    rules.write_text(yaml.safe_dump({"groups": [{"name": path.stem, "rules": recording}]}))
    status, said = run_tool("promtool", "check", "rules", rules)
    assert (status, f"{len(queries)} rules found" in said) == (0, True), said


@pytest.mark.parametrize("path", ALERTMANAGER_FILES, ids=lambda path: path.name)
def test_configuration_of_alertmanager_is_right(path: Path) -> None:
    status, said = run_tool("amtool", "check-config", path)
    assert status == 0, said


@pytest.mark.parametrize("path", ALERTMANAGER_FILES, ids=lambda path: path.name)
def test_only_alerts_that_exist_are_told_apart(path: Path) -> None:
    names = {alert.name for alert in alerts()}
    matchers = [
        matcher
        for rule in read_yaml(path)["inhibit_rules"]
        for side in ("source_matchers", "target_matchers")
        for matcher in rule[side]
        if matcher.startswith("alertname")
    ]
    told = {name for matcher in matchers for name in matcher.split('"')[1].split("|")}
    assert sorted(told - names) == []
    assert len(matchers) >= 2
