"""What an instance keeps in memory: documents within bounds, and what a request came to."""

from support.memory_store import MemoryObjectStore
from support.queues import a_queue
from write_queue.domain.catalogue import Recent
from write_queue.domain.commands import Worked


class Makes:
    """Counts how often a value was made."""

    def __init__(self, value: str) -> None:
        self.value = value
        self.times = 0

    async def __call__(self) -> str:
        self.times += 1
        return self.value


async def test_values_are_kept_up_to_their_common_weight_and_the_oldest_is_forgotten() -> None:
    recent: Recent[str, str] = Recent(6, len)
    makes = {key: Makes(key * 3) for key in "abc"}
    for key, make in makes.items():
        await recent.get(key, make)

    await recent.get("b", makes["b"])
    await recent.get("a", makes["a"])

    assert {key: make.times for key, make in makes.items()} == {"a": 2, "b": 1, "c": 1}


async def test_value_that_was_used_lately_outlives_an_older_one() -> None:
    recent: Recent[str, str] = Recent(6, len)
    makes = {key: Makes(key * 3) for key in "abc"}
    for key in "abac":
        await recent.get(key, makes[key])

    await recent.get("a", makes["a"])

    assert makes["a"].times == 1


async def test_value_heavier_than_the_limit_is_kept_while_it_is_the_last() -> None:
    recent: Recent[str, str] = Recent(2, len)
    make = Makes("heavy")

    assert await recent.get("a", make) == await recent.get("a", make) == "heavy"
    assert make.times == 1


async def test_value_put_again_weighs_once() -> None:
    recent: Recent[str, str] = Recent(6, len)
    for _ in range(5):
        recent.put("a", "aaa")
    recent.put("b", "bbb")
    make = Makes("aaa")

    await recent.get("a", make)

    assert make.times == 0


async def test_work_is_done_again_only_for_another_question() -> None:
    worked, make = Worked(), Makes("done")

    for question in (1, 1, 2):
        await worked.once("work", question, make)

    assert make.times == 2


async def test_different_works_of_a_request_do_not_mix() -> None:
    worked = Worked()

    answers = [await worked.once(what, 1, Makes(what)) for what in ("first", "second", "first")]

    assert answers == ["first", "second", "first"]


class CountingStore(MemoryObjectStore):
    """Counts what is read of the blobs."""

    blobs_read = 0

    async def get(self, key: str) -> bytes:
        self.blobs_read += key.startswith("blobs/")
        return await super().get(key)


async def test_instance_does_not_read_what_it_has_just_written() -> None:
    store = CountingStore()
    queue = await a_queue(store)
    await queue.make_live("first")
    before = store.blobs_read

    await queue.make_live("second")

    assert store.blobs_read - before == 1  # the side data
