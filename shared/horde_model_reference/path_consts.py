"""Where the library keeps its files (python-client.md section 6)."""

from pathlib import Path
from typing import Final, overload

from horde_model_reference.meta_consts import (
    DEFAULT_SHOWCASE_FOLDER_NAME,
    GithubSource,
    get_all_registered_categories,
    get_category_descriptor,
)
from horde_model_reference.settings import (
    AiHordeWorkerSettings,
    HordeModelReferenceSettings,
    ai_horde_worker_settings,
    horde_model_reference_settings,
)

BASE_FOLDER_NAME: Final = "horde_model_reference"
LEGACY_FOLDER_NAME: Final = "legacy"


class HordeModelReferencePaths:
    """The folders and files below one base folder. Nothing is created unless `make_...` is called.

    The maps by category also hold the categories that were registered, at the moment of the call. Where a
    method takes `base_path`, its `legacy` folder means the same.
    """

    def __init__(self, worker: AiHordeWorkerSettings, settings: HordeModelReferenceSettings) -> None:
        """Take the settings that name the folders; no folder need exist."""
        # absolute now, for the program may change its folder later
        self._base_path = (worker.aiworker_cache_home / BASE_FOLDER_NAME).absolute()
        self._log_folder = worker.logs_folder.absolute() if "logs_folder" in worker.model_fields_set else None
        self._settings = settings

    @property
    def base_path(self) -> Path:
        """The folder of the v2 files; absolute."""
        return self._base_path

    @property
    def legacy_path(self) -> Path:
        """The folder of the files as they are on GitHub."""
        return self._base_path / LEGACY_FOLDER_NAME

    @property
    def log_folder(self) -> Path:
        """The folder of log files: the one of LOGS_FOLDER, or one below the base folder."""
        return self._log_folder or self._base_path / "logs"

    @property
    def showcase_path(self) -> Path:
        """The folder of the showcases."""
        return self._base_path / DEFAULT_SHOWCASE_FOLDER_NAME

    @property
    def meta_path(self) -> Path:
        """The folder of what is known about the categories."""
        return self._base_path / "meta"

    @property
    def meta_legacy_path(self) -> Path:
        """The folder of what is known about the legacy files."""
        return self.meta_path / "legacy"

    @property
    def meta_v2_path(self) -> Path:
        """The folder of what is known about the v2 files."""
        return self.meta_path / "v2"

    @property
    def audit_path(self) -> Path:
        """The folder of the audit trail."""
        block = self._settings.audit
        return self._chosen(block.root_path_override, block.relative_subdir)

    @property
    def pending_queue_path(self) -> Path:
        """The folder of the proposals."""
        block = self._settings.pending_queue
        return self._chosen(block.root_path_override, block.relative_subdir)

    @property
    def group_schemas_path(self) -> Path:
        """The name schemas of the groups of text models."""
        return self._base_path / "text_generation_group_schemas.json"

    @property
    def group_aliases_path(self) -> Path:
        """The other names of the groups of text models."""
        return self._base_path / "text_generation_group_aliases.json"

    @property
    def group_families_path(self) -> Path:
        """The families of the groups of text models."""
        return self._base_path / "text_generation_group_families.json"

    @property
    def model_reference_filenames(self) -> dict[str, str]:
        """The name of the v2 file of each category."""
        return {name: item.filename for name, item in get_all_registered_categories().items()}

    @property
    def legacy_model_reference_filenames(self) -> dict[str, str]:
        """The name of the legacy file of each category that has one."""
        return {
            name: item.legacy_filename
            for name, item in get_all_registered_categories().items()
            if item.has_legacy_format
        }

    @property
    def legacy_image_model_github_urls(self) -> dict[str, str]:
        """The URL of the legacy file of each category in the repository of the image models."""
        return self._github_urls(GithubSource.image)

    @property
    def legacy_text_model_github_urls(self) -> dict[str, str]:
        """The URL of the legacy file of each category in the repository of the text models."""
        return self._github_urls(GithubSource.text)

    @overload
    def get_model_reference_filename(self, category: str, *, base_path: None = None) -> str: ...
    @overload
    def get_model_reference_filename(self, category: str, *, base_path: str | Path) -> Path: ...
    def get_model_reference_filename(
        self, category: str, *, base_path: str | Path | None = None
    ) -> str | Path:
        """Return the bare name of the v2 file, or its full path in the very folder `base_path`.

        Raises `KeyError` for an unknown category, as every method here that takes one.
        """
        name = get_category_descriptor(category).filename
        return name if base_path is None else (Path(base_path) / name).resolve()

    def get_model_reference_file_path(self, category: str, *, base_path: str | Path | None = None) -> Path:
        """Return the v2 file of a category."""
        return self._below(base_path) / get_category_descriptor(category).filename

    def get_legacy_model_reference_file_path(
        self, category: str, *, base_path: str | Path | None = None
    ) -> Path:
        """Return the legacy file of a category: `{base}/legacy/{its name on GitHub}`."""
        return self._below(base_path) / LEGACY_FOLDER_NAME / get_category_descriptor(category).legacy_filename

    def get_all_model_reference_file_paths(
        self, *, base_path: str | Path | None = None
    ) -> dict[str, Path | None]:
        """Return the v2 file of every category, None where it does not exist."""
        paths = {
            name: self.get_model_reference_file_path(name, base_path=base_path)
            for name in get_all_registered_categories()
        }
        return {name: path if path.is_file() else None for name, path in paths.items()}

    def get_v2_metadata_file_path(self, category: str, *, base_path: str | Path | None = None) -> Path:
        """Return the file of what is known about the v2 file of a category."""
        return self._below(base_path) / "meta" / "v2" / _metadata_name(category)

    def get_legacy_metadata_file_path(self, category: str, *, base_path: str | Path | None = None) -> Path:
        """Return the file of what is known about the legacy file of a category."""
        return self._below(base_path) / "meta" / "legacy" / _metadata_name(category)

    def make_all_model_reference_folders(self) -> None:
        """Create every folder that does not exist. Raises `OSError`."""
        for folder in (
            self.legacy_path,
            self.showcase_path,
            self.meta_legacy_path,
            self.meta_v2_path,
            self.audit_path,
            self.pending_queue_path,
            self.log_folder,
        ):
            folder.mkdir(parents=True, exist_ok=True)

    def _below(self, base_path: str | Path | None) -> Path:
        if base_path is None:
            return self._base_path
        path = Path(base_path)
        return path.parent if path.name == LEGACY_FOLDER_NAME else path

    def _chosen(self, override: str | None, relative: str) -> Path:
        return Path(override).absolute() if override else self._base_path / relative

    def _github_urls(self, source: GithubSource) -> dict[str, str]:
        return {
            name: self._settings.get_repo_by_category(name).compose_full_file_url(item.legacy_filename)
            for name, item in get_all_registered_categories().items()
            if item.github_source is source
        }


def _metadata_name(category: str) -> str:
    get_category_descriptor(category)
    return f"{category}_metadata.json"


horde_model_reference_paths: Final = HordeModelReferencePaths(
    ai_horde_worker_settings, horde_model_reference_settings
)
