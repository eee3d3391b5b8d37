"""What is fuzzed: the product in one canonical format, described by its own endpoints."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import requests

from fuzz.campaign import Campaign, Report
from fuzz.steering import Known
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY, CanonicalFormat
from service_kit.openapi import describe
from support.openapi_document import read_side
from support.service_nodes import ServiceNode
from support.some_horde import APPROVER
from write_queue.endpoints import write_endpoints
from write_queue.modes import Modes
from write_queue.write_side import WriteSide

SETTINGS: Final = {
    "RATE_LIMITS__ENABLED": "false",
    "ACCESS_LOG": "false",
    "LOG_LEVEL": "warning",
    "MIN_REVISION_WAIT_SECONDS": "0.01",
}
CALLERS: Final[Mapping[str, Mapping[str, str]]] = {
    "an approver": {"apikey": APPROVER},
    "a reader": {"apikey": "key-reader"},
    "nobody": {},
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one campaign, and what it left in the journal and the log."""

    report: Report
    entries_before: int
    entries_after: int
    tracebacks: int


def document(canonical_format: CanonicalFormat) -> dict[str, Any]:
    """Return the description of all endpoints that exist with this canonical format."""
    write_side = write_endpoints(WriteSide(Modes(canonical_format=canonical_format)))
    described: dict[str, Any] = json.loads(json.dumps(describe((*read_side(), *write_side))))
    return described


def fuzz(
    node: ServiceNode,
    described: dict[str, Any],
    caller: str,
    requests_wanted: int,
    *,
    random_seed: int = 0,
    rounds: int = 1,
    only: str = "",
) -> Outcome:
    """Send requests to the node in the name of a caller."""
    before = node.sequence()
    campaign = Campaign(described, node.root_url, CALLERS[caller], Known(model_names(node)), random_seed)
    report = campaign.run(requests_wanted, rounds=rounds, only=only)
    return Outcome(report, before, node.sequence(), node.log.read_bytes().count(b"Traceback"))


def model_names(node: ServiceNode) -> list[str]:
    """Return the names of the models that are live."""
    names: list[str] = []
    for category in MODEL_REFERENCE_CATEGORY:
        url = f"{node.root_url}/api/model_references/v2/{category}"
        names.extend(requests.get(url, timeout=10).json())
    return names
