import asyncio

import pytest

from read_api.domain.records import DocumentUnreadable
from read_api.holder import PageHolder
from service_kit.coding import Effort
from service_kit.errors import NotReady
from service_kit.memory_cache import MemoryCache
from support.contents import a_content, a_record, category_content
from support.revision_sources import ScriptedSource

MANY = {"clip": {str(n): a_record("clip", str(n)) for n in range(50)}}


def test_nothing_is_served_before_the_first_revision() -> None:
    with pytest.raises(NotReady):
        PageHolder().current()


async def test_an_empty_journal_counts_as_loaded() -> None:
    holder = PageHolder()

    await holder.publish(None)

    await asyncio.wait_for(holder.loaded(), 1)
    assert holder.current().revision == 0


async def test_whoever_wants_the_catalogue_gets_it_once_it_is_served() -> None:
    holder = PageHolder()
    heard: list[tuple[int, int | None]] = []
    holder.on_content(
        lambda content: heard.append((holder.current().revision, content.revision if content else None))
    )

    await holder.publish(None)
    await holder.publish(a_content(MANY, revision=4))

    assert heard == [(0, None), (4, 4)]


async def test_old_pages_stay_when_new_ones_cannot_be_built() -> None:
    holder = PageHolder()
    await holder.publish(a_content(MANY))
    content = a_content(MANY, revision=2)
    broken = type(content)(
        revision=2,
        sequence=2,
        committed_at=content.committed_at,
        categories={"clip": category_content("clip", b"[]")},
    )

    with pytest.raises(DocumentUnreadable):
        await holder.publish(broken)

    assert holder.current().revision == 1


async def test_polishing_makes_the_best_forms_of_the_same_revision() -> None:
    holder = PageHolder()
    await holder.publish(a_content(MANY))
    before = holder.current()

    await holder.polish()

    after = holder.current()
    assert before.v2["clip"].effort is Effort.FAST
    assert after.v2["clip"].effort is Effort.BEST
    assert after.categories["clip"].v2 is after.v2["clip"]
    assert after.revision == before.revision
    assert after.v2["clip"].identity == before.v2["clip"].identity


async def test_polishing_runs_after_every_revision_until_cancelled() -> None:
    holder = PageHolder()
    polishing = asyncio.create_task(holder.polish_forever())
    for revision in (1, 2):
        records = {str(n): a_record("clip", str(n), description=str(revision)) for n in range(50)}
        await holder.publish(a_content({"clip": records}, revision=revision))
        async with asyncio.timeout(5):
            while not holder.current().categories["clip"].is_polished:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
    polishing.cancel()

    with pytest.raises(asyncio.CancelledError):
        await polishing


async def test_polishing_computes_what_would_be_computed_on_demand() -> None:
    holder = PageHolder()
    text = {"a/A-7B": a_record("text_generation", "a/A-7B", text_model_group="A")}
    await holder.publish(a_content({"text_generation": text}, legacy={"text_generation": b'{"a/A-7B": {}}'}))

    await holder.polish()
    holder.close()  # from here on nothing can be computed any more

    tools, workshop = holder.current().text, holder.workshop
    assert tools is not None
    assert b'"total_groups":1' in (await tools.overview.get(workshop)).summary.identity
    assert await tools.named_groups.get(workshop) == ("A",)
    assert b"text_model_group" in (await tools.legacy_with_groups.get(workshop)).identity
    assert "name" in await holder.current().search_all.ranks.get(workshop)


async def test_a_failure_while_polishing_is_logged_and_does_not_end_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    holder = PageHolder()
    polishing = asyncio.create_task(holder.polish_forever())
    text = {str(n): a_record("text_generation", f"{n}-7B") for n in range(50)}
    await holder.publish(a_content({"text_generation": text}, legacy={"text_generation": b"[broken]"}))
    async with asyncio.timeout(5):
        while not caplog.records:  # noqa: ASYNC110 - the log tells nobody
            await asyncio.sleep(0.01)

    assert not polishing.done()
    assert holder.current().v2["text_generation"].effort is Effort.BEST
    polishing.cancel()


async def test_pages_that_were_replaced_meanwhile_are_not_brought_back() -> None:
    holder = PageHolder()
    await holder.publish(a_content(MANY))
    polishing = asyncio.create_task(holder.polish())
    changed = {"clip": {name: {**record, "version": "2"} for name, record in MANY["clip"].items()}}
    await holder.publish(a_content(changed, revision=2))
    await polishing

    assert holder.current().revision == 2
    assert b'"version":"2"' in holder.current().v2["clip"].identity


async def test_a_second_instance_takes_the_best_forms_from_the_shared_cache() -> None:
    cache = MemoryCache()
    first, second = PageHolder(), PageHolder()
    for holder in (first, second):
        holder.use_cache(cache)
    await first.publish(a_content(MANY))
    await first.polish()

    await second.publish(a_content(MANY))

    assert second.current().v2["clip"].effort is Effort.BEST


async def test_a_cache_that_holds_rubbish_costs_nothing_but_time() -> None:
    class RubbishCache:
        async def get_many(self, keys: list[str]) -> list[bytes | None]:
            return [b"rubbish" for _ in keys]

        async def set_many(self, items: dict[str, bytes], *, ttl_seconds: float) -> None:
            raise AssertionError(f"nothing was polished, but {len(items)} forms are held {ttl_seconds} s")

    holder = PageHolder()
    holder.use_cache(RubbishCache())

    await holder.publish(a_content(MANY))

    assert holder.current().v2["clip"].effort is Effort.FAST


async def test_a_revision_that_is_served_needs_no_waiting() -> None:
    holder = PageHolder()
    await holder.publish(a_content(MANY, revision=7))

    await holder.reach(7, 0)


async def test_a_later_revision_is_waited_for_at_the_source() -> None:
    holder = PageHolder()
    source = ScriptedSource(reaches=True)
    holder.attach(source)

    await holder.reach(8, 5)

    assert source.waits == [(8, 5)]


@pytest.mark.parametrize("source", [None, ScriptedSource(reaches=False)])
async def test_a_revision_that_does_not_come_is_not_ready(source: ScriptedSource | None) -> None:
    holder = PageHolder()
    if source is not None:
        holder.attach(source)

    with pytest.raises(NotReady, match="revision 8"):
        await holder.reach(8, 0)


def test_staleness_is_that_of_the_source() -> None:
    holder = PageHolder()
    assert not holder.stale

    holder.attach(ScriptedSource(stale=True))

    assert holder.stale
