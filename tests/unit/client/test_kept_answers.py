import asyncio

import pytest

from horde_model_reference.kept_answers import Kept, KeptAnswers
from support.a_clock import AClock


class Source:
    """Counts what it is asked; waits for `gate`; raises `error` where set."""

    def __init__(self, seconds: float = 60.0) -> None:
        self.seconds = seconds
        self.asked: list[tuple[str, str | None]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def fetch(self, key: str, last: Kept[str] | None) -> tuple[str, float]:
        self.asked.append((key, last.value if last else None))
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return f"{key} {len(self.asked)}", self.seconds


async def test_an_answer_is_kept_for_its_time() -> None:
    source, clock = Source(), AClock(100.0)
    answers = KeptAnswers(source.fetch, clock=clock)
    assert answers.fresh("a") is None
    assert [await answers.get("a"), await answers.get("a")] == ["a 1", "a 1"]
    assert answers.fresh("a") == Kept("a 1", 160.0)
    clock.seconds = 160.0
    assert answers.fresh("a") is None
    assert await answers.get("a") == "a 2"
    assert source.asked == [("a", None), ("a", "a 1")]


async def test_force_asks_although_the_answer_is_fresh() -> None:
    source = Source()
    answers = KeptAnswers(source.fetch)
    await answers.get("a")
    assert await answers.get("a", force=True) == "a 2"
    assert await answers.get("a") == "a 2"


async def test_who_asks_meanwhile_shares_the_answer_of_the_same_key() -> None:
    source = Source()
    source.gate.clear()
    answers = KeptAnswers(source.fetch)
    asking = [asyncio.create_task(answers.get(key, force=force)) for key in "ab" for force in (False, True)]
    await asyncio.sleep(0)
    source.gate.set()
    assert await asyncio.gather(*asking) == ["a 1", "a 1", "b 2", "b 2"]
    assert [key for key, _ in source.asked] == ["a", "b"]


async def test_an_error_goes_to_all_who_wait_and_is_not_kept() -> None:
    source = Source()
    source.gate.clear()
    source.error = OSError("down")
    answers = KeptAnswers(source.fetch)
    asking = [asyncio.create_task(answers.get("a")) for _ in range(3)]
    await asyncio.sleep(0)
    source.gate.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["down"] * 3
    source.error = None
    assert await answers.get("a") == "a 2"


async def test_a_caller_that_gives_up_takes_nothing_from_the_others() -> None:
    source = Source()
    source.gate.clear()
    answers = KeptAnswers(source.fetch)
    impatient, patient = (asyncio.create_task(answers.get("a")) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)
    source.gate.set()
    assert await patient == "a 1"
    with pytest.raises(asyncio.CancelledError):
        await impatient


def test_what_began_on_a_loop_that_is_gone_is_begun_anew() -> None:
    source = Source()
    answers = KeptAnswers(source.fetch)
    old = asyncio.new_event_loop()
    source.gate.clear()
    waiting = old.create_task(answers.get("a"))
    old.run_until_complete(asyncio.sleep(0))
    source.gate = asyncio.Event()
    source.gate.set()
    assert asyncio.run(answers.get("a")) == "a 2"
    waiting.cancel()
    for task in asyncio.all_tasks(old):
        task.cancel()
    old.run_until_complete(asyncio.sleep(0))
    old.run_until_complete(asyncio.sleep(0))
    old.close()
