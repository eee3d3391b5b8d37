import gzip
import hashlib

import brotli  # type: ignore[import-untyped] # it ships without types
import pytest

from service_kit.coding import Coding, Effort
from service_kit.documents import Document, compressed_document, plain_document

LARGE = b'{"a":"' + b"long " * 1000 + b'"}'


def a_large_document(effort: Effort = Effort.FAST) -> Document:
    return compressed_document(plain_document(LARGE), effort)


def test_a_large_document_has_a_form_for_each_coding() -> None:
    document = a_large_document()

    assert document.form_for(None).body == LARGE
    assert gzip.decompress(document.form_for("gzip").body) == LARGE
    assert brotli.decompress(document.form_for("br").body) == LARGE


def test_a_small_document_is_never_compressed() -> None:
    document = compressed_document(plain_document(b"{}"), Effort.FAST)

    form = document.form_for("gzip, br")

    assert form.body == b"{}"
    assert "Content-Encoding" not in form.headers


def test_every_form_has_its_own_strong_validator_and_names_its_coding() -> None:
    forms = [
        document.form_for(coding)
        for document in (a_large_document(Effort.FAST), a_large_document(Effort.BEST))
        for coding in ("identity", "gzip", "br")
    ]

    tags = {form.headers["ETag"] for form in forms}
    assert len(tags) == 5  # identity is the same at either effort
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)
    assert [form.headers.get("Content-Encoding") for form in forms] == [None, "gzip", "br"] * 2
    assert all(form.headers["Vary"] == "Accept-Encoding, Origin" for form in forms)


def test_documents_of_equal_bytes_have_equal_validators() -> None:
    known_digest = hashlib.sha256(LARGE).hexdigest()

    assert plain_document(LARGE).digest == plain_document(LARGE, digest=known_digest).digest
    assert plain_document(LARGE).digest != plain_document(LARGE + b" ").digest


@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
def test_a_client_with_any_form_of_this_content_gets_304_with_its_own_validator(coding: str) -> None:
    tag = a_large_document(Effort.FAST).form_for(coding).headers["ETag"]

    head = a_large_document(Effort.BEST).unchanged_for(tag, coding)

    assert head is not None
    assert head.headers["ETag"] == tag
    assert "Content-Encoding" not in head.headers


def test_a_plain_document_knows_the_validators_it_will_have_once_compressed() -> None:
    tag = a_large_document(Effort.BEST).forms[Coding.BROTLI].headers["ETag"]

    assert plain_document(LARGE).unchanged_for(tag, "br") is not None


@pytest.mark.parametrize("pattern", ["{tag}", "W/{tag}", '"other", {tag}', '{tag} , "other"', "*"])
def test_if_none_match_is_a_list_compared_weakly(pattern: str) -> None:
    document = a_large_document()
    tag = document.form_for("gzip").headers["ETag"]

    head = document.unchanged_for(pattern.format(tag=tag), "gzip")

    assert head is not None
    assert head.headers["ETag"] == tag


@pytest.mark.parametrize(
    ("has", "takes", "confirmed"),
    [
        ("identity", None, True),
        ("identity", "gzip", True),
        ("gzip", "gzip, br", True),
        ("gzip", None, False),
        ("gzip", "br", False),
        ("gzip", "gzip;q=0", False),
        ("br", "identity", False),
    ],
)
def test_a_form_that_the_client_does_not_take_is_not_confirmed(
    has: str, takes: str | None, *, confirmed: bool
) -> None:
    document = a_large_document()
    tag = document.form_for(has).headers["ETag"]

    assert (document.unchanged_for(tag, takes) is not None) == confirmed
    assert (document.unchanged_for(f'"other", {tag}', takes) is not None) == confirmed


def test_of_several_forms_the_one_that_the_client_takes_is_confirmed() -> None:
    document = a_large_document()
    tags = [document.form_for(coding).headers["ETag"] for coding in ("br", "gzip", "identity")]

    head = document.unchanged_for(", ".join(tags), None)

    assert head is not None
    assert head.headers["ETag"] == tags[-1]


@pytest.mark.parametrize("header", ["", '"other"', "other", ",", "W/", '"*"'])
def test_other_validators_do_not_match(header: str) -> None:
    assert a_large_document().unchanged_for(header, None) is None


def test_content_type_is_what_was_given() -> None:
    assert plain_document(b"x", content_type="text/css").form_for(None).headers["Content-Type"] == "text/css"
    assert Coding.IDENTITY in plain_document(b"x").forms
