"""The read-api as a process of its own beside whoever fills the journal."""

from pathlib import Path

import pytest

from support.processes import run_command, service
from support.sources import SAMPLE


async def test_read_api_starts_before_the_journal_exists_and_writes_nothing(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    settings = {"DATA_DIR": str(data_dir), "HEAD_POLL_SECONDS": "0.2"}
    async with service("read-api", settings) as process:
        await process.wait_until("/ready", 503)
        await process.wait_until("/live", 200)
        assert not data_dir.exists()
        assert (await run_command("seed", "--from", str(SAMPLE), settings=settings))[0] == 0
        before = sorted(path for path in data_dir.rglob("*"))
        await process.wait_until("/ready", 200)
        await process.wait_until("/api/model_references/v2/clip", 200)
        assert await process.stop() == 0
    assert sorted(path for path in data_dir.rglob("*")) == before


@pytest.mark.parametrize("command", [("verify",), ("export", "out")])
async def test_commands_that_only_read_refuse_a_directory_that_is_not_there(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    settings = {"DATA_DIR": str(tmp_path / "mistyped")}
    status, _, err = await run_command(*command, settings=settings)
    assert status == 1
    assert "mistyped does not exist" in err
    assert not (tmp_path / "mistyped").exists()
