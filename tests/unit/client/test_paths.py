"""Where the files of the library lie (python-client.md section 6)."""

from pathlib import Path

import pytest

from horde_model_reference.ecosystem_settings import AiHordeWorkerSettings
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.path_consts import HordeModelReferencePaths, horde_model_reference_paths
from horde_model_reference.settings import HordeModelReferenceSettings

SOURCE = "https://raw.githubusercontent.com/Haidra-Org/AI-Horde"


def some_paths(cache_home: Path, **settings: object) -> HordeModelReferencePaths:
    worker = AiHordeWorkerSettings(aiworker_cache_home=cache_home)
    return HordeModelReferencePaths(worker, HordeModelReferenceSettings(**settings))


@pytest.fixture
def paths(tmp_path: Path) -> HordeModelReferencePaths:
    return some_paths(tmp_path)


def test_folders_lie_below_the_cache_home(paths: HordeModelReferencePaths, tmp_path: Path) -> None:
    base = tmp_path / "horde_model_reference"

    assert paths.base_path == base
    assert paths.legacy_path == base / "legacy"
    assert paths.log_folder == base / "logs"
    assert paths.showcase_path == base / "showcase"
    assert (paths.meta_v2_path, paths.meta_legacy_path) == (base / "meta" / "v2", base / "meta" / "legacy")
    assert (paths.audit_path, paths.pending_queue_path) == (base / "audit", base / "pending_queue")
    assert paths.group_schemas_path == base / "text_generation_group_schemas.json"
    assert paths.group_aliases_path == base / "text_generation_group_aliases.json"
    assert paths.group_families_path == base / "text_generation_group_families.json"


def test_base_is_absolute_whatever_the_program_does_to_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = some_paths(Path("models"))
    monkeypatch.chdir("/")

    assert paths.base_path == tmp_path / "models" / "horde_model_reference"


def test_folder_of_the_log_can_be_set_elsewhere(tmp_path: Path) -> None:
    worker = AiHordeWorkerSettings(logs_folder=tmp_path / "mine")

    assert HordeModelReferencePaths(worker, HordeModelReferenceSettings()).log_folder == tmp_path / "mine"


def test_folders_of_a_primary_can_be_set_elsewhere(tmp_path: Path) -> None:
    paths = some_paths(
        tmp_path,
        audit={"root_path_override": str(tmp_path / "mine"), "relative_subdir": "unused"},
        pending_queue={"relative_subdir": "a/queue"},
    )

    assert paths.audit_path == tmp_path / "mine"
    assert paths.pending_queue_path == paths.base_path / "a" / "queue"


def test_file_names(paths: HordeModelReferencePaths, tmp_path: Path) -> None:
    category = MODEL_REFERENCE_CATEGORY.image_generation

    assert paths.get_model_reference_filename(category) == "stable_diffusion.json"
    assert paths.get_model_reference_filename("clip", base_path=tmp_path) == tmp_path / "clip.json"
    assert paths.model_reference_filenames["text_generation"] == "text_generation.json"
    assert paths.legacy_model_reference_filenames["text_generation"] == "models.csv"
    assert "lora" not in paths.legacy_model_reference_filenames
    assert list(paths.model_reference_filenames) == list(MODEL_REFERENCE_CATEGORY)


def test_file_name_in_the_legacy_folder_stays_there(paths: HordeModelReferencePaths) -> None:
    in_legacy = paths.get_model_reference_filename("clip", base_path=str(paths.legacy_path))

    assert in_legacy == paths.legacy_path / "clip.json"


@pytest.mark.parametrize("given", [None, "other", "other/legacy"])
def test_full_paths_for_any_base(paths: HordeModelReferencePaths, tmp_path: Path, given: str | None) -> None:
    base = paths.base_path if given is None else tmp_path / "other"
    base_path = None if given is None else tmp_path / given

    assert paths.get_model_reference_file_path("clip", base_path=base_path) == base / "clip.json"
    assert (
        paths.get_legacy_model_reference_file_path("text_generation", base_path=base_path)
        == base / "legacy" / "models.csv"
    )
    assert (
        paths.get_v2_metadata_file_path("clip", base_path=base_path)
        == base / "meta" / "v2" / "clip_metadata.json"
    )
    assert (
        paths.get_legacy_metadata_file_path("clip", base_path=base_path)
        == base / "meta" / "legacy" / "clip_metadata.json"
    )


def test_of_all_files_those_that_exist_have_a_path(paths: HordeModelReferencePaths) -> None:
    paths.base_path.mkdir()
    (paths.base_path / "clip.json").write_text("{}")

    found = paths.get_all_model_reference_file_paths()

    assert list(found) == list(MODEL_REFERENCE_CATEGORY)
    assert [path for path in found.values() if path] == [paths.base_path / "clip.json"]


def test_legacy_files_have_addresses(tmp_path: Path) -> None:
    paths = some_paths(tmp_path, text_github_repo={"branch": "dev"})

    images = paths.legacy_image_model_github_urls
    assert images["image_generation"] == (
        f"{SOURCE}-image-model-reference/refs/heads/main/stable_diffusion.json"
    )
    assert len(images) == 9
    assert paths.legacy_text_model_github_urls == {
        "text_generation": f"{SOURCE}-text-model-reference/refs/heads/dev/models.csv"
    }


def test_unknown_category_is_an_error(paths: HordeModelReferencePaths) -> None:
    for method in (
        paths.get_model_reference_filename,
        paths.get_model_reference_file_path,
        paths.get_legacy_model_reference_file_path,
        paths.get_v2_metadata_file_path,
        paths.get_legacy_metadata_file_path,
    ):
        with pytest.raises(KeyError, match="bogus"):
            method("bogus")


def test_nothing_is_created_until_the_folders_are_made(paths: HordeModelReferencePaths) -> None:
    assert not paths.base_path.exists()

    paths.make_all_model_reference_folders()
    paths.make_all_model_reference_folders()

    found = {path.relative_to(paths.base_path).as_posix() for path in paths.base_path.rglob("*")}
    assert found == {
        "audit",
        "legacy",
        "logs",
        "meta",
        "meta/legacy",
        "meta/v2",
        "pending_queue",
        "showcase",
    }


def test_legacy_path_is_a_property_of_the_class(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(type(horde_model_reference_paths), "legacy_path", property(lambda _: tmp_path))

    assert horde_model_reference_paths.legacy_path == tmp_path
