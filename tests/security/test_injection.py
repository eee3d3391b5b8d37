"""Headers, paths and names that try to become something else."""

from urllib.parse import unquote

import pytest

from support.attackers import QUEUE, V1, V2, Attacker, head
from support.service_nodes import ServiceNode

HOSTILE_PATHS = [
    "//evil.example/",
    "//evil.example/%2e%2e",
    "/\\evil.example/",
    "/%5Cevil.example/",
    "/%2f%2fevil.example/",
    "/api//evil.example/",
    "http://evil.example/api/heartbeat/",
    "//api/heartbeat/",
    "/api/../api/heartbeat/",
    "/./api/heartbeat/",
    "/api/docs/../../../etc/passwd",
    "/api/docs/%2e%2e/%2e%2e/etc/passwd",
    "/api/docs/..%2f..%2fetc%2fpasswd",
    "/api/docs/..%5c..%5cetc",
    "/api/.env",
    "/.git/config",
    "/api/heartbeat%00",
    "/api/heartbeat%0d%0aX-Injected:yes",
    "/api/heartbeat;x=y",
    "/api/heartbeat/%0d%0aX-Injected:yes/",
    f"{V2}/..%2f..%2fjournal%2f000000000001.json",
    f"{V2}/clip%00",
    f"{V2}/clip/model/..%2f..%2f..%2fetc%2fpasswd",
    f"{V2}/clip/model/%00",
    f"{V2}/clip/model/%ff%fe",
    f"{V2}/clip/model/%ed%a0%80",
    f"{V2}/clip/model/__proto__",
    f"{V2}/clip/model/constructor",
    f"{V2}/__proto__",
    f"{V1}/__proto__.json",
    f"{V1}/..%2fclip.json",
    f"{V2}/clip/model/{'%F0%9F%A6%99' * 5000}",
    f"{QUEUE}/changes/%D9%A1",
    f"{QUEUE}/changes/1%00",
    f"{QUEUE}/changes/-1",
    f"{QUEUE}/changes/{'9' * 4000}",
    f"{QUEUE}/changes/0x1",
    f"{QUEUE}/changes/1e0",
    f"{QUEUE}/changes/%2e%2e/purge",
]


@pytest.mark.parametrize("path", HOSTILE_PATHS, ids=lambda path: path[:50])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_hostile_path_leads_nowhere(attacker: Attacker, method: str, path: str) -> None:
    answer = await attacker.raw(head(method, path))
    assert answer.status in {400, 404, 405, 422}, answer.raw[:300]
    assert b"content-type: application/json" in answer.head
    assert b"x-injected" not in answer.head
    assert b"location:" not in answer.head
    assert b"root:" not in answer.body


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/api/heartbeat/", b"/api/heartbeat"),
        ("/api/heartbeat//", b"/api/heartbeat"),
        ("/api/heartbeat/?next=//evil.example", b"/api/heartbeat?next=//evil.example"),
        ("/api/heartbeat/?x=%0d%0aX-Injected:yes", b"/api/heartbeat?x=%0d%0ax-injected:yes"),
    ],
)
async def test_a_redirect_stays_on_this_server(attacker: Attacker, path: str, location: bytes) -> None:
    answer = await attacker.raw(head("GET", path, "X-Forwarded-Host: evil.example", key=""))
    assert answer.status == 307
    assert b"\r\nlocation: " + location + b"\r\n" in answer.head
    assert b"\r\nx-injected" not in answer.head


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80@x", "", "[::1", "a/b", "<script>", "x" * 300]
)
async def test_the_host_header_changes_nothing(attacker: Attacker, host: str) -> None:
    for path in ("/api/heartbeat", "/api/heartbeat/", f"{V2}/clip", "/api/openapi.json", "/api/docs"):
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        answer = await attacker.raw(request.encode())
        assert answer.status in {200, 307, 400}
        assert b"evil.example" not in answer.raw
        assert b"<script>evil" not in answer.raw


@pytest.mark.parametrize(
    "line",
    [
        "X-Request-ID: a\tb",
        "X-Request-ID: <script>",
        "X-Request-ID: " + "x" * 300,
        'X-Request-ID: "},{"a":"',
        "X-Request-ID: a b",
        "X-Request-ID: \xe9",
        "X-Request-ID: ${jndi:ldap://evil}",
    ],
)
async def test_a_request_id_that_could_do_harm_is_replaced(attacker: Attacker, line: str) -> None:
    for path in ("/api/heartbeat", "/api/nowhere", f"{V2}/clip"):
        answer = await attacker.raw(head("GET", path, line, key=""))
        assert line.partition(": ")[2].encode("latin-1").lower() not in answer.head
        assert b"\r\nx-request-id: " in answer.head


@pytest.mark.parametrize(
    "value", ["-1", "1.5", "1e3", "x", "", "+1", "\u0661", "9" * 30, "1, 2", "0x10", "1\x00", " ", "null"]
)
async def test_a_min_revision_that_is_none_is_refused(attacker: Attacker, value: str) -> None:
    line = f"X-Min-Revision: {value}".encode().decode("latin-1")
    answer = await attacker.raw(head("GET", f"{V2}/clip", line, key=""))
    assert answer.status in {400, 422}, answer.raw[:200]


@pytest.mark.parametrize("value", ["-1", "1.5", "x", "9" * 30, "\x01", "\u0661", "1,1", "<script>", "null"])
async def test_a_last_event_id_that_is_none_does_no_harm(attacker: Attacker, value: str) -> None:
    line = f"Last-Event-ID: {value}".encode().decode("latin-1")
    answer = await attacker.raw(
        head("GET", f"{V2}/events", line, key=""), until=b"\ndata: ", more_seconds=0.1
    )
    assert answer.status in {200, 400, 422}
    assert b"<script>" not in answer.raw


@pytest.mark.parametrize("value", ["k" * 256, "a b", "", "\x01", "\x7f", "\xe9", "k\x00", "k\tk"])
async def test_an_idempotency_key_that_is_none_is_refused(
    node: ServiceNode, attacker: Attacker, value: str
) -> None:
    before = node.sequence()
    name = attacker.name()
    answer = await attacker.raw_say(
        "POST", f"{V2}/clip", {"name": name}, key="key-requestor", lines=[f"Idempotency-Key: {value}"]
    )
    assert answer.status in {400, 422}, answer.raw[:200]
    assert node.sequence() == before


async def test_two_idempotency_keys_are_refused(node: ServiceNode, attacker: Attacker) -> None:
    before = node.sequence()
    lines = ["Idempotency-Key: a", "Idempotency-Key: b"]
    answer = await attacker.raw_say("POST", f"{V2}/clip", {"name": "x"}, key="key-requestor", lines=lines)
    assert answer.status == 422
    assert node.sequence() == before


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "file://", "https://evil.example\tx"])
async def test_a_page_from_elsewhere_cannot_read_what_needs_a_key(attacker: Attacker, origin: str) -> None:
    for method, path in (("GET", f"{QUEUE}/changes"), ("POST", f"{V2}/clip"), ("GET", f"{V2}/me/roles")):
        answer = await attacker.raw(head(method, path, f"Origin: {origin}"))
        assert b"access-control-allow-origin" not in answer.head
        assert b"access-control-allow-credentials" not in answer.head
    preflight = await attacker.raw(
        head(
            "OPTIONS",
            f"{V2}/clip",
            f"Origin: {origin}",
            "Access-Control-Request-Method: POST",
            "Access-Control-Request-Headers: content-type, apikey",
            key="",
        )
    )
    assert b"access-control-allow-origin" not in preflight.head
    assert b"access-control-allow-credentials" not in preflight.head
    opened = await attacker.raw(head("GET", f"{V2}/clip", f"Origin: {origin}", key=""))
    assert b"access-control-allow-origin: *" in opened.head
    assert b"access-control-allow-credentials" not in opened.head


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PATCH", "PROPFIND", "get", "DEBUG", "X" * 50])
async def test_other_methods_are_refused_and_nothing_is_sent_back(attacker: Attacker, method: str) -> None:
    answer = await attacker.raw(head(method, f"{V2}/clip", "X-Secret: s3cr3t"))
    assert answer.status in {400, 404, 405}
    assert b"s3cr3t" not in answer.raw


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**64, 10**400])
@pytest.mark.parametrize(
    "path",
    [
        f"{QUEUE}/diffs?change_ids=1&change_ids=",
        f"{QUEUE}/changes?offset=",
        f"{QUEUE}/changes?batch_id=",
        f"{QUEUE}/audit/events?after=",
        f"{QUEUE}/audit/batches?cursor=",
        f"{QUEUE}/audit/replay?category=clip&revision=",
        f"{V2}/clip?revision=",
        f"{V2}/changes?since=",
        f"{V2}/revisions?limit=",
    ],
)
async def test_a_number_that_no_answer_can_hold_is_refused(
    attacker: Attacker, path: str, number: int
) -> None:
    assert (await attacker.say("GET", f"{path}{number}")).status == 422


@pytest.mark.parametrize("name", ["a%00b", "a%0d%0aX-A:b", "%20", "%C2%85", "x" * 1001, "%1B[2J"])
async def test_a_group_name_that_could_not_be_shown_is_refused(
    node: ServiceNode, attacker: Attacker, name: str
) -> None:
    before = node.sequence()
    groups = f"{V2}/text_generation"
    for method, path, body in (
        ("PUT", f"{groups}/aliases/{name}", {"aliases": ["x"]}),
        ("POST", f"{groups}/aliases/{name}/add", {"alias": "x"}),
        ("PUT", f"{groups}/families/{name}", {"members": ["x"]}),
        ("PUT", f"{groups}/aliases/x", {"aliases": [unquote(name)]}),
        ("PUT", f"{groups}/families/x", {"members": [unquote(name)]}),
        ("PUT", f"{groups}/group/name_schema?name={name}", {"separator": "_"}),
    ):
        answer = await attacker.say(method, path, body)
        assert answer.status == 422, (method, path)
    assert node.sequence() == before
