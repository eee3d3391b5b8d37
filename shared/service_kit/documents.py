"""What a GET answers: finished bytes in several codings, each with its validator and headers."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import orjson

from service_kit.coding import (
    COMPRESSED,
    MIN_COMPRESSED_BYTES,
    Coding,
    Effort,
    compress_steps,
    preferred_codings,
)
from service_kit.ready_head import ReadyHead
from service_kit.slices import Steps, run_now

JSON: Final = "application/json"
CACHE_CONTROL: Final = "no-cache, stale-if-error=86400"  # revalidate; for a day better old than an error
IMMUTABLE: Final = "public, max-age=31536000, immutable"  # of a revision that is named, nothing ever changes
VARY: Final = "Accept-Encoding"


@dataclass(frozen=True, slots=True)
class Form:
    """One representation: the bytes, and the head of the 200 that carries them."""

    body: bytes
    head: ReadyHead

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers that are the same for every request."""
        return self.head.headers


@dataclass(frozen=True, slots=True)
class NotModified:
    """The head of the 304 that confirms the form of one validator, and that form's coding."""

    head: ReadyHead
    coding: Coding


@dataclass(frozen=True, slots=True)
class Document:
    """One resource. `digest` identifies the identity bytes, whatever coding they travel in."""

    digest: str
    content_type: str
    forms: Mapping[Coding, Form]
    effort: Effort | None
    not_modified: Mapping[str, NotModified]
    """The 304 for each validator that this document has had or will have in any coding."""
    cache_control: str = CACHE_CONTROL

    @property
    def identity(self) -> bytes:
        """The bytes without a content coding."""
        return self.forms[Coding.IDENTITY].body

    def form_for(self, accept_encoding: str | None) -> Form:
        """Return the best form that the client takes."""
        forms = self.forms
        for coding in preferred_codings(accept_encoding):
            form = forms.get(coding)
            if form is not None:
                return form
        return forms[Coding.IDENTITY]

    def unchanged_for(self, if_none_match: str, accept_encoding: str | None) -> ReadyHead | None:
        """Return the head of the 304 if the client has this content (RFC 9110 section 13.1.2).

        What it has counts only in a coding that this request takes: a shared cache names all forms that it
        holds, and would hand out the one that the 304 names.
        """
        codings = preferred_codings(accept_encoding)
        known = self.not_modified.get(if_none_match)
        if known is not None:
            return known.head if known.coding in codings else None
        for tag in if_none_match.split(","):
            tag = tag.strip().removeprefix("W/")  # noqa: PLW2901 - the comparison is the weak one
            if tag == "*":
                tag = self.form_for(accept_encoding).headers["ETag"]  # noqa: PLW2901 - the one it would get
            known = self.not_modified.get(tag)
            if known is not None and known.coding in codings:
                return known.head
        return None


def etag(digest: str, coding: Coding, effort: Effort | None) -> str:
    """Return the strong validator of one form: other bytes, other validator."""
    return f'"{digest}"' if effort is None else f'"{digest}-{coding}-{effort}"'


def content_digest(body: bytes) -> str:
    """Return what a document made of these bytes is identified by."""
    return hashlib.sha256(body).hexdigest()[:32]


def plain_document(
    body: bytes,
    *,
    digest: str | None = None,
    content_type: str = JSON,
    cache_control: str = CACHE_CONTROL,
) -> Document:
    """Return a document without compressed forms. `digest`: the SHA-256 of the body where it is known."""
    digest = digest[:32] if digest else content_digest(body)
    tag = etag(digest, Coding.IDENTITY, None)
    headers = _headers(tag, Coding.IDENTITY, content_type, cache_control)
    form = Form(body, ReadyHead(200, headers, len(body)))
    codings = {tag: Coding.IDENTITY}
    if len(body) >= MIN_COMPRESSED_BYTES:
        codings |= {etag(digest, coding, effort): coding for coding in COMPRESSED for effort in Effort}
    return Document(
        digest=digest,
        content_type=content_type,
        forms={Coding.IDENTITY: form},
        effort=None,
        not_modified={
            tag: NotModified(ReadyHead(304, _headers(tag, Coding.IDENTITY, None, cache_control), 0), coding)
            for tag, coding in codings.items()
        },
        cache_control=cache_control,
    )


def json_document(value: object) -> Document:
    """Return a document of a JSON value: compact, non-ASCII unescaped, without compressed forms."""
    try:
        body = orjson.dumps(value)
    except TypeError:  # an integer of more than 64 bits
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return plain_document(body)


def compressed_document(document: Document, effort: Effort) -> Document:
    """Return the document with compressed forms of that effort; a small one as it is."""
    return run_now(compressed_steps(document, effort))


def compressed_steps(document: Document, effort: Effort) -> Steps[Document]:
    """Make the compressed forms of that effort one after the other; a small document stays as it is."""
    body = document.identity
    if len(body) < MIN_COMPRESSED_BYTES:
        return document
    packed: dict[Coding, bytes] = {}
    for coding in COMPRESSED:
        packed[coding] = yield from compress_steps(body, coding, effort)
    return with_forms(document, packed, effort)


def with_forms(document: Document, packed: Mapping[Coding, bytes], effort: Effort) -> Document:
    """Return the document with these compressed forms, which must be what that effort makes of its body."""
    forms = {Coding.IDENTITY: document.forms[Coding.IDENTITY]}
    for coding, body in packed.items():
        tag = etag(document.digest, coding, effort)
        headers = _headers(tag, coding, document.content_type, document.cache_control)
        forms[coding] = Form(body, ReadyHead(200, headers, len(body)))
    return replace(document, forms=forms, effort=effort)


def immutable(document: Document) -> Document:
    """Return the same document as one that will never change under its address."""
    plain = plain_document(
        document.identity,
        digest=document.digest,
        content_type=document.content_type,
        cache_control=IMMUTABLE,
    )
    if document.effort is None:
        return plain
    packed = {coding: document.forms[coding].body for coding in COMPRESSED}
    return with_forms(plain, packed, document.effort)


def _headers(tag: str, coding: Coding, content_type: str | None, cache_control: str) -> dict[str, str]:
    headers = {"ETag": tag}
    headers["Cache-Control"] = cache_control
    headers["Vary"] = VARY
    if content_type is not None:
        headers["Content-Type"] = content_type
    if coding is not Coding.IDENTITY:
        headers["Content-Encoding"] = coding.value
    return headers
