"""A replica of a PRIMARY that tells of revisions."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from registry.catalogue import NameSchema, SideData
from support.contents import Records, a_record
from support.event_streams import listening
from support.histories import Past
from support.replicas import POLL_SECONDS, Replica, replica_of
from support.served_pasts import V1, V2, ServedPast, served

TEXT = "text_generation"


def clips(*names: str, **fields: str) -> dict[str, Records]:
    return {
        "clip": {name: a_record("clip", name, **fields) for name in names},
        "blip": {"b": a_record("blip", "b")},
    }


def url_of(primary: ServedPast) -> str:
    return f"http://127.0.0.1:{primary.client.port}/api"


@pytest.fixture
async def primary() -> AsyncIterator[ServedPast]:
    past = Past()
    await past.seed(clips("a"), legacy={"clip": b'{"a": {}}\r\n', "blip": b"{\t}\n"})
    async with served(past, poll_seconds=POLL_SECONDS, heartbeat_seconds=0.2) as world:
        yield world


@pytest.fixture
async def replica(primary: ServedPast, tmp_path: Path) -> AsyncIterator[Replica]:
    """Return a replica that looks by itself once in a minute only."""
    async with replica_of(url_of(primary), tmp_path, cache_ttl_seconds=60) as replica:
        await replica.in_step()
        yield replica


async def asked(primary: ServedPast, path: str) -> int:
    """Return how often a route of the PRIMARY was asked successfully."""
    name = f'http_request_duration_seconds_count{{method="GET",route="/api{path}"'
    lines = (await primary.ask("/metrics")).body.decode().splitlines()
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines if line.startswith(name))


async def test_the_catalogue_is_served_byte_for_byte_under_the_same_number(
    primary: ServedPast, replica: Replica
) -> None:
    for path in (
        f"{V2}/clip",
        f"{V2}/blip",
        f"{V2}/lora",
        f"{V2}/clip/model/a",
        f"{V1}/clip",
        f"{V1}/clip.json",
        f"{V1}/blip",
        f"{V1}/lora",
        f"{V1}/diffusers.json",
        f"{V2}/clip/search",
    ):
        theirs, ours = await primary.ask(path), await replica.ask(path)
        assert (ours.status, ours.body) == (theirs.status, theirs.body), path
        assert ours.headers["ETag"] == theirs.headers["ETag"]
        assert ours.headers["X-Revision"] == "1"


async def test_a_new_revision_is_served_at_once_and_only_what_changed_is_fetched(
    primary: ServedPast, replica: Replica
) -> None:
    await replica.listens()
    bundles = await asked(primary, f"{V2.removeprefix('/api')}/bundle")

    await primary.past.apply(clips("a", "new"))
    await primary.reached()
    await replica.has("clip", "a", "new")

    assert (await replica.ask(f"{V2}/clip")).headers["X-Revision"] == "2"
    assert await asked(primary, "/model_references/v2/clip") == 1
    assert await asked(primary, "/model_references/v2/blip") == 0
    assert await asked(primary, f"{V2.removeprefix('/api')}/bundle") == bundles


async def test_listeners_to_the_replica_are_told_of_its_revisions(
    primary: ServedPast, replica: Replica
) -> None:
    await replica.listens()
    async with listening(replica.client.port) as stream:
        first = await stream.next()
        await primary.past.apply(clips("a", "new"))
        second = await stream.next()
        await primary.past.apply(clips("new"))
        third = await stream.next()

    assert first is not None
    assert second is not None
    assert third is not None
    assert [(one.name, one.id) for one in (first, second, third)] == [
        ("catalog.head", 1),
        ("catalog.committed", 2),
        ("catalog.committed", 3),
    ]
    assert second.data["models"] == [{"category": "clip", "model_name": "new", "operation": "create"}]
    assert third.data["kind"] == "replicated"


async def test_a_listener_that_comes_back_is_told_what_it_missed(
    primary: ServedPast, replica: Replica
) -> None:
    await replica.listens()
    await primary.past.apply(clips("a", "new"))
    await replica.has("clip", "a", "new")

    async with listening(replica.client.port, Last_Event_ID="1") as stream:
        known = await stream.next()
    async with listening(replica.client.port, Last_Event_ID="0") as stream:
        unknown = await stream.next()

    assert known is not None
    assert unknown is not None
    assert (known.name, known.id) == ("catalog.committed", 2)
    assert (unknown.name, unknown.id) == ("catalog.reset", 2)


async def test_changes_since_a_revision_that_was_seen_are_those_of_the_primary(
    primary: ServedPast, replica: Replica
) -> None:
    await replica.listens()
    for names in (("a", "new"), ("new",)):
        await primary.past.apply(clips(*names))
        await replica.has("clip", *names)
    await replica.until(f"{V2}/changes?since=1", lambda answer: answer.json["to"] == 3)

    for path in ("/changes?since=1", "/changes?since=2", "/changes?since=1&to=2", "/diff?from=1&to=3"):
        assert await replica.get(path) == await primary.get(path), path
    assert (await replica.ask(f"{V2}/changes?since=17")).status == 404
    assert "immutable" not in (await replica.ask(f"{V2}/diff?from=1&to=3")).headers["Cache-Control"]


async def test_a_client_that_demands_a_revision_waits_until_the_replica_has_it(
    primary: ServedPast, tmp_path: Path
) -> None:
    async with replica_of(url_of(primary), tmp_path, cache_ttl_seconds=60) as replica:
        await replica.in_step()
        await primary.past.apply(clips("a", "new"))

        answer = await replica.ask(f"{V2}/clip", X_Min_Revision="2")

    assert answer.status == 200
    assert set(answer.json) == {"a", "new"}


async def test_without_the_feed_news_are_seen_at_the_interval(tmp_path: Path) -> None:
    past = Past()
    await past.seed(clips("a"))
    async with (
        served(past, poll_seconds=POLL_SECONDS, max_clients=0) as primary,
        replica_of(url_of(primary), tmp_path) as replica,
    ):
        await replica.has("clip", "a")
        await past.apply(clips("b"))
        await replica.has("clip", "b")


async def test_aliases_reach_the_pages_of_groups(primary: ServedPast, replica: Replica) -> None:
    await replica.listens()
    models = {TEXT: {"Lama-7B": a_record(TEXT, "Lama-7B", text_model_group="Lama")}}
    await primary.past.apply({**clips("a"), **models})
    side_data = SideData(
        aliases={"Llama": ("Lama",)},
        families={"Animals": ("Lama",)},
        name_schemas={"Lama": NameSchema(separator="_")},
    )
    revision = await primary.past.change_group_data(side_data)
    await replica.ask(f"{V2}/lora", X_Min_Revision=str(revision))

    for path in (
        f"/{TEXT}/group?name=Lama",
        f"/{TEXT}/group/name_schema?name=Lama",
        f"/{TEXT}/parse_name?name=Lama-7B",
        f"/{TEXT}/groups/summary",
    ):
        assert await replica.get(path) == await primary.get(path), path
    assert (await replica.get(f"/{TEXT}/group?name=Lama"))["name_schema_is_custom"] is True


async def test_a_rollback_is_followed(primary: ServedPast, replica: Replica) -> None:
    await replica.listens()
    await primary.past.apply(clips("a", "new"))
    await replica.has("clip", "a", "new")

    await primary.past.roll_back(1, clips("a"))

    await replica.has("clip", "a")
    assert (await replica.ask(f"{V2}/clip")).headers["X-Revision"] == "3"


async def test_many_revisions_in_a_row_end_in_the_last(primary: ServedPast, replica: Replica) -> None:
    await replica.listens()
    for number in range(12):
        await primary.past.apply(clips("a", f"model {number}"))

    await replica.has("clip", "a", "model 11")

    assert (await replica.ask(f"{V2}/clip")).headers["X-Revision"] == "13"
    assert (await replica.ask(f"{V2}/clip")).body == (await primary.ask(f"{V2}/clip")).body


async def test_a_replica_can_follow_a_replica(primary: ServedPast, replica: Replica, tmp_path: Path) -> None:
    async with replica_of(replica.url, tmp_path / "second", cache_ttl_seconds=60) as second:
        await second.in_step()
        await second.listens()
        await primary.past.apply(clips("a", "new"))
        await second.has("clip", "a", "new")
        answer = await second.ask(f"{V1}/blip")

    assert answer.headers["X-Revision"] == "2"


async def test_a_replica_that_starts_before_its_primary_has_anything_waits(tmp_path: Path) -> None:
    past = Past()
    async with (
        served(past, poll_seconds=POLL_SECONDS) as primary,
        replica_of(url_of(primary), tmp_path) as replica,
    ):
        assert (await replica.ask(f"{V2}/clip")).status == 503
        await past.seed(clips("a"))
        await replica.has("clip", "a")
        await replica.in_step()


async def test_a_restart_serves_the_last_copy_and_catches_up(primary: ServedPast, tmp_path: Path) -> None:
    async with replica_of(url_of(primary), tmp_path) as replica:
        await replica.in_step()
    await primary.past.apply(clips("a", "new"))

    async with replica_of(url_of(primary), tmp_path) as replica:
        await replica.loaded()
        await replica.has("clip", "a", "new")


async def test_the_canonical_format_is_that_of_the_primary(tmp_path: Path) -> None:
    past = Past()
    await past.seed(clips("a"))
    async with (
        served(past, poll_seconds=POLL_SECONDS) as primary,
        replica_of(url_of(primary), tmp_path, canonical_format="legacy") as replica,
    ):
        await replica.in_step()
        mode = (await replica.ask("/api/replicate_mode")).json

    assert mode == {"replicate_mode": "REPLICA", "canonical_format": "v2", "writable": False}
