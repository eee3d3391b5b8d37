"""How hours lie in objects."""

import gzip

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horde_model_reference.integrations.horde_figures import Usage
from horde_model_reference.integrations.horde_merge import CategoryFigures, ModelFigures, Unattributed
from service_kit.slices import run_now
from stats.history.object_names import Hour
from stats.history.pack import PackUnreadable, check_pack, day_steps, hour_steps, read_head, read_points
from stats.history.points import Point
from stats.history.tally import HourTally
from support.past_figures import DAY, HOUR, TEXT, UNUSED, a_sample, an_hour_pack, figures, model_figures

NAMES = ["a", "a b", 'quo"te', "line\nbreak", "ä/é", "a,b", "[a]", "\\"]


def packed(start: int, *samples: CategoryFigures) -> bytes:
    tally = HourTally()
    for number, sample in enumerate(samples):
        tally.add(sample, start + number + 0.5)
    return run_now(hour_steps(Hour(TEXT, start), tally))


def test_an_hour_tells_the_figures_of_each_model_and_of_all() -> None:
    pack = packed(DAY, a_sample(threads=1, month=4), a_sample(threads=2, month=5))
    assert read_points(pack, "busy") == [Point(DAY, 2, (1.5, 2, 1, 1, 1, 5, 1000))]
    assert read_head(pack).total_points() == [
        Point(
            DAY,
            2,
            (1.5, 2, 1, 1, 1, 5, 1000),
            (2, 2, None, None, 3, 4, 5),
            {"models": 2, "unattributed_names": 1},
        )
    ]


def test_a_model_that_nobody_used_has_zeros_and_takes_only_its_name() -> None:
    pack = an_hour_pack(DAY)
    assert read_points(pack, "unused") == [Point(DAY, 1, (0,) * 7)]
    assert gzip.decompress(pack).splitlines()[2] == b'["unused"]'


def test_a_model_that_was_not_there_has_no_points() -> None:
    assert read_points(an_hour_pack(DAY), "us") == []


def test_what_was_unknown_is_null_and_not_zero() -> None:
    sample = figures({"busy": model_figures(2, None, None), "unused": model_figures(0, None, None)})
    pack = packed(DAY, sample)
    unknown = (None, None, None, None, None)
    assert read_points(pack, "busy") == [Point(DAY, 1, (2, 2, *unknown))]
    assert read_points(pack, "unused") == [Point(DAY, 1, (0, 0, *unknown))]


def test_a_day_leaves_out_the_hours_in_which_a_model_was_not_there() -> None:
    hours = [packed(DAY, figures({"old": UNUSED})), packed(DAY + HOUR, figures({"new": UNUSED}))]
    day = run_now(day_steps(hours))
    assert read_points(day, "old") == [Point(DAY, 1, (0,) * 7)]
    assert read_points(day, "new") == [Point(DAY + HOUR, 1, (0,) * 7)]


counts = st.integers(0, 5)
some_usage = st.none() | st.builds(Usage, counts, counts, counts)
some_workers = st.none() | st.sets(st.sampled_from("wxyz")).map(lambda some: tuple(sorted(some)))
some_models = st.builds(model_figures, st.none() | counts, some_workers, some_usage)
some_figures = st.builds(
    CategoryFigures,
    st.dictionaries(st.sampled_from(NAMES), some_models | st.just(UNUSED)),
    st.builds(Unattributed, st.just(("stray",)), counts, st.builds(Usage, counts, counts, counts)),
)


@settings(max_examples=60)
@given(st.lists(st.lists(some_figures, min_size=1, max_size=3), min_size=1, max_size=4))
def test_a_day_tells_what_its_hours_told(hours: list[list[CategoryFigures]]) -> None:
    packs = [packed(DAY + number * HOUR, *samples) for number, samples in enumerate(hours)]
    day = run_now(day_steps(packs))
    assert check_pack(day).total_points() == [one for pack in packs for one in read_head(pack).total_points()]
    for name in NAMES:
        assert read_points(day, name) == [point for pack in packs for point in read_points(pack, name)]


@given(st.dictionaries(st.text(), st.builds(ModelFigures, counts), min_size=1))
def test_every_name_is_found_by_itself_only(models: dict[str, ModelFigures]) -> None:
    pack = packed(DAY, figures(models))
    for name, model in models.items():
        threads = model.thread_count
        assert [point.values[:2] for point in read_points(pack, name)] == [(threads, threads)]


def test_equal_figures_have_equal_bytes() -> None:
    assert an_hour_pack(DAY) == an_hour_pack(DAY)


def changed(**members: object) -> bytes:
    head, *rest = gzip.decompress(an_hour_pack(DAY)).split(b"\n")
    return gzip.compress(b"\n".join([orjson.dumps({**orjson.loads(head), **members}), *rest]), mtime=0)


@pytest.mark.parametrize(
    "pack",
    [
        b"",
        b"{}",
        an_hour_pack(DAY)[:-9],
        gzip.compress(b"", mtime=0),
        gzip.compress(b"{}\n", mtime=0),
        changed(schema_version=2),
        changed(samples=[]),
        changed(hours=[]),
        changed(all=[]),
        changed(all=[[]] * 7),
    ],
)
def test_a_damaged_object_is_unreadable(pack: bytes) -> None:
    with pytest.raises(PackUnreadable):
        check_pack(pack)
    with pytest.raises(PackUnreadable):
        read_points(pack, "busy")


@pytest.mark.parametrize("pack", [b"", b"{}", gzip.compress(b"", mtime=0), changed(schema_version=2)])
def test_a_damaged_head_is_unreadable(pack: bytes) -> None:
    with pytest.raises(PackUnreadable):
        read_head(pack)


@pytest.mark.parametrize(
    "line", [b'["busy",[1]]', b'["busy",1]', b'["busy",', b'["busy"' + b",[1,2]" * 7 + b"]"]
)
def test_a_damaged_line_is_unreadable(line: bytes) -> None:
    head = gzip.decompress(an_hour_pack(DAY)).split(b"\n")[0]
    with pytest.raises(PackUnreadable):
        read_points(gzip.compress(b"\n".join([head, line, b""])), "busy")
