"""Where the real reference data and the contract runners lie, if they are here at all."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("HORDE_TEST_SHARED", REPOSITORY.parent / "shared"))

requires_shared = pytest.mark.skipif(
    not (SHARED / "data").is_dir(),
    reason="the real reference data is not here (set HORDE_TEST_SHARED to a folder with data/ and contract/)",
)
