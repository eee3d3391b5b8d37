"""A short campaign of made-up requests; `make fuzz` runs a long one."""

from collections.abc import Iterator

import pytest

from fuzz.targets import SETTINGS, document, fuzz
from horde_model_reference.meta_consts import CanonicalFormat
from support.service_nodes import ServiceNode, running_service

REQUESTS = 250
SOME_OPERATIONS = r" /model_references/v2/(pending_queue|clip|text_generation|revisions)"
WRITES = r"(POST|PUT|DELETE) .*/(pending_queue|clip|lora|revisions|families)"


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceNode]:
    with running_service(tmp_path_factory.mktemp("fuzzed"), SETTINGS) as node:
        yield node


def test_made_up_requests_are_answered_as_described(fuzzed: ServiceNode) -> None:
    outcome = fuzz(fuzzed, document(CanonicalFormat.v2), "an approver", REQUESTS, only=SOME_OPERATIONS)
    assert outcome.report.as_json()["findings"] == []
    assert outcome.tracebacks == 0
    assert outcome.report.sent > REQUESTS / 2
    assert outcome.entries_after > outcome.entries_before


@pytest.mark.parametrize("caller", ["nobody", "a reader"])
def test_made_up_requests_without_role_write_nothing(fuzzed: ServiceNode, caller: str) -> None:
    outcome = fuzz(fuzzed, document(CanonicalFormat.v2), caller, REQUESTS // 3, only=WRITES)
    assert outcome.report.as_json()["findings"] == []
    assert outcome.report.sent > REQUESTS / 6
    assert outcome.entries_after == outcome.entries_before
