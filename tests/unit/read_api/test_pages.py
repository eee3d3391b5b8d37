import json
from dataclasses import replace

import pytest

from read_api.domain.records import DocumentUnreadable
from read_api.pages import build_pages
from registry.catalogue import CategoryMetadata, SideData
from service_kit.coding import Coding, Effort
from support.contents import SEED_SECONDS, a_content, a_record, category_content

CLIP = {"ViT": a_record("clip", "ViT")}
LEGACY = b'{\r\n\t"ViT": {"name": "ViT"}\r\n}\r\n'
EMPTY_IN_V2 = {"controlnet_annotator", "video_generation", "audio_generation", "lora", "ti"}


def test_documents_are_the_very_bytes_of_the_content() -> None:
    content = a_content({"clip": CLIP}, legacy={"clip": LEGACY})

    pages = build_pages(content)

    assert pages.v1["clip"].identity == LEGACY
    assert pages.v2["clip"].identity == content.categories["clip"].v2
    assert pages.revision == 1


def test_a_record_is_a_document_of_its_own_under_its_key() -> None:
    pages = build_pages(a_content({"controlnet": {"key": a_record("controlnet", "other name")}}))

    models = pages.categories["controlnet"].models

    document = models.find("key")
    assert document is not None
    assert json.loads(document.identity)["name"] == "other name"
    assert models.find("other name") is None
    assert len(models) == 1


@pytest.mark.parametrize(
    "name", ["a/b", "../x", 'quote"quote', "back\\slash", "🜁 emoji", "x" * 10_000, " ", "new\nline", "%2F"]
)
def test_any_name_finds_its_record(name: str) -> None:
    pages = build_pages(
        a_content({"clip": {name: a_record("clip", name), "neighbour": a_record("clip", "n")}})
    )

    document = pages.categories["clip"].models.find(name)

    assert document is not None
    assert json.loads(document.identity)["name"] == name


def test_an_empty_journal_serves_empty_objects_where_no_data_is_normal() -> None:
    pages = build_pages(None)

    assert set(pages.v2) == EMPTY_IN_V2
    assert {document.identity for document in pages.v2.values()} == {b"{}"}
    assert set(pages.v1) == {"lora", "ti"}
    assert pages.revision == 0
    assert pages.text is None


def test_a_category_without_legacy_document_is_missing_in_v1_only() -> None:
    pages = build_pages(a_content({"clip": CLIP, "video_generation": {}}))

    assert "clip" not in pages.v1
    assert "clip" in pages.v2
    assert "video_generation" not in pages.v1


def test_unchanged_categories_are_taken_over_from_the_previous_pages() -> None:
    first = build_pages(a_content({"clip": CLIP, "blip": {"b": a_record("blip", "b")}}))
    changed = {"clip": CLIP, "blip": {"b": a_record("blip", "b", description="new")}}

    second = build_pages(a_content(changed, revision=2), first)

    assert second.categories["clip"] is first.categories["clip"]
    assert second.categories["blip"] is not first.categories["blip"]
    assert second.revision == 2
    assert second.search_all is not first.search_all


def test_a_revision_that_changes_no_record_keeps_the_search_tables() -> None:
    first = build_pages(a_content({"clip": CLIP}))

    second = build_pages(a_content({"clip": CLIP}, revision=2), first)

    assert second.search_all is first.search_all


def test_text_tools_are_kept_while_records_and_side_data_stay() -> None:
    text = {"a/A-7B": a_record("text_generation", "a/A-7B", text_model_group="A")}
    first = build_pages(a_content({"text_generation": text}))
    same = build_pages(a_content({"text_generation": text}, revision=2), first)
    other = build_pages(
        a_content({"text_generation": text}, revision=3, side_data=SideData(aliases={"A": ("B",)})), same
    )

    assert same.text is first.text
    assert other.text is not first.text
    assert other.text is not None
    assert other.text.canonical_groups == {"B": "A"}


def test_finished_compressed_forms_are_used_when_they_are_true() -> None:
    content = a_content({"clip": {str(n): a_record("clip", str(n)) for n in range(50)}})
    plain = build_pages(content)
    forms = {coding: plain.v2["clip"].forms[coding].body for coding in (Coding.GZIP, Coding.BROTLI)}

    pages = build_pages(content, packed={plain.v2["clip"].digest: forms})

    assert plain.v2["clip"].effort is Effort.FAST
    assert pages.v2["clip"].effort is Effort.BEST
    assert pages.categories["clip"].is_polished


def test_finished_compressed_forms_of_something_else_are_ignored() -> None:
    content = a_content({"clip": {str(n): a_record("clip", str(n)) for n in range(50)}})
    digest = build_pages(content).v2["clip"].digest

    pages = build_pages(content, packed={digest: {Coding.GZIP: b"wrong", Coding.BROTLI: b"wrong"}})

    assert pages.v2["clip"].effort is Effort.FAST


def test_an_unreadable_document_names_no_pages_at_all() -> None:
    content = a_content({"clip": CLIP})
    broken = replace(content, categories={"clip": category_content("clip", b'{"a": 1}')})

    with pytest.raises(DocumentUnreadable):
        build_pages(broken)


def test_metadata_is_that_of_the_side_data_and_zeros_elsewhere() -> None:
    stored = CategoryMetadata(
        category="clip",
        last_updated=SEED_SECONDS + 9,
        last_operation_type="update",
        last_operation_model="ViT",
        total_updates=3,
        total_models=1,
        initialization_time=1,
        last_successful_operation=SEED_SECONDS + 9,
    )
    pages = build_pages(a_content({"clip": CLIP}, side_data=SideData(metadata={"v2": {"clip": stored}})))

    v1, v2 = pages.metadata["v1"], pages.metadata["v2"]
    assert json.loads(v2.of_category["clip"].identity) == stored.model_dump()
    assert json.loads(v2.last_updated.identity) == {"last_updated": SEED_SECONDS + 9}
    assert json.loads(v1.last_updated_of["clip"].identity) == {
        "category": "clip",
        "last_updated": SEED_SECONDS,
    }
    assert json.loads(v1.of_category["ti"].identity)["total_models"] == 0
    assert len(json.loads(v2.of_all.identity)) == 15


def test_a_large_catalogue_is_built_with_every_record() -> None:
    records = {f"m/{n}-7B": a_record("text_generation", "m") | {"name": f"m/{n}-7B"} for n in range(2000)}

    pages = build_pages(a_content({"text_generation": records}))

    assert len(pages.categories["text_generation"].models) == 2000
    assert len(pages.search_all.table) == 2000
