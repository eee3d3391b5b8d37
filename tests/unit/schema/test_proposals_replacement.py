from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from horde_model_reference.change_renderer import apply_changes
from horde_model_reference.documents import CategoryDocuments, Create, Record, Update
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.proposals.beta import v2_view
from horde_model_reference.proposals.problems import BackendPrefixRefused, ProposalInvalid
from horde_model_reference.proposals.related import related_models
from horde_model_reference.proposals.replacement import replacement, with_carried_over
from horde_model_reference.proposals.v1 import normalised_v1
from horde_model_reference.proposals.v2 import normalised_v2
from horde_model_reference.v2_format import parse_v2
from support.model_records import a_legacy_image, canonical_file, imported
from support.proposed_bodies import V2_BODIES

EMPTY = CategoryDocuments(v2=b"{}")


def without_metadata(record: Record) -> Record:
    """What two v2 records are compared by: null is the same as absent, the baseline has many names."""
    ignored = ("metadata", "baseline")
    return {key: value for key, value in record.items() if value is not None and key not in ignored}


def test_only_what_differs_is_set_and_what_is_absent_is_unset() -> None:
    before = {"name": "x", "description": "d", "version": "1", "nsfw": False, "metadata": {"created_at": 1}}
    payload = {"name": "x", "version": "1", "nsfw": True, "metadata": {"schema_version": "2.0.0"}}
    assert replacement(before, payload) == Update("x", {"nsfw": True}, ("description",))


def test_a_null_of_the_stored_record_is_not_removed() -> None:
    before = {"name": "x", "pretrained_name": None}
    assert replacement(before, {"name": "x"}) == Update("x", {})


def test_numbers_and_booleans_are_told_apart() -> None:
    before = {"name": "x", "requirements": {"a": 1}}
    payload = {"name": "x", "requirements": {"a": True}}
    assert replacement(before, payload).set == {"requirements": {"a": True}}


def test_a_name_that_differs_from_its_key_survives() -> None:
    update = replacement({"name": "other"}, {"name": "key", "description": "d"})
    assert update == Update("key", {"description": "d"})


@given(V2_BODIES, V2_BODIES, st.sampled_from(list(MODEL_REFERENCE_CATEGORY)))
def test_after_a_replacement_the_record_is_the_payload(
    one: dict[str, Any], other: dict[str, Any], category: str
) -> None:
    try:
        first = normalised_v2(category, one)
        payload = normalised_v2(category, {**other, "name": one["name"]})
    except (ProposalInvalid, BackendPrefixRefused):
        assume(False)
        raise
    name = first["name"]
    created = apply_changes(category, EMPTY, [Create(name, first)], now=1, author="1")
    before = parse_v2(created.v2)[name]
    after = apply_changes(category, created, [replacement(before, payload)], now=2, author="2")
    stored = parse_v2(after.v2)[name]
    assert without_metadata(stored) == without_metadata(payload)
    assert stored["metadata"] == {**before["metadata"], "updated_at": 2, "updated_by": "2"}
    twice = apply_changes(category, after, [replacement(stored, payload)], now=2, author="2")
    assert parse_v2(twice.v2) == parse_v2(after.v2)


def test_the_creation_is_carried_over_whatever_the_payload_says() -> None:
    before = {"metadata": {"created_at": 1, "created_by": "1", "updated_at": 2, "updated_by": "2"}}
    payload = {"name": "x", "metadata": {"schema_version": "2.0.0"}}
    found = with_carried_over(before, payload)
    assert found["metadata"] == {"schema_version": "2.0.0", "created_at": 1, "created_by": "1"}
    assert payload["metadata"] == {"schema_version": "2.0.0"}


@pytest.mark.parametrize(
    ("given_field", "kept"),
    [
        ({}, ["loras"]),
        ({"features_not_supported": []}, []),
        ({"features_not_supported": ["hires_fix"]}, ["hires_fix"]),
    ],
)
def test_a_field_that_older_clients_do_not_know_survives_their_updates(
    given_field: dict[str, Any], kept: list[str]
) -> None:
    file = canonical_file({"x": a_legacy_image("x", features_not_supported=["loras"])})
    documents = imported("image_generation", file)
    before = parse_v2(documents.v2)["x"]
    body = {key: value for key, value in before.items() if key != "features_not_supported"}
    payload = with_carried_over(before, normalised_v2("image_generation", {**body, **given_field}))
    update = replacement(before, payload)
    after = apply_changes("image_generation", documents, [update], now=2, author=None)
    assert parse_v2(after.v2)["x"]["features_not_supported"] == kept
    if not given_field:
        assert after.legacy == file


@pytest.mark.parametrize(
    ("category", "name", "names"),
    [
        ("text_generation", "acme/Foo-7B", ("aphrodite/acme/Foo-7B", "koboldcpp/Foo-7B")),
        ("text_generation", "Foo", ("aphrodite/Foo", "koboldcpp/Foo")),
        ("text_generation", "a/b/c", ("aphrodite/a/b/c", "koboldcpp/b/c")),
        ("clip", "ViT-L/14", None),
    ],
)
def test_related_models_are_those_of_the_back_ends(
    category: str, name: str, names: tuple[str, ...] | None
) -> None:
    assert related_models(category, name) == names


def test_the_beta_view_of_a_v2_payload_is_what_applying_would_store() -> None:
    payload = normalised_v2("image_generation", {"name": "x", "baseline": "SDXL", "nsfw": False})
    found = v2_view("image_generation", "v2", "x", payload)
    assert found == {**payload, "baseline": "stable_diffusion_xl"}


def test_the_beta_view_of_a_legacy_payload_is_converted() -> None:
    payload = normalised_v1("image_generation", a_legacy_image("x"))
    found = v2_view("image_generation", "legacy", "x", payload) or {}
    assert (found["baseline"], found["size_on_disk_bytes"]) == ("stable_diffusion_1", 2132856622)


def test_the_beta_view_of_a_legacy_text_model_is_converted() -> None:
    body = {"name": "acme/Foo-7B", "parameters": 7, "nsfw": True, "name_schema_exception": "old"}
    payload = normalised_v1("text_generation", body)
    found = v2_view("text_generation", "legacy", "acme/Foo-7B", payload) or {}
    assert (found["parameters"], found["nsfw"], found["tags"]) == (7, True, [])
    assert (found["text_model_group"], found["name_schema_exception"]) == ("Foo", "old")


@pytest.mark.parametrize(
    ("category", "form", "payload"),
    [
        ("image_generation", "legacy", {"name": "x", "baseline": "nope"}),
        ("image_generation", "v2", {"name": "x", "baseline": "nope", "nsfw": False}),
        ("text_generation", "legacy", {"name": "x", "parameters": "many"}),
    ],
)
def test_a_payload_that_does_not_convert_is_not_in_the_beta_view(
    category: str, form: Any, payload: Record
) -> None:
    assert v2_view(category, form, "x", payload) is None
