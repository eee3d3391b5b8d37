"""The system of docker-compose.yml: used through its gateway, backed up, lost, restored, and rolled out."""

import asyncio
import contextlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from support.compose_project import ComposeFailed, ComposeProject, compose_project
from support.docker_images import Docker
from support.env_example import COMPOSE_FILE
from support.servers import missing
from support.some_horde import APPROVER, REQUESTOR, SomeHorde
from support.steady_reads import steady_reads
from support.threaded_server import server_in_thread

pytestmark = pytest.mark.slow

REFERENCES = "/api/model_references"
READS = [
    f"{REFERENCES}/v2/image_generation",
    f"{REFERENCES}/v1/stable_diffusion.json",
    f"{REFERENCES}/v2/clip",
    f"{REFERENCES}/statistics/image_generation",
]
SETTINGS = {
    "HORDE_MODEL_REFERENCE_PENDING_QUEUE__REQUESTOR_IDS": "101",
    "HORDE_MODEL_REFERENCE_PENDING_QUEUE__APPROVER_IDS": "202",
    "HORDE_MODEL_REFERENCE_GITHUB_SEED_ENABLED": "false",
}
ANSWER_SECONDS = 30.0
SCRAPED_SECONDS = 120.0
WATCHERS = ("prometheus", "alertmanager")


@pytest.fixture(scope="module")
def system(
    engine: dict[str, str], services_image: str, gateway_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ComposeProject]:
    with (
        server_in_thread(SomeHorde().application, host="0.0.0.0") as port,
        own_tags(Docker(engine), services_image, gateway_image) as images,
        compose_project(tmp_path_factory.mktemp("compose"), port, SETTINGS, engine | images) as project,
    ):
        project.up()
        yield project


@contextmanager
def own_tags(docker: Docker, services_image: str, gateway_image: str) -> Iterator[dict[str, str]]:
    """Give the images names that nobody else builds anew meanwhile."""
    tags = {}
    for variable, image in (("HORDE_IMAGE", services_image), ("HORDE_GATEWAY_IMAGE", gateway_image)):
        tags[variable] = f"{image.rpartition(':')[0]}:test-{os.getpid()}"
        docker.call("tag", image, tags[variable])
    try:
        yield tags
    finally:
        docker.call("rmi", *tags.values())


async def ask(system: ComposeProject, path: str, body: object = None, *, key: str = "") -> Any:
    method, headers = ("GET" if body is None else "POST"), ({"apikey": key} if key else {})
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as session,
        session.request(method, system.root_url + path, json=body, headers=headers) as answer,
    ):
        return await answer.json()


async def make_live(system: ComposeProject) -> str:
    """Propose, approve and apply a record; return its name."""
    name = f"made-{secrets.token_hex(4)}"
    change = await ask(
        system, f"{REFERENCES}/v2/clip", {"name": name, "description": "made here"}, key=REQUESTOR
    )
    ids = [change["change_id"]]
    queue = f"{REFERENCES}/v2/pending_queue"
    await ask(system, f"{queue}/batches", {"batch_title": "t", "approved_ids": ids}, key=APPROVER)
    await ask(system, f"{queue}/apply", {"change_ids": ids}, key=APPROVER)
    return name


async def seen(system: ComposeProject, name: str) -> Mapping[str, Any]:
    """Wait until the gateway serves the record."""
    async with asyncio.timeout(ANSWER_SECONDS):
        while True:
            records: Mapping[str, Mapping[str, Any]] = await ask(system, f"{REFERENCES}/v2/clip")
            if name in records:
                return records[name]
            await asyncio.sleep(0.1)


async def test_a_change_goes_live_through_the_gateway(system: ComposeProject) -> None:
    name = await make_live(system)
    assert (await seen(system, name))["description"] == "made here"


def test_containers_are_confined_and_only_the_gateway_is_published(system: ComposeProject) -> None:
    published = set()
    for facts in system.facts():
        host, service = facts["HostConfig"], facts["Config"]["Labels"]["com.docker.compose.service"]
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        assert host["Memory"] > 0, service
        assert facts["Config"]["User"] not in {"", "root", "0"}, service
        assert (facts["Config"]["User"] == "0:0") == (service == "secrets"), service
        published |= {service for ports in (host["PortBindings"] or {}).values() if ports}
    assert published == {"gateway-port"}


def test_up_again_replaces_nothing(system: ComposeProject) -> None:
    before = {facts["Id"] for facts in system.facts()}
    system.up()
    assert {facts["Id"] for facts in system.facts()} == before


@pytest.mark.long
async def test_a_backup_outlives_the_volumes(system: ComposeProject, tmp_path: Path) -> None:
    name = await make_live(system)
    file = tmp_path / "backup.tar"
    await asyncio.to_thread(system.script, "backup.sh", str(file))
    await asyncio.to_thread(system.compose, "down", "--volumes", "--timeout", "5")
    await asyncio.to_thread(system.script, "restore.sh", str(file))
    assert (await seen(system, name))["description"] == "made here"
    said = await asyncio.to_thread(system.compose, "run", "--rm", "--no-TTY", "--no-deps", "cli", "verify")
    assert "problem" not in said
    after = await make_live(system)
    assert await seen(system, after)


@pytest.mark.long
async def test_a_restore_beside_a_catalogue_is_refused_unless_it_may_replace_it(
    system: ComposeProject, tmp_path: Path
) -> None:
    file = tmp_path / "backup.tar"
    await asyncio.to_thread(system.script, "backup.sh", str(file))
    later = await make_live(system)
    with pytest.raises(ComposeFailed, match="--replace"):
        await asyncio.to_thread(system.script, "restore.sh", str(file))
    assert await seen(system, later)
    assert await seen(system, await make_live(system))
    await asyncio.to_thread(system.script, "restore.sh", str(file), "--replace")
    assert later not in await ask(system, f"{REFERENCES}/v2/clip")


@pytest.mark.parametrize("asked", [("read-api",), pytest.param((), id="all", marks=pytest.mark.long)])
async def test_a_rollout_replaces_services_without_a_failed_read(
    system: ComposeProject, asked: Sequence[str]
) -> None:
    services = asked or ("read-api", "stats", "write-queue", "gateway")
    before = {service: system.containers(service) for service in services}
    async with steady_reads(system.root_url, READS) as outcomes:
        await asyncio.to_thread(system.script, "rollout.sh", *asked)
    assert {outcome.rpartition(" ")[2] for outcome in outcomes} == {"200"}, outcomes
    for service in services:
        after = system.containers(service)
        assert len(after) == len(before[service])
        assert not after & before[service]


@pytest.mark.long
async def test_a_gateway_is_replaced_again_and_again_without_a_failed_read(system: ComposeProject) -> None:
    """Each time with other settings, as after a change of .env; what clients find is the next one's."""
    holder = system.containers("gateway-port")
    async with steady_reads(system.root_url, READS) as outcomes:
        for seconds in ("61", "62", "63"):
            before, answered = system.containers("gateway"), outcomes.total()
            changed = {"HORDE_MODEL_REFERENCE_GATEWAY_OLD_WORKER_SECONDS": seconds}
            await asyncio.to_thread(system.script, "rollout.sh", "gateway", **changed)
            after = system.containers("gateway")
            assert len(after) == len(before)
            assert not after & before
            assert outcomes.total() > answered
    assert {outcome.rpartition(" ")[2] for outcome in outcomes} == {"200"}, outcomes
    assert system.containers("gateway-port") == holder
    await asyncio.to_thread(system.up)


@pytest.mark.long
@pytest.mark.parametrize("how", ["restart", "kill", "recreate"])
async def test_a_gateway_finds_its_ports_again(system: ComposeProject, how: str) -> None:
    """Its container lives on, but the network that its ports were in is gone."""
    if how == "restart":
        await asyncio.to_thread(system.compose, "--progress", "quiet", "restart", "gateway-port")
    elif how == "kill":
        await asyncio.to_thread(system.compose, "--progress", "quiet", "kill", "gateway-port")
        await asyncio.to_thread(system.up)
    else:
        words = ("up", "--detach", "--wait", "--force-recreate", "--no-deps", "gateway-port")
        await asyncio.to_thread(system.compose, "--progress", "quiet", *words)
    async with asyncio.timeout(ANSWER_SECONDS):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                if await ask(system, READS[0]):
                    return
            await asyncio.sleep(0.1)


@pytest.mark.long
async def test_servers_are_replaced_and_everything_after_them(system: ComposeProject) -> None:
    servers, readers = ("rabbitmq", "redis", "seaweedfs"), system.containers("read-api")
    before = {server: system.containers(server) for server in servers}
    await asyncio.to_thread(system.script, "rollout.sh", *servers)
    for server in servers:
        after = system.containers(server)
        assert len(after) == 1
        assert not after & before[server]
    await asyncio.to_thread(system.script, "rollout.sh")
    assert not system.containers("read-api") & readers
    assert await seen(system, await make_live(system))
    await asyncio.to_thread(system.up)


@pytest.mark.long
async def test_everything_answers_after_a_restart_of_everything(system: ComposeProject) -> None:
    await asyncio.to_thread(system.compose, "--progress", "quiet", "restart", "--timeout", "5")
    await asyncio.to_thread(system.up)
    name = await make_live(system)
    assert await seen(system, name)


@pytest.mark.long
async def test_a_rollout_of_what_cannot_start_changes_nothing(system: ComposeProject) -> None:
    before = system.containers("read-api", all_of_them=True)
    async with steady_reads(system.root_url, READS) as outcomes:
        with pytest.raises(ComposeFailed):
            await asyncio.to_thread(
                system.script,
                "rollout.sh",
                "read-api",
                HORDE_IMAGE="redis:8",  # it has no such program
                HORDE_ROLLOUT_READY_SECONDS="30",
            )
    assert {outcome.rpartition(" ")[2] for outcome in outcomes} == {"200"}, outcomes
    assert system.containers("read-api") == before


@pytest.mark.long
async def test_new_passwords_reach_everybody_after_a_restart(system: ComposeProject) -> None:
    await asyncio.to_thread(system.compose, "run", "--rm", "--no-TTY", "secrets", "--rotate")
    await asyncio.to_thread(
        system.compose, "--progress", "quiet", "up", "--detach", "--wait", "--force-recreate"
    )
    name = await make_live(system)
    assert await seen(system, name)
    status = await ask(system, "/api/status")
    assert status["components"]["rabbitmq"]["state"] == "operational"


@pytest.fixture
def watched(system: ComposeProject, engine: dict[str, str]) -> Iterator[ComposeProject]:
    for image in re.findall(r"prom/\S+", COMPOSE_FILE.read_text(encoding="utf-8")):
        if Docker(engine).attempt("image", "inspect", image).returncode:
            missing(f"the image {image} is not here: tests/containers/engine.sh up --observability")
    system.compose("--progress", "quiet", "up", "--detach", "--wait", *WATCHERS)
    yield system
    system.compose("rm", "--stop", "--force", "--volumes", *WATCHERS)


@pytest.mark.long
async def test_prometheus_reaches_every_container(watched: ComposeProject) -> None:
    expected = {
        *("gateway", "read-api", "write-queue", "stats"),
        *("rabbitmq", "seaweedfs", "prometheus", "alertmanager"),
    }
    async with asyncio.timeout(SCRAPED_SECONDS):
        while True:
            up = await asyncio.to_thread(targets_in_order, watched)
            if expected <= up.keys() and all(up.values()):
                return
            await asyncio.sleep(1.0)


def targets_in_order(system: ComposeProject) -> dict[str, bool]:
    """Return for each job of Prometheus whether all of its targets answer."""
    url = "http://127.0.0.1:9090/api/v1/targets?state=active"
    said = json.loads(system.compose("exec", "--no-TTY", "prometheus", "wget", "-qO-", url))
    found: dict[str, bool] = {}
    for target in said["data"]["activeTargets"]:
        job = target["labels"]["job"]
        found[job] = found.get(job, True) and target["health"] == "up"
    return found
