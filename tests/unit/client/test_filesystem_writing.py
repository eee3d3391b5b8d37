import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from horde_model_reference.backends.filesystem import FileSystemBackend
from horde_model_reference.backends.reference_writer import WrittenRecord
from horde_model_reference.documents import ChangeRefused, SourceUnreadable
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.model_reference_records import (
    ControlNetModelRecord,
    ImageGenerationModelRecord,
)
from horde_model_reference.v2_format import RecordInvalid, validate_record
from support.model_records import (
    a_legacy_image,
    a_small_legacy_record,
    an_image,
    canonical_file,
)
from support.reference_folders import (
    a_backend,
    legacy_on_disk,
    put_legacy_file,
    put_v2_file,
    v2_on_disk,
    with_images,
)
from support.text_models import a_row, a_text_record, models_csv


def records_of(backend: FileSystemBackend, category: str = "image_generation") -> dict[str, Any]:
    return backend.fetch_category(category) or {}


def a_legacy_backend(base: Path, *names: str) -> FileSystemBackend:
    """A back end whose legacy form is canonical, with image models of these names."""
    put_legacy_file(
        base, "stable_diffusion.json", canonical_file({name: a_legacy_image(name) for name in names})
    )
    return a_backend(base, canonical_format="legacy")


def test_a_new_record_is_stored_in_both_formats_and_read_at_once(tmp_path: Path) -> None:
    backend, heard = a_backend(with_images(tmp_path, "a")), list[str]()
    records_of(backend)
    backend.register_invalidation_callback(heard.append)
    backend.update_model("image_generation", "b", an_image("b", description="new"))
    assert list(records_of(backend)) == ["a", "b"]
    assert records_of(backend)["b"]["description"] == "new"
    assert records_of(backend)["b"]["metadata"]["created_at"] > 1
    assert v2_on_disk(tmp_path) == records_of(backend)
    assert list(legacy_on_disk(tmp_path)) == ["a", "b"]
    assert (backend.get_legacy_json("image_generation") or {})["b"]["description"] == "new"
    assert heard == ["image_generation"]


def test_a_record_object_is_written_like_its_json(tmp_path: Path) -> None:
    backend = a_backend(tmp_path)
    record = ImageGenerationModelRecord(name="a", baseline="stable_diffusion_xl", nsfw=True)
    backend.update_model(MODEL_REFERENCE_CATEGORY.image_generation, "a", record)
    assert records_of(backend)["a"]["nsfw"] is True
    assert "homepage" not in records_of(backend)["a"]


def test_an_update_replaces_the_whole_record_but_not_its_creation(tmp_path: Path) -> None:
    backend = a_backend(with_images(tmp_path, "a", "b"))
    backend.update_model("image_generation", "a", an_image("a", description="first", version="1"))
    backend.update_model("image_generation", "a", an_image("a", version="2"))
    stored = records_of(backend)["a"]
    assert (stored.get("description"), stored["version"]) == (None, "2")
    assert stored["metadata"]["created_at"] == 1
    assert stored["metadata"]["updated_at"] > 1
    assert records_of(backend)["b"]["metadata"]["updated_at"] == 1
    assert list(records_of(backend)) == ["a", "b"]


def test_untouched_legacy_records_keep_their_text(tmp_path: Path) -> None:
    records = {name: a_legacy_image(name, unknown_field=[1, 2]) for name in ("a", "b")}
    body = canonical_file(records).decode()
    put_legacy_file(tmp_path, "stable_diffusion.json", body.encode())
    backend = a_backend(tmp_path)
    backend.update_model("image_generation", "b", {**records_of(backend)["b"], "version": "2.0"})
    after = backend.get_legacy_json_string("image_generation") or ""
    assert (
        after.splitlines()[: len(body.splitlines()) // 2] == body.splitlines()[: len(body.splitlines()) // 2]
    )
    assert json.loads(after) == {"a": records["a"], "b": {**records["b"], "version": "2.0"}}


def test_a_text_record_shows_in_all_three_files(tmp_path: Path) -> None:
    put_legacy_file(tmp_path, "models.csv", models_csv(a_row("acme/Foo-7B"), a_row("acme/Bar-7B")))
    backend = a_backend(tmp_path)
    backend.update_model("text_generation", "acme/Foo-7B", a_text_record("acme/Foo-7B", description="Foo!"))
    assert records_of(backend, "text_generation")["acme/Foo-7B"]["description"] == "Foo!"
    assert legacy_on_disk(tmp_path, "db.json")["koboldcpp/Foo-7B"]["description"] == "Foo!"
    rows = (tmp_path / "legacy/models.csv").read_bytes().split(b"\r\n")
    assert (b"Foo!" in rows[1], rows[2]) == (True, models_csv(a_row("acme/Bar-7B")).split(b"\r\n")[1])


def test_a_category_without_legacy_form_has_its_v2_file_only(tmp_path: Path) -> None:
    backend = a_backend(tmp_path)
    backend.update_model("video_generation", "a", {"name": "a"})
    assert list(records_of(backend, "video_generation")) == ["a"]
    assert backend.get_legacy_json("video_generation") is None


def test_a_deleted_record_is_gone_from_both_formats_and_the_others_stay(tmp_path: Path) -> None:
    backend = a_backend(with_images(tmp_path, "a", "b", "c"))
    backend.delete_model("image_generation", "b")
    assert list(records_of(backend)) == list(legacy_on_disk(tmp_path)) == ["a", "c"]


def test_deleting_an_unknown_record_is_a_key_error_that_names_it(tmp_path: Path) -> None:
    backend = a_backend(with_images(tmp_path, "a"))
    with pytest.raises(KeyError, match="nothing like it"):
        backend.delete_model("image_generation", "nothing like it")
    assert list(records_of(backend)) == ["a"]


@pytest.mark.parametrize("call", ["update_model", "delete_model"])
def test_an_unknown_category_is_a_key_error(call: str, tmp_path: Path) -> None:
    arguments = ({"name": "a"},) if call == "update_model" else ()
    with pytest.raises(KeyError, match="unheard of"):
        getattr(a_backend(tmp_path), call)("unheard of", "a", *arguments)


def test_a_category_managed_elsewhere_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ChangeRefused, match="managed elsewhere"):
        a_backend(tmp_path).update_model("lora", "a", {"name": "a"})


@pytest.mark.parametrize(
    "record",
    [
        an_image("a", baseline="unheard of"),
        an_image("a", style="unheard of"),
        {"name": "a"},
        an_image("another name"),
        an_image("a", config={"download": [{"file_name": "", "file_url": ""}]}),
    ],
)
def test_a_bad_record_is_refused_and_counted_and_changes_nothing(
    record: dict[str, Any], tmp_path: Path
) -> None:
    backend = a_backend(with_images(tmp_path, "b"))
    with pytest.raises(RecordInvalid):
        backend.update_model("image_generation", "a", record)
    assert list(records_of(backend)) == ["b"]
    found = backend.get_metadata("image_generation")
    assert (found.error_count, found.total_creates, found.last_operation_model) == (1, 0, None)


def test_another_name_for_a_stored_record_is_refused(tmp_path: Path) -> None:
    backend = a_backend(with_images(tmp_path, "a"))
    with pytest.raises(RecordInvalid, match="not the model's name"):
        backend.update_model("image_generation", "a", an_image("b"))


def test_a_record_whose_name_differs_from_its_key_keeps_both(tmp_path: Path) -> None:
    legacy = a_small_legacy_record("control_qr_xl", type="control_qr_xl")
    put_legacy_file(tmp_path, "controlnet.json", canonical_file({"control_qr_sdxl": legacy}))
    backend = a_backend(tmp_path)
    record = ControlNetModelRecord.model_validate(
        {**records_of(backend, "controlnet")["control_qr_sdxl"], "version": "2"}
    )
    backend.update_model("controlnet", "control_qr_sdxl", record)
    stored = records_of(backend, "controlnet")
    assert (list(stored), stored["control_qr_sdxl"]["name"]) == (["control_qr_sdxl"], "control_qr_xl")
    assert legacy_on_disk(tmp_path, "controlnet.json")["control_qr_sdxl"] == {**legacy, "version": "2"}


@pytest.mark.parametrize("form", ["v2", "legacy"])
def test_the_other_format_cannot_be_written(form: str, tmp_path: Path) -> None:
    backend = a_backend(with_images(tmp_path, "a"), canonical_format=form)
    other = "" if form == "legacy" else "_legacy"
    with pytest.raises(NotImplementedError, match="is canonical"):
        getattr(backend, f"update_model{other}")("image_generation", "a", {})
    with pytest.raises(NotImplementedError, match="is canonical"):
        getattr(backend, f"delete_model{other}")("image_generation", "a")


def test_where_legacy_is_canonical_categories_without_it_are_written_in_v2(tmp_path: Path) -> None:
    backend = a_backend(tmp_path, canonical_format="legacy")
    backend.update_model("video_generation", "a", {"name": "a"})
    with pytest.raises(ChangeRefused, match="no legacy form"):
        backend.update_model_legacy("video_generation", "b", {"name": "b"})
    assert list(records_of(backend, "video_generation")) == ["a"]


def test_a_legacy_record_is_created_updated_and_deleted_and_v2_follows(tmp_path: Path) -> None:
    backend = a_legacy_backend(tmp_path, "a")
    backend.update_model_legacy("image_generation", "b", a_legacy_image("b"))
    backend.update_model_legacy("image_generation", "b", a_legacy_image("b", version="2.0"))
    assert [records_of(backend)[name]["version"] for name in ("a", "b")] == ["1.0", "2.0"]
    assert legacy_on_disk(tmp_path)["b"] == a_legacy_image("b", version="2.0")
    backend.delete_model_legacy("image_generation", "a")
    assert list(records_of(backend)) == list(legacy_on_disk(tmp_path)) == ["b"]
    found = backend.get_metadata("image_generation")
    assert (found.total_creates, found.total_updates, found.total_deletes, found.total_models) == (1, 1, 1, 1)


def test_a_legacy_text_record_needs_no_name_inside(tmp_path: Path) -> None:
    put_legacy_file(tmp_path, "models.csv", models_csv(a_row("acme/Foo-7B")))
    backend = a_backend(tmp_path, canonical_format="legacy")
    backend.update_model_legacy("text_generation", "acme/New-8B", {"parameters": 8_000_000_000})
    assert list(records_of(backend, "text_generation")) == ["acme/Foo-7B", "acme/New-8B"]
    assert "aphrodite/acme/New-8B" in legacy_on_disk(tmp_path, "db.json")
    assert b"acme/New-8B" in (tmp_path / "legacy/models.csv").read_bytes()


@pytest.mark.parametrize("name", ["nothing like it", "aphrodite/acme/Foo-7B"])
def test_deleting_an_unknown_legacy_record_is_a_key_error(name: str, tmp_path: Path) -> None:
    put_legacy_file(tmp_path, "models.csv", models_csv(a_row("acme/Foo-7B")))
    backend = a_backend(tmp_path, canonical_format="legacy")
    with pytest.raises(KeyError, match="does not exist"):
        backend.delete_model_legacy("text_generation", name)


def test_a_legacy_record_that_v2_cannot_hold_can_be_deleted(tmp_path: Path) -> None:
    records = {"good": a_legacy_image("good"), "bad": a_legacy_image("bad", baseline="unheard of")}
    put_legacy_file(tmp_path, "stable_diffusion.json", canonical_file(records))
    backend = a_backend(tmp_path, canonical_format="legacy")
    assert list(records_of(backend)) == ["good"]
    backend.delete_model_legacy("image_generation", "bad")
    assert list(legacy_on_disk(tmp_path)) == ["good"]


def test_a_legacy_record_that_v2_cannot_hold_can_be_put_right(tmp_path: Path) -> None:
    records = {"bad": a_legacy_image("bad", baseline="unheard of")}
    put_legacy_file(tmp_path, "stable_diffusion.json", canonical_file(records))
    backend = a_backend(tmp_path, canonical_format="legacy")
    backend.update_model_legacy("image_generation", "bad", a_legacy_image("bad"))
    assert list(records_of(backend)) == ["bad"]
    assert backend.get_metadata("image_generation").total_updates == 1


def test_operations_are_counted_in_both_formats(tmp_path: Path) -> None:
    backend = a_backend(with_images(tmp_path, "a"))
    backend.update_model("image_generation", "b", an_image("b"))
    backend.update_model("image_generation", "a", an_image("a", version="2"))
    backend.delete_model("image_generation", "b")
    for found in (
        backend.get_v2_metadata("image_generation"),
        backend.get_legacy_metadata("image_generation"),
    ):
        assert (found.total_creates, found.total_updates, found.total_deletes) == (1, 1, 1)
        assert (found.last_operation_type, found.last_operation_model, found.total_models) == (
            "delete",
            "b",
            1,
        )


def test_a_category_without_legacy_form_has_no_legacy_operations(tmp_path: Path) -> None:
    backend = a_backend(tmp_path)
    backend.update_model("video_generation", "a", {"name": "a"})
    assert backend.get_v2_metadata("video_generation").total_creates == 1
    assert backend.get_legacy_metadata("video_generation").total_creates == 0


def test_every_write_is_told_to_the_audit(tmp_path: Path) -> None:
    told = list[WrittenRecord]()
    backend = a_backend(with_images(tmp_path, "a"), audit_writer=told.append)
    backend.update_model("image_generation", "b", an_image("b"))
    backend.delete_model("image_generation", "a")
    with pytest.raises(KeyError):
        backend.delete_model("image_generation", "a")
    assert [(one.category, one.model_name, one.operation.value) for one in told] == [
        ("image_generation", "b", "create"),
        ("image_generation", "a", "delete"),
    ]


def test_a_damaged_file_is_not_overwritten(tmp_path: Path) -> None:
    backend = a_backend(with_images(tmp_path, "a"))
    backend.warm_cache()
    (tmp_path / "stable_diffusion.json").write_text('{"a": ')
    with pytest.raises(SourceUnreadable, match="line 1"):
        backend.update_model("image_generation", "b", an_image("b"))
    assert (tmp_path / "stable_diffusion.json").read_text() == '{"a": '


def test_a_write_takes_up_what_others_wrote_meanwhile(tmp_path: Path) -> None:
    one, other = a_backend(with_images(tmp_path, "a")), a_backend(tmp_path)
    records_of(one), records_of(other)
    one.update_model("image_generation", "b", an_image("b"))
    other.update_model("image_generation", "c", an_image("c"))
    assert list(records_of(one)) == list(records_of(other)) == ["a", "b", "c"]


NAMES = st.sampled_from(["a", "b", "c"])
EDITS = st.one_of(st.tuples(NAMES, st.sampled_from(["1", "2"])), st.tuples(NAMES, st.none()))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(edits=st.lists(EDITS, max_size=6), form=st.sampled_from(["v2", "legacy"]))
def test_after_any_edits_both_formats_tell_the_same(
    edits: list[tuple[str, str | None]], form: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    base = tmp_path_factory.mktemp("base")
    backend = a_backend(base, canonical_format=form)
    expected: dict[str, str] = {}
    for name, version in edits:
        if version is not None:
            write = backend.update_model_legacy if form == "legacy" else backend.update_model
            record = a_small_legacy_record(name, version=version)
            write("esrgan", name, record if form == "legacy" else {"name": name, "version": version})
            expected[name] = version
        elif name in expected:
            (backend.delete_model_legacy if form == "legacy" else backend.delete_model)("esrgan", name)
            del expected[name]
    found = records_of(backend, "esrgan")
    assert {name: record["version"] for name, record in found.items()} == expected
    legacy = backend.get_legacy_json("esrgan") or {}
    assert {name: record["version"] for name, record in legacy.items()} == expected
    assert all(validate_record("esrgan", name, record) == record for name, record in found.items())


def test_v2_records_without_a_legacy_file_all_get_into_it(tmp_path: Path) -> None:
    put_v2_file(tmp_path, "esrgan", {"a": {"name": "a"}, "b": {"name": "b"}, "bad": {"name": 1}})
    backend = a_backend(tmp_path)
    backend.update_model("esrgan", "c", {"name": "c"})
    assert list(legacy_on_disk(tmp_path, "esrgan.json")) == ["a", "b", "c"]
    assert list(records_of(backend, "esrgan")) == ["a", "b", "bad", "c"]


def test_text_records_without_legacy_files_all_get_into_them(tmp_path: Path) -> None:
    put_v2_file(tmp_path, "text_generation", {"acme/Foo-7B": a_text_record("acme/Foo-7B")})
    backend = a_backend(tmp_path)
    backend.update_model("text_generation", "acme/Bar-7B", a_text_record("acme/Bar-7B"))
    assert {"acme/Foo-7B", "acme/Bar-7B"} <= legacy_on_disk(tmp_path, "db.json").keys()
    rows = (tmp_path / "legacy/models.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["name", "acme/Foo-7B", "acme/Bar-7B"]


def test_a_models_csv_without_db_json_stays_as_it_is(tmp_path: Path) -> None:
    csv = models_csv(a_row("acme/Foo-7B", tags="b, a"))
    put_legacy_file(tmp_path, "models.csv", csv)
    a_backend(tmp_path).warm_cache()
    (tmp_path / "legacy/db.json").unlink()
    a_backend(tmp_path).warm_cache()
    assert (tmp_path / "legacy/models.csv").read_bytes() == csv
    assert "koboldcpp/Foo-7B" in legacy_on_disk(tmp_path, "db.json")


def test_a_models_csv_that_is_missing_beside_db_json_is_made(tmp_path: Path) -> None:
    put_legacy_file(tmp_path, "models.csv", models_csv(a_row("acme/Foo-7B")))
    a_backend(tmp_path).warm_cache()
    (tmp_path / "legacy/models.csv").unlink()
    before = (tmp_path / "legacy/db.json").read_bytes()
    a_backend(tmp_path).warm_cache()
    assert b"acme/Foo-7B,7" in (tmp_path / "legacy/models.csv").read_bytes()
    assert (tmp_path / "legacy/db.json").read_bytes() == before
