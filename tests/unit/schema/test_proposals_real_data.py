"""Proposing a real record as it is changes nothing."""

import pytest

from horde_model_reference.category_import import import_source
from horde_model_reference.documents import CategoryDocuments, Record
from horde_model_reference.legacy_changes import LegacyPut, apply_legacy_changes
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY, get_category_descriptor
from horde_model_reference.proposals.replacement import replacement, with_carried_over
from horde_model_reference.proposals.v1 import normalised_v1
from horde_model_reference.proposals.v2 import normalised_v2
from horde_model_reference.strict_json import parse_json_object
from horde_model_reference.v2_format import parse_v2
from support.reference_data import SHARED, requires_shared

pytestmark = requires_shared

LEGACY = [name for name in MODEL_REFERENCE_CATEGORY if get_category_descriptor(name).has_legacy_format]


def real_documents(category: str) -> CategoryDocuments:
    name = get_category_descriptor(category).legacy_filename
    folder = "text" if category == "text_generation" else "image"
    body = (SHARED / "data" / folder / name).read_bytes()
    return import_source(category, {name: body}, now=1, previous=None).documents


def without_metadata(record: Record) -> Record:
    return {key: value for key, value in record.items() if key != "metadata"}


@pytest.mark.parametrize("category", LEGACY)
def test_every_v2_record_is_accepted_and_replaces_itself(category: str) -> None:
    for name, record in parse_v2(real_documents(category).v2).items():
        update = replacement(record, with_carried_over(record, normalised_v2(category, record)))
        assert (name, update.set, update.unset) == (name, {}, ())


@pytest.mark.parametrize("category", LEGACY)
def test_every_legacy_record_is_accepted_and_replaces_itself_to_the_byte(category: str) -> None:
    documents = real_documents(category)
    entries = parse_json_object(documents.legacy or b"")
    puts = [LegacyPut(name, normalised_v1(category, entries[name])) for name in parse_v2(documents.v2)]
    after = apply_legacy_changes(category, documents, puts, now=2, author=None)
    assert (after.legacy, after.csv) == (documents.legacy, documents.csv)
    before, found = parse_v2(documents.v2), parse_v2(after.v2)
    assert list(map(without_metadata, found.values())) == list(map(without_metadata, before.values()))
