"""The whole system, watched by a real Prometheus, tells what it does."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stack.child import Child
from support.metric_catalogue import all_metrics
from support.monitoring_files import recorded, rules
from support.observed_stack import JOBS, ObservedStack, Prometheus, observed_stack, running_prometheus
from support.promtool import run_tool
from support.some_horde import APPROVER, REQUESTOR
from support.synced_services import QUEUE, REFERENCES

PATIENCE_SECONDS = 60.0
NOT_OF_INTEREST = {"le", "quantile"}

pytestmark = pytest.mark.timeout(300)


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if await is_so():
                return
            await asyncio.sleep(0.1)


async def edit(watched: ObservedStack, request_id: str) -> tuple[int, int]:
    """Have a record changed by requests of known ids; return the id of the change and the revision."""
    synced = watched.synced
    record = await synced.record("clip", "ViT-L/14")

    async def send(method: str, path: str, key: str, body: object) -> Any:
        headers = {"apikey": key, "X-Request-ID": f"{request_id}-{method}-{path.rsplit('/', 1)[-1]}"}
        async with synced.session.request(
            method, synced.root_url + path, json=body, headers=headers
        ) as answer:
            assert answer.status in {200, 202}, await answer.text()
            return await answer.json(), answer.headers

    body, _ = await send("POST", f"{REFERENCES}/v2/clip", REQUESTOR, {**record, "name": "of a test"})
    change_id = int(body["change_id"])
    decision = {"batch_title": "of a test", "approved_ids": [change_id]}
    await send("POST", f"{QUEUE}/batches", APPROVER, decision)
    _, headers = await send("POST", f"{QUEUE}/apply", APPROVER, {"change_ids": [change_id]})
    return change_id, int(headers["X-Revision"])


async def test_the_system_tells_what_it_does(tmp_path: Path) -> None:
    async with observed_stack() as watched:
        change_id, revision = await edit(watched, "r7")
        await logs_follow_a_request_through_all_services(watched, change_id, revision)
        await watched.synced.until_compared(revision)
        for child in watched.stack.services:
            await metrics_are_those_of_the_page(watched, child)
        targets = {job: [f"127.0.0.1:{child.port}" for child in watched.instances(job)] for job in JOBS}
        async with running_prometheus(tmp_path, targets, watched.synced.session) as prometheus:
            await everything_is_scraped(prometheus, targets, revision)
            await everything_is_judged(prometheus)
            await requests_are_counted(prometheus, watched)


async def logs_follow_a_request_through_all_services(
    watched: ObservedStack, change_id: int, revision: int
) -> None:
    applied = "r7-POST-apply"
    (writer,) = watched.instances("write-queue")
    told = {line["message"]: line for line in watched.lines(writer) if line.get("request_id") == applied}
    assert told.keys() == {"change.applied", "catalog.committed"}
    assert told["change.applied"]["change_ids"] == [change_id]
    assert told["catalog.committed"]["revision"] == revision

    for child in (child for job in JOBS if job != "write-queue" for child in watched.instances(job)):

        async def acted(child: Child = child) -> bool:
            return any(applied in line.get("caused_by", ()) for line in watched.lines(child))

        await until(acted)
        for line in watched.lines(child):
            if applied in line.get("caused_by", ()):
                assert (line["service"], line["change_ids"]) == (child.kind, [change_id])


async def metrics_are_those_of_the_page(watched: ObservedStack, child: Child) -> None:
    text = await watched.metrics(child)
    status, said = await asyncio.to_thread(run_tool, "promtool", "check", "metrics", given=text.encode())
    assert (status, said.strip()) == (0, "")
    described = {name: one for one in all_metrics() for name in one.samples}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            assert one.name in described
            known = described[one.name]
            assert (family.type, family.documentation) == (known.kind, known.text) or known.name.startswith(
                ("process_", "python_")
            )
            assert set(one.labels) - NOT_OF_INTEREST == set(known.labels)


async def everything_is_scraped(
    prometheus: Prometheus, targets: Mapping[str, Sequence[str]], revision: int
) -> None:
    async def all_up() -> bool:
        return len(await prometheus.query("up == 1")) == sum(map(len, targets.values()))

    async def all_heads() -> bool:
        values = [value for _, value in await prometheus.query("instance:served_revision:last")]
        return values == [float(revision)] * 4  # two readers, the statistics, the queue

    await until(all_up)
    await until(all_heads)


async def everything_is_judged(prometheus: Prometheus) -> None:
    found = [rule for group in (await prometheus.api("rules"))["groups"] for rule in group["rules"]]
    assert sorted(rule["name"] for rule in found) == sorted(rule.name for rule in rules())

    async def all_healthy() -> bool:
        groups = (await prometheus.api("rules"))["groups"]
        return all(rule["health"] == "ok" for group in groups for rule in group["rules"])

    async def only_what_is_missing_here() -> bool:  # before the first scrape more is
        active = {alert["labels"]["alertname"] for alert in (await prometheus.api("alerts"))["alerts"]}
        return active == {"Watchdog", "NoGateway", "HordeFiguresMissing"}

    await until(all_healthy)
    await until(only_what_is_missing_here)


async def requests_are_counted(prometheus: Prometheus, watched: ObservedStack) -> None:
    wanted = {name for name in recorded() if name.startswith(("job:http", "instance:", "traffic:"))}

    async def all_recorded() -> bool:
        await watched.synced.record("clip", "ViT-L/14")
        return wanted <= set(await prometheus.api("label/__name__/values"))

    await until(all_recorded)
    ((_, errors),) = await prometheus.query('traffic:http_request_errors:ratio_rate1h{traffic="read"}')
    assert errors == 0.0
