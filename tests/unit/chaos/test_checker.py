"""The judge of the chaos runs: it must be able to say no."""

from collections.abc import Mapping, Sequence

import pytest

from chaos.checker import Facts, check, decided_twice, judge, unheard_of
from chaos.client_log import Action, ClientLog, Operation, Verdict
from chaos.load import Readings, halves
from registry.state import State
from support.memory_store import MemoryObjectStore


def an_operation(verdict: Verdict, action: Action = "propose", ids: tuple[int, ...] = (4,)) -> Operation:
    return Operation(action, "m", ids, verdict, 1, [])


def facts(
    proposed: Mapping[str, Sequence[int]] | None = None,
    applied: Mapping[str, Sequence[tuple[int, ...]]] | None = None,
) -> Facts:
    found = Facts(State())
    found.proposed.update({name: list(ids) for name, ids in (proposed or {}).items()})
    found.applied.update({name: list(ids) for name, ids in (applied or {}).items()})
    return found


@pytest.mark.parametrize(
    ("verdict", "ids", "problems"),
    [
        ("accepted", [4], 0),
        ("accepted", [], 1),
        ("accepted", [5], 1),
        ("accepted", [4, 5], 2),
        ("refused", [], 0),
        ("refused", [4], 1),
        ("unknown", [], 0),
        ("unknown", [9], 0),
        ("unknown", [4, 5], 1),
    ],
)
def test_proposal_is_judged_by_what_the_journal_has(verdict: Verdict, ids: list[int], problems: int) -> None:
    assert len(check(an_operation(verdict), facts(proposed={"m": ids}))) == problems


@pytest.mark.parametrize(
    ("verdict", "entries", "problems"),
    [
        ("accepted", [(1, 2)], 0),
        ("accepted", [(2, 1)], 0),
        ("accepted", [(1,)], 1),
        ("accepted", [(1,), (2,)], 3),
        ("unknown", [(1,)], 1),
        ("refused", [(1, 2)], 1),
    ],
)
def test_half_of_an_apply_is_a_problem_whatever_the_client_was_told(
    verdict: Verdict, entries: list[tuple[int, ...]], problems: int
) -> None:
    operation = an_operation(verdict, "apply", (1, 2))
    assert len(check(operation, facts(applied={"m": entries}))) == problems


def test_change_decided_or_applied_twice_is_named() -> None:
    found = facts()
    found.times_decided.update([1, 1, 2])
    found.times_applied.update([2, 2])
    assert decided_twice(found) == ["change 1 was decided 2 times", "change 2 was applied 2 times"]


def test_entry_that_nobody_asked_for_is_named() -> None:
    log = ClientLog()
    known = log.begin("propose")
    found = facts(proposed={known.marker: [1], "stranger": [2]})
    assert unheard_of(log, found) == ["nobody sent 'stranger', which is in the journal"]


async def test_accepted_change_that_is_not_in_the_journal_is_a_problem() -> None:
    log = ClientLog()
    log.begin("propose").note("accepted", 202)
    judgement = await judge(MemoryObjectStore(), log)
    assert len(judgement.problems) == 1


@pytest.mark.parametrize(
    ("sendings", "verdict"),
    [
        (["unknown", "accepted"], "accepted"),
        (["refused", "unknown"], "unknown"),
        (["unknown", "refused"], "unknown"),
        (["refused", "refused"], "refused"),
        (["accepted", "refused"], "accepted"),
    ],
)
def test_several_sendings_of_one_operation_have_one_verdict(
    sendings: list[Verdict], verdict: Verdict
) -> None:
    operation = ClientLog().begin("apply")
    for sending in sendings:
        operation.note(sending, 0)
    assert operation.verdict == verdict


def test_pair_of_which_only_one_record_changed_is_a_half() -> None:
    document: dict[str, dict[str, object]] = {
        "pair-1.a": {"description": "2#x"},
        "pair-1.b": {"description": "1#y"},
        "pair-2.a": {"description": "1#z"},
        "pair-3.a": {"description": "3#p"},
        "pair-3.b": {"description": "3#q"},
        "other.a": {},
    }
    assert [half.partition(" ")[0] for half in halves(document)] == ["pair-1", "pair-2"]


def test_instance_that_goes_back_to_an_older_revision_is_noticed() -> None:
    readings = Readings()
    for revision in ("3", "4", "3"):
        readings.note("instance http://a", 200, revision, b"{}")
    readings.note("open", 502, None, b"")
    assert readings.backwards == ["instance http://a went from revision 4 back to 3"]
    assert readings.failures == 1
