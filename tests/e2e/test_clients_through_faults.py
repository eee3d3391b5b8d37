"""Programs that use the library while the system fails: a short version of `make chaos ARGS=clients`."""

import pytest

from chaos.arena import Outcome, an_arena
from chaos.client_scenario import attack
from stack.child import StackFailed
from stack.neighbours import require_programs
from support.servers import missing

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]

SHARE = 0.1
"""One of each kind of client."""


async def test_clients_see_whole_edits_and_no_failure_whatever_happens_behind_them() -> None:
    try:
        require_programs()
    except StackFailed as error:
        missing(str(error))
    outcome = Outcome("clients")
    async with an_arena(seed=11, say=lambda _: None, write=1, read=2) as arena:
        await attack(arena, outcome, faults=6, seconds=2.0, share=SHARE)
        judgement = await arena.judge()
    assert [*outcome.problems, *judgement.problems] == []
    assert outcome.figures["clients did"]["reads"] > 1000  # type: ignore[index] # an object of numbers
