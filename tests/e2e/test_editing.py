"""An editor at the standalone service, and an operator with its commands (one process, real HTTP)."""

from pathlib import Path

import pytest

from support.editors import an_editor, settings_for
from support.processes import run_command, service
from support.sources import SAMPLE


async def test_an_edit_is_in_both_formats_when_it_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with an_editor(settings_for(tmp_path), monkeypatch) as editor:
        before = (await editor.get("/v1/clip"))[1]
        await editor.make_live("mine")
        after = (await editor.get("/v1/clip"))[1]
        assert (await editor.get("/v2/clip/model/mine"))[0] == 200
        assert b"made here" in after
        assert after.startswith(before.rstrip().removesuffix(b"}").rstrip())


async def test_the_commands_undo_check_and_protect_edits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tmp_path)
    async with an_editor(settings, monkeypatch) as editor:
        await editor.make_live("mine")
        _, public_key = await editor.get("/v2/signing_key")
    (tmp_path / "public.json").write_bytes(public_key)
    status, _, error = await run_command("seed", "--from", str(SAMPLE), settings=settings)
    assert (status, "revision 2: applied" in error) == (1, True)
    status, out, error = await run_command("rollback", "1", "--reason", "a test", settings=settings)
    assert (status, out, error) == (0, b"revision 3 has the records of revision 1: 1 changed\n", "")
    words = ("verify", "--public-key", str(tmp_path / "public.json"))
    status, out, _ = await run_command(*words, settings=settings)
    assert (status, b"3 signatures: all right" in out) == (0, True)
    async with an_editor(settings, monkeypatch) as editor:
        assert (await editor.get("/v2/clip/model/mine"))[0] == 404
        assert (await editor.get("/v2/clip/model/mine?revision=2"))[0] == 200


async def test_a_key_file_that_is_none_stops_the_start_in_a_line(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    (tmp_path / "signing.key").write_text("nonsense")
    async with service("serve", settings) as process:
        assert await process.ended() == 1
    assert "signing.key" in process.output
    assert "Traceback" not in process.output
    assert "nonsense" not in process.output
