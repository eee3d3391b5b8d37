"""Every command of docs/api-examples.md works, in the order in which they stand there."""

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest

from support.editors import an_editor, settings_for
from support.reference_data import REPOSITORY
from support.servers import missing
from support.some_horde import APPROVER, REQUESTOR

PAGE = REPOSITORY / "docs" / "api-examples.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


async def test_every_command_of_the_page_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("curl") is None:
        missing("curl is not installed")
    script = "".join(BLOCK.findall(PAGE.read_text(encoding="utf-8")))
    folder = tmp_path / "there"
    folder.mkdir()
    async with an_editor(settings_for(tmp_path), monkeypatch) as editor:
        variables = {
            "API": f"{editor.url}/model_references",
            "REQUESTOR_KEY": REQUESTOR,
            "APPROVER_KEY": APPROVER,
        }
        run = await asyncio.create_subprocess_exec(
            "bash", "-euo", "pipefail", "-c", script, cwd=folder, env={**os.environ, **variables},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, error = await run.communicate()
        status, _ = await editor.get("/v2/clip/model/example%2Fclip")
    assert (run.returncode, error.decode()) == (0, error.decode()), out.decode()
    assert status == 404
    text = out.decode()
    assert "}304\n" in text
    assert "described better" in text
    assert text.rstrip().endswith("404")
