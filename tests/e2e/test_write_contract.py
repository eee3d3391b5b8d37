"""The contract runner of the write side, against one process and against separate ones."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from support.contract_runner import run_runner
from support.processes import free_port, run_command, service
from support.reference_data import SHARED, requires_shared

pytestmark = [requires_shared, pytest.mark.slow, pytest.mark.timeout(200)]


def settings_for(data_dir: Path, canonical_format: str) -> Mapping[str, str]:
    """Return what the runner demands."""
    return {
        "DATA_DIR": str(data_dir),
        "CANONICAL_FORMAT": canonical_format,
        "HEAD_POLL_SECONDS": "0.2",
        "SEED_DIR": str(SHARED / "data"),
        "PENDING_QUEUE__REQUESTOR_IDS": '["101","102"]',
        "PENDING_QUEUE__APPROVER_IDS": '["202","203"]',
    }


async def check(horde_port: int, *arguments: str) -> None:
    output = await run_runner("check_write.py", "--strict", "--horde-port", str(horde_port), *arguments)
    last = output.splitlines()[-1]
    assert last.endswith(" 0 failed"), output[-3000:]
    assert int(last.split()[0]) > 40


@pytest.mark.parametrize("canonical_format", ["v2", "legacy"])
async def test_one_process_keeps_the_contract(
    canonical_format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    horde_port = free_port()  # the runner is the AI-Horde
    monkeypatch.setenv("AI_HORDE_URL", f"http://127.0.0.1:{horde_port}/api/")
    async with service("serve", settings_for(tmp_path, canonical_format)) as process:
        await process.wait_until("/ready", 200)
        await check(horde_port, "--base-url", process.base_url)


@pytest.mark.parametrize("canonical_format", ["legacy", pytest.param("v2", marks=pytest.mark.long)])
async def test_a_reader_and_a_writer_without_a_broker_keep_the_contract(
    canonical_format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    horde_port = free_port()  # the runner is the AI-Horde
    monkeypatch.setenv("AI_HORDE_URL", f"http://127.0.0.1:{horde_port}/api/")
    settings = settings_for(tmp_path, canonical_format)
    status, _, error = await run_command("seed", "--from", str(SHARED / "data"), settings=settings)
    assert status == 0, error
    async with service("write-queue", settings) as writer, service("read-api", settings) as reader:
        await writer.wait_until("/ready", 200)
        await reader.wait_until("/ready", 200)
        await check(horde_port, "--base-url", writer.base_url, "--read-base-url", reader.base_url)
