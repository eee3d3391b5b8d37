import pytest

from sync_worker.domain.drift import Drift
from sync_worker.domain.limits import CategoryRefused, Loss, is_worth_a_pull_request, require_harmless


def a_drift(total: int) -> Drift:
    return Drift("blip", added={str(number): {} for number in range(total)}, removed={}, modified={})


@pytest.mark.parametrize(
    ("lost", "of", "percent"),
    [(6, 30, 20), (5, 5, 20), (5, 20, 0), (6, 6, 100), (0, 0, 20), (7, 28, 25)],
)
def test_a_loss_within_either_limit_is_harmless(lost: int, of: int, percent: float) -> None:
    require_harmless(Loss(lost, of=of, wanted=9), max_removed_percent=percent, force=False)


@pytest.mark.parametrize(("lost", "of", "percent"), [(6, 29, 20), (6, 100, 5.5), (700, 719, 97)])
def test_a_loss_beyond_both_limits_is_refused_unless_forced(lost: int, of: int, percent: float) -> None:
    loss = Loss(lost, of=of, wanted=9)
    with pytest.raises(CategoryRefused, match=f"{lost} of {of} models .* more than {percent:g} percent"):
        require_harmless(loss, max_removed_percent=percent, force=False)
    require_harmless(loss, max_removed_percent=percent, force=True)


def test_an_empty_answer_is_refused_however_few_models_there_are() -> None:
    loss = Loss(1, of=1, wanted=0)
    with pytest.raises(CategoryRefused, match="no model at all, and GitHub has 1"):
        require_harmless(loss, max_removed_percent=100, force=False)
    require_harmless(loss, max_removed_percent=100, force=True)


def test_nothing_on_either_side_is_no_loss() -> None:
    require_harmless(Loss(0, of=0, wanted=0), max_removed_percent=0, force=False)


@pytest.mark.parametrize(
    ("totals", "minimum", "force", "worth"),
    [
        ([1], 1, False, True),
        ([1], 0, False, True),
        ([0], 0, False, False),
        ([], -3, False, False),
        ([2, 3], 5, False, True),
        ([2, 2], 5, False, False),
        ([1], 5, True, True),
        ([0], 5, True, False),
    ],
)
def test_the_threshold_is_for_all_categories_together(
    totals: list[int], minimum: int, force: bool, worth: bool
) -> None:
    assert is_worth_a_pull_request(map(a_drift, totals), minimum, force=force) is worth
