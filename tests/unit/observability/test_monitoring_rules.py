"""The rules ask for what there is, and every alert says what to do."""

from collections.abc import Iterator

import pytest

from support.metric_catalogue import sample_names
from support.monitoring_files import (
    OTHERS,
    PROMETHEUS,
    RUNBOOK,
    STORY_FILES,
    Rule,
    alerts,
    read_yaml,
    recorded,
    rules,
)
from support.pages import anchors_of
from support.prometheus_rule import MANIFEST, prometheus_rule
from support.promql import series_of
from support.reference_data import REPOSITORY

SEVERITIES = {"critical", "warning", "info", "none"}
SERVICES = {"gateway", "read-api", "write-queue", "stats", "sync-worker"}
NEIGHBOURS = {"rabbitmq", "rabbitmq-queues", "seaweedfs", "prometheus", "alertmanager"}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: f"{rule.name} {rule.labels.get('traffic', '')}")
def test_rule_asks_for_series_that_exist(rule: Rule) -> None:
    assert series_of(rule.expression) - sample_names() - OTHERS - recorded() == set()


def test_series_of_a_query_are_found_whatever_stands_around_them() -> None:
    query = """
        (sum by (job, le) (rate(a_bucket{x=~"b|c(d)", le!=""}[5m])) or 0 * job:e:rate5m)
          / on (instance) group_left (name) (max without (f) (g_total offset 1h) > bool 1e3) unless h == Inf
          and time() - changes(i[1m:15s]) > 7 * 86400
    """
    assert series_of(query) == {"a_bucket", "job:e:rate5m", "g_total", "h", "i"}


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_alert_says_how_urgent_it_is_and_what_to_do(alert: Rule) -> None:
    assert alert.labels["severity"] in SEVERITIES
    assert alert.annotations.keys() == {"summary", "description", "runbook"}
    assert alert.annotations["runbook"].startswith(f"{RUNBOOK}#")


def test_runbook_has_a_section_for_every_alert() -> None:
    anchors = set(anchors_of(REPOSITORY / RUNBOOK))
    assert sorted({alert.anchor for alert in alerts()} - anchors) == []


def firing() -> Iterator[set[str]]:
    """Yield the alerts that fire, at each moment of each story."""
    for path in STORY_FILES:
        for story in read_yaml(path)["tests"]:
            for check in story["promql_expr_test"]:
                assert check["expr"] == 'count by (alertname) (ALERTS{alertstate="firing"})'
                yield {sample["labels"].split('"')[1] for sample in check["exp_samples"]}


def test_every_alert_fires_in_some_story_and_is_silent_in_another() -> None:
    moments = list(firing())
    names = {alert.name for alert in alerts()}
    assert names == set().union(*moments)
    assert [name for name in names - {"Watchdog"} if all(name in moment for moment in moments)] == []


def test_prometheus_asks_every_service_and_its_neighbours_by_their_names() -> None:
    jobs = {job["job_name"]: job for job in read_yaml(PROMETHEUS / "prometheus.yml")["scrape_configs"]}
    assert set(jobs) == SERVICES | NEIGHBOURS
    looked_up = {
        name: [(one["names"], one["type"]) for one in job.get("dns_sd_configs", ())]
        for name, job in jobs.items()
    }
    assert {name: looked_up[name] for name in SERVICES} == {name: [([name], "A")] for name in SERVICES}


def test_rules_for_the_prometheus_operator_are_fresh() -> None:
    assert MANIFEST.read_text(encoding="utf-8") == prometheus_rule(), "make docs"
