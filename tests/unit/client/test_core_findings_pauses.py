"""When a feed that was cut off is opened again."""

import pytest

from horde_model_reference.replica.change_feed import pause_after


@pytest.mark.parametrize(
    ("pause", "lasted", "expected"),
    [(0.5, 0.0, 1.0), (0.1, 0.0, 0.5), (20.0, 0.0, 30.0), (30.0, 3600.0, 0.5), (10.0, 5.0, 15.0)],
)
def test_a_stream_that_lasted_is_opened_again_soon_and_others_later_and_later(
    pause: float, lasted: float, expected: float
) -> None:
    assert pause_after(pause, lasted) == expected
