import math
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.integrations.horde_figures import ModelStatus, Usage, Worker
from horde_model_reference.integrations.horde_merge import (
    BackendFigures,
    CategoryFigures,
    ModelFigures,
    Unattributed,
    figures_of,
    merge_steps,
)
from horde_model_reference.integrations.horde_names import Backend, TextModelNames

TEXT, IMAGE = "text_generation", "image_generation"
MODELS = ["author/Model-8B", "Plain", "one/Twice", "two/Twice", "author/Merge-gguf", "idle/Idle"]


def a_line(name: str, threads: int = 1, **fields: Any) -> ModelStatus:
    return ModelStatus(name, threads, **{"performance": 10.0, "queued": 0, "jobs": 0, "eta": 0, **fields})


def a_worker(identity: str, *models: str, **fields: Any) -> Worker:
    usual = {
        "name": f"worker {identity}",
        "performance": "fast",
        "online": True,
        "maintenance_mode": False,
        "trusted": True,
        "uptime": 5,
    }
    return Worker(id=identity, models=models, **{**usual, **fields})


def test_every_model_has_figures_in_the_order_of_the_reference() -> None:
    figures = figures_of(TEXT, [*MODELS, "Plain"], [], {}, [])
    assert list(figures.models) == MODELS
    assert set(figures.models.values()) == {ModelFigures(thread_count=0, usage=Usage(), workers=())}
    assert figures.unattributed == Unattributed()


def test_sources_that_are_missing_leave_their_figures_unknown() -> None:
    figures = figures_of(TEXT, MODELS, None, None, None)
    assert set(figures.models.values()) == {ModelFigures()}
    assert figures.models["Plain"].active_worker_count is None
    assert figures.unattributed == Unattributed()


@pytest.mark.parametrize(
    ("status", "usage", "workers", "share"),
    [
        ([a_line("Plain", 2)], None, None, {"thread_count": 2, "performance": 10.0, "queued": 0}),
        (None, {"Plain": Usage(1, 2, 3)}, None, {"usage": Usage(1, 2, 3)}),
        (None, None, [a_worker("w", "Plain")], {"active_worker_count": 1}),
    ],
)
def test_one_source_alone_gives_its_own_figures(
    status: list[ModelStatus] | None,
    usage: dict[str, Usage] | None,
    workers: list[Worker] | None,
    share: dict[str, object],
) -> None:
    (found,) = figures_of(TEXT, MODELS, status, usage, workers).models["Plain"].backends
    known = {name: getattr(found, name) for name in ("thread_count", "active_worker_count", "usage")}
    assert (found.backend, found.names) == (Backend.CANONICAL, ("Plain",))
    assert {name for name, value in known.items() if value is not None} == set(share) & set(known)
    assert {name: getattr(found, name) for name in share} == share


def test_the_figures_of_a_text_model_are_those_of_all_its_names() -> None:
    figures = figures_of(
        TEXT,
        MODELS,
        [
            a_line("koboldcpp/Model-8B-Q4_K_M", 3, performance=10.0, queued=5, jobs=1.5, eta=9),
            a_line("aphrodite/author/Model-8B", 1, performance=30.0, queued=1, jobs=2, eta=4),
            a_line("author/Model-8B", 0, performance=0, eta=1),
            a_line("koboldcpp/Model-8B", 2, performance=15.0, eta=8),
        ],
        {"koboldcpp/Model-8B": Usage(1, 2, 3), "tabbyapi/Model-8B": Usage(0, 4, 5)},
        [a_worker("b", "koboldcpp/Model-8B", "aphrodite/author/Model-8B"), a_worker("a", "Model-8B")],
    )
    model = figures.models["author/Model-8B"]
    assert (model.thread_count, model.performance, model.eta) == (6, 15.0, 4)
    assert (model.queued, model.queued_jobs, model.usage) == (6, 3.5, Usage(1, 6, 8))
    assert [worker.id for worker in model.workers or ()] == ["a", "b"]
    assert model.active_worker_count == 2
    assert model.backends == (
        BackendFigures(
            Backend.CANONICAL,
            ("Model-8B", "author/Model-8B"),
            thread_count=0,
            active_worker_count=1,
            performance=0,
            queued=0,
            queued_jobs=0,
            eta=1,
            usage=Usage(),
        ),
        BackendFigures(
            Backend.APHRODITE,
            ("aphrodite/author/Model-8B",),
            thread_count=1,
            active_worker_count=1,
            performance=30.0,
            queued=1,
            queued_jobs=2,
            eta=4,
            usage=Usage(),
        ),
        BackendFigures(
            Backend.KOBOLDCPP,
            ("koboldcpp/Model-8B-Q4_K_M", "koboldcpp/Model-8B"),
            thread_count=5,
            active_worker_count=1,
            performance=12.0,
            queued=5,
            queued_jobs=1.5,
            eta=8,
            usage=Usage(1, 2, 3),
        ),
        BackendFigures(
            Backend.OTHER,
            ("tabbyapi/Model-8B",),
            thread_count=0,
            active_worker_count=0,
            usage=Usage(0, 4, 5),
        ),
    )


def test_a_model_that_nobody_serves_has_the_longest_wait() -> None:
    lines = [a_line("Plain", 0, eta=3), a_line("plain", 0, eta=10000, performance=2)]
    model = figures_of(TEXT, MODELS, lines, None, None).models["Plain"]
    assert (model.eta, model.performance, model.thread_count) == (10000, 10.0, 0)


def test_workers_count_once_and_only_while_they_work() -> None:
    workers = [
        a_worker("a", "Plain", "PLAIN", "koboldcpp/Plain"),
        a_worker("b", "Plain", maintenance_mode=True),
        a_worker("c", "Plain", online=False),
        a_worker("d", "stranger"),
        a_worker("a", "idle/Idle", name="worker a again"),
    ]
    figures = figures_of(TEXT, MODELS, None, None, workers)
    assert figures.models["Plain"].workers == (workers[0],)
    assert figures.models["idle/Idle"].workers == ()
    assert figures.unattributed.names == ("stranger",)


def test_what_belongs_to_no_model_is_counted() -> None:
    figures = figures_of(
        TEXT,
        MODELS,
        [a_line("Twice", 3), a_line("stranger", 4), a_line("Plain", 5)],
        {"stranger": Usage(1, 2, 3), "Another": Usage(4, 5, 6)},
        [a_worker("a", "third"), a_worker("b", "fourth", online=False)],
    )
    assert figures.unattributed == Unattributed(("stranger", "Twice", "Another", "third"), 7, Usage(5, 7, 9))


def test_image_models_have_one_name_each() -> None:
    figures = figures_of(
        IMAGE, ["Deliberate"], [a_line("deliberate", 2), a_line("koboldcpp/Deliberate", 3)], None, None
    )
    assert figures.models["Deliberate"].thread_count == 2
    assert figures.unattributed.names == ("koboldcpp/Deliberate",)


def test_sums_of_fractions_show_no_rest_of_binary_arithmetic() -> None:
    lines = [a_line("Plain", queued=0.1, jobs=1), a_line("plain", queued=0.2, jobs=2)]
    model = figures_of(TEXT, MODELS, lines, None, None).models["Plain"]
    assert (model.queued, model.queued_jobs) == (0.3, 3)
    assert isinstance(model.queued_jobs, int)


PREFIXES = st.sampled_from(["", "", "koboldcpp/", "Aphrodite/", "tabbyapi/", "author/", "two/"])
STEMS = st.sampled_from(["Model-8B", "plain", "Plain", "Twice", "Merge", "Merge-gguf", "idle", "Other", ""])
TAILS = st.sampled_from(["", "", "-Q4_K_M", ".i1-IQ4_XS", "-gguf", "-gptq-4bit", "::owner#1", "::a::b"])
NAMES = st.builds("{}{}{}{}".format, PREFIXES, STEMS, TAILS, TAILS)
COUNTS = st.integers(0, 50)
CENTS = st.one_of(COUNTS, COUNTS.map(lambda number: number / 100), st.floats(0, 1e6))
LINES = st.builds(
    ModelStatus, name=NAMES, threads=COUNTS, performance=CENTS, queued=CENTS, jobs=CENTS, eta=COUNTS
)
USAGES = st.dictionaries(NAMES, st.builds(Usage, COUNTS, COUNTS, COUNTS))
WORKERS = st.builds(
    Worker,
    id=st.sampled_from("abcdef"),
    name=st.sampled_from("xy"),
    performance=st.just("fast"),
    online=st.booleans(),
    maintenance_mode=st.booleans(),
    trusted=st.booleans(),
    uptime=CENTS,
    models=st.lists(NAMES).map(tuple),
)
SOURCES = st.tuples(st.lists(LINES), USAGES, st.lists(WORKERS))
Sources = tuple[list[ModelStatus], dict[str, Usage], list[Worker]]


def total(usages: Iterable[Usage | None]) -> Usage:
    given = [usage for usage in usages if usage is not None]
    return Usage(sum(u.day for u in given), sum(u.month for u in given), sum(u.total for u in given))


@given(SOURCES)
def test_the_shares_of_the_backends_sum_up_to_the_model(sources: Sources) -> None:
    for model in figures_of(TEXT, MODELS, *sources).models.values():
        shares = model.backends
        order = list(Backend)
        assert [share.backend for share in shares] == sorted({s.backend for s in shares}, key=order.index)
        assert sum(share.thread_count or 0 for share in shares) == model.thread_count
        assert total(share.usage for share in shares) == model.usage
        assert math.isclose(sum(share.queued or 0 for share in shares), model.queued or 0, abs_tol=1e-4)
        assert math.isclose(sum(s.queued_jobs or 0 for s in shares), model.queued_jobs or 0, abs_tol=1e-4)
        most = max((share.active_worker_count or 0 for share in shares), default=0)
        assert most <= len(model.workers or ()) <= sum(share.active_worker_count or 0 for share in shares)


@given(SOURCES)
def test_nothing_is_counted_twice_and_nothing_is_lost(sources: Sources) -> None:
    status, usage, workers = sources
    figures = figures_of(TEXT, MODELS, *sources)
    rest = figures.unattributed
    announced = {
        name
        for identity in {worker.id for worker in workers}
        for name in min(
            (w for w in workers if w.id == identity and w.online and not w.maintenance_mode),
            default=a_worker("none"),
        ).models
    }
    found = [name for model in figures.models.values() for share in model.backends for name in share.names]
    assert sorted([*found, *rest.names]) == sorted({line.name for line in status} | {*usage} | announced)
    threads = sum(model.thread_count or 0 for model in figures.models.values()) + rest.thread_count
    assert threads == sum(line.threads for line in status)
    assert total([*(model.usage for model in figures.models.values()), rest.usage]) == total(usage.values())


@given(SOURCES, st.data())
def test_the_order_of_what_is_told_changes_nothing(sources: Sources, data: st.DataObject) -> None:
    status, usage, workers = sources
    shuffled = figures_of(
        TEXT,
        data.draw(st.permutations(MODELS)),
        data.draw(st.permutations(status)),
        dict(data.draw(st.permutations(list(usage.items())))),
        data.draw(st.permutations(workers)),
    )
    assert shuffled == figures_of(TEXT, MODELS, *sources)


@given(NAMES)
def test_letter_case_changes_nothing(name: str) -> None:
    names = TextModelNames(MODELS)
    assert names.attribute(name.upper()) == names.attribute(name) == names.attribute(name.lower())


def drained(steps: Any) -> tuple[int, CategoryFigures]:
    count = 0
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return count, stop.value
        count += 1


@pytest.mark.parametrize("category", [TEXT, IMAGE])
def test_the_merge_can_be_interrupted_after_every_entry_and_model(category: str) -> None:
    status, usage, workers = (
        [a_line("Plain"), a_line("x")],
        {"Plain": Usage(1, 1, 1)},
        [a_worker("w", "Plain")],
    )
    count, figures = drained(merge_steps(category, MODELS, status, usage, workers))
    assert count == 2 + 1 + 1 + len(MODELS)
    assert figures == figures_of(category, MODELS, status, usage, workers)
