"""A PRIMARY whose numbers go back, or that is replaced by another one."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from support.contents import Records, a_record
from support.event_streams import listening
from support.fault_proxy import FaultProxy
from support.histories import Past
from support.old_primaries import old_primary
from support.replicas import POLL_SECONDS, Replica, replica_of
from support.served_pasts import V2, served
from support.serving import LOOPBACK


def clips(*names: str) -> dict[str, Records]:
    return {"clip": {name: a_record("clip", name) for name in names}}


class Places:
    """One address behind which one server or another stands."""

    def __init__(self, proxy: FaultProxy, stack: AsyncExitStack) -> None:
        self._proxy = proxy
        self._stack = stack
        self.url = f"http://{LOOPBACK}:{proxy.port}/api"

    async def of_past(self, *revisions: dict[str, Records]) -> int:
        """Start a PRIMARY with these revisions and return its port."""
        past = Past()
        for revision in revisions:
            await past.seed(revision)
        world = await self._stack.enter_async_context(served(past, poll_seconds=POLL_SECONDS))
        return world.client.port

    async def of_old(self, records: dict[str, Records]) -> int:
        """Start one that knows no revisions and return its port."""
        primary = await self._stack.enter_async_context(old_primary())
        for category, found in records.items():
            primary.put(category, found)
        return primary.port

    def put(self, port: int) -> None:
        """Let this one stand behind the address from now on."""
        self._proxy.upstream = (LOOPBACK, port)
        self._proxy.refuse()  # who is connected has to connect again
        self._proxy.heal()


@pytest.fixture
async def places() -> AsyncIterator[Places]:
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(FaultProxy(LOOPBACK, 1))
        yield Places(proxy, stack)


async def revision(replica: Replica) -> int:
    return int((await replica.ask(f"{V2}/lora")).headers["X-Revision"])


async def says(replica: Replica, text: str) -> None:
    """Wait until the replica says what it does not like about its PRIMARY."""
    await replica.until("/ready", lambda answer: text in answer.json["checks"]["primary"])


async def test_a_primary_that_goes_back_is_not_believed_at_once(places: Places, tmp_path: Path) -> None:
    ahead = await places.of_past(clips("a"), clips("a", "b"))
    behind = await places.of_past(clips("a"))
    places.put(ahead)
    async with replica_of(places.url, tmp_path) as replica:
        await replica.in_step()
        places.put(behind)
        await replica.until(
            "/ready", lambda answer: "it shows revision 1" in answer.json["checks"]["primary"]
        )

        assert set(await replica.get("/clip")) == {"a", "b"}
        assert await revision(replica) == 2
        places.put(ahead)
        await replica.in_step()


async def test_a_primary_that_stays_behind_is_believed_in_the_end(places: Places, tmp_path: Path) -> None:
    ahead = await places.of_past(clips("a"), clips("a", "b"), clips("b"))
    behind = await places.of_past(clips("a"), clips("z"))
    places.put(ahead)
    async with replica_of(places.url, tmp_path, lower_patience_seconds=0.3) as replica:
        await replica.in_step()
        bundle, search = f"{V2}/bundle", f"{V2}/clip/search"
        before = [(await replica.ask(path)).body for path in (bundle, search)]
        async with listening(replica.client.port) as stream:
            head = await stream.next()
            places.put(behind)
            await replica.has("clip", "z")
            end = await stream.next()
        async with listening(replica.client.port, Last_Event_ID="3") as stream:
            reset = await stream.next()

        assert head is not None
        assert reset is not None
        assert (head.name, head.id) == ("catalog.head", 3)
        assert end is None, "the stream ends, so that everybody comes back"
        assert (reset.name, reset.id) == ("catalog.reset", 2)
        assert (await replica.ask(f"{V2}/changes?since=3")).status == 404
        after = [(await replica.ask(path)).body for path in (bundle, search)]
        assert before[0] != after[0]
        assert b'"z"' in after[1]
        await replica.in_step()


async def test_a_primary_that_lost_everything_is_never_believed(places: Places, tmp_path: Path) -> None:
    places.put(await places.of_past(clips("a")))
    async with replica_of(places.url, tmp_path, lower_patience_seconds=0) as replica:
        await replica.in_step()
        places.put(await places.of_past())
        await replica.in_step(stale=True)
        await says(replica, "cannot be used")

        assert set(await replica.get("/clip")) == {"a"}


async def test_another_catalogue_under_the_same_number_is_noticed_after_an_absence(
    places: Places, tmp_path: Path
) -> None:
    places.put(await places.of_past(clips("a")))
    async with replica_of(places.url, tmp_path) as replica:
        await replica.in_step()
    places.put(await places.of_past(clips("other")))

    async with replica_of(places.url, tmp_path) as replica:
        await replica.has("clip", "other")
        await replica.in_step()
        assert await revision(replica) == 1


async def test_a_copy_that_the_primary_confirms_is_not_fetched_again(places: Places, tmp_path: Path) -> None:
    places.put(await places.of_past(clips("a")))
    for bundles in (1, 0):
        async with replica_of(places.url, tmp_path) as replica:
            await replica.in_step()
            metrics = (await replica.ask("/metrics")).body.decode()
            lines = [line for line in metrics.splitlines() if 'count{operation="bundle"' in line]
            assert [line.split(" ")[1] for line in lines] == ["1.0"] * bundles


async def test_an_old_primary_may_become_one_that_knows_revisions(places: Places, tmp_path: Path) -> None:
    places.put(await places.of_old(clips("a")))
    async with replica_of(places.url, tmp_path) as replica:
        await replica.has("clip", "a")
        places.put(await places.of_past(clips("a"), clips("b"), clips("c")))
        await replica.has("clip", "c")
        await replica.in_step()
        assert await revision(replica) == 3


async def test_a_primary_may_forget_that_it_knew_revisions(places: Places, tmp_path: Path) -> None:
    places.put(await places.of_past(clips("a"), clips("b")))
    async with replica_of(places.url, tmp_path) as replica:
        await replica.has("clip", "b")
        places.put(await places.of_old(clips("c")))
        await replica.has("clip", "c")
        await replica.in_step()
        assert await revision(replica) == 3, "the count goes on"


async def test_a_copy_of_another_primary_is_served_only_until_this_one_answers(
    places: Places, tmp_path: Path
) -> None:
    places.put(await places.of_past(clips("a"), clips("b"), clips("c")))
    async with replica_of(places.url, tmp_path) as replica:
        await replica.has("clip", "c")
    port = await places.of_past(clips("other"))

    async with replica_of(f"http://{LOOPBACK}:{port}/api", tmp_path) as replica:
        await replica.has("clip", "other")
        await replica.in_step()
        assert await revision(replica) == 1
