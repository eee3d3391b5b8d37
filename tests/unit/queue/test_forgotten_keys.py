"""Idempotency keys are remembered for a day, and over so many entries whatever the clocks say."""

from datetime import UTC, datetime, timedelta
from typing import Final

from registry.bodies import Decided
from registry.entries import FIRST_PREVIOUS, Answer, Entry
from registry.fold import ANSWERS_KEPT_ENTRIES, FORGET_EVERY, fold
from registry.state import State

NOON: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
LATER: Final = timedelta(days=2)


def an_entry(sequence: int, at: datetime, key: str | None = None) -> Entry:
    answer = Answer(key=key, fingerprint="f", status=200) if key else None
    return Entry(
        sequence=sequence,
        entry_id="e",
        previous=FIRST_PREVIOUS,
        occurred_at=at,
        actor="101",
        kind="decided",
        body=Decided(batch_title="t"),
        answer=answer,
    )


def known_keys_after(*, distance: int, later: timedelta) -> set[str]:
    """Return what is known of one key so many entries and so much time later."""
    first = FORGET_EVERY * 1000
    state = fold(State(sequence=first - 1), an_entry(first, NOON, "k"), FIRST_PREVIOUS)
    skipped = state.model_copy(update={"sequence": first + distance - 1})
    return set(fold(skipped, an_entry(first + distance, NOON + later), FIRST_PREVIOUS).answered)


def test_a_key_is_forgotten_after_a_day_and_many_entries() -> None:
    assert known_keys_after(distance=ANSWERS_KEPT_ENTRIES, later=LATER) == set()


def test_a_key_is_known_for_a_day_whatever_happens() -> None:
    later = timedelta(hours=23)
    assert known_keys_after(distance=ANSWERS_KEPT_ENTRIES * 10, later=later) == {"101:k"}


def test_a_clock_that_is_days_ahead_forgets_no_key_of_late() -> None:
    assert known_keys_after(distance=ANSWERS_KEPT_ENTRIES - FORGET_EVERY, later=LATER) == {"101:k"}
