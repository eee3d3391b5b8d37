"""A short run of what `make chaos ARGS=mixed` does for ten minutes, and `make load` without faults."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from chaos.arena import Arena, Outcome
from chaos.mixed import an_arena_of_pairs, mixed
from chaos.scenarios import Extent
from load.report import page
from stack.child import StackFailed
from stack.neighbours import require_programs
from support.servers import missing

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest_asyncio.fixture
async def arena() -> AsyncIterator[Arena]:
    try:
        require_programs()
    except StackFailed as error:
        missing(str(error))
    async with an_arena_of_pairs(seed=3, say=lambda _: None) as running:
        yield running


async def test_traffic_through_a_fault_is_answered_rightly_and_reported(arena: Arena, tmp_path: Path) -> None:
    outcome = Outcome("mixed")
    await mixed(arena, Extent(minutes=0.5, rate=30, listeners=20, reports=tmp_path), outcome)
    assert outcome.problems == []
    result = json.loads((tmp_path / "chaos.json").read_text())
    assert result["problems"] == []
    assert result["faults"]
    assert result["answers"]["compared"] > 500
    assert result["counts"]["edits accepted"] > 0
    assert result["listeners"]["revisions"] >= result["counts"]["edits accepted"]
    assert {one["kind"] for one in result["kinds"]} > {"record", "conditional document", "propose", "apply"}
    assert "Every promise was kept" in page([result])
