"""The AI-Horde model reference: which models exist, where their files are, and how to ask for them.

Importing reads the settings and the words used about models; whatever does something is imported when its
name is first used, so that a program pays only for what it needs.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from horde_model_reference.github_sources import GITHUB_IMAGE_REPO_NAME as GITHUB_IMAGE_REPO_NAME
from horde_model_reference.github_sources import GITHUB_REPO_BRANCH as GITHUB_REPO_BRANCH
from horde_model_reference.github_sources import GITHUB_REPO_OWNER as GITHUB_REPO_OWNER
from horde_model_reference.github_sources import GITHUB_TEXT_REPO_NAME as GITHUB_TEXT_REPO_NAME
from horde_model_reference.late_names import imported_late
from horde_model_reference.meta_consts import (
    DEFAULT_SHOWCASE_FOLDER_NAME,
    KNOWN_IMAGE_GENERATION_BASELINE,
    KNOWN_TAGS,
    MODEL_CLASSIFICATION_LOOKUP,
    MODEL_DOMAIN,
    MODEL_PURPOSE,
    MODEL_REFERENCE_CATEGORY,
    MODEL_STYLE,
    BaselineDescriptor,
    CategoryDescriptor,
    ModelClassification,
    get_all_registered_baselines,
    get_all_registered_categories,
    get_baseline_descriptor,
    get_category_descriptor,
    get_known_tags,
    get_weights_marker_folders,
    register_category,
    register_image_baseline,
)
from horde_model_reference.meta_consts import SCHEMA_VERSION as SCHEMA_VERSION
from horde_model_reference.meta_consts import BackendInfo as BackendInfo
from horde_model_reference.meta_consts import CanonicalFormat as CanonicalFormat
from horde_model_reference.meta_consts import ReplicateMode as ReplicateMode
from horde_model_reference.path_consts import horde_model_reference_paths
from horde_model_reference.settings import AuditSettings as AuditSettings
from horde_model_reference.settings import GithubProxySettings as GithubProxySettings
from horde_model_reference.settings import GithubRepoSettings as GithubRepoSettings
from horde_model_reference.settings import HordeModelReferenceSettings as HordeModelReferenceSettings
from horde_model_reference.settings import ImageGithubRepoSettings as ImageGithubRepoSettings
from horde_model_reference.settings import PendingQueueSettings as PendingQueueSettings
from horde_model_reference.settings import R2Settings as R2Settings
from horde_model_reference.settings import RedisSettings as RedisSettings
from horde_model_reference.settings import TextGithubRepoSettings as TextGithubRepoSettings
from horde_model_reference.settings import ai_horde_ci_settings as ai_horde_ci_settings
from horde_model_reference.settings import ai_horde_worker_settings as ai_horde_worker_settings
from horde_model_reference.settings import github_proxy_settings as github_proxy_settings
from horde_model_reference.settings import horde_model_reference_settings as horde_model_reference_settings

if TYPE_CHECKING:
    from horde_model_reference import annotator_catalog as annotator_catalog
    from horde_model_reference import download_engine as download_engine
    from horde_model_reference.download_engine import (
        DownloadOutcome,
        download_file,
        download_record_files,
        md5_of,
        sha256_of,
    )
    from horde_model_reference.integrations.horde_popularity import PopularModelResult
    from horde_model_reference.legacy.download_manager import (
        LegacyReferenceDownloadManager as LegacyReferenceDownloadManager,
    )
    from horde_model_reference.model_reference_manager import ModelReferenceManager, PrefetchStrategy
    from horde_model_reference.model_reference_records import (
        LoraModelRecord,
        TextualInversionModelRecord,
        get_record_type_for_category,
        register_record_type,
    )
    from horde_model_reference.on_disk_layout import (
        COMPONENT_PURPOSE_FOLDERS,
        PresenceSummary,
        category_folder,
        component_relative_path,
        file_paths_for,
        free_bytes_for,
        is_present,
        presence_summary,
        resolve_weights_root,
    )
    from horde_model_reference.providers.base import ModelProvider
    from horde_model_reference.providers.pending import PendingModelProvider
    from horde_model_reference.providers.registry import ModelProviderRegistry
    from horde_model_reference.providers.static import StaticModelProvider
    from horde_model_reference.query import (
        ImageGenerationQuery,
        ModelQuery,
        TextModelQuery,
        build_image_query,
        build_text_query,
    )
    from horde_model_reference.query_fields import (
        AudioFields,
        BlipFields,
        ClipFields,
        CodeformerFields,
        ControlNetFields,
        EsrganFields,
        FieldRef,
        GenericFields,
        GfpganFields,
        ImageFields,
        MiscellaneousFields,
        OrderSpec,
        Predicate,
        SafetyCheckerFields,
        TextFields,
        VideoFields,
        false,
        true,
    )
    from horde_model_reference.source_consts import (
        ANY_SOURCE,
        HORDE_SOURCE_ID,
        PENDING_SOURCE_ID,
        SourceSelector,
    )
    from horde_model_reference.text_backend_names import (
        get_model_name_variants,
        has_legacy_text_backend_prefix,
        strip_backend_prefix,
    )

__all__ = [
    "ANY_SOURCE",
    "COMPONENT_PURPOSE_FOLDERS",
    "DEFAULT_SHOWCASE_FOLDER_NAME",
    "HORDE_SOURCE_ID",
    "KNOWN_IMAGE_GENERATION_BASELINE",
    "KNOWN_TAGS",
    "MODEL_CLASSIFICATION_LOOKUP",
    "MODEL_DOMAIN",
    "MODEL_PURPOSE",
    "MODEL_REFERENCE_CATEGORY",
    "MODEL_STYLE",
    "PENDING_SOURCE_ID",
    "AudioFields",
    "BaselineDescriptor",
    "BlipFields",
    "CategoryDescriptor",
    "ClipFields",
    "CodeformerFields",
    "ControlNetFields",
    "DownloadOutcome",
    "EsrganFields",
    "FieldRef",
    "GenericFields",
    "GfpganFields",
    "ImageFields",
    "ImageGenerationQuery",
    "LoraModelRecord",
    "MiscellaneousFields",
    "ModelClassification",
    "ModelProvider",
    "ModelProviderRegistry",
    "ModelQuery",
    "ModelReferenceManager",
    "OrderSpec",
    "PendingModelProvider",
    "PopularModelResult",
    "Predicate",
    "PrefetchStrategy",
    "PresenceSummary",
    "SafetyCheckerFields",
    "SourceSelector",
    "StaticModelProvider",
    "TextFields",
    "TextModelQuery",
    "TextualInversionModelRecord",
    "VideoFields",
    "build_image_query",
    "build_text_query",
    "category_folder",
    "component_relative_path",
    "download_file",
    "download_record_files",
    "false",
    "file_paths_for",
    "free_bytes_for",
    "get_all_registered_baselines",
    "get_all_registered_categories",
    "get_baseline_descriptor",
    "get_category_descriptor",
    "get_known_tags",
    "get_model_name_variants",
    "get_record_type_for_category",
    "get_weights_marker_folders",
    "has_legacy_text_backend_prefix",
    "horde_model_reference_paths",
    "is_present",
    "md5_of",
    "presence_summary",
    "register_category",
    "register_image_baseline",
    "register_record_type",
    "resolve_weights_root",
    "sha256_of",
    "strip_backend_prefix",
    "true",
]

_NAMES: Final[Mapping[str, str]] = {
    "download_engine": "DownloadOutcome download_file download_record_files md5_of sha256_of",
    "integrations.horde_popularity": "PopularModelResult",
    "legacy.download_manager": "LegacyReferenceDownloadManager",
    "model_reference_manager": "ModelReferenceManager PrefetchStrategy",
    "model_reference_records": (
        "LoraModelRecord TextualInversionModelRecord get_record_type_for_category register_record_type"
    ),
    "on_disk_layout": (
        "COMPONENT_PURPOSE_FOLDERS PresenceSummary category_folder component_relative_path file_paths_for "
        "free_bytes_for is_present presence_summary resolve_weights_root"
    ),
    "providers.base": "ModelProvider",
    "providers.pending": "PendingModelProvider",
    "providers.registry": "ModelProviderRegistry",
    "providers.static": "StaticModelProvider",
    "query": "ImageGenerationQuery ModelQuery TextModelQuery build_image_query build_text_query",
    "query_fields": (
        "AudioFields BlipFields ClipFields CodeformerFields ControlNetFields EsrganFields FieldRef "
        "GenericFields GfpganFields ImageFields MiscellaneousFields OrderSpec Predicate "
        "SafetyCheckerFields TextFields VideoFields false true"
    ),
    "source_consts": "ANY_SOURCE HORDE_SOURCE_ID PENDING_SOURCE_ID SourceSelector",
    "text_backend_names": "get_model_name_variants has_legacy_text_backend_prefix strip_backend_prefix",
}
"""Module to the names that stand for it here; the imports above say the same to type checkers."""

if not TYPE_CHECKING:  # to a type checker a name that is not imported above is a mistake
    __getattr__, __dir__ = imported_late(__name__, globals(), _NAMES, {"annotator_catalog"})


def _make_folders() -> None:
    """Create the folder tree. A folder that cannot be made costs a line in the log, not the import."""
    try:
        horde_model_reference_paths.make_all_model_reference_folders()
    except OSError as error:
        _log.warning("the folders below %s cannot be made: %s", horde_model_reference_paths.base_path, error)


_log: Final = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # what we log is shown only to programs that ask for it
if horde_model_reference_settings.make_folders and not horde_model_reference_settings.offline:
    _make_folders()
