"""The contract runner for the library. `make client-contract` does it with every interpreter, and more."""

from pathlib import Path

import pytest

from support.client_contract import check_client
from support.processes import service
from support.reference_data import SHARED, requires_shared

pytestmark = [requires_shared, pytest.mark.long, pytest.mark.timeout(600)]


async def test_the_library_keeps_the_contract_and_goes_beyond_the_older_one(tmp_path: Path) -> None:
    settings = {"DATA_DIR": str(tmp_path), "SEED_DIR": str(SHARED / "data")}
    async with service("serve", settings) as process:
        await process.wait_until("/ready", 200)
        verdict = await check_client(process.base_url)
    assert verdict.failures == ()
    assert verdict.is_complete, verdict.output[-3000:]
