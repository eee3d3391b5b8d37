from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.annotator_catalog import ANNOTATOR_FILES
from horde_model_reference.model_reference_records import (
    DownloadRecord,
    GenericModelRecord,
    GenericModelRecordConfig,
    ImageGenerationModelRecord,
    TextGenerationModelRecord,
)
from horde_model_reference.on_disk_layout import (
    FileOutsideRoot,
    annotator_file_path,
    annotator_root,
    annotators_present,
    annotators_present_for_control_types,
    category_folder,
    component_relative_path,
    file_paths_for,
    free_bytes_for,
    is_present,
    path_below,
    presence_summary,
    resolve_weights_root,
)


def a_model(*files: DownloadRecord, name: str = "m") -> ImageGenerationModelRecord:
    config = GenericModelRecordConfig(download=list(files))
    return ImageGenerationModelRecord(name=name, baseline="stable_diffusion_xl", nsfw=False, config=config)


def a_file(name: str = "m.safetensors", purpose: str | None = None) -> DownloadRecord:
    return DownloadRecord(file_name=name, file_url="https://host/f", file_purpose=purpose)


def put(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_categories_have_their_folders() -> None:
    found = {
        name: category_folder(name) for name in ("image_generation", "controlnet_annotator", "lora", "clip")
    }
    assert found == {
        "image_generation": "compvis",
        "controlnet_annotator": "controlnet",
        "lora": "lora",
        "clip": "clip",
    }
    assert [category_folder(name) for name in ("text_generation", "video_generation", "no such")] == [
        None
    ] * 3


@pytest.mark.parametrize(
    ("purpose", "path"),
    [
        (None, "a"),
        ("unet", "a"),
        ("vae", "../vae/a"),
        ("text_encoder", "../text_encoders/a"),
        ("text_encoders", "../text_encoders/a"),
    ],
)
def test_parts_lie_beside_the_folder_of_their_category(purpose: str | None, path: str) -> None:
    assert component_relative_path("a", purpose).as_posix() == path


def test_a_part_has_a_path_without_detours(tmp_path: Path) -> None:
    model = a_model(a_file(), a_file("v.safetensors", "vae"))
    assert file_paths_for(model, tmp_path) == [
        tmp_path / "compvis" / "m.safetensors",
        tmp_path / "vae" / "v.safetensors",
    ]


def test_a_file_is_found_in_another_root_and_else_belongs_into_the_first(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in "abc")
    put(second / "compvis" / "m.safetensors", third / "compvis" / "m.safetensors")
    model = a_model(a_file(), a_file("n.safetensors"))
    paths = file_paths_for(model, first, extra_roots=[second, third])
    assert paths == [second / "compvis" / "m.safetensors", first / "compvis" / "n.safetensors"]


def test_a_model_is_present_with_all_of_its_files(tmp_path: Path) -> None:
    model = a_model(a_file(), a_file("v.safetensors", "vae"))
    put(tmp_path / "compvis" / "m.safetensors")
    assert not is_present(model, tmp_path)
    put(tmp_path / "other" / "vae" / "v.safetensors")
    assert is_present(model, tmp_path, extra_roots=[tmp_path / "other"])


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "compvis" / "m.safetensors").mkdir(parents=True)
    assert not is_present(a_model(a_file()), tmp_path)


def test_what_has_no_files_or_no_folder_is_not_present(tmp_path: Path) -> None:
    text = TextGenerationModelRecord(
        name="t", parameters=1, config=GenericModelRecordConfig(download=[a_file()])
    )
    assert not is_present(a_model(), tmp_path)
    assert (file_paths_for(text, tmp_path), is_present(text, tmp_path)) == ([], False)


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/passwd", "..", "", ".", "a/../../../x", "\0", "../compvis/../.."]
)
def test_names_that_lead_out_of_the_weights_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileOutsideRoot):
        path_below(tmp_path, "compvis", a_file(name))
    assert not is_present(a_model(a_file(name)), tmp_path)


@given(st.text(alphabet="./\\ab~\0", max_size=12), st.sampled_from([None, "vae"]))
def test_no_name_leads_out_of_the_weights(name: str, purpose: str | None) -> None:
    root = Path("/weights/here")
    try:
        path = path_below(root, "compvis", a_file(name, purpose))
    except FileOutsideRoot:
        return
    assert root in path.parents
    assert ".." not in path.parts


def test_a_summary_sorts_names_by_what_is_there(tmp_path: Path) -> None:
    put(tmp_path / "b" / "compvis" / "m.safetensors")
    reference: dict[str, GenericModelRecord] = {
        "there": a_model(a_file()),
        "away": a_model(a_file("n.safetensors")),
        "not asked for": a_model(),
    }
    summary = presence_summary(
        reference, ["away", "there", "new"], tmp_path / "a", extra_roots=iter([tmp_path / "b"])
    )
    assert (summary.present, summary.missing, summary.unknown) == (("there",), ("away",), ("new",))
    assert (summary.num_present, summary.num_requested) == (1, 3)


def test_the_weights_are_the_first_folder_with_all_marks(tmp_path: Path) -> None:
    for folder in ("a/deep/compvis", "a/deep/clip", "b/compvis", "c/compvis", "c/clip"):
        (tmp_path / folder).mkdir(parents=True)
    assert resolve_weights_root(tmp_path) == tmp_path / "c"
    assert resolve_weights_root(str(tmp_path / "c")) == tmp_path / "c"
    assert resolve_weights_root(tmp_path, marker_subdirs=["deep"]) == tmp_path / "a"


def test_without_marks_the_weights_are_where_the_search_began(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    assert resolve_weights_root(tmp_path) == tmp_path
    assert resolve_weights_root(tmp_path / "none") == tmp_path / "none"


def test_the_search_begins_where_the_environment_says_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIWORKER_CACHE_HOME", str(tmp_path / "here"))
    assert resolve_weights_root() == tmp_path / "here"
    monkeypatch.delenv("AIWORKER_CACHE_HOME")
    assert resolve_weights_root() == Path("models")


def test_free_space_is_known_before_the_folder_exists(tmp_path: Path) -> None:
    assert free_bytes_for(tmp_path / "not" / "yet") > 0


def test_annotators_lie_below_the_controlnet_models(tmp_path: Path) -> None:
    depth = next(item for item in ANNOTATOR_FILES if item.filename == "res101.pth")
    assert annotator_root(tmp_path) == tmp_path / "controlnet" / "annotators"
    assert annotator_file_path(depth, tmp_path) == annotator_root(tmp_path).joinpath(
        "lllyasviel", "Annotators", "res101.pth"
    )


def test_annotators_are_present_when_all_files_are(tmp_path: Path) -> None:
    assert not annotators_present(tmp_path)
    for item in ANNOTATOR_FILES:
        if "depth" in item.control_types:
            put(annotator_file_path(item, tmp_path))
    assert not annotators_present(tmp_path)
    assert annotators_present_for_control_types(["depth"], tmp_path)
    assert annotators_present_for_control_types(["canny"], tmp_path)
    assert not annotators_present_for_control_types(["depth", "hed"], tmp_path)
