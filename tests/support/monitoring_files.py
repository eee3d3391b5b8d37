"""The files of `deploy` that monitoring is made of, as they are read by its programs."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from support.reference_data import REPOSITORY

PROMETHEUS = REPOSITORY / "deploy" / "prometheus"
RULE_FILES = sorted((PROMETHEUS / "rules").glob("*.yml"))
STORY_FILES = sorted((PROMETHEUS / "tests").glob("*.yml"))
BOARD_FILES = sorted((REPOSITORY / "deploy" / "grafana" / "dashboards").glob("*.json"))
ALERTMANAGER_FILES = sorted((REPOSITORY / "deploy" / "alertmanager").glob("*.yml"))
RUNBOOK = "docs/troubleshooting.md"

OTHERS = frozenset(
    {
        "up",
        "ALERTS",
        "prometheus_notifications_dropped_total",
        "alertmanager_notifications_failed_total",
        "rabbitmq_alarms_free_disk_space_watermark",
        "rabbitmq_alarms_memory_used_watermark",
        "rabbitmq_connections",
        "rabbitmq_detailed_queue_messages",
        "rabbitmq_disk_space_available_bytes",
        "rabbitmq_disk_space_available_limit_bytes",
        "rabbitmq_process_resident_memory_bytes",
        "rabbitmq_resident_memory_limit_bytes",
        "SeaweedFS_volumeServer_disk_error_status",
        "SeaweedFS_volumeServer_resource",
    }
)
"""Series that other programs make, as RabbitMQ 4.0, SeaweedFS 4.48, Prometheus and Alertmanager name them."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of Prometheus: an alert, or a recorded series."""

    name: str
    expression: str
    is_alert: bool
    for_: str
    labels: dict[str, str]
    annotations: dict[str, str]

    @property
    def anchor(self) -> str:
        """Where the runbook tells what to do."""
        return self.annotations.get("runbook", "").removeprefix(f"{RUNBOOK}#")


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@cache
def rules() -> tuple[Rule, ...]:
    """Return the rules of all files."""
    return tuple(
        _rule(rule) for path in RULE_FILES for group in read_yaml(path)["groups"] for rule in group["rules"]
    )


def _rule(read: Any) -> Rule:
    return Rule(
        read.get("alert") or read["record"],
        read["expr"],
        "alert" in read,
        read.get("for", ""),
        read.get("labels", {}),
        read.get("annotations", {}),
    )


def alerts() -> list[Rule]:
    return [rule for rule in rules() if rule.is_alert]


def recorded() -> frozenset[str]:
    """Return the names of the recorded series."""
    return frozenset(rule.name for rule in rules() if not rule.is_alert)


def read_board(path: Path) -> Any:
    return json.loads(path.read_bytes())


def queries_of(board: Any) -> Iterator[str]:
    """Yield the queries of a board, with what stands for its variables."""
    for panel in board["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (annotation["expr"] for annotation in board["annotations"]["list"])


def plain_query(query: str) -> str:
    """Return a query as Grafana would send it when everything is chosen."""
    return query.replace("$__rate_interval", "1m").replace("$job", ".*")
