import json
from typing import Any

import pytest

from horde_model_reference.background_requests import RequestFailed
from horde_model_reference.integrations.horde_popularity import (
    HordeUnavailable,
    PopularModelResult,
    popular_models,
)
from horde_model_reference.model_reference_records import (
    GenericModelRecord,
    ImageGenerationModelRecord,
    TextGenerationModelRecord,
)
from support.reference_data import SHARED, requires_shared

STATUS, USAGE, WORKERS = "v2/status/models", "v2/stats", "v2/workers"


class Horde:
    """An AI-Horde by path; what is missing fails."""

    def __init__(self, **answers: object) -> None:
        self.answers = {"status": STATUS, "usage": USAGE, "workers": WORKERS}
        self.given = {self.answers[what]: answer for what, answer in answers.items()}
        self.asked: list[str] = []

    async def fetch(self, path: str) -> Any:
        self.asked.append(path)
        for start, answer in self.given.items():
            if path.startswith(start):
                return answer
        raise RequestFailed(f"{path} is down")


def images(*names: str) -> dict[str, GenericModelRecord]:
    return {name: ImageGenerationModelRecord(name=name, baseline="flux_1", nsfw=False) for name in names}


def texts(*names: str) -> dict[str, GenericModelRecord]:
    return {name: TextGenerationModelRecord(name=name, parameters=1) for name in names}


def a_line(name: str, count: int = 1, **fields: object) -> dict[str, object]:
    return {"name": name, "count": count, "performance": 10.0, "queued": 0, "jobs": 0, "eta": 0, **fields}


def a_worker(number: int, *models: str, **fields: object) -> dict[str, object]:
    return {
        "id": f"id-{number}",
        "name": f"worker {number}",
        "performance": "1 megapixelstep",
        "online": True,
        "maintenance_mode": False,
        "trusted": True,
        "uptime": 5,
        "models": list(models),
        **fields,
    }


def used(**months: int) -> dict[str, dict[str, int]]:
    return {
        "day": dict.fromkeys(months, 1),
        "month": months,
        "total": {name: 10 * count for name, count in months.items()},
    }


def names(found: list[PopularModelResult]) -> list[str]:
    return [item.name for item in found]


async def test_the_models_with_the_most_workers_come_first() -> None:
    horde = Horde(status=[a_line("b", 2), a_line("C", 5, jobs=2.5), a_line("stranger", 99)], usage=used(a=3))
    found = await popular_models(images("a", "b", "c"), "image_generation", fetch=horde.fetch)
    assert names(found) == ["c", "b", "a"]
    first = found[0]
    assert (first.record["name"], first.record["baseline"]) == ("c", "flux_1")
    assert (first.stats.worker_count, first.stats.thread_count, first.stats.queued_jobs) == (5, 5, 2.5)
    assert (first.stats.active_worker_count, first.stats.worker_summaries) == (None, None)
    usage = found[2].stats.usage_stats
    assert usage is not None
    assert (usage.day, usage.month, usage.total) == (1, 3, 30)
    assert horde.asked == [
        "v2/status/models?type=image&model_state=all",
        "v2/stats/img/models?model_state=known",
    ]


@pytest.mark.parametrize(
    ("sort_by", "order"), [("usage_day", "abc"), ("usage_month", "bca"), ("usage_total", "bca")]
)
async def test_they_can_be_sorted_by_use(sort_by: str, order: str) -> None:
    horde = Horde(status=[], usage=used(a=1, b=3, c=2))
    found = await popular_models(images(*"abc"), "image_generation", sort_by=sort_by, fetch=horde.fetch)
    assert names(found) == list(order)


@pytest.mark.parametrize(("limit", "count"), [(2, 2), (0, 0), (-1, 0), (99, 3)])
async def test_there_are_at_most_so_many(limit: int, count: int) -> None:
    horde = Horde(status=[], usage=used(a=1))
    found = await popular_models(images(*"abc"), "image_generation", limit=limit, fetch=horde.fetch)
    assert names(found) == list("abc")[:count]


async def test_text_models_have_the_sums_over_all_their_names() -> None:
    horde = Horde(
        status=[
            a_line("koboldcpp/Model-Q4_K_M", 3, performance=10.0, queued=5, eta=9),
            a_line("aphrodite/author/Model", 1, performance=30.0, queued=1, eta=4),
            a_line("author/Model", 0, performance=0, eta=1),
        ],
        usage=used(**{"author/Model": 1, "koboldcpp/Model": 2}),
    )
    (found,) = await popular_models(texts("author/Model"), "text_generation", fetch=horde.fetch)
    stats = found.stats
    assert (stats.worker_count, stats.performance, stats.queued, stats.eta) == (4, 15.0, 6, 4)
    assert stats.usage_stats is not None
    assert (stats.usage_stats.month, stats.usage_stats.total) == (3, 30)
    assert found.record["parameters"] == 1
    assert horde.asked == ["v2/status/models?type=text&model_state=all", "v2/stats/text/models"]


async def test_a_model_that_nobody_serves_has_the_longest_wait() -> None:
    horde = Horde(status=[a_line("a", 0, eta=3), a_line("A", 0, eta=10000, performance=2)], usage=used(a=1))
    (found,) = await popular_models(images("a"), "image_generation", fetch=horde.fetch)
    assert (found.stats.eta, found.stats.performance, found.stats.worker_count) == (10000, 10.0, 0)


async def test_workers_are_counted_once_and_only_while_they_work() -> None:
    workers = [
        a_worker(1, "a", "A"),
        a_worker(2, "a", maintenance_mode=True),
        a_worker(3, "a", online=False),
        a_worker(4, "b", "a", 5),  # type: ignore[arg-type]
        a_worker(5),
        {"id": "id-6", "models": "a"},
        {"name": "no id"},
        "rubbish",
    ]
    horde = Horde(status=[a_line("a", 9)], usage=used(a=1), workers=workers)
    found = await popular_models(
        images("a", "b", "c"), "image_generation", include_workers=True, fetch=horde.fetch
    )
    assert {item.name: item.stats.worker_count for item in found} == {"a": 2, "b": 1, "c": 0}
    stats = found[0].stats
    assert (stats.thread_count, stats.active_worker_count) == (9, 2)
    assert stats.worker_summaries is not None
    assert stats.worker_summaries["id-4"].name == "worker 4"
    assert horde.asked[2] == "v2/workers?type=image"


async def test_what_is_not_told_is_none(caplog: pytest.LogCaptureFixture) -> None:
    found = await popular_models(images("a"), "image_generation", fetch=Horde(status=[a_line("a")]).fetch)
    assert found[0].stats.usage_stats is None
    assert "the AI-Horde does not tell v2/stats/img/models" in caplog.text
    by_use = await popular_models(
        images("a"), "image_generation", sort_by="usage_day", fetch=Horde(usage=used(a=1)).fetch
    )
    assert (by_use[0].stats.worker_count, by_use[0].stats.thread_count) == (None, None)


@pytest.mark.parametrize(
    ("sort_by", "include_workers", "horde"),
    [
        ("worker_count", False, Horde(usage=used(a=1))),
        ("worker_count", True, Horde(usage=used(a=1), status=[])),
        ("usage_month", False, Horde(status=[])),
        ("usage_month", False, Horde(status=[], usage={"day": {}, "month": {}, "total": {}})),
        ("worker_count", False, Horde(status={"message": "no"})),
    ],
)
async def test_without_what_they_are_sorted_by_there_is_no_order(
    sort_by: str, include_workers: bool, horde: Horde
) -> None:
    with pytest.raises(HordeUnavailable, match=sort_by):
        await popular_models(
            images("a"),
            "image_generation",
            sort_by=sort_by,
            include_workers=include_workers,
            fetch=horde.fetch,
        )


async def test_other_categories_are_not_at_work() -> None:
    horde = Horde()
    assert await popular_models({}, "clip", fetch=horde.fetch) == []
    assert horde.asked == []


async def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(ValueError, match="usage_year"):
        await popular_models({}, "clip", sort_by="usage_year", fetch=Horde().fetch)


@requires_shared
async def test_the_real_figures_give_the_order_that_the_old_service_gave() -> None:
    folder = SHARED / "data" / "golden" / "statistics"

    def read(name: str) -> Any:
        return json.loads((folder / name).read_bytes())

    horde = Horde(status=read("inputs/status_image_known.json"), usage=read("inputs/stats_image.json"))
    golden = read("popular_image_generation.json")["response"]
    models = json.loads((SHARED / "data" / "image" / "stable_diffusion.json").read_bytes())
    found = await popular_models(
        images(*models), "image_generation", sort_by="usage_month", limit=7, fetch=horde.fetch
    )
    assert names(found) == [item["name"] for item in golden[:7]]
    for item, old in zip(found, golden, strict=False):
        figures = item.stats.model_dump(exclude_none=True)
        assert {key: figures[key] for key in old["stats"]} == old["stats"]
