"""`/live`, `/ready` and `/metrics`."""

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from service_kit.errors import StoreUnavailable
from service_kit.health import Check, add_health_routes
from support.serving import Answer, serving
from support.some_service import SomeService


async def fine() -> None:
    pass


async def fails() -> None:
    raise StoreUnavailable("the object store does not answer")


async def hangs() -> None:
    await asyncio.Event().wait()


async def ask(path: str, *checks: Check, timeout_seconds: float = 60.0) -> Answer:
    service = SomeService()
    add_health_routes(service.application, checks, timeout_seconds=timeout_seconds)
    async with serving(service.application) as client:
        return await client.ask(path)


async def test_ready_when_all_checks_pass() -> None:
    answer = await ask("/ready", Check("journal", fine), Check("cache", fine))
    assert answer.status == 200
    assert answer.json == {"status": "ready", "checks": {"journal": "ok", "cache": "ok"}}


async def test_not_ready_when_a_required_check_fails_and_says_which_and_why() -> None:
    answer = await ask("/ready", Check("journal", fails), Check("cache", fine))
    assert answer.status == 503
    assert answer.json["checks"] == {"journal": "the object store does not answer", "cache": "ok"}


async def test_failing_optional_check_is_told_but_the_service_is_ready() -> None:
    answer = await ask("/ready", Check("journal", fine), Check("cache", fails, required=False))
    assert (answer.status, answer.json["checks"]["cache"]) == (200, "the object store does not answer")


async def test_hanging_checks_are_cut_off_at_the_same_time() -> None:
    checks = (Check(f"check {number}", hangs) for number in range(20))
    async with asyncio.timeout(5):  # one after another: 10 s
        answer = await ask("/ready", *checks, timeout_seconds=0.5)
    assert answer.status == 503
    assert answer.json["checks"]["check 0"] == "no answer within 0.5 s"


async def test_live_looks_at_no_neighbour() -> None:
    answer = await ask("/live", Check("journal", hangs))
    assert (answer.status, answer.json) == (200, {"status": "alive"})


async def test_health_is_never_stored_by_a_cache() -> None:
    assert (await ask("/ready")).headers["Cache-Control"] == "no-store"


async def test_metrics_are_in_the_format_of_prometheus() -> None:
    service = SomeService()
    add_health_routes(service.application)
    async with serving(service.application) as client:
        await client.ask("/api/things")
        answer = await client.ask("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    names = {family.name for family in text_string_to_metric_families(answer.body.decode())}
    assert {"http_request_duration_seconds", "object_store_call_seconds", "cache_keys"} <= names
