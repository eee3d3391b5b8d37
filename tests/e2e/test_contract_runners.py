"""The contract runners against our commands and our service."""

from pathlib import Path

import pytest

from support.contract_runner import run_runner
from support.processes import CONSOLE_SCRIPT, service
from support.reference_data import SHARED, requires_shared

pytestmark = [requires_shared, pytest.mark.slow, pytest.mark.timeout(400)]


async def test_conversions_keep_the_contract() -> None:
    modes = ("to-v2", "to-legacy", "roundtrip", "edit", "parse-text", "group-text")
    options = [word for mode in modes for word in (f"--{mode}", f"{CONSOLE_SCRIPT} convert {mode}")]
    output = await run_runner("check_convert.py", *options)
    last = output.splitlines()[-1]
    assert last.endswith(" 0 failed"), output[-3000:]
    assert int(last.split()[0]) > 3000


@pytest.mark.parametrize("canonical_format", ["v2", "legacy"])
async def test_reads_keep_the_contract(canonical_format: str, tmp_path: Path) -> None:
    settings = {
        "DATA_DIR": str(tmp_path),
        "SEED_DIR": str(SHARED / "data"),
        "CANONICAL_FORMAT": canonical_format,
    }
    async with service("serve", settings) as process:
        await process.wait_until("/ready", 200)
        output = await run_runner(
            "check_read.py",
            "--base-url",
            process.base_url,
            "--strict",
            "--horde",
            "none",
            "--jobs",
            "8",
            "-q",
        )
    assert [line for line in output.splitlines() if line.startswith("FAIL ")] == []
    assert int(output.splitlines()[-1].split()[0]) > 600
