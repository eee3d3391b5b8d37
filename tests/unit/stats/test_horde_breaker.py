"""When the AI-Horde is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_kit.ai_horde_state import HordeState
from stats.horde.breaker import Admission, Breaker
from stats.horde.timing import Timing
from support.a_clock import AClock


def a_breaker(clock: AClock, *, failures: int = 0, cold: bool = False) -> Breaker:
    breaker = Breaker(Timing(monotonic=clock, wall=lambda: 5000.0))
    if not cold:
        breaker.note_success()
    for _ in range(failures):
        breaker.note_failure()
    return breaker


@pytest.mark.parametrize("failures", range(5))
def test_few_failures_in_a_row_do_not_open_it(failures: int) -> None:
    breaker = a_breaker(AClock(), failures=failures)
    assert breaker.admit() is Admission.EVERYTHING
    assert breaker.state() == HordeState(False, failures, None)


def test_success_between_makes_the_count_begin_anew() -> None:
    breaker = a_breaker(AClock(), failures=4)
    breaker.note_success()
    breaker.note_failure()
    assert breaker.admit() is Admission.EVERYTHING


def test_fifth_failure_in_a_row_opens_it_for_two_minutes() -> None:
    clock = AClock()
    breaker = a_breaker(clock, failures=5)
    assert breaker.state() == HordeState(True, 5, 5120.0)
    clock.advance(119.9)
    assert breaker.admit() is Admission.NOTHING
    clock.advance(0.2)
    assert breaker.admit() is Admission.ONE_CALL


def test_only_one_call_is_admitted_after_the_rest_until_its_outcome_is_known() -> None:
    clock = AClock()
    breaker = a_breaker(clock, failures=5)
    clock.advance(121)
    assert [breaker.admit() for _ in range(3)] == [Admission.ONE_CALL, Admission.NOTHING, Admission.NOTHING]
    assert breaker.admit(urgent=True) is Admission.NOTHING


def test_success_of_the_single_call_closes_it() -> None:
    clock = AClock()
    breaker = a_breaker(clock, failures=5)
    clock.advance(121)
    breaker.admit()
    breaker.note_success()
    assert breaker.admit() is Admission.EVERYTHING
    assert breaker.state() == HordeState()


def test_failure_of_the_single_call_begins_another_rest() -> None:
    clock = AClock()
    breaker = a_breaker(clock, failures=5)
    clock.advance(121)
    breaker.admit()
    breaker.note_failure()
    assert breaker.state() == HordeState(True, 6, 5120.0)
    clock.advance(121)
    assert breaker.admit() is Admission.ONE_CALL


def test_interrupted_single_call_leaves_room_for_another_one() -> None:
    clock = AClock()
    breaker = a_breaker(clock, failures=5)
    clock.advance(121)
    breaker.admit()
    breaker.note_interruption()
    assert breaker.admit() is Admission.ONE_CALL


def test_while_nothing_was_ever_received_one_failure_opens_it_for_seconds() -> None:
    clock = AClock()
    breaker = a_breaker(clock, failures=1, cold=True)
    assert breaker.state() == HordeState(True, 1, 5005.0)
    assert breaker.admit() is Admission.NOTHING
    clock.advance(5.1)
    assert breaker.admit() is Admission.ONE_CALL


def test_urgent_call_does_not_wait_for_the_end_of_a_rest() -> None:
    assert a_breaker(AClock(), failures=5).admit(urgent=True) is Admission.ONE_CALL


def test_demanded_rest_binds_urgent_calls_too() -> None:
    clock = AClock()
    breaker = a_breaker(clock, failures=1, cold=True)
    breaker.note_demand(60)
    assert breaker.admit(urgent=True) is Admission.NOTHING
    assert breaker.state().retry_at == 5060.0
    clock.advance(61)
    assert breaker.admit(urgent=True) is Admission.ONE_CALL


def test_demanded_rest_is_kept_although_other_calls_succeeded() -> None:
    clock = AClock()
    breaker = a_breaker(clock, failures=2)
    breaker.note_success()
    breaker.note_demand(60)
    assert breaker.admit() is Admission.NOTHING
    assert not breaker.state().degraded
    clock.advance(61)
    assert breaker.admit() is Admission.EVERYTHING


def test_demanded_rest_does_not_shorten_a_longer_one() -> None:
    breaker = a_breaker(AClock(), failures=5)
    breaker.note_demand(3)
    assert (breaker.rest_seconds, breaker.demanded_seconds) == (120, 3)


def test_demanded_rest_is_told_although_it_is_not_open() -> None:
    breaker = a_breaker(AClock())
    breaker.note_demand(60)
    assert breaker.state() == HordeState(False, 0, 5060.0)


def test_success_ends_a_demanded_rest_for_urgent_calls_too() -> None:
    breaker = a_breaker(AClock())
    breaker.note_demand(60)
    breaker.note_success()
    assert breaker.admit(urgent=True) is Admission.ONE_CALL


def test_inherited_failures_replace_no_larger_number() -> None:
    breaker = a_breaker(AClock(), failures=7)
    breaker.inherit(2)
    assert breaker.state().consecutive_failures == 7


@pytest.mark.parametrize(("inherited", "admission"), [(4, "EVERYTHING"), (5, "ONE_CALL"), (100, "ONE_CALL")])
def test_inherited_failures_count_and_need_no_rest(inherited: int, admission: str) -> None:
    breaker = a_breaker(AClock())
    breaker.inherit(inherited)
    assert breaker.admit().name == admission


EVENTS = st.lists(
    st.one_of(
        st.sampled_from(["success", "failure", "interruption", "admit", "urgent", "possession"]),
        st.floats(0, 400),
    ),
    max_size=60,
)


@given(EVENTS)
def test_it_always_lets_a_call_through_after_its_rest_and_never_two_probes_at_once(
    events: list[str | float],
) -> None:
    clock = AClock()
    breaker = a_breaker(clock, cold=True)
    probing = False
    for event in events:
        match event:
            case "success":
                breaker.note_success()
                probing = False
            case "failure":
                breaker.note_failure()
                probing = False
            case "interruption":
                breaker.note_interruption()
                probing = False
            case "possession":
                breaker.note_possession()
            case "admit" | "urgent":
                admitted = breaker.admit(urgent=event == "urgent")
                assert not (probing and admitted is not Admission.NOTHING)
                probing = probing or admitted is Admission.ONE_CALL
            case float():
                clock.advance(event)
            case _:
                raise AssertionError(event)
    breaker.note_interruption()
    clock.advance(121)
    assert breaker.admit() is not Admission.NOTHING
