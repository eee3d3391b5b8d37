"""The contract runner for reads with live figures: AI-Horde there, and not there."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from stack.child import StackFailed
from stack.neighbours import require_programs
from stack.running import Plan, running_stack
from support.contract_runner import run_runner
from support.nodes import free_ports
from support.processes import ServiceProcess, clean_environment, service
from support.reference_data import SHARED, requires_shared
from support.servers import missing

pytestmark = [requires_shared, pytest.mark.slow, pytest.mark.timeout(400)]

ROLES = {
    "PENDING_QUEUE__REQUESTOR_IDS": '["101","102"]',
    "PENDING_QUEUE__APPROVER_IDS": '["202","203"]',
    "RATE_LIMITS__ENABLED": "false",
}
PROBE_SECONDS = 3.0  # an AI-Horde that never answered is asked for a request at most every two seconds
SEED = {"SEED_DIR": str(SHARED / "data")}


def settings_for(folder: Path, horde_port: int) -> dict[str, str]:
    """Return the settings of http-read-api.md section 13, without their prefix."""
    return {"DATA_DIR": str(folder), "AI_HORDE_URL": horde_url(horde_port), **ROLES}


def horde_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/api/"


async def assert_contract(base_url: str, horde: str, port: int, *, at_least: int) -> None:
    words = ("--horde", horde, "--horde-port", str(port), "--strict", "--jobs", "8", "-q")
    output = await run_runner("check_read.py", "--base-url", base_url, *words)
    assert [line for line in output.splitlines() if line.startswith("FAIL ")] == []
    assert int(output.splitlines()[-1].split()[0]) > at_least, output[-3000:]


@pytest.mark.parametrize(
    ("canonical_format", "horde"),
    [
        ("v2", "up"),
        ("legacy", "down"),
        pytest.param("v2", "down", marks=pytest.mark.long),
        pytest.param("legacy", "up", marks=pytest.mark.long),
    ],
)
async def test_one_process_keeps_the_contract(canonical_format: str, horde: str, tmp_path: Path) -> None:
    port = free_ports(1)[0]
    settings = {**settings_for(tmp_path, port), **SEED, "CANONICAL_FORMAT": canonical_format}
    async with service("serve", settings) as process:
        await process.wait_until("/ready", 200)
        await assert_contract(process.base_url, horde, port, at_least=600)


@pytest.mark.parametrize("horde", ["up", pytest.param("down", marks=pytest.mark.long)])
async def test_replica_keeps_the_contract(horde: str, tmp_path: Path) -> None:
    port = free_ports(1)[0]
    async with service("serve", {**settings_for(tmp_path / "primary", port), **SEED}) as primary:
        await primary.wait_until("/ready", 200)
        async with service("serve", replica_of(primary, tmp_path / "replica", port)) as replica:
            await replica.wait_until("/ready", 200)
            await assert_contract(replica.base_url, horde, port, at_least=500)


def replica_of(primary: ServiceProcess, folder: Path, horde_port: int) -> Mapping[str, str]:
    more = {"REPLICATE_MODE": "REPLICA", "PRIMARY_API_URL": primary.base_url}
    return {**settings_for(folder, horde_port), **more, "ENABLE_GITHUB_FALLBACK": "false"}


@pytest.mark.long
async def test_stack_keeps_the_contract_without_an_ai_horde_and_as_soon_as_it_is_there() -> None:
    try:
        require_programs()
    except StackFailed as error:
        missing(str(error))
    port = free_ports(1)[0]
    environment = clean_environment({"AI_HORDE_URL": horde_url(port)})
    plan = Plan(write=2, read=2, stats=2, settings={**ROLES, **SEED}, environment=environment)
    async with running_stack(plan) as stack:
        for horde in ("down", "up"):
            await assert_contract(stack.base_url, horde, port, at_least=600)
            await asyncio.sleep(PROBE_SECONDS)
