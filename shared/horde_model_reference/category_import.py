"""The source files of a category become its documents."""

from collections.abc import Mapping

from horde_model_reference.category_import_types import ImportedCategory
from horde_model_reference.documents import CategoryDocuments, Conversion, Record, Rejection, SourceUnreadable
from horde_model_reference.legacy.to_v2 import convert_legacy
from horde_model_reference.meta_consts import (
    MODEL_REFERENCE_CATEGORY,
    get_category_descriptor,
    is_registered_category,
)
from horde_model_reference.record_stamps import stamped_records
from horde_model_reference.strict_json import JsonObject, printable, read_json_object, same_json
from horde_model_reference.text_documents import import_text
from horde_model_reference.v2_format import parse_v2, render_v2


def import_source(
    category: str, sources: Mapping[str, bytes], *, now: int, previous: CategoryDocuments | None
) -> ImportedCategory:
    """Make the documents of a category from its source files, by file name; `now` is in Unix seconds.

    The legacy document is the file as it is. A record that the source has not changed since `previous` stays
    as it is there; a changed one keeps its creation. Raises `SourceUnreadable`.
    """
    if category == MODEL_REFERENCE_CATEGORY.text_generation:
        return import_text(sources, now=now, previous=previous)
    file_name, body = _pick(category, sources)
    source = read_json_object(body, file_name)
    conversion = _convert(category, source)
    if previous is not None and previous.legacy == body:
        documents = previous
    else:
        records = _stamped(conversion.records, source, previous, now)
        documents = CategoryDocuments(v2=render_v2(records), legacy=body)
    return ImportedCategory(documents, conversion.rejected, conversion.remarks)


def _pick(category: str, sources: Mapping[str, bytes]) -> tuple[str, bytes]:
    if not is_registered_category(category) or not get_category_descriptor(category).has_legacy_format:
        raise SourceUnreadable(f"{category} has no legacy form")
    file_name = get_category_descriptor(category).legacy_filename
    if file_name not in sources:
        raise SourceUnreadable(f"{file_name} is missing")
    return file_name, sources[file_name]


def _convert(category: str, source: JsonObject) -> Conversion:
    usable = {name: item.value for name, item in source.members.items() if item.flaw is None}
    conversion = convert_legacy(category, usable)
    flawed = {
        name: Rejection(printable(name), item.flaw.path, item.flaw.reason)
        for name, item in source.members.items()
        if item.flaw is not None
    }
    if not flawed:
        return conversion
    rejected = {**flawed, **{item.name: item for item in conversion.rejected}}
    in_file_order = [rejected[name] for name in source.members if name in rejected]
    return Conversion(conversion.records, tuple(in_file_order), conversion.remarks)


def _stamped(
    records: Mapping[str, Record], source: JsonObject, previous: CategoryDocuments | None, now: int
) -> dict[str, Record]:
    known = parse_v2(previous.v2) if previous is not None else {}
    originals = _originals(previous)

    def is_unchanged(name: str) -> bool:
        return name in originals and same_json(originals[name], source.members[name].value)

    return stamped_records(records, known, is_unchanged, now)


def _originals(previous: CategoryDocuments | None) -> dict[str, Record]:
    if previous is None or previous.legacy is None:
        return {}
    members = read_json_object(previous.legacy, "the previous legacy document").members
    return {name: item.value for name, item in members.items()}
