"""What a replica serves while its PRIMARY is away, or says something that cannot be right."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from read_api.replica.disk_copy import FILE
from support.contents import Records, a_record
from support.event_listeners import eventually
from support.fake_github import FakeGithub, fake_github, sample_files
from support.fault_proxy import FaultProxy
from support.histories import Past
from support.metrics import sample
from support.old_primaries import OldPrimary, old_primary
from support.replicas import POLL_SECONDS, Replica, replica_of
from support.served_pasts import V1, V2, ServedPast, served
from support.serving import LOOPBACK

NOWHERE = "http://127.0.0.1:1/api"  # refused at once


def clips(*names: str, padding: int = 0) -> dict[str, Records]:
    description = random.Random(7).randbytes(padding).hex() or None  # does not become small by packing
    return {"clip": {name: a_record("clip", name, description=description) for name in names}}


@pytest.fixture
async def primary() -> AsyncIterator[ServedPast]:
    past = Past()
    await past.seed(clips("a"), legacy={"clip": b'{"a": {}}\r\n'})
    async with served(past, poll_seconds=POLL_SECONDS, heartbeat_seconds=0.2) as world:
        yield world


@pytest.fixture
async def proxy(primary: ServedPast) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(LOOPBACK, primary.client.port) as proxy:
        yield proxy


def url_of(proxy: FaultProxy) -> str:
    return f"http://{LOOPBACK}:{proxy.port}/api"


def refuse(proxy: FaultProxy) -> None:
    proxy.refuse()


def be_silent(proxy: FaultProxy) -> None:
    proxy.blackhole()


def lose_answers(proxy: FaultProxy) -> None:
    proxy.lose_answers(10_000)


def cut_bodies(proxy: FaultProxy) -> None:
    proxy.cut_answers_after(300)


FAULTS = [refuse, be_silent, lose_answers, cut_bodies]
HASTY = {"primary_api_timeout": 1.0}


def limits(fail: object) -> dict[str, Any]:
    """Return the settings for what the PRIMARY does: where it hangs, that must not take long."""
    return HASTY if fail in {be_silent, hang} else {}


@pytest.mark.parametrize("fail", FAULTS)
async def test_an_absent_primary_takes_nothing_away_and_its_return_brings_everything(
    primary: ServedPast, proxy: FaultProxy, tmp_path: Path, fail: Callable[[FaultProxy], None]
) -> None:
    async with replica_of(url_of(proxy), tmp_path, **limits(fail)) as replica:
        await replica.in_step()
        fail(proxy)
        await primary.past.apply(clips("a", "new"))
        await replica.in_step(stale=True)

        answer = await replica.ask(f"{V2}/clip")
        assert (answer.status, set(answer.json)) == (200, {"a"})
        assert answer.headers["X-Revision"] == "1"
        assert (await replica.ask(f"{V1}/clip")).body == b'{"a": {}}\r\n'
        assert (await replica.ask("/api/heartbeat")).status == 200
        ready = await replica.ask("/ready")
        assert (ready.status, ready.json["checks"]["catalogue"]) == (200, "ok")
        assert "the PRIMARY is not followed" in ready.json["checks"]["primary"]

        proxy.heal()
        await replica.has("clip", "a", "new")
        await replica.in_step()
    assert sample(replica.telemetry, "catalogue_stale") == 0


@pytest.mark.parametrize("fail", FAULTS)
async def test_a_start_during_an_outage_serves_the_copy_on_disk_as_outdated(
    primary: ServedPast, proxy: FaultProxy, tmp_path: Path, fail: Callable[[FaultProxy], None]
) -> None:
    async with replica_of(url_of(proxy), tmp_path) as replica:
        await replica.in_step()
    fail(proxy)

    async with replica_of(url_of(proxy), tmp_path, **limits(fail)) as replica:
        await replica.in_step(stale=True)
        answer = await replica.ask(f"{V1}/clip.json")
        assert (answer.body, answer.headers["X-Revision"]) == (b'{"a": {}}\r\n', "1")

        proxy.heal()
        await replica.in_step()


@pytest.mark.parametrize("fail", FAULTS)
async def test_a_start_with_nothing_at_all_waits_for_the_primary(
    proxy: FaultProxy, tmp_path: Path, fail: Callable[[FaultProxy], None]
) -> None:
    fail(proxy)
    async with replica_of(url_of(proxy), tmp_path, **limits(fail)) as replica:
        await replica.until("/api/status", lambda answer: answer.json["store"]["problem"] is not None)
        answer = await replica.ask(f"{V2}/clip")
        assert (answer.status, "Retry-After" in answer.headers) == (503, True)
        assert (await replica.ask("/ready")).status == 503
        assert (await replica.ask("/live")).status == 200

        proxy.heal()
        await replica.has("clip", "a")


async def test_a_damaged_copy_on_disk_is_not_served(
    primary: ServedPast, proxy: FaultProxy, tmp_path: Path
) -> None:
    path = tmp_path / FILE
    async with replica_of(url_of(proxy), tmp_path) as replica:
        await replica.in_step()
        # served before it is written; a writer that the end found at work would repair the damage
        await eventually(path.exists)
    path.write_bytes(path.read_bytes()[:-100])
    proxy.refuse()

    async with replica_of(url_of(proxy), tmp_path) as replica:
        await replica.until("/api/status", lambda answer: answer.json["store"]["problem"] is not None)
        assert (await replica.ask(f"{V2}/clip")).status == 503


async def test_a_disk_that_refuses_keeps_nothing_from_being_served(proxy: FaultProxy, tmp_path: Path) -> None:
    (tmp_path / FILE.parent).write_bytes(b"a file in the way")

    async with replica_of(url_of(proxy), tmp_path) as replica:
        await replica.has("clip", "a")
        await replica.in_step()


async def test_a_revision_that_cannot_be_fetched_is_not_served_in_part(
    primary: ServedPast, proxy: FaultProxy, tmp_path: Path
) -> None:
    async with replica_of(url_of(proxy), tmp_path) as replica:
        await replica.in_step()
        await replica.listens()
        proxy.cut_answers_after(2000)  # enough for what is small
        await primary.past.apply(clips("a", "new", padding=9000))
        await replica.in_step(stale=True)
        assert set(await replica.get("/clip")) == {"a"}

        proxy.heal()
        await replica.has("clip", "a", "new")
        assert (await replica.ask(f"{V2}/clip")).body == (await primary.ask(f"{V2}/clip")).body


Break = Callable[[OldPrimary], Awaitable[None]]


async def stop(primary: OldPrimary) -> None:
    await primary.stop()


async def hang(primary: OldPrimary) -> None:
    primary.hang = True


async def fail_with_500(primary: OldPrimary) -> None:
    primary.status = 500


async def fail_with_429(primary: OldPrimary) -> None:
    primary.status = 429


async def forbid(primary: OldPrimary) -> None:
    primary.status = 403


async def show_a_page(primary: OldPrimary) -> None:
    primary.garbage = b"<html>Down for maintenance</html>"


async def say_null(primary: OldPrimary) -> None:
    primary.garbage = b"null"


async def say_a_list(primary: OldPrimary) -> None:
    primary.garbage = b'[{"name": "a"}]'


async def say_no_records(primary: OldPrimary) -> None:
    primary.garbage = b'{"detail": "oops"}'


async def repair(primary: OldPrimary) -> None:
    primary.hang, primary.status, primary.garbage = False, None, None
    if primary.is_stopped:
        await primary.start()


BREAKS = [
    stop,
    hang,
    fail_with_500,
    fail_with_429,
    forbid,
    show_a_page,
    say_null,
    say_a_list,
    say_no_records,
]


@pytest.mark.parametrize("break_it", BREAKS)
async def test_an_old_primary_that_fails_takes_nothing_away(tmp_path: Path, break_it: Break) -> None:
    async with old_primary() as primary:
        primary.put("clip", clips("a")["clip"])
        async with replica_of(primary.url, tmp_path, **limits(break_it)) as replica:
            await replica.in_step()
            body = (await replica.ask(f"{V2}/clip")).body
            await break_it(primary)
            await replica.in_step(stale=True)
            assert (await replica.ask(f"{V2}/clip")).body == body
            assert (await replica.ask(f"{V1}/clip")).body == primary.v1["clip"]

            await repair(primary)
            primary.put("clip", clips("b")["clip"])
            await replica.has("clip", "b")
            await replica.in_step()


async def serving_github(replica: Replica) -> None:
    await replica.loaded()
    for (folder, name), body in sample_files().items():
        if folder == "image" and name != "diffusers.json":
            assert (await replica.ask(f"{V1}/{name}")).body == body
    assert (await replica.ask(f"{V1}/db.json")).body == sample_files()["text", "db.json"]
    assert (await replica.ask(f"{V1}/diffusers.json")).body == b"{ }\n"


@pytest.fixture
async def github() -> AsyncIterator[FakeGithub]:
    async with fake_github() as github:
        yield github


async def test_with_neither_primary_nor_copy_the_files_of_github_are_served_as_outdated(
    github: FakeGithub, tmp_path: Path
) -> None:
    async with replica_of(NOWHERE, tmp_path, github_url=github.url) as replica:
        await replica.in_step(stale=True)
        await serving_github(replica)
        clip = await replica.get("/clip")
        assert set(clip) == {"Sample-B/32"}


async def test_the_primary_replaces_what_github_has(
    primary: ServedPast, proxy: FaultProxy, github: FakeGithub, tmp_path: Path
) -> None:
    proxy.refuse()
    async with replica_of(url_of(proxy), tmp_path, github_url=github.url) as replica:
        await replica.in_step(stale=True)
        proxy.heal()
        await replica.has("clip", "a")
        await replica.in_step()


async def test_a_copy_is_better_than_github(
    primary: ServedPast, proxy: FaultProxy, github: FakeGithub, tmp_path: Path
) -> None:
    async with replica_of(url_of(proxy), tmp_path, github_url=github.url) as replica:
        await replica.in_step()
    proxy.refuse()

    async with replica_of(url_of(proxy), tmp_path, github_url=github.url) as replica:
        await replica.in_step(stale=True)
        await replica.until("/ready", lambda answer: "does not answer" in answer.json["checks"]["primary"])
        assert set(await replica.get("/clip")) == {"a"}
    assert github.asked == 0


async def test_what_a_broken_old_primary_lacks_at_the_start_github_has(
    github: FakeGithub, tmp_path: Path
) -> None:
    async with old_primary() as primary:
        primary.put("clip", clips("a")["clip"])
        primary.failing = {f"/model_references/v2/{name}": 500 for name in ("blip", "esrgan")}
        async with replica_of(primary.url, tmp_path, github_url=github.url) as replica:
            await replica.in_step(stale=True)
            assert set(await replica.get("/clip")) == {"a"}
            assert (await replica.ask(f"{V1}/blip")).body == sample_files()["image", "blip.json"]


async def test_without_an_address_of_a_primary_github_is_followed(github: FakeGithub, tmp_path: Path) -> None:
    async with replica_of("", tmp_path, github_url=github.url) as replica:
        await replica.in_step()
        await serving_github(replica)
        assert (await replica.ask(f"{V2}/lora")).headers["X-Revision"] == "1"

        changed = github.files["image", "clip.json"].replace(b"Sample-B/32", b"another")
        github.files["image", "clip.json"] = changed
        await replica.has("clip", "another")
        assert (await replica.ask(f"{V2}/lora")).headers["X-Revision"] == "2"

        github.failing = {"blip.json"}
        await replica.in_step(stale=True)
        assert (await replica.ask(f"{V1}/clip")).body == changed


async def test_files_that_did_not_change_are_no_new_revision_after_a_restart(
    github: FakeGithub, tmp_path: Path
) -> None:
    for _ in range(2):
        async with replica_of("", tmp_path, github_url=github.url) as replica:
            await replica.in_step()
            assert (await replica.ask(f"{V2}/lora")).headers["X-Revision"] == "1"


async def test_many_requests_are_answered_while_the_primary_hangs(proxy: FaultProxy, tmp_path: Path) -> None:
    async with replica_of(url_of(proxy), tmp_path, primary_api_timeout=30) as replica:
        await replica.in_step()
        proxy.blackhole()
        await replica.ask(f"{V2}/clip", X_Min_Revision="1")

        answers = await asyncio.gather(*(replica.ask(f"{V2}/clip") for _ in range(50)))

    assert [answer.status for answer in answers] == [200] * 50
