"""What a replica answers where it differs from a PRIMARY (http-read-api.md section 1)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.contents import a_record
from support.histories import Past
from support.metrics import sample
from support.replicas import POLL_SECONDS, Replica, replica_of
from support.served_pasts import V1, V2, ServedPast, served

TEXT = f"{V2}/text_generation"


@pytest.fixture
async def primary() -> AsyncIterator[ServedPast]:
    past = Past()
    await past.seed({"clip": {"a": a_record("clip", "a")}, "text_generation": {}})
    async with served(past, poll_seconds=POLL_SECONDS) as world:
        yield world


@pytest.fixture
async def replica(primary: ServedPast, tmp_path: Path) -> AsyncIterator[Replica]:
    url = f"http://127.0.0.1:{primary.client.port}/api"
    async with replica_of(url, tmp_path, cache_ttl_seconds=60) as replica:
        await replica.in_step()
        yield replica


@pytest.mark.parametrize(
    "path",
    [
        *(
            f"/api/model_references/{version}/metadata/{rest}"
            for version in ("v1", "v2")
            for rest in ("last_updated", "metadata", "clip", "clip/last_updated")
        ),
        f"{TEXT}/aliases",
        f"{TEXT}/aliases/Llama",
        f"{TEXT}/families",
        f"{TEXT}/families/Animals",
        f"{V2}/revisions",
        f"{V2}/revisions/1",
        f"{V2}/revisions/1/entry",
        f"{V2}/clip/model/a/history",
        f"{V2}/clip?revision=1",
        f"{V1}/clip?revision=1",
        f"{V2}/clip/model/a?revision=1",
    ],
)
async def test_what_only_a_primary_knows_is_refused_by_name(replica: Replica, path: str) -> None:
    answer = await replica.ask(path)

    assert answer.status == 503
    assert "REPLICA" in answer.json["detail"]
    assert "Retry-After" not in answer.headers


async def test_what_is_no_category_is_told_first(replica: Replica) -> None:
    for version in ("v1", "v2"):
        answer = await replica.ask(f"/api/model_references/{version}/metadata/stable_diffusion")
        assert (answer.status, answer.json["detail"][0]["loc"]) == (422, ["path", "model_category_name"])


@pytest.mark.parametrize(
    "path",
    [
        f"{TEXT}/families/detect",
        f"{TEXT}/groups",
        f"{TEXT}/parse_name?name=a-7B",
        f"{V2}/clip/search?name_contains=a",
        f"{V2}/schemas/clip",
        f"{V2}/model_categories",
        "/api/heartbeat",
        "/api/openapi.json",
    ],
)
async def test_the_rest_is_answered_as_the_primary_does(
    primary: ServedPast, replica: Replica, path: str
) -> None:
    theirs, ours = await primary.ask(path), await replica.ask(path)

    assert (ours.status, ours.body) == (theirs.status, theirs.body)


async def test_the_bundle_is_that_of_the_primary(primary: ServedPast, replica: Replica) -> None:
    for path in ("/bundle", "/bundle?include_v1=true"):
        assert await replica.get(path) == await primary.get(path)


async def test_writes_are_not_accepted_by_the_read_side(replica: Replica) -> None:
    for path in (f"{V1}/clip", f"{V2}/clip"):
        answer = await replica.ask(path, "POST")
        assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")


async def test_the_status_tells_of_the_primary(replica: Replica) -> None:
    status = (await replica.ask("/api/status")).json

    assert (status["revision"], status["sequence"], status["stale"]) == (1, 1, False)
    assert status["store"]["reachable"] is True
    assert status["categories"]["clip"]["models"] == 1


async def test_the_metrics_tell_of_the_primary(replica: Replica) -> None:
    await replica.listens()

    assert sample(replica.telemetry, "replica_origin", origin="primary") == 1
    assert sample(replica.telemetry, "replica_origin", origin="github") == 0
    assert sample(replica.telemetry, "primary_call_seconds_count", operation="bundle", outcome="ok") == 1
    assert sample(replica.telemetry, "primary_last_contact_seconds") < 60
    metrics = (await replica.ask("/metrics")).body.decode()
    assert "journal_last_contact_seconds" not in metrics
