"""`horde-reference backup` and `horde-reference restore` over directories, and killed with SIGKILL."""

import asyncio
import contextlib
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from registry.blobs import Blobs
from registry.state import State
from service_kit.file_object_store import open_file_store
from standalone.cli import main
from support.journals import a_catalogue, a_draft, a_journal
from support.signing import a_signer, append_signed

REFERENCE = Path(sys.executable).parent / "horde-reference"
HOUR = "stats/hourly/image_generation/2026050411.json.gz"
DAY = "stats/daily/text_generation/20260503.json.gz"


@pytest.fixture
def filled(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory of the settings; it holds a catalogue and usage history."""
    asyncio.run(fill(data_dir, revisions=3))
    use(monkeypatch, data_dir)
    return data_dir


async def fill(data_dir: Path, *, revisions: int) -> None:
    async with open_file_store(data_dir) as store:
        await a_journal(store, revisions=revisions)
        await store.create(HOUR, b"an hour")
        await store.create(DAY, b"a day")


def use(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    monkeypatch.setenv("HORDE_MODEL_REFERENCE_DATA_DIR", str(data_dir))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["all.tar", "all.tar.gz", "all.tgz"])
def test_destroyed_directory_is_brought_back(
    filled: Path,
    tmp_path: Path,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / name
    assert main(["backup", str(file)]) == 0
    assert capsys.readouterr().out == f"revision 3, 3 entries, 9 objects, {size_of(filled)} bytes: {file}\n"
    assert file.read_bytes().startswith(b"\x1f\x8b") == (name != "all.tar")
    assert main(["restore", "--check", str(file)]) == 0
    assert capsys.readouterr().out.endswith(" UTC, 9 objects: all right\n")
    use(monkeypatch, tmp_path / "new")
    assert main(["restore", str(file)]) == 0
    assert capsys.readouterr().out.endswith(
        "is restored. 3 entries, 3 revisions, 4 blobs, 0 checkpoints: all right\n"
    )
    assert files(tmp_path / "new") == files(filled)


def size_of(folder: Path) -> int:
    return sum(map(len, files(folder).values()))


def test_backup_is_private_and_replaced_only_by_a_whole_one(
    filled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "all.tar"
    assert main(["backup", str(file)]) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = file.read_bytes()
    next((filled / "blobs").iterdir()).unlink()
    assert main(["backup", str(file)]) == 1
    assert "horde-reference backup: the catalogue is damaged: there is no object" in capsys.readouterr().err
    assert file.read_bytes() == kept
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_empty_store_is_refused_without_touching_the_last_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    use(monkeypatch, tmp_path / "empty")
    file = tmp_path / "all.tar"
    file.write_bytes(b"the last one")
    assert main(["backup", str(file)]) == 1
    assert capsys.readouterr().err == (
        "horde-reference backup: there is nothing to back up: the journal is empty\n"
    )
    assert file.read_bytes() == b"the last one"


def test_store_in_use_is_refused_unless_replaced(
    filled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "all.tar"
    assert main(["backup", str(file)]) == 0
    before = files(filled)
    assert main(["restore", str(file)]) == 1
    assert "the store is not empty: it has 3 journal entries; only with --replace" in capsys.readouterr().err
    assert main(["restore", "--replace", str(file)]) == 0
    assert files(filled) == before


def test_damaged_file_is_refused_with_a_line(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "all.tar"
    assert main(["backup", str(file)]) == 0
    file.write_bytes(file.read_bytes().replace(b"tester#1", b"tester#2", 1))
    use(monkeypatch, tmp_path / "new")
    for words in (["--check"], []):
        assert main(["restore", *words, str(file)]) == 1
        assert capsys.readouterr().err == (
            "horde-reference restore: the archive is damaged:"
            " 'journal/000000000001.json' is not what was backed up\n"
        )
    assert main(["restore", str(tmp_path / "nowhere.tar")]) == 1
    assert "No such file or directory" in capsys.readouterr().err


def test_signatures_of_what_was_restored_are_checked(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    signer = a_signer()

    async def fill_signed() -> None:
        async with open_file_store(data_dir) as store:
            draft = a_draft(await a_catalogue(Blobs(store), 1))
            await append_signed(store, State(), draft, signer)

    asyncio.run(fill_signed())
    use(monkeypatch, data_dir)
    file = tmp_path / "all.tar"
    assert main(["backup", str(file)]) == 0
    right, wrong = tmp_path / "right.json", tmp_path / "wrong.json"
    right.write_text(signer.public_key.model_dump_json())
    wrong.write_text(a_signer().public_key.model_dump_json())
    use(monkeypatch, tmp_path / "new")
    assert main(["restore", str(file), "--public-key", str(wrong)]) == 1
    assert "problem: entry 1 is signed with another key" in capsys.readouterr().out
    assert main(["restore", str(file), "--replace", "--public-key", str(right)]) == 0
    assert "1 signatures: all right" in capsys.readouterr().out


def environment(data_dir: Path) -> dict[str, str]:
    return {**os.environ, "HORDE_MODEL_REFERENCE_DATA_DIR": str(data_dir)}


def reference(data_dir: Path, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [REFERENCE, *words],
        input=stdin,
        capture_output=True,
        env=environment(data_dir),
        timeout=60,
        check=False,
    )


def test_backup_goes_through_a_pipe(filled: Path, tmp_path: Path) -> None:
    done = reference(filled, "backup", "-")
    assert (done.returncode, done.stderr) == (
        0,
        f"revision 3, 3 entries, 9 objects, {size_of(filled)} bytes: standard output\n".encode(),
    )
    restored = reference(tmp_path / "new", "restore", "-", stdin=done.stdout)
    assert restored.returncode == 0, restored.stderr
    assert files(tmp_path / "new") == files(filled)


@pytest.mark.parametrize("replacing", [False, True])
def test_restore_that_is_killed_leaves_nothing_halfway_and_is_repeated(
    data_dir: Path,
    tmp_path: Path,
    replacing: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asyncio.run(fill(data_dir, revisions=40))
    use(monkeypatch, data_dir)
    file, new = tmp_path / "all.tar", tmp_path / "new"
    assert main(["backup", str(file)]) == 0
    if replacing:
        asyncio.run(fill(new, revisions=5))
    old = journal_of(new) if replacing else {}
    kind = ["--replace"] if replacing else []
    archive = file.read_bytes()
    with killed(new, ["restore", "-", *kind]) as process:
        assert process.stdin is not None
        process.stdin.write(archive[: len(archive) * 9 // 10])
        process.stdin.flush()
        wait_for((new / "restore").is_dir)
    use(monkeypatch, new)
    if replacing:
        assert journal_of(new) == old
        assert main(["verify"]) == 0
    else:
        assert main(["verify"]) == 1
        assert "a restore into this store was begun and not finished" in capsys.readouterr().out
        assert main(["seed", "--from", "auto"]) == 1
        assert "journal entry" in capsys.readouterr().err
    assert main(["restore", str(file), *kind]) == 0
    assert files(data_dir).items() <= files(new).items()


def journal_of(folder: Path) -> dict[str, bytes]:
    return {name: body for name, body in files(folder).items() if name.startswith("journal/")}


@contextlib.contextmanager
def killed(data_dir: Path, words: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([REFERENCE, *words], stdin=subprocess.PIPE, env=environment(data_dir))
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
