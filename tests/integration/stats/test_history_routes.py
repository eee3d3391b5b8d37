"""The endpoint of the history over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest

from service_kit.endpoints import add_endpoints
from service_kit.settings import HttpSettings
from service_kit.slices import Workshop
from service_kit.telemetry import Telemetry
from service_kit.web import create_application
from stats.history.reader import HistoryReader
from stats.routes.history import HistoryRoutes, UsageHistory
from support.a_clock import AClock
from support.faulty_store import FaultyStore
from support.memory_store import MemoryObjectStore
from support.past_figures import DAY, HOUR, TEXT, store_hours
from support.serving import Client, serving

PATH = f"/api/model_references/statistics/{TEXT}/history"
NOW = DAY + 30 * HOUR + 5
PLAIN = {"Accept-Encoding": "identity"}
HOURS = {DAY - 24 * HOUR: 1, DAY: 2, DAY + 3 * HOUR: 4, DAY + 29 * HOUR: 8}


@pytest.fixture
def store() -> FaultyStore:
    return FaultyStore(MemoryObjectStore())


@pytest.fixture
async def client(store: FaultyStore) -> AsyncIterator[Client]:
    await store_hours(store, HOURS)
    workshop = Workshop()
    reader = HistoryReader(store, workshop)
    routes = HistoryRoutes(reader, lambda _, name: name in {"busy", "new", "a/b"}, clock=AClock(NOW))
    application = create_application(HttpSettings(access_log=False), Telemetry("stats"))
    add_endpoints(application, tuple(routes.endpoints()))
    async with serving(application) as client:
        yield client
    await reader.close()
    workshop.close()


async def ask(client: Client, **query: object) -> dict[str, Any]:
    text = "&".join(f"{name.rstrip('_')}={quote(str(value))}" for name, value in query.items())
    answer = await client.ask(f"{PATH}?{text}", headers=PLAIN)
    assert answer.status == 200, answer.body
    UsageHistory.model_validate(answer.json)
    found: dict[str, Any] = answer.json
    return found


async def test_without_parameters_the_totals_of_seven_days_are_told_by_the_hour(client: Client) -> None:
    found = await ask(client)
    assert (found["model"], found["step"]) == (None, "hour")
    assert (found["from"], found["to"]) == (DAY + 30 * HOUR - 7 * 24 * HOUR, DAY + 31 * HOUR)
    assert {point["at"]: point["thread_count_max"] for point in found["points"]} == HOURS
    assert found["points"][0]["unattributed"]["thread_count_max"] == 2


async def test_a_model_is_told_by_the_day(client: Client) -> None:
    found = await ask(client, model="busy", step="day")
    assert (found["model"], found["step"]) == ("busy", "day")
    assert [(point["at"], point["thread_count_mean"]) for point in found["points"]] == [
        (DAY - 24 * HOUR, 1),
        (DAY, 3),
        (DAY + 24 * HOUR, 8),
    ]
    assert "unattributed" not in found["points"][0]


@pytest.mark.parametrize(
    ("since", "to"),
    [
        (DAY, DAY + 3 * HOUR),
        ("2026-11-21", "2026-11-21T03:00:00Z"),
        ("2026-11-21T00:59:59", "2026-11-21T02:00:01"),
    ],
)
async def test_a_stretch_is_widened_to_whole_steps(client: Client, since: object, to: object) -> None:
    found = await ask(client, from_=since, to=to)
    assert (found["from"], found["to"]) == (DAY, DAY + 3 * HOUR)
    assert [point["at"] for point in found["points"]] == [DAY]


async def test_a_model_that_is_new_has_an_empty_history(client: Client) -> None:
    assert (await ask(client, model="a/b"))["points"] == []


async def test_a_model_that_was_removed_keeps_its_history(client: Client) -> None:
    assert len((await ask(client, model="unused"))["points"]) == len(HOURS)


@pytest.mark.parametrize("name", ["stranger", "BUSY", "%ED%A0%80", "%00", "busy%22"])
async def test_a_model_that_never_was_is_not_found(client: Client, name: str) -> None:
    answer = await client.ask(f"{PATH}?model={name}")
    assert answer.status == 404
    assert set(answer.json) == {"detail"}


async def test_a_category_without_figures_is_refused(client: Client) -> None:
    answer = await client.ask("/api/model_references/statistics/controlnet/history?step=never")
    assert answer.status == 400


async def test_an_unknown_category_is_invalid(client: Client) -> None:
    answer = await client.ask("/api/model_references/statistics/nothing/history")
    assert answer.status == 422
    assert answer.json["detail"][0]["loc"] == ["path", "model_category_name"]


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("step=week", "step"),
        ("model=", "model"),
        ("from=yesterday", "from"),
        ("to=1795219200123", "to"),
        (f"from={DAY}&to={DAY}", "from"),
        (f"from={DAY + 40 * HOUR}", "from"),
        (f"from={DAY - 31 * 24 * HOUR}&to={DAY + 1}", "from"),
        (f"step=day&from={DAY - 400 * 24 * HOUR}&to={DAY + 1}", "from"),
    ],
)
async def test_parameters_without_sense_are_invalid(client: Client, query: str, place: str) -> None:
    answer = await client.ask(f"{PATH}?{query}")
    assert answer.status == 422
    assert [problem["loc"] for problem in answer.json["detail"]] == [["query", place]]


@pytest.mark.parametrize(
    "query", [f"from={DAY - 31 * 24 * HOUR}&to={DAY}", f"step=day&from={DAY - 400 * 24 * HOUR}&to={DAY}"]
)
async def test_the_longest_stretch_is_answered(client: Client, query: str) -> None:
    answer = await client.ask(f"{PATH}?{query}")
    assert answer.status == 200
    assert len(answer.json["points"]) == 1


async def test_an_unchanged_answer_is_confirmed_by_its_tag(client: Client) -> None:
    first = await client.ask(PATH)
    assert first.headers["Cache-Control"] == "public, max-age=30, stale-if-error=86400"
    again = await client.ask(PATH, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    head = await client.ask(PATH, "HEAD")
    assert (head.status, head.headers["ETag"]) == (200, first.headers["ETag"])


async def test_a_long_answer_is_packed(client: Client) -> None:
    answer = await client.ask(PATH, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"


async def test_without_the_store_the_answer_says_when_to_try_again(
    client: Client, store: FaultyStore
) -> None:
    store.down = True
    answer = await client.ask(PATH)
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    store.down = False
    assert (await client.ask(PATH)).status == 200


async def test_many_clients_at_once_get_the_same(client: Client) -> None:
    answers = await asyncio.gather(*(client.ask(PATH, headers=PLAIN) for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert len({json.dumps(answer.json) for answer in answers}) == 1
