"""Sends requests that schemathesis makes from the description of the API, and judges the answers."""

import random
import re
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from fuzz.steering import Known, steer
from service_kit.guarded_connection import NOT_HTTP

CHECKS: Final = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
POSITIVE: Final = GenerationMode.POSITIVE
NEGATIVE: Final = GenerationMode.NEGATIVE
WEIGHT_OF_WRITES: Final = 3
Operation = APIOperation[Any, Any, Any, Any]
TIMEOUT_SECONDS: Final = 30
SLOW_SECONDS: Final = 2.0
MAX_EXAMPLES_OF_A_FINDING: Final = 3
SHOWN_CHARACTERS: Final = 1500
LEARNT_FROM: Final = frozenset({200, 202, 409})
ENDLESS: Final = "text/event-stream"
TOO_LONG: Final = 400, NOT_HTTP  # of a line, before any endpoint is asked
SAID_503: Final = re.compile(r"canonical|has not arrived here yet")
"""Settings and headers for which 503 is the right answer; for anything else it is a finding."""


@dataclass(slots=True)
class Finding:
    """Something that an answer did wrong, and a few of the requests that made it do so."""

    operation: str
    problem: str
    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What came of a campaign."""

    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    unmade: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, operation: str, problem: str, example: str) -> None:
        finding = self.findings.setdefault((operation, problem), Finding(operation, problem))
        finding.count += 1
        if len(finding.examples) < MAX_EXAMPLES_OF_A_FINDING:
            finding.examples.append(example[:SHOWN_CHARACTERS])

    def as_json(self) -> dict[str, Any]:
        findings = [
            {"operation": one.operation, "problem": one.problem, "count": one.count, "examples": one.examples}
            for one in self.findings.values()
        ]
        statuses = {str(status): count for status, count in sorted(self.statuses.items())}
        return {
            "requests": self.sent,
            "statuses": statuses,
            "seconds": round(self.seconds, 1),
            "findings": findings,
            "operations_without_requests": self.unmade,
        }


@dataclass(frozen=True, slots=True)
class Campaign:
    """What is sent where: the operations of a document, with some headers, about what is known to exist."""

    document: dict[str, Any]
    root_url: str
    headers: Mapping[str, str]
    known: Known
    random_seed: int = 0

    def run(self, requests_wanted: int, *, rounds: int = 1, only: str = "") -> Report:
        """Send about so many requests, spread over the operations whose label (`GET /path`)
        holds the pattern `only`.

        In each round every operation is asked with good and with bad input, in another order.
        """
        report, started = Report(), time.monotonic()
        operations = [one for one in self._operations() if re.search(only, one.label)]
        for number in range(rounds):
            random.Random(self.random_seed + number).shuffle(operations)
            wanted = report.sent + (requests_wanted - report.sent) // (rounds - number)
            self._round(number, operations, wanted, report)
        report.seconds = time.monotonic() - started
        return report

    def _round(self, number: int, operations: Sequence[Operation], wanted: int, report: Report) -> None:
        weight_left = sum(map(_weight, operations))
        for operation in operations:
            share = max(2, round((wanted - report.sent) * _weight(operation) / weight_left))
            weight_left -= _weight(operation)
            for mode, count in ((POSITIVE, share - share // 3), (NEGATIVE, share // 3)):
                self._fuzz(operation, mode, count, number, report)

    def _operations(self) -> Iterator[Operation]:
        schema = schemathesis.openapi.from_dict(self.document)
        for found in schema.get_all_operations():
            operation = found.ok() if isinstance(found, Ok) else None
            if operation is not None and not _is_endless(operation.definition.raw):
                yield operation

    def _fuzz(
        self, operation: Operation, mode: GenerationMode, count: int, round_number: int, report: Report
    ) -> None:
        if count < 1:
            return
        session = requests.Session()

        @seed(zlib.crc32(f"{self.random_seed} {round_number} {operation.label} {mode.value}".encode()))
        @settings(
            max_examples=count,
            phases=[Phase.generate],
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
        def send(case: Any, data: st.DataObject) -> None:
            steer(case, data.draw, self.known)
            case.headers = {**_without_keys(case.headers), **self.headers}
            self._send(case, session, report)

        before = report.sent
        try:
            send()
        except Exception as error:  # noqa: BLE001 - a request that cannot be made is no finding
            report.unmade.append(
                f"{operation.label} {mode.value}: {type(error).__name__}: {str(error)[:200]}"
            )
        if report.sent == before and mode is POSITIVE:
            report.unmade.append(f"{operation.label} {mode.value}: nothing was sent")
        session.close()

    def _send(self, case: Any, session: requests.Session, report: Report) -> None:
        started = time.monotonic()
        label = case.operation.label
        try:
            answer = case.call(
                base_url=f"{self.root_url}/api",
                session=session,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except (requests.Timeout, requests.ConnectionError) as error:
            report.sent += 1
            report.add(label, f"no answer: {type(error).__name__}", case.as_curl_command())
            return
        except (requests.RequestException, ValueError):
            return  # the client cannot write such a request
        report.sent += 1
        report.statuses[answer.status_code] += 1
        self._learn(answer)
        for problem in self._problems(case, answer):
            report.add(label, problem, _example(case, answer))
        if time.monotonic() - started > SLOW_SECONDS:
            report.add(label, f"slower than {SLOW_SECONDS} s", _example(case, answer))

    def _learn(self, answer: Any) -> None:
        if answer.status_code in LEARNT_FROM and answer.request.method != "GET":
            self.known.learn(answer.json())

    def _problems(self, case: Any, answer: Any) -> Iterator[str]:
        kind = (answer.headers.get("content-type") or [""])[0]
        if answer.status_code >= 400:
            yield from _wrong_error(answer, kind)
        if 300 <= answer.status_code < 400 or (answer.status_code, _detail(answer)) == TOO_LONG:
            return  # a path with a slash too many, or a line that is too long: no endpoint was asked
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                detail = str(failure).splitlines()
                yield f"{answer.status_code}: {getattr(failure, 'title', '')}: {' '.join(detail)[:160]}"


def _weight(operation: Operation) -> int:
    return 1 if operation.method == "get" else WEIGHT_OF_WRITES


def _wrong_error(answer: Any, kind: str) -> Iterator[str]:
    if kind.partition(";")[0] != "application/json":
        yield f"an error of the type {kind!r}"
        return
    detail = _detail(answer)
    if not isinstance(detail, str | list):
        yield "an error without a detail"
    if answer.status_code >= 500 and not (answer.status_code == 503 and SAID_503.search(str(detail))):
        yield f"{answer.status_code}: {detail}"


def _detail(answer: Any) -> Any:
    value = answer.json() if answer.status_code >= 400 else None
    return value.get("detail") if isinstance(value, dict) else None


def _without_keys(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return the headers without keys that were made up: whose key is sent is the campaign's to say."""
    return {name: value for name, value in (headers or {}).items() if name.lower() != "apikey"}


def _is_endless(operation: Mapping[str, Any]) -> bool:
    return ENDLESS in operation.get("responses", {}).get("200", {}).get("content", {})


def _example(case: Any, answer: Any) -> str:
    return f"{case.as_curl_command()}\n-> {answer.status_code} {answer.content[:300]!r}"
