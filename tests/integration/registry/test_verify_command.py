"""`horde-reference verify` over a journal in a directory."""

import asyncio
from pathlib import Path

import pytest

from registry.blobs import Blobs
from registry.signatures import Signer
from registry.state import State
from registry.verify import Verification
from service_kit.file_object_store import open_file_store
from standalone.cli import main
from standalone.commands.verify import summary
from support.journals import a_catalogue, a_draft
from support.signing import a_signer, append_signed

SIGNER = a_signer()


@pytest.fixture
def public_key(tmp_path: Path) -> Path:
    path = tmp_path / "public.json"
    path.write_text(SIGNER.public_key.model_dump_json())
    return path


@pytest.fixture
def journal(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    asyncio.run(write_journal(data_dir, SIGNER))
    monkeypatch.setenv("HORDE_MODEL_REFERENCE_DATA_DIR", str(data_dir))
    return data_dir


async def write_journal(data_dir: Path, signer: Signer) -> None:
    async with open_file_store(data_dir) as store:
        blobs, state = Blobs(store), State()
        for _ in range(2):
            draft = a_draft(await a_catalogue(blobs, state.revision + 1))
            state = await append_signed(store, state, draft, signer)


def test_signatures_are_counted_without_a_key(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify"]) == 0
    assert capsys.readouterr().out == (
        "2 entries, 2 revisions, 3 blobs, 0 checkpoints, 2 signed, not checked: all right\n"
    )


def test_signatures_are_checked_with_a_key(
    journal: Path, public_key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "--public-key", str(public_key)]) == 0
    assert capsys.readouterr().out == (
        "2 entries, 2 revisions, 3 blobs, 0 checkpoints, 2 signatures: all right\n"
    )


def test_wrong_key_is_a_problem_and_several_may_be_given(
    journal: Path, public_key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.json"
    other.write_text(a_signer().public_key.model_dump_json())
    assert main(["verify", "--public-key", str(other)]) == 1
    assert f"problem: entry 1 is signed with another key: {SIGNER.key_id}\n" in capsys.readouterr().out
    assert main(["verify", "--public-key", str(other), "--public-key", str(public_key)]) == 0


def test_unusable_key_file_is_one_line(
    journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "nothing"
    assert main(["verify", "--public-key", str(path)]) == 1
    assert capsys.readouterr().err == (
        f"horde-reference verify: {path} cannot be read: No such file or directory\n"
    )


def test_summary_tells_of_checkpoints_that_were_not_checked() -> None:
    assert summary(Verification(entries=1, outdated_checkpoints=2, problems=["x"])) == (
        "1 entries, 0 revisions, 0 blobs, 0 checkpoints, 2 checkpoints of another version, not checked: "
        "1 problems"
    )
