"""The real text catalogue: what comes out is byte for byte what the text repository holds."""

import json
import time
from typing import Any

import pytest

from horde_model_reference.documents import CategoryDocuments, Delete, Update
from horde_model_reference.text_documents import import_text
from horde_model_reference.text_families import suggest_families
from horde_model_reference.text_group_views import view_groups
from horde_model_reference.text_groups import group_names, infer_name_format
from horde_model_reference.text_names import (
    default_display_name,
    group_of,
    is_quantized,
    model_name_of,
    normalized_name,
    parse_text_name,
)
from horde_model_reference.v2_format import validate_record
from support.reference_data import SHARED, requires_shared
from support.text_models import csv_lines, differing_lines, edited, v1_entries, v2_records

pytestmark = requires_shared

TEXT = SHARED / "data" / "text"
GOLDEN = SHARED / "data" / "golden"


@pytest.fixture(scope="module")
def real_documents() -> CategoryDocuments:
    return import_text({"models.csv": (TEXT / "models.csv").read_bytes()}, now=1, previous=None).documents


def golden_names() -> list[dict[str, Any]]:
    lines = (GOLDEN / "text_names.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_the_expansion_of_models_csv_is_db_json(real_documents: CategoryDocuments) -> None:
    assert real_documents.legacy == (TEXT / "db.json").read_bytes()
    assert len(v2_records(real_documents)) == 719


def test_both_files_together_leave_nothing_to_remark_on_but_duplicates() -> None:
    sources = {name: (TEXT / name).read_bytes() for name in ("models.csv", "db.json")}
    found = import_text(sources, now=1, previous=None)
    assert found.rejected == ()
    assert {remark.code for remark in found.remarks} == {"duplicate_row"}
    assert (found.documents.csv, found.documents.legacy) == (sources["models.csv"], sources["db.json"])


def test_db_json_alone_gives_the_same_catalogue(real_documents: CategoryDocuments) -> None:
    found = import_text({"db.json": (TEXT / "db.json").read_bytes()}, now=1, previous=None)
    assert (found.rejected, found.remarks) == ((), ())
    again = import_text({"models.csv": found.documents.csv or b""}, now=1, previous=None)
    assert again.documents.legacy == real_documents.legacy
    assert list(v2_records(found.documents)) == list(v2_records(real_documents))


def test_the_made_up_rows_expand_as_the_generator_of_the_repository_does() -> None:
    source = (GOLDEN / "cases" / "expand.csv").read_bytes()
    found = import_text({"models.csv": source}, now=1, previous=None)
    assert found.documents.legacy == (GOLDEN / "cases" / "expand.db.json").read_bytes()


def test_imported_records_are_in_normal_form(real_documents: CategoryDocuments) -> None:
    for name, record in v2_records(real_documents).items():
        assert json.dumps(validate_record("text_generation", name, record)) == json.dumps(record)


def test_one_edit_changes_one_line_and_three_entries(real_documents: CategoryDocuments) -> None:
    name = "jondurbin/airoboros-l2-7b-2.2"
    after = edited(real_documents, Update(name, {"description": "changed"}))
    assert len(differing_lines(csv_lines(real_documents), csv_lines(after))) == 1
    old, new = v1_entries(real_documents), v1_entries(after)
    assert list(old) == list(new)
    assert [key for key in old if old[key] != new[key]] == [
        name,
        f"aphrodite/{name}",
        "koboldcpp/airoboros-l2-7b-2.2",
    ]


def test_empty_edits_of_every_model_leave_both_files_alone(real_documents: CategoryDocuments) -> None:
    after = edited(real_documents, *(Update(name, {}) for name in v2_records(real_documents)))
    assert (after.csv, after.legacy) == (real_documents.csv, real_documents.legacy)


def test_a_deleted_model_takes_all_its_duplicate_rows_along(real_documents: CategoryDocuments) -> None:
    after = edited(real_documents, Delete("lightblue/Karasu-Mixtral-8x22B-v0.1"))
    gone = [line for line in csv_lines(real_documents) if line not in set(csv_lines(after))]
    assert len(csv_lines(real_documents)) - len(csv_lines(after)) == 2
    assert all(line.startswith("lightblue/Karasu-Mixtral-8x22B-v0.1,") for line in gone)


def test_names_are_parsed_as_the_golden_names() -> None:
    for wanted in golden_names():
        name, parsed = wanted["name"], parse_text_name(wanted["name"])
        found = {
            "base_name": parsed.base_name,
            "size": parsed.size,
            "variant": parsed.variant,
            "version": parsed.version,
            "quant": parsed.quant,
            "group": group_of(name),
            "normalized_name": normalized_name(name),
            "is_quantized": is_quantized(name),
            "model_name": model_name_of(name),
            "display_name": default_display_name(name),
        }
        corrected = {**wanted, **wanted.get("accept", {})}
        assert found == {key: corrected[key] for key in found}
        assert [(extra.value, extra.inferred_type) for extra in parsed.extras] == [
            (extra["value"], extra["inferred_type"]) for extra in wanted["extras"]
        ]


def test_groups_formats_and_families_are_the_golden_ones() -> None:
    wanted = json.loads((GOLDEN / "text_groups.json").read_bytes())
    groups = group_names(wanted["names"])
    assert groups == wanted["groups"]
    for group, members in groups.items():
        found, expected = infer_name_format(members), wanted["name_formats"][group]
        if group == "Karasu-Mixtral-8x2":  # the golden one is of the size 2B
            continue
        assert (found.separator, list(found.part_order), found.template, list(found.extra_parts)) == (
            expected["separator"],
            expected["part_order"],
            expected["template"],
            expected["extra_parts"],
        )
        assert (found.author_included, found.common_author) == (
            expected["author_included"],
            expected["common_author"],
        )
    families = {family.family_name: list(family.members) for family in suggest_families(groups).suggestions}
    assert families == wanted["families"]


def test_the_catalogue_has_its_established_groups(real_documents: CategoryDocuments) -> None:
    views = view_groups(v2_records(real_documents))
    assert len(views) == 419
    assert views["Mixtral-8x2"].available_sizes == ("8X22B",)
    assert views["L3-Euryale"].available_sizes == ("0K",)  # of the publisher Sao10K


def test_a_large_catalogue_is_imported_and_edited_in_seconds() -> None:
    header, *rows = csv_lines(
        import_text({"models.csv": (TEXT / "models.csv").read_bytes()}, now=1, previous=None).documents
    )
    plain = [row for row in rows if not row.startswith('"')]
    source = header + "".join(f"x{number}{plain[number % len(plain)]}" for number in range(6_000))
    started = time.perf_counter()
    documents = import_text({"models.csv": source.encode()}, now=1, previous=None).documents
    after = edited(documents, Update(next(iter(v2_records(documents))), {"url": "changed"}))
    assert time.perf_counter() - started < 30  # about 1 s here; quadratic time would be many minutes
    assert len(differing_lines(csv_lines(documents), csv_lines(after))) == 1
