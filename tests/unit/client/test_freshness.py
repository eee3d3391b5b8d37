"""Until when data need not be asked for again."""

import time

from horde_model_reference.replica.freshness import Freshness


def is_fresh(freshness: Freshness, category: str = "clip") -> bool:
    return freshness.until.get(category, 0.0) > time.monotonic()


def test_renewed_data_are_fresh_for_the_ttl() -> None:
    freshness = Freshness(60.0)
    freshness.renew(["clip"])
    assert 59 < freshness.until["clip"] - time.monotonic() <= 60
    assert not is_fresh(freshness, "blip")


def test_pauses_after_failures_grow_and_end_with_the_first_success() -> None:
    freshness = Freshness(60.0)
    pauses = []
    for _ in range(8):
        freshness.postpone(["clip"])
        pauses.append(freshness.until["clip"] - time.monotonic())
    assert 0.7 < pauses[0] <= 1.0
    assert pauses[1] > pauses[0]
    assert 22 < pauses[-1] <= 30
    freshness.renew(["clip"])
    freshness.postpone(["clip"])
    assert freshness.until["clip"] - time.monotonic() <= 1.0


def test_a_pause_is_never_longer_than_the_ttl() -> None:
    freshness = Freshness(0.5)
    for _ in range(5):
        freshness.postpone(["clip"])
    assert freshness.until["clip"] - time.monotonic() <= 0.5


def test_nothing_expires_that_changes_are_told_of_until_nobody_tells() -> None:
    freshness = Freshness(0.0)
    freshness.trust(["clip"])
    freshness.renew(["blip"], told=True)
    freshness.renew(["esrgan"])
    assert is_fresh(freshness, "clip")
    assert is_fresh(freshness, "blip")
    assert not is_fresh(freshness, "esrgan")
    freshness.distrust()
    assert not is_fresh(freshness, "clip")
    assert not is_fresh(freshness, "blip")


def test_a_live_feed_does_not_keep_what_was_marked_stale() -> None:
    freshness = Freshness(60.0)
    freshness.trust(["clip"])
    freshness.expire("clip")
    assert not is_fresh(freshness)
    freshness.renew(["clip"], told=True)
    assert is_fresh(freshness)


def test_distrust_leaves_what_has_a_time_of_its_own() -> None:
    freshness = Freshness(60.0)
    freshness.renew(["clip"])
    freshness.distrust()
    assert is_fresh(freshness)
