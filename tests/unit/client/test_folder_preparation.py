import logging
import os
import stat
from pathlib import Path

import pytest

from horde_model_reference.backends.folder_preparation import FolderPreparation, with_stamps
from horde_model_reference.backends.reference_files import WRITE_LOCK, ReferenceFiles
from horde_model_reference.files.locking import locked
from horde_model_reference.meta_consts import GithubSource, get_all_registered_categories
from horde_model_reference.v2_format import parse_v2, render_v2
from support.a_clock import AClock
from support.model_records import a_legacy_image, a_small_legacy_record, an_image, canonical_file
from support.reference_folders import (
    STAMPED,
    FakeLegacySource,
    a_backend,
    put_legacy_file,
    put_v2_file,
    v2_on_disk,
    with_images,
)
from support.text_models import a_row, models_csv

ON_GITHUB = [name for name, item in get_all_registered_categories().items() if item.github_source is not None]


def everything() -> dict[str, bytes]:
    """A legacy file for every category that GitHub has."""
    files = {
        name: canonical_file({f"a {name}": a_small_legacy_record(f"a {name}", type=name)})
        for name in ON_GITHUB
        if get_all_registered_categories()[name].github_source is GithubSource.image
    }
    return {
        **files,
        "controlnet": canonical_file({"a": a_small_legacy_record("a", type="control_canny")}),
        "image_generation": canonical_file({"a": a_legacy_image("a")}),
        "text_generation": models_csv(a_row("acme/Foo-7B")),
    }


def a_preparation(base: Path, source: FakeLegacySource | None, clock: AClock) -> FolderPreparation:
    files = ReferenceFiles(base)
    return FolderPreparation(files, source=source, stamps_records=True, lock_seconds=0.05, clock=clock)


def test_an_empty_folder_is_seeded_once(tmp_path: Path) -> None:
    source = FakeLegacySource(tmp_path, everything())
    backend = a_backend(tmp_path, seed_from=source)
    assert all(backend.fetch_category(category) for category in ON_GITHUB)
    assert list(backend.fetch_category("text_generation") or {}) == ["acme/Foo-7B"]
    assert (backend.get_legacy_json_string("image_generation") or "").encode() == everything()[
        "image_generation"
    ]
    assert source.asked == [ON_GITHUB]
    assert a_backend(tmp_path, seed_from=source).fetch_category("clip")
    assert source.asked == [ON_GITHUB]


def test_without_a_source_an_empty_folder_stays_empty(tmp_path: Path) -> None:
    backend = a_backend(tmp_path)
    assert backend.fetch_category("image_generation") is None
    assert backend.fetch_category("video_generation") == {}
    assert not (tmp_path / "stable_diffusion.json").exists()
    assert not (tmp_path / "lora.json").exists()


def test_what_was_ever_written_is_not_seeded_again(tmp_path: Path) -> None:
    with_images(tmp_path, "mine")
    put_legacy_file(tmp_path, "clip.json", b"{}")
    source = FakeLegacySource(tmp_path, everything())
    backend = a_backend(tmp_path, seed_from=source)
    assert list(backend.fetch_category("image_generation") or {}) == ["mine"]
    assert backend.fetch_category("clip") == {}
    assert source.asked == [[name for name in ON_GITHUB if name not in {"image_generation", "clip"}]]


def test_a_category_that_cannot_be_had_costs_no_other_and_is_tried_again_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files, clock = everything(), AClock()
    esrgan = files.pop("esrgan")
    source = FakeLegacySource(tmp_path, files)
    preparation = a_preparation(tmp_path, source, clock)
    preparation.ensure()
    assert v2_on_disk(tmp_path, "clip")
    assert not (tmp_path / "esrgan.json").exists()
    assert "to be tried again: esrgan" in caplog.text
    source.files["esrgan"] = esrgan
    preparation.ensure()
    assert len(source.asked) == 1, "it waits first"
    clock.advance(61)
    preparation.ensure()
    preparation.ensure()
    assert source.asked[1:] == [["esrgan"]]
    assert v2_on_disk(tmp_path, "esrgan")


def test_a_seed_interrupted_between_download_and_conversion_is_completed(tmp_path: Path) -> None:
    put_legacy_file(tmp_path, "clip.json", everything()["clip"])
    source = FakeLegacySource(tmp_path, {})
    a_preparation(tmp_path, source, AClock()).ensure()
    assert list(v2_on_disk(tmp_path, "clip")) == ["a clip"]
    assert "clip" not in source.asked[0]


def test_a_legacy_file_that_cannot_be_read_costs_no_other_category(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put_legacy_file(tmp_path, "clip.json", b"<html>")
    put_legacy_file(tmp_path, "blip.json", everything()["blip"])
    backend = a_backend(tmp_path)
    assert backend.fetch_category("clip") is None
    assert list(backend.fetch_category("blip") or {}) == ["a blip"]
    assert "clip cannot be used" in caplog.text
    assert (tmp_path / "legacy/clip.json").read_bytes() == b"<html>"


def test_records_of_the_source_that_v2_cannot_hold_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    records = {"good": a_legacy_image("good"), "bad": a_legacy_image("bad", baseline="unheard of")}
    put_legacy_file(tmp_path, "stable_diffusion.json", canonical_file(records))
    with caplog.at_level(logging.WARNING):
        assert list(a_backend(tmp_path).fetch_category("image_generation") or {}) == ["good"]
    assert "'bad' is left out, baseline" in caplog.text


def test_records_without_times_get_them_unless_that_is_not_wanted(tmp_path: Path) -> None:
    records = {"old": an_image("old", metadata=STAMPED), "new": an_image("new")}
    put_v2_file(tmp_path, "image_generation", records)
    as_it_was = a_backend(tmp_path, skip_startup_metadata_population=True).fetch_category("image_generation")
    assert as_it_was == records
    found = a_backend(tmp_path).fetch_category("image_generation") or {}
    assert found["old"] == records["old"]
    assert found["new"]["metadata"]["created_at"] == found["new"]["metadata"]["updated_at"] > 1
    assert v2_on_disk(tmp_path) == found


def test_stamping_keeps_what_is_known_and_skips_what_is_no_record() -> None:
    body = render_v2(
        {
            "a": {"metadata": {"created_at": 5, "updated_at": None, "created_by": "x"}},
            "b": {"metadata": "odd"},
            "c": {},
        }
    )
    stamped = parse_v2(with_stamps(body, 9))
    assert stamped["a"]["metadata"] == {
        "schema_version": "2.0.0",
        "created_at": 5,
        "updated_at": 9,
        "created_by": "x",
    }
    assert stamped["b"]["metadata"] == stamped["c"]["metadata"]
    assert with_stamps(render_v2(stamped), 99) == render_v2(stamped)
    assert with_stamps(b'{"odd":1}', 9) == b'{"odd":1}'


def test_a_prepared_folder_is_not_touched_by_the_next_start(tmp_path: Path) -> None:
    a_backend(tmp_path, seed_from=FakeLegacySource(tmp_path, everything())).warm_cache()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    a_backend(tmp_path).warm_cache()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_folder_that_cannot_be_written_is_read_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with_images(tmp_path, "a")
    (tmp_path / WRITE_LOCK).mkdir()  # a file cannot be made where a folder is
    backend = a_backend(tmp_path)
    assert list(backend.fetch_category("image_generation") or {}) == ["a"]
    assert "is used as it is" in caplog.text
    with pytest.raises(OSError, match=WRITE_LOCK):
        backend.update_model("image_generation", "b", an_image("b"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_read_all_the_same(tmp_path: Path) -> None:
    with_images(tmp_path, "a")
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert list(a_backend(tmp_path).fetch_category("image_generation") or {}) == ["a"]
    tmp_path.chmod(stat.S_IRWXU)


def test_a_folder_that_another_holds_locked_is_prepared_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = AClock()
    put_legacy_file(tmp_path, "clip.json", everything()["clip"])
    preparation = a_preparation(tmp_path, None, clock)
    with locked(tmp_path / WRITE_LOCK, timeout_seconds=0):
        preparation.ensure()
    assert "is used as it is" in caplog.text
    preparation.ensure()
    assert not (tmp_path / "clip.json").exists(), "it waits first"
    clock.advance(61)
    preparation.ensure()
    assert list(v2_on_disk(tmp_path, "clip")) == ["a clip"]
