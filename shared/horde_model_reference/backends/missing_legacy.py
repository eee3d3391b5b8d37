"""The legacy form of a category that has none on disk yet, made from its v2 records."""

import logging
from dataclasses import replace

from horde_model_reference.category_import import import_source
from horde_model_reference.change_renderer import open_legacy
from horde_model_reference.documents import CategoryDocuments
from horde_model_reference.legacy.from_v2 import fresh_legacy_record
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.text_expansion import render_db_json
from horde_model_reference.v2_format import RecordInvalid, parse_v2, validate_record

log = logging.getLogger(__name__)


def with_legacy_of_v2(category: str, documents: CategoryDocuments) -> CategoryDocuments:
    """Return the documents with the legacy ones that are missing; those that are there stay as they are.

    A record that could not be written today is left out of them and logged. Raises `SourceUnreadable`.
    """
    if category == MODEL_REFERENCE_CATEGORY.text_generation:
        return _with_text_files(documents)
    if documents.legacy is None:
        return replace(documents, legacy=_legacy_of(category, documents.v2))
    return documents


def _legacy_of(category: str, v2: bytes) -> bytes:
    text, _ = open_legacy(category, None)
    for name, record in parse_v2(v2).items():
        try:
            valid = validate_record(category, name, record)
        except RecordInvalid as error:
            log.warning("not in the legacy form: %s", error)
        else:
            text.put(name, fresh_legacy_record(category, valid))
    return text.render()


def _with_text_files(documents: CategoryDocuments) -> CategoryDocuments:
    if documents.legacy is not None and documents.csv is not None:
        return documents
    db_json = render_db_json(parse_v2(documents.v2))
    made = CategoryDocuments(documents.v2, legacy=documents.legacy or db_json, csv=documents.csv)
    if made.csv is not None:
        return made
    sources = {"db.json": db_json}
    imported = import_source(MODEL_REFERENCE_CATEGORY.text_generation, sources, now=0, previous=None)
    return replace(made, csv=imported.documents.csv)
