"""`/status`: what anybody is told of the whole system, and what approvers are told besides."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from read_api.status_shapes import Status
from registry.sources import SEED_FILES
from service_kit.errors import StoreUnavailable
from support.contents import a_record
from support.histories import Past
from support.instance_reports import a_check, a_report
from support.memory_store import MemoryObjectStore
from support.replicas import replica_of
from support.serving import Answer
from support.some_horde import APPROVER, READER, REQUESTOR, always, break_off
from support.statuses import Statuses, statuses


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Statuses]:
    async with statuses(tmp_path) as running:
        await running.until(lambda status: status["head_revision"] == 1)
        yield running


def instance(status: Any, service: str) -> Any:
    [found] = [one for one in status["instances"] if one["service"] == service]
    return found


async def test_instance_that_nobody_else_reports_to_knows_itself(served: Statuses) -> None:
    status = await served.until(lambda status: status["overall"] != "down")
    Status.model_validate(status)
    me = instance(status, "read-api")
    assert (me["parts"], me["presence"], me["revision"], me["lag"]) == (["read-api"], "live", 1, 0)
    assert status["knows"] == "this instance only"
    assert status["components"]["read-api"]["state"] == "operational"
    assert status["components"]["object_store"]["state"] == "operational"
    assert status["components"]["object_store"]["latency_seconds"] is not None
    assert status["components"]["rabbitmq"]["state"] == "unknown"
    assert status["never_seeded"] == [name for name in SEED_FILES if name != "clip"]
    assert (status["queue"], status["roles_configured"]) == ({"pending": 0, "approved": 0}, None)


async def test_what_was_there_before_is_there_still(served: Statuses) -> None:
    status = await served.get()
    assert (status["revision"], status["sequence"], status["stale"]) == (1, 1, False)
    assert (status["store"]["reachable"], status["store"]["problem"]) == (True, None)
    assert status["categories"]["clip"]["models"] == 1


async def test_mode_and_number_of_origins_are_told(tmp_path: Path) -> None:
    origins = ("https://console.example", "https://other.example")
    async with statuses(tmp_path, cors_allowed_origins=origins) as served:
        status = await served.until(lambda status: status["head_revision"] == 1)
    told = [status[name] for name in ("replicate_mode", "canonical_format", "writable", "cors_origins")]
    assert told == ["PRIMARY", "v2", True, 2]


async def test_reports_of_others_become_part_of_the_picture(served: Statuses) -> None:
    repository = {
        "source": "image",
        "repository": "owner/name",
        "drift": {"clip": 1},
        "compared_at": datetime.now(UTC),
        "pull_number": 7,
        "pull_url": "https://github.com/owner/name/pull/7",
    }
    roles = {"requestor": True, "approver": False}
    served.report(a_report("write-queue", sequence=9, queue={"pending": 4, "approved": 2}, roles=roles))
    served.report(a_report("stats", revision=1, figures=[{"kind": "image", "stale": True}]))
    work = {"waiting": 1, "dead_letters": 2}
    served.report(a_report("sync-worker", repositories=[repository], work=work))

    status = await served.until(lambda status: len(status["instances"]) == 4)

    assert status["queue"] == {"pending": 4, "approved": 2}
    assert status["events"] == {"waiting": 1, "dead_letters": 2}
    assert status["roles_configured"] == roles
    assert status["statistics"] == [{"kind": "image", "received_at": None, "stale": True}]
    assert status["github"][0]["pull_request"]["number"] == 7
    assert status["head_revision"] == 3
    assert instance(status, "stats")["lag"] == 2
    assert (status["overall"], instance(status, "sync-worker")["presence"]) == ("degraded", "live")


async def test_message_that_is_no_report_does_no_harm(served: Statuses) -> None:
    served.bus.publish("instance.reported", b"{}")
    served.bus.publish("instance.reported", b"\xff")
    served.report(a_report("stats"))
    await served.until(lambda status: len(status["instances"]) == 2)


async def test_new_revision_is_reported_long_before_the_interval(tmp_path: Path) -> None:
    past = Past()
    await past.seed({"clip": {"a": a_record("clip", "a")}})
    async with statuses(tmp_path, past) as served:
        await served.until(lambda status: status["head_revision"] == 1)
        await past.seed({"clip": {"b": a_record("clip", "b")}})
        await served.until(lambda status: status["head_revision"] == 2)


async def test_nothing_loaded_is_down_and_answers_all_the_same(tmp_path: Path) -> None:
    class Away(MemoryObjectStore):
        async def list_after(self, prefix: str, after: str = "", *, limit: int = 1000) -> list[str]:
            raise StoreUnavailable(f"cannot reach http://s3.internal:9000/{prefix}{after}{limit}")

        async def get(self, key: str) -> bytes:
            raise StoreUnavailable(f"the data directory /srv/secret/{key} does not exist")

    async with statuses(tmp_path, Past(Away())) as served:
        status = await served.until(lambda status: status["components"]["object_store"]["state"] == "down")
        text = (await served.ask()).body.decode()
        details = (await served.get(APPROVER))["details"]
    assert (status["overall"], status["head_revision"]) == ("down", None)
    assert {reason["component"] for reason in status["reasons"]} == {"read-api", "object_store"}
    assert "internal" not in text
    assert "/srv" not in text
    assert "http://s3.internal:9000" in json.dumps(details)


async def test_anybody_may_keep_it_for_a_moment_and_ask_again(served: Statuses) -> None:
    answer = await served.ask()
    assert answer.headers["Cache-Control"] == "public, max-age=2"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["X-Revision"] == "1"
    again: Answer | None = None
    for _ in range(20):  # it may change between two requests
        known = (await served.ask()).headers["ETag"]
        again = await served.ask(If_None_Match=known)
        if again.status == 304:
            break
    assert again is not None
    assert (again.status, again.body) == (304, b"")


async def test_head_answers_like_get_without_a_body(served: Statuses) -> None:
    answer = await served.ask(method="HEAD")
    assert (answer.status, answer.body) == (200, b"")


async def test_address_without_api_is_the_same(served: Statuses) -> None:
    answer = await served.client.ask("/status")
    assert answer.json["head_revision"] == 1


async def test_without_a_key_there_are_no_details(served: Statuses) -> None:
    answer = await served.ask()
    status = answer.json
    assert status["details"] is None
    assert "apikey" in status["details_withheld"]
    assert served.horde.seen == []
    assert "apikey" in ", ".join(value for name, value in answer.headers.items() if name == "Vary")


async def test_approver_sees_hosts_checks_and_errors(served: Statuses) -> None:
    checks = [a_check("queue", ok=False, last_error="the queue is not open yet")]
    served.report(a_report("write-queue", host="machine-7", checks=checks))
    await served.until(lambda status: len(status["instances"]) == 2)
    answer = await served.ask(APPROVER)
    details = answer.json["details"]
    assert answer.json["details_withheld"] is None
    assert answer.headers["Cache-Control"] == "no-store"
    assert details["components"]["write-queue"] == {"last_error": "the queue is not open yet"}
    [other] = [one for one in details["instances"] if one["id"] == "write-queue-1"]
    assert (other["host"], other["checks"]["queue"]["ok"]) == ("machine-7", False)
    public = (await served.ask()).body.decode()
    assert "machine-7" not in public
    assert "not open yet" not in public


@pytest.mark.parametrize("key", [READER, REQUESTOR])
async def test_who_is_no_approver_sees_what_anybody_sees(served: Statuses, key: str) -> None:
    status = await served.get(key)
    assert status["details"] is None
    assert "approver" in status["details_withheld"]


async def test_key_that_belongs_to_nobody_is_refused(served: Statuses) -> None:
    answer = await served.ask("key-of-nobody")
    assert answer.status == 401
    assert answer.json == {"detail": "Invalid API key"}


async def test_guessing_keys_is_limited(tmp_path: Path) -> None:
    limits = {"failed_keys_per_minute": 1, "failed_keys_burst": 1}
    async with statuses(tmp_path, rate_limits=limits) as served:
        statuses_seen = [(await served.ask(f"guess-{number}")).status for number in range(3)]
    assert statuses_seen == [401, 429, 429]


@pytest.mark.parametrize("outage", ["refuses", "breaks off"])
async def test_status_is_shown_when_keys_cannot_be_checked(served: Statuses, outage: str) -> None:
    served.horde.answer_with = always(503) if outage == "refuses" else break_off
    status = await served.get(APPROVER)
    assert status["details"] is None
    assert "Auth service" in status["details_withheld"]
    assert status["head_revision"] == 1


async def test_where_nobody_is_an_approver_no_key_is_looked_at(tmp_path: Path) -> None:
    async with statuses(tmp_path, pending_queue={"requestor_ids": ("101",)}) as served:
        status = await served.get("any-key")
        assert (status["details"], status["details_withheld"]) == (None, "nobody is an approver here")
        assert served.horde.seen == []


async def test_keyed_requests_are_for_listed_origins(tmp_path: Path) -> None:
    async with statuses(tmp_path, cors_allowed_origins=("https://console.example",)) as served:
        listed = await served.ask(APPROVER, Origin="https://console.example")
        other = await served.ask(APPROVER, Origin="https://other.example")
    assert listed.headers["Access-Control-Allow-Origin"] == "https://console.example"
    assert "Access-Control-Allow-Origin" not in other.headers


async def test_many_at_once_are_answered_from_memory(served: Statuses) -> None:
    before = await served.get()
    answers = await asyncio.gather(*(served.ask() for _ in range(50)))
    assert {answer.status for answer in answers} == {200}
    assert before["instances"][0]["id"] == answers[-1].json["instances"][0]["id"]


async def test_replica_counts_its_primary_among_the_neighbours(tmp_path: Path) -> None:
    async with statuses(tmp_path / "primary") as primary:
        await primary.until(lambda status: status["head_revision"] == 1)
        url = f"http://127.0.0.1:{primary.client.port}/api"
        async with replica_of(url, tmp_path / "replica") as replica:
            await replica.loaded()
            await replica.until("/api/status", lambda answer: answer.json["overall"] == "operational")
            status = (await replica.ask("/api/status")).json
    assert (status["replicate_mode"], status["head_revision"]) == ("REPLICA", 1)
    assert status["components"]["primary"]["state"] == "operational"
    assert (status["queue"], status["never_seeded"]) == (None, None)
    assert status["components"]["object_store"]["state"] == "unknown"


async def test_replica_without_its_primary_serves_and_is_degraded(tmp_path: Path) -> None:
    async with statuses(tmp_path / "primary") as primary:
        await primary.until(lambda status: status["head_revision"] == 1)
        url = f"http://127.0.0.1:{primary.client.port}/api"
        async with replica_of(url, tmp_path / "replica") as replica:
            await replica.loaded()
    async with replica_of(url, tmp_path / "replica") as replica:
        await replica.loaded()
        await replica.until(
            "/api/status", lambda answer: answer.json["components"]["primary"]["state"] == "down"
        )
        assert (await replica.ask("/api/status")).json["overall"] == "degraded"
