"""How old live figures are (aihorde-api.md section 6)."""

from collections.abc import Mapping

import pytest

from horde_model_reference.integrations.horde_figures import Usage
from stats.domain.runtime import HordeKind, Received, RuntimeSnapshot
from stats.domain.runtime_mark import RuntimeMark, runtime_mark, runtime_value

Counted = Received[Mapping[str, Usage]]

SNAPSHOT = RuntimeSnapshot(
    HordeKind.IMAGE, 9.0, status=Received((), 7.9), usage=Received({}, 5.2), workers=Received((), 8.0)
)


def test_figures_are_as_old_as_their_oldest_source() -> None:
    assert runtime_mark(SNAPSHOT) == RuntimeMark(fetched_at=5, stale=False)


@pytest.mark.parametrize("usage", [None, Received({}, 8.5, stale=True)])
def test_figures_are_stale_when_one_source_is_stale_or_missing(usage: Counted | None) -> None:
    snapshot = RuntimeSnapshot(HordeKind.IMAGE, 9.0, SNAPSHOT.status, usage, SNAPSHOT.workers)

    assert runtime_mark(snapshot) == RuntimeMark(fetched_at=7, stale=True)


def test_every_source_is_told_of_one_by_one() -> None:
    usage: Counted = Received({}, 5.2, stale=True, skipped=3)

    assert runtime_value(RuntimeSnapshot(HordeKind.IMAGE, 9.0, Received((), 7.9), usage, None)) == {
        "status": {"fetched_at": 7, "stale": False, "skipped": 0},
        "usage": {"fetched_at": 5, "stale": True, "skipped": 3},
        "workers": {"fetched_at": None, "stale": True, "skipped": 0},
    }


def test_a_clock_that_was_put_back_makes_no_figures_of_the_future() -> None:
    mark = RuntimeMark(fetched_at=100, stale=False)

    assert (mark.age_seconds(130.9), mark.age_seconds(100.0), mark.age_seconds(40.0)) == (30, 0, 0)
