"""A damaged archive is never taken for a whole one, and any tar program can read a whole one."""

import asyncio
import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.backup_archive import MAX_MEMBER_BYTES, ArchiveDamaged, ArchiveWriter
from registry.backup_content import BackupHead, BackupTooNew, ContentCheck, ContentDamaged, Member
from registry.blobs import blob_key
from registry.entries import entry_key
from registry.errors import JournalTooNew
from support.backups import a_backup, read_backup
from support.journals import a_journal
from support.memory_store import MemoryObjectStore


@pytest.fixture(scope="module")
def archive() -> bytes:
    return asyncio.run(an_archive())


async def an_archive() -> bytes:
    store = MemoryObjectStore()
    await a_journal(store, revisions=2)
    store.objects["stats/daily/clip/20260504.json.gz"] = b"a day"
    return await a_backup(store)


def unpacked(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {header.name: file.read() for header in tar.getmembers() if (file := tar.extractfile(header))}


Members = list[tuple[tarfile.TarInfo, bytes]]


def rewritten(archive: bytes, change: Callable[[Members], object]) -> bytes:
    """Return the archive with other members; comments and sums stay as they were."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = [(header, file.read()) for header in tar.getmembers() if (file := tar.extractfile(header))]
    change(members)
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for header, body in members:
            header.size = len(body)
            tar.addfile(header, io.BytesIO(body))
    return output.getvalue()


def test_sums_are_those_that_sha256sum_checks(archive: bytes) -> None:
    members = unpacked(archive)
    lines = members.pop("SHA256SUMS").decode().splitlines()
    assert lines == [f"{hashlib.sha256(body).hexdigest()}  {name}" for name, body in members.items()]


def test_rewriting_without_a_change_is_a_whole_archive(archive: bytes) -> None:
    assert read_backup(rewritten(archive, lambda _: None)) == read_backup(archive)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.data())
def test_changed_byte_is_found_or_changes_nothing(archive: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(archive) - 1))
    value = data.draw(st.integers(1, 255))
    changed = bytearray(archive)
    changed[place] ^= value
    try:
        found = read_backup(bytes(changed))
    except ArchiveDamaged:
        return
    assert found == read_backup(archive)


@pytest.mark.parametrize("packed", [False, True])
def test_every_shorter_archive_is_refused(archive: bytes, packed: bool) -> None:
    content = archive.rstrip(b"\0")
    whole = gzip.compress(content) if packed else content
    end = len(whole) - 8 if packed else len(whole)  # gzip says once more at its end how much that was
    for length in (0, 1, 511, 512, 513, end - 1, *range(0, end, 97 if packed else 256)):
        with pytest.raises(ArchiveDamaged):
            read_backup(whole[:length])


@pytest.mark.parametrize("nonsense", [b"nonsense" * 999, b"\0" * 20480, b"\x1f\x8b" + b"x" * 600])
def test_what_is_no_archive_is_refused(nonsense: bytes) -> None:
    with pytest.raises(ArchiveDamaged):
        read_backup(nonsense)


def drop_last(members: Members) -> None:
    members.pop()


def drop_blob(members: Members) -> None:
    del members[3]


def drop_history(members: Members) -> None:
    del members[-2]


def swap_entries(members: Members) -> None:
    members[1], members[2] = members[2], members[1]


def blob_before_journal(members: Members) -> None:
    members.insert(1, members.pop(3))


def repeat_last(members: Members) -> None:
    members.append(members[-2])


def head_elsewhere(members: Members) -> None:
    members.append(members.pop(0))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (drop_last, "ends without SHA256SUMS"),
        (drop_blob, "SHA256SUMS names other objects"),
        (drop_history, "SHA256SUMS names other objects"),
        (swap_entries, "stands in the place of journal entry 1"),
        (blob_before_journal, "the journal ends with entry 0"),
        (repeat_last, "something follows SHA256SUMS"),
        (head_elsewhere, "does not begin with backup.json"),
    ],
)
def test_archive_put_together_otherwise_is_refused(
    archive: bytes, change: Callable[[Members], object], text: str
) -> None:
    with pytest.raises(ArchiveDamaged, match=text):
        read_backup(rewritten(archive, change))


def with_body(archive: bytes, name: str, body: bytes) -> bytes:
    """Return the archive with one other body that has the hash its header names."""

    def change(members: Members) -> None:
        for place, (header, _) in enumerate(members):
            if header.name == name:
                header.pax_headers = {"comment": f"sha256={hashlib.sha256(body).hexdigest()}"}
                members[place] = (header, body)

    return rewritten(archive, change)


def test_backup_of_a_newer_format_says_what_to_do(archive: bytes) -> None:
    head = unpacked(archive)["backup.json"].replace(b'"format_version": 1', b'"format_version": 2')
    with pytest.raises(BackupTooNew, match="format 2, this software reads up to 1: install a newer version"):
        read_backup(with_body(archive, "backup.json", head))


def test_head_that_is_none_is_refused(archive: bytes) -> None:
    with pytest.raises(ArchiveDamaged, match=r"backup\.json is not valid"):
        read_backup(with_body(archive, "backup.json", b"[]"))


def test_entry_of_a_newer_version_says_what_to_do(archive: bytes) -> None:
    entry = unpacked(archive)[entry_key(1)].replace(b'"kind":"seeded"', b'"kind":"invented"')
    with pytest.raises(JournalTooNew, match="install a newer version"):
        read_backup(with_body(archive, entry_key(1), entry))


def test_entry_that_is_none_is_refused(archive: bytes) -> None:
    with pytest.raises(ArchiveDamaged, match="journal entry 1 is not JSON"):
        read_backup(with_body(archive, entry_key(1), b"{"))


def test_rewritten_entry_does_not_continue_the_one_before(archive: bytes) -> None:
    entry = unpacked(archive)[entry_key(1)].replace(b"tester#1", b"tester#2")
    with pytest.raises(ArchiveDamaged, match="entry 2 does not continue entry 1"):
        read_backup(with_body(archive, entry_key(1), entry))


def test_member_that_is_no_file_or_too_large_is_refused(archive: bytes) -> None:
    header = tarfile.TarInfo("backup.json")
    header.type = tarfile.SYMTYPE
    header.linkname = "/etc/passwd"
    with pytest.raises(ArchiveDamaged, match=r"'backup\.json' is not an object"):
        read_backup(header.tobuf() + archive)
    header = tarfile.TarInfo("backup.json")
    header.size = MAX_MEMBER_BYTES + 1
    with pytest.raises(ArchiveDamaged, match="is not an object"):
        read_backup(header.tobuf() + archive)


def test_check_takes_only_what_belongs_into_a_backup(archive: bytes) -> None:
    head, members = read_backup(archive)
    check = ContentCheck(head)
    for member in members:
        check.accept(member)
    check.finish()
    for key in ("probes/x", "checkpoints/000000000256.json", "../journal/1", "SHA256SUMS", "statsx/1"):
        with pytest.raises(ContentDamaged, match="does not belong into a backup"):
            check.accept(Member(key, b""))
    with pytest.raises(ContentDamaged, match="is not a key"):
        check.accept(Member("stats/../journal/1", b""))
    stranger = b"nobody names it"
    with pytest.raises(ContentDamaged, match="no journal entry names the blob"):
        check.accept(Member(blob_key(hashlib.sha256(stranger).hexdigest()), stranger))
    with pytest.raises(ContentDamaged, match="stands in the place of journal entry 3"):
        check.accept(Member(entry_key(3), b"{}"))


def test_missing_blob_is_found_at_the_end(archive: bytes) -> None:
    head, members = read_backup(archive)
    check = ContentCheck(head)
    for member in members[:2]:
        check.accept(member)
    with pytest.raises(ContentDamaged, match="3 blobs are missing, among them"):
        check.finish()


def test_writer_refuses_what_the_head_does_not_name(archive: bytes) -> None:
    head, members = read_backup(archive)
    other = BackupHead.model_validate({**head.model_dump(), "revision": 7})
    writer = ArchiveWriter(io.BytesIO(), other)
    writer.add(members[0])
    writer.add(members[1])
    with pytest.raises(ContentDamaged, match=r"entry 2 \(revision 2\) instead of entry 2 \(revision 7\)"):
        writer.add(members[2])
