import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.replica.errors import SourceUnusable
from read_api.bundle import bundle_steps as bundle_of
from read_api.pages import build_pages
from read_api.replica.bundles import bundle_steps
from registry.catalogue import CategoryMetadata, NameSchema, SideData
from registry.content import CatalogueContent
from service_kit.slices import run_now
from support.contents import SEED_SECONDS, SEED_TIME, a_content, a_record, category_content, real_content
from support.json_values import json_records
from support.reference_data import requires_shared


def bundle(content: CatalogueContent) -> bytes:
    return run_now(bundle_of(build_pages(content), with_v1=True)).identity


def taken_apart(body: bytes) -> CatalogueContent:
    return run_now(bundle_steps(body))


def shown(content: CatalogueContent) -> CatalogueContent:
    """Return it with the categories that a PRIMARY shows although nobody ever put anything there."""
    empty = {
        name: category_content(name, b"{}")
        for name in ("controlnet_annotator", "video_generation", "audio_generation", "lora", "ti")
    }
    return replace(content, categories={**empty, **content.categories})


def changed(body: bytes, **members: Any) -> bytes:
    return json.dumps({**json.loads(body), **members}).encode()


@requires_shared
def test_the_real_catalogue_arrives_byte_for_byte() -> None:
    content = real_content()

    arrived = taken_apart(bundle(content))

    assert arrived.categories == content.categories
    assert (arrived.revision, arrived.sequence, arrived.committed_at) == (1, 1, content.committed_at)
    assert arrived.side_data.metadata == content.side_data.metadata


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), json_records, max_size=4))
def test_any_document_arrives_byte_for_byte(records: dict[str, Any]) -> None:
    v2 = json.dumps(records, ensure_ascii=False, separators=(",", ":")).encode()
    legacy = json.dumps(records, indent="\t").encode() + b"\n"
    content = CatalogueContent(3, 7, SEED_TIME, {"clip": category_content("clip", v2, legacy)})

    arrived = taken_apart(bundle(content))

    assert arrived.categories == shown(content).categories
    assert (arrived.revision, arrived.sequence) == (3, 7)


def test_what_is_stored_beside_the_records_arrives() -> None:
    side_data = SideData(
        aliases={"Llama": ("Lama",)},
        families={"Animals": ("Llama", "Lama")},
        name_schemas={"Llama": NameSchema(separator="_")},
        metadata={
            "v2": {
                "clip": CategoryMetadata(
                    category="clip",
                    last_updated=SEED_SECONDS,
                    initialization_time=SEED_SECONDS,
                    last_successful_operation=SEED_SECONDS,
                )
            }
        },
    )
    arrived = taken_apart(bundle(a_content({"clip": {}}, side_data=side_data))).side_data

    assert (arrived.aliases, arrived.families) == (side_data.aliases, side_data.families)
    assert arrived.name_schemas == side_data.name_schemas
    assert arrived.metadata["v2"]["clip"] == side_data.metadata["v2"]["clip"]


def test_members_and_categories_of_a_newer_primary_are_left_out() -> None:
    content = a_content({"clip": {"a": a_record("clip", "a")}})
    body = json.loads(bundle(content))
    body["hologram"] = {"x": [1, {"y": None}]}
    body["v2"]["hologram_generation"] = {"a": {"name": "a"}}
    body["side_data"]["name_schemas"] = {"Llama": {"separator": "_", "colour": "blue"}}

    arrived = taken_apart(json.dumps(body, separators=(",", ":")).encode())

    assert arrived.categories == shown(content).categories
    assert arrived.side_data.name_schemas == {"Llama": NameSchema(separator="_")}


def test_side_data_of_another_form_is_given_up_without_the_records() -> None:
    content = a_content({"clip": {"a": a_record("clip", "a")}})
    body = changed(bundle(content), side_data={"aliases": {"Llama": 7}, "families": {}})

    arrived = taken_apart(body)

    assert arrived.side_data == SideData()
    assert json.loads(arrived.categories["clip"].v2) == {"a": a_record("clip", "a")}


@given(st.data())
def test_a_bundle_that_was_cut_anywhere_is_refused(data: st.DataObject) -> None:
    body = bundle(a_content({"clip": {"a": a_record("clip", "a")}}, legacy={"clip": b'{"a": {}}\n'}))
    cut = data.draw(st.integers(0, len(body) - 1))

    with pytest.raises(SourceUnusable):
        taken_apart(body[:cut])


@pytest.mark.parametrize(
    "members",
    [
        {"revision": 0},
        {"revision": True},
        {"revision": "1"},
        {"sequence": None},
        {"committed_at": "yesterday"},
        {"committed_at": None},
        {"v2": []},
        {"v2": {"clip": []}},
        {"v2": {"clip": {"a": 1}}},
        {"v1": {"clip": {"a": {}}}},
        {"side_data": []},
        {"side_data": {"name_schemas": []}},
        {"metadata": [1]},
    ],
    ids=str,
)
def test_what_is_no_bundle_is_refused(members: dict[str, Any]) -> None:
    body = changed(bundle(a_content({"clip": {}})), **members)

    with pytest.raises(SourceUnusable):
        taken_apart(body)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"<html>", b'"text"', b"{}", b"\xff\xfe", b'{"a":' + b"[" * 100_000]
)
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(SourceUnusable):
        taken_apart(body)


def test_more_than_one_value_is_refused() -> None:
    with pytest.raises(SourceUnusable):
        taken_apart(bundle(a_content({"clip": {}})) + b"{}")
