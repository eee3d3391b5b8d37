"""The plan of faults of the mixed run."""

import itertools
import random

from chaos.mixed_plan import CALM_SECONDS, FAULT_SECONDS, Fault, faults

SERVICES, SERVERS = ("read-api-1", "read-api-2"), ("redis",)
KINDS = 2 * 2 + 4


def some(seed: int, count: int) -> list[Fault]:
    return list(itertools.islice(faults(SERVICES, SERVERS, random.Random(seed)), count))


def test_every_fault_comes_once_before_any_comes_again() -> None:
    drawn = [(fault.part, fault.how) for fault in some(1, 2 * KINDS)]
    assert len(set(drawn[:KINDS])) == KINDS
    assert set(drawn[KINDS:]) == set(drawn[:KINDS])


def test_services_are_not_cut_off() -> None:
    hows = {fault.how for fault in some(1, KINDS) if fault.part in SERVICES}
    assert hows == {"kill", "freeze"}


def test_same_seed_gives_the_same_plan() -> None:
    assert some(5, 20) == some(5, 20)
    assert some(5, 20) != some(6, 20)


def test_times_are_within_their_bounds() -> None:
    for fault in some(2, 50):
        assert FAULT_SECONDS[0] <= fault.seconds <= FAULT_SECONDS[1]
        assert CALM_SECONDS[0] <= fault.calm_seconds <= CALM_SECONDS[1]
