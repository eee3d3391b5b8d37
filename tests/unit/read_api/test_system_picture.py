"""What is concluded from the reports of all instances."""

from typing import Any

import pytest

from read_api.domain.components import Component, Condition
from read_api.domain.instance_board import SILENT_SECONDS, InstanceBoard
from read_api.domain.system_picture import BEHIND_SECONDS, Overall, SystemPicture, picture_of
from support.a_clock import AClock
from support.instance_reports import a_check, a_report, minutes


class System:
    """A board that time passes for."""

    def __init__(self) -> None:
        self.clock = AClock()
        self.board = InstanceBoard(clock=self.clock)

    def hear(self, *arguments: Any, **more: Any) -> "System":
        self.board.take(a_report(*arguments, **more))
        return self

    def picture(self) -> SystemPicture:
        return picture_of(self.board)

    def component(self, name: str) -> Component:
        return self.picture().components[name]

    def codes(self) -> list[tuple[str, str]]:
        return [(reason.code, reason.component) for reason in self.picture().reasons]


def test_nothing_heard_of_anybody_is_down() -> None:
    assert System().picture().overall is Overall.down


def test_everybody_well_is_operational_and_what_was_never_heard_of_is_unknown() -> None:
    system = System().hear("read-api").hear("write-queue")
    picture = system.picture()
    assert (picture.overall, list(picture.reasons)) == (Overall.operational, [])
    conditions = {name: one.condition.value for name, one in picture.components.items()}
    assert conditions == {
        "read-api": "operational",
        "write-queue": "operational",
        **dict.fromkeys(("stats", "sync-worker"), "unknown"),
        **dict.fromkeys(("object_store", "rabbitmq", "redis", "ai_horde", "github", "primary"), "unknown"),
    }


def test_reader_that_has_nothing_to_serve_is_down() -> None:
    system = System().hear("read-api", checks=[a_check("catalogue", ok=False, since=minutes(2))])
    assert system.picture().overall is Overall.down
    found = system.component("read-api")
    assert (found.condition, found.ready, found.total, found.since) == (Condition.down, 0, 1, minutes(2))


def test_one_reader_of_two_not_ready_is_degraded() -> None:
    system = System().hear("read-api", "a").hear("read-api", "b", checks=[a_check("catalogue", ok=False)])
    assert system.picture().overall is Overall.degraded
    assert system.codes() == [("degraded", "read-api")]
    assert (system.component("read-api").ready, system.component("read-api").total) == (1, 2)


def test_silent_instance_degrades_its_service() -> None:
    system = System().hear("write-queue", "w1", occurred_at=minutes(8)).hear("write-queue", "w2")
    system.clock.advance(SILENT_SECONDS + 1)
    system.hear("read-api").hear("write-queue", "w2", number=2)
    assert system.codes() == [("degraded", "write-queue")]
    assert system.component("write-queue").since == minutes(8)


def test_silent_instance_that_another_one_was_started_for_is_not_missed() -> None:
    system = System().hear("read-api", "old", occurred_at=minutes(8))
    system.clock.advance(SILENT_SECONDS + 1)
    system.hear("read-api", "new", started_at=minutes(9))
    assert system.picture().overall is Overall.operational
    assert len(system.picture().seen) == 2


def test_one_new_instance_does_not_stand_for_two_lost_ones() -> None:
    system = System()
    for name in ("a", "b"):
        system.hear("read-api", name, occurred_at=minutes(8))
    system.clock.advance(SILENT_SECONDS + 1)
    system.hear("read-api", "new", started_at=minutes(9))
    found = system.component("read-api")
    assert (found.condition, found.ready, found.total) == (Condition.degraded, 1, 2)


def test_service_whose_last_instance_was_forgotten_is_down() -> None:
    system = System().hear("write-queue")
    system.clock.advance(700)
    system.hear("read-api")
    assert system.codes() == [("down", "write-queue")]


def test_stopping_instance_is_not_missed_while_another_one_serves() -> None:
    system = System().hear("read-api", "a").hear("read-api", "b", state="stopping")
    assert system.picture().overall is Overall.operational
    assert system.component("read-api").total == 1


def test_service_without_a_check_of_its_own_is_there_when_it_runs() -> None:
    checks = [a_check("image", ok=False)]
    system = System().hear("read-api").hear("sync-worker", checks=checks)
    assert system.component("sync-worker").condition is Condition.operational
    assert system.component("github").condition is Condition.down
    system.hear("sync-worker", number=2, checks=[], state="starting")
    assert system.component("sync-worker").condition is Condition.down


def test_unknown_required_check_decides_over_its_service() -> None:
    system = System().hear("read-api").hear("gateway", checks=[a_check("nginx", ok=False)])
    assert system.component("gateway").condition is Condition.down
    system.hear("gateway", number=2, checks=[a_check("nginx", ok=False, required=False)])
    assert system.component("gateway").condition is Condition.operational


def test_one_process_with_several_parts_shows_each_of_them() -> None:
    checks = [a_check("catalogue"), a_check("queue", ok=False, required=False)]
    system = System().hear("standalone", parts=("read-api", "write-queue"), checks=checks)
    assert system.component("read-api").condition is Condition.operational
    assert system.component("write-queue").condition is Condition.down
    assert system.picture().overall is Overall.degraded


def test_neighbour_that_some_reach_is_degraded_and_tells_of_the_last_failure() -> None:
    bad = a_check("store", ok=False, since=minutes(4), last_error="gone", last_error_at=minutes(9))
    good = a_check("store", since=minutes(1), seconds=0.25)
    system = System().hear("read-api", checks=[a_check("catalogue"), good])
    system.hear("write-queue", checks=[a_check("queue"), bad])
    store = system.component("object_store")
    assert (store.condition, store.ready, store.total) == (Condition.degraded, 1, 2)
    assert (store.since, store.latency_seconds) == (minutes(4), 0.25)
    assert store.last_failure is not None
    assert store.last_failure.last_error == "gone"


def test_neighbour_is_in_order_since_the_last_instance_reached_it_again() -> None:
    system = System()
    for number, since in enumerate((1, 6, 3)):
        checks = [a_check("catalogue"), a_check("cache", since=minutes(since))]
        system.hear("read-api", f"r{number}", checks=checks)
    assert system.component("redis").since == minutes(6)


def test_checks_of_instances_that_are_gone_do_not_count() -> None:
    system = System().hear("write-queue", checks=[a_check("queue"), a_check("events", ok=False)])
    system.clock.advance(SILENT_SECONDS + 1)
    system.hear("read-api", checks=[a_check("catalogue"), a_check("events")])
    assert system.component("rabbitmq").condition is Condition.operational


def test_latency_of_a_neighbour_may_come_without_a_check_that_asks() -> None:
    checks = [a_check("results"), a_check("ai_horde", required=False)]
    system = System().hear("stats", checks=checks, latencies={"ai_horde": 0.123456})
    assert system.component("ai_horde").latency_seconds == 0.1235


def test_lag_counts_revisions_behind_the_newest() -> None:
    system = System().hear("read-api", "a", revision=9).hear("stats", "b", revision=7)
    system.hear("write-queue", "c", revision=None, sequence=None)
    picture = system.picture()
    assert picture.head_revision == 9
    assert {one.report.instance_id: picture.lag(one) for one in picture.seen} == {"a": 0, "b": 2, "c": None}


def test_nothing_is_behind_when_no_revision_is_known() -> None:
    picture = System().hear("stats", revision=None, sequence=None).picture()
    assert (picture.head_revision, picture.lag(picture.seen[0])) == (None, None)


@pytest.mark.parametrize(("service", "is_worrying"), [("stats", True), ("write-queue", False)])
def test_only_followers_that_stay_behind_worry(service: str, is_worrying: bool) -> None:
    system = System().hear("read-api", "r", revision=4).hear(service, revision=3)
    assert system.codes() == []
    system.clock.advance(BEHIND_SECONDS)
    assert system.codes() == []
    system.hear("read-api", "r", revision=4, number=2).hear(service, revision=3, number=2)
    assert system.codes() == ([("behind", service)] if is_worrying else [])


def test_silent_instance_does_not_set_the_head() -> None:
    system = System().hear("read-api", "gone", revision=40)
    system.clock.advance(SILENT_SECONDS + 1)
    system.hear("read-api", "here", revision=3, started_at=minutes(11))
    assert system.picture().head_revision == 3


def test_queue_is_as_the_instance_that_is_furthest_knows_it() -> None:
    system = System().hear("read-api", sequence=7, queue={"pending": 1, "approved": 0})
    system.hear("write-queue", sequence=8, queue={"pending": 2, "approved": 5})
    found = system.picture().queue
    assert found is not None
    assert (found.pending, found.approved) == (2, 5)


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        (
            {"figures": [{"kind": "image", "stale": True, "received_at": minutes(1)}]},
            ("old_figures", "ai_horde"),
        ),
        ({"figures": [{"kind": "text"}]}, ("old_figures", "ai_horde")),
        ({"work": {"waiting": 0, "dead_letters": 2}}, ("dead_letters", "sync-worker")),
        ({"unseeded": ["blip"]}, ("never_seeded", "read-api")),
        (
            {"repositories": [{"source": "image", "repository": "o/r", "failures": {"blip": "no"}}]},
            ("not_compared", "github"),
        ),
    ],
)
def test_data_that_is_not_as_it_should_be_degrades(fact: dict[str, Any], reason: tuple[str, str]) -> None:
    system = System().hear("read-api").hear("stats", **fact)
    assert system.codes() == [reason]
    assert system.picture().overall is Overall.degraded


def test_data_in_order_do_not_degrade() -> None:
    repository = {"source": "image", "repository": "o/r", "drift": {"blip": 3}, "compared_at": minutes(1)}
    system = System().hear("read-api", unseeded=(), work={"waiting": 3, "dead_letters": 0})
    system.hear("stats", figures=[{"kind": "image", "received_at": minutes(1)}])
    system.hear("sync-worker", repositories=[repository])
    assert system.codes() == []


def test_newest_of_several_figures_and_comparisons_count() -> None:
    def repository(at: float, pull: int) -> dict[str, Any]:
        return {"source": "image", "repository": "o/r", "compared_at": minutes(at), "pull_number": pull}

    system = System().hear("read-api")
    for number, at in enumerate((4, 6, 5)):
        system.hear("stats", f"s{number}", figures=[{"kind": "image", "received_at": minutes(at)}])
        system.hear("sync-worker", f"w{number}", repositories=[repository(at, number)])
    system.hear("stats", "none-yet", figures=[{"kind": "image"}])
    picture = system.picture()
    assert [fact.received_at for fact in picture.figures] == [minutes(6)]
    assert [fact.pull_number for fact in picture.repositories] == [1]
