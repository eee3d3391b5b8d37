"""The catalogue of annotators as records, one for all files of the same control types."""

from itertools import groupby

from horde_model_reference.annotator_catalog import ANNOTATOR_FILES, ANNOTATORS_FOLDER, AnnotatorFile
from horde_model_reference.model_reference_records import (
    ControlNetAnnotatorModelRecord,
    DownloadRecord,
    GenericModelRecordConfig,
)


def annotator_records() -> dict[str, ControlNetAnnotatorModelRecord]:
    """Return new records by name: `annotator_` and the first control type."""
    groups = groupby(ANNOTATOR_FILES, key=lambda item: item.control_types)
    records = (_record(list(files)) for _, files in groups)
    return {record.name: record for record in records}


def _record(files: list[AnnotatorFile]) -> ControlNetAnnotatorModelRecord:
    first = files[0]
    return ControlNetAnnotatorModelRecord(
        name=f"annotator_{first.control_types[0]}",
        config=GenericModelRecordConfig(download=[_download(item) for item in files]),
        control_types=list(first.control_types),
        preprocessors=list(first.preprocessors),
    )


def _download(item: AnnotatorFile) -> DownloadRecord:
    return DownloadRecord(
        file_name=f"{ANNOTATORS_FOLDER}/{item.relative_path}",
        file_url=item.origin_url,
        sha256sum=item.sha256,
    )
