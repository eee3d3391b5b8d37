"""Starting beside neighbours that are down, and working beside other instances."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from service_kit.event_bus import EventBus
from service_kit.memory_event_bus import MemoryEventBus
from service_kit.object_store import ObjectStore
from service_kit.settings import S3Settings
from service_kit.stores import open_object_store
from service_kit.telemetry import Telemetry
from support.event_listeners import Listener
from support.faulty_store import FaultyStore
from support.lying_s3 import running_lying_s3
from support.serving import serving
from support.write_clients import (
    APPROVER,
    QUEUE,
    READER,
    REQUESTOR,
    Writes,
    a_horde_url,
    until_ready,
    write_settings,
    writing,
)
from write_queue.app import create_app
from write_queue.settings import WriteQueueSettings


async def test_it_waits_for_the_store_and_then_opens(filled_dir: Path) -> None:
    async with (
        a_horde_url() as horde_url,
        open_object_store(filled_dir, S3Settings()) as store,
    ):
        faulty = FaultyStore(store)
        faulty.down = True
        application = create_app(
            write_settings(filled_dir, horde_url),
            store_opener=lambda *_: contextlib.nullcontext[ObjectStore](faulty),
            on_unusable=lambda _: None,
        )
        async with serving(application) as client:
            waiting = await client.ask("/ready")
            refused = await Writes(client).ask("GET", f"{QUEUE}/changes", READER)
            nobody = await Writes(client).ask("GET", f"{QUEUE}/changes")
            alive = await client.ask("/live")
            faulty.down = False
            await until_ready(client)
            served = await Writes(client).ask("GET", f"{QUEUE}/changes", READER)

    assert (waiting.status, alive.status, nobody.status) == (503, 200, 401)
    assert refused.status == 503
    assert refused.headers["Retry-After"]
    assert served.status == 200


async def test_a_store_that_goes_away_later_is_503_and_nothing_is_written(filled_dir: Path) -> None:
    async with (
        a_horde_url() as horde_url,
        open_object_store(filled_dir, S3Settings()) as store,
    ):
        faulty = FaultyStore(store)
        application = create_app(
            write_settings(filled_dir, horde_url),
            store_opener=lambda *_: contextlib.nullcontext[ObjectStore](faulty),
            on_unusable=lambda _: None,
        )
        async with serving(application) as client:
            await until_ready(client)
            writes = Writes(client)
            faulty.down = True
            refused = await writes.ask("POST", "/v2/clip", REQUESTOR, json={"name": "new"})
            faulty.down = False
            total = (await writes.get(f"{QUEUE}/changes"))["total"]

    assert refused.status == 503
    assert refused.headers["Retry-After"]
    assert total == 0


async def test_a_store_that_lets_two_writers_win_is_refused() -> None:
    found: list[Exception] = []
    async with running_lying_s3() as s3, a_horde_url() as horde_url:
        settings = write_settings(Path(), horde_url, s3=s3)
        async with serving(create_app(settings, on_unusable=found.append)) as client:
            async with asyncio.timeout(60):
                while not found:  # noqa: ASYNC110 - told by a callback
                    await asyncio.sleep(0.02)
            answer = await Writes(client).ask("POST", "/v2/clip", REQUESTOR, json={"name": "x"})

    assert "conditional create" in str(found[0])
    assert answer.status == 503


async def test_what_one_instance_answered_is_visible_on_every_other(filled_dir: Path) -> None:
    async with writing(filled_dir) as one, writing(filled_dir) as other:
        change_id = await one.create("new")
        seen = await other.get(f"{QUEUE}/changes/{change_id}")
        await other.approve(change_id)
        applied = await one.apply(change_id)
        again = await other.ask("POST", f"{QUEUE}/changes/{change_id}/apply", APPROVER, json={})
    assert seen["model_name"] == "new"
    assert applied["applied"][0]["status"] == "applied"
    assert again.status == 409


async def test_of_racing_instances_one_decides_and_the_others_see_it(filled_dir: Path) -> None:
    async with writing(filled_dir) as one, writing(filled_dir) as other:
        change_id = await one.create("new")
        approve = {"batch_title": "t", "approved_ids": [change_id]}
        reject = {"batch_title": "t", "rejected_ids": [change_id], "reject_reason": "no"}
        answers = await asyncio.gather(
            *(
                client.ask("POST", f"{QUEUE}/batches", APPROVER, json=body)
                for client in (one, other)
                for body in (approve, reject)
            )
        )
        status = (await one.get(f"{QUEUE}/changes/{change_id}"))["status"]
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [200, 409, 409, 409]
    loser = next(answer for answer in answers if answer.status == 409)
    assert loser.json["change"]["status"] == status


async def test_idempotent_requests_sent_to_two_instances_at_once_are_done_once(filled_dir: Path) -> None:
    async with writing(filled_dir) as one, writing(filled_dir) as other:
        answers = await asyncio.gather(
            *(
                client.ask(
                    "POST", "/v2/clip", REQUESTOR, json={"name": "new"}, headers={"Idempotency-Key": "k"}
                )
                for client in (one, other, one, other)
            )
        )
        total = (await one.get(f"{QUEUE}/changes"))["total"]
    assert {answer.status for answer in answers} == {202}
    assert len({answer.body for answer in answers}) == 1
    assert total == 1


async def test_others_are_told_what_was_written(filled_dir: Path) -> None:
    bus, listener = MemoryEventBus(), Listener()

    @contextlib.asynccontextmanager
    async def open_bus(_: WriteQueueSettings, __: Telemetry) -> AsyncIterator[EventBus]:
        yield bus

    async with a_horde_url() as horde_url, bus.subscribe(("catalog.*", "change.*"), listener.handle):
        application = create_app(
            write_settings(filled_dir, horde_url), bus_opener=open_bus, on_unusable=lambda _: None
        )
        async with serving(application) as client:
            await until_ready(client)
            await Writes(client).make_live("new")
            await listener.heard(4)
    assert [message.routing_key for message in listener.messages] == [
        "change.proposed",
        "change.decided",
        "change.applied",
        "catalog.committed",
    ]
