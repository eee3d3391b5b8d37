import hashlib
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from horde_model_reference.meta_consts import CanonicalFormat
from read_api.replica.copies import Copy
from read_api.replica.disk_copy import FILE, DiskCopy
from registry.catalogue import NameSchema, SideData
from support.contents import a_content, a_record

SIDE_DATA = SideData(
    aliases={"Llama": ("Lama",)},
    name_schemas={"Llama": NameSchema(separator="_")},
    files={"diffusers.json": "{ }\n"},
)
LEGACY = '{"ä": {}}\r\n'.encode()


def a_copy(revision: int = 7) -> Copy:
    content = a_content(
        {"clip": {"ä/b": a_record("clip", "ä/b")}, "lora": {}},
        revision=revision,
        legacy={"clip": LEGACY},
        side_data=SIDE_DATA,
    )
    return Copy(
        content,
        origin="primary",
        source_url="https://models.example/api",
        is_numbered_here=False,
        canonical_format=CanonicalFormat.legacy,
        source_tag=None,
    )


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """Return a directory in which nothing can be made: a file stands where one has to be."""
    (tmp_path / FILE.parent).write_bytes(b"in the way")
    return tmp_path


def test_a_copy_comes_back_as_it_was(tmp_path: Path) -> None:
    copies = [a_copy(), replace(a_copy(), origin="github", is_numbered_here=True, source_tag="x")]
    for copy in copies:
        assert DiskCopy(tmp_path).write(copy)
        assert DiskCopy(tmp_path).read() == copy
    assert [path.name for path in (tmp_path / FILE.parent).iterdir()] == [FILE.name]


def test_nothing_is_there_before_the_first_copy(tmp_path: Path) -> None:
    assert DiskCopy(tmp_path / "missing").read() is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_a_damaged_copy_is_not_believed(tmp_path: Path, data: st.DataObject) -> None:
    disk = DiskCopy(tmp_path)
    disk.write(a_copy())
    path = tmp_path / FILE
    body = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(body) - 1))
    flipped = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]

    path.write_bytes(data.draw(st.sampled_from([bytes(body[:place]), bytes(flipped)])))

    assert disk.read() is None


def test_a_disk_that_refuses_is_said_once(locked: Path, caplog: pytest.LogCaptureFixture) -> None:
    disk = DiskCopy(locked)

    outcomes = [disk.write(a_copy(revision)) for revision in (1, 2, 3)]

    assert outcomes == [False, False, False]
    assert disk.read() is None
    assert sum("no copy can be kept" in record.message for record in caplog.records) == 1


def test_a_copy_survives_the_next_one_that_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    disk = DiskCopy(tmp_path)
    disk.write(a_copy(1))
    bad = a_copy(2)
    broken = replace(bad.content.categories["clip"], legacy=b"\xff")
    content = replace(bad.content, categories={"clip": broken})

    assert not disk.write(replace(bad, content=content))

    assert disk.read() == a_copy(1)


def test_drafts_of_a_killed_process_are_removed_after_a_while(tmp_path: Path) -> None:
    folder = tmp_path / FILE.parent
    folder.mkdir()
    old, new = (folder / f".{FILE.name}.{writer}.tmp" for writer in ("1-old", "2-new"))
    for draft in (old, new):
        draft.write_bytes(b"half")
    os.utime(old, (time.time() - 3601, time.time() - 3601))

    DiskCopy(tmp_path).read()

    assert [old.exists(), new.exists()] == [False, True]


def test_a_full_disk_leaves_the_copy_before_and_no_draft(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk = DiskCopy(small_disk)
    assert disk.write(a_copy(1))
    large = {"clip": {"a": a_record("clip", "a", description="x" * 300_000)}}

    assert not disk.write(replace(a_copy(2), content=a_content(large, revision=2)))

    assert disk.read() == a_copy(1)
    assert [path.name for path in (small_disk / FILE.parent).iterdir()] == [FILE.name]


def test_a_copy_of_another_form_is_left_alone(tmp_path: Path) -> None:
    disk = DiskCopy(tmp_path)
    disk.write(a_copy())
    body = (tmp_path / FILE).read_bytes().partition(b"\n")[2].replace(b'"form":1', b'"form":2')

    (tmp_path / FILE).write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)

    assert disk.read() is None
