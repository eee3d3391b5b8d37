"""What is counted during an hour."""

from dataclasses import replace

import pytest

from horde_model_reference.integrations.horde_figures import Usage
from horde_model_reference.integrations.horde_merge import Unattributed
from stats.domain.runtime import Source
from stats.history.tally import HourTally, find_tally, save_tally
from support.past_figures import UNKNOWN, UNUSED, a_sample, figures, model_figures


def test_several_samples_give_means_maxima_and_the_last_usage() -> None:
    tally = HourTally()
    tally.add(figures({"m": model_figures(1, ("a",), Usage(1, 2, 3))}), 1.0)
    tally.add(figures({"m": model_figures(4, ("a", "b"), Usage(2, 3, 4))}), 2.0)
    tally.add(figures({"m": model_figures(2, (), Usage(3, 4, 5))}), 3.0)
    assert tally.models["m"].values == (2.33, 4, 1, 2, 3, 4, 5)


def test_totals_count_a_worker_of_two_models_once() -> None:
    tally = HourTally()
    both = {"m": model_figures(3, ("a", "b")), "n": model_figures(2, ("b",), Usage(1, 1, 1))}
    tally.add(figures(both, Unattributed(("x", "y"), 7, Usage(4, 5, 6))), 1.0)
    assert tally.all.values == (5, 5, 2, 2, 1, 1, 1)
    assert tally.unattributed.values == (7, 7, None, None, 4, 5, 6)
    assert (tally.model_count, tally.unattributed_names) == (2, 2)


def test_the_same_moment_counts_once() -> None:
    tally = HourTally()
    assert tally.add(a_sample(threads=1), 5.0)
    assert not tally.add(a_sample(threads=9), 5.0)
    assert tally.models["busy"].values[:2] == (1, 1)


def test_figures_in_which_nothing_is_known_are_no_sample() -> None:
    tally = HourTally()
    assert not tally.add(figures({"m": UNKNOWN}), 1.0)
    assert not tally.add(figures({}), 2.0)
    assert not tally.add(figures({"m": UNUSED}), 3.0, stale=frozenset(Source))
    assert tally == HourTally()


@pytest.mark.parametrize(
    ("source", "unknown"),
    [(Source.STATUS, slice(0, 2)), (Source.WORKERS, slice(2, 4)), (Source.USAGE, slice(4, 7))],
)
def test_a_stale_source_is_not_counted_and_the_others_are(source: Source, unknown: slice) -> None:
    tally = HourTally()
    tally.add(a_sample(threads=2, month=8), 1.0, stale={source})
    expected: list[float | None] = [2, 2, 1, 1, 1, 8, 1000]
    expected[unknown] = [None] * len(expected[unknown])
    assert list(tally.models["busy"].values) == expected
    assert list(tally.all.values) == expected


def test_usage_that_is_unknown_later_stays_what_it_was() -> None:
    tally = HourTally()
    tally.add(figures({"m": model_figures(1, (), Usage(1, 2, 3))}), 1.0)
    tally.add(figures({"m": model_figures(3, (), None)}), 2.0)
    assert tally.models["m"].values == (2, 3, 0, 0, 1, 2, 3)


def test_tallies_of_different_samples_are_joined() -> None:
    whole, first, second = HourTally(), HourTally(), HourTally()
    for at, tally in enumerate((first, first, second), start=1):
        for one in (whole, tally):
            one.add(a_sample(threads=at, month=at), float(at))
    assert second.joined(first) == whole


def test_of_tallies_that_share_samples_the_larger_is_taken() -> None:
    small, large = HourTally(), HourTally()
    for at in (1.0, 2.0):
        large.add(a_sample(), at)
    small.add(a_sample(), 2.0)
    assert small.joined(large) is large
    assert large.joined(small) is large


def test_a_saved_tally_is_found_again() -> None:
    tally = HourTally()
    tally.add(a_sample(threads=3, month=7), 1795219234.125)
    tally.add(figures({"busy": replace(UNUSED, usage=None)}), 1795219294.5)
    assert find_tally(save_tally(tally)) == tally


@pytest.mark.parametrize("saved", [b"", b"{", b"[]", b'{"moments":["x"]}'])
def test_what_is_no_saved_tally_is_none(saved: bytes) -> None:
    assert find_tally(saved) is None
