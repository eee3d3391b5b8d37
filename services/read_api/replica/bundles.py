"""The bundle of a PRIMARY, taken apart into the very bytes of its documents."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from horde_model_reference.replica.errors import SourceUnusable
from read_api.domain.categories import CATEGORIES, has_legacy_form
from read_api.domain.json_scanner import JsonScanner
from read_api.domain.metadata import VERSIONS
from read_api.replica.copies import category_content, in_order
from registry.catalogue import CategoryMetadata, NameSchema, SideData
from registry.content import CatalogueContent, CategoryContent
from service_kit.slices import Steps

SomeModel = TypeVar("SomeModel", bound=BaseModel)


@dataclass(slots=True)
class _Parts:
    plain: dict[str, Any]
    v2: dict[str, bytes]
    v1: dict[str, str]


def bundle_steps(body: bytes) -> Steps[CatalogueContent]:
    """Make the content of a bundle with v1 documents.

    Members that are not known are left out. Raises `SourceUnusable`.
    """
    parts = _Parts({}, {}, {})
    try:
        yield from _read(JsonScanner(body.decode()), parts)
        revision, sequence = _number(parts.plain, "revision"), _number(parts.plain, "sequence")
        committed_at = datetime.fromisoformat(parts.plain["committed_at"])
        side_data = _side_data(parts.plain)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceUnusable(f"the bundle cannot be read: {type(error).__name__}: {error}") from error
    categories: dict[str, CategoryContent] = {}
    for name, v2 in parts.v2.items():
        legacy = parts.v1.get(name) if has_legacy_form(name) else None
        categories[name] = category_content(name, v2, None if legacy is None else legacy.encode())
        yield
    return CatalogueContent(
        revision=revision,
        sequence=sequence,
        committed_at=committed_at,
        categories=in_order(categories),
        side_data=side_data,
    )


def _read(scanner: JsonScanner, parts: _Parts) -> Steps[None]:
    for key in scanner.members():
        if key == "v2":
            yield from _read_v2(scanner, parts.v2)
        elif key == "v1":
            for name in scanner.members():
                parts.v1[name] = scanner.text_value()
                yield
        else:
            parts.plain[key] = scanner.value()
            yield
    scanner.expect_end()


def _read_v2(scanner: JsonScanner, documents: dict[str, bytes]) -> Steps[None]:
    for name in scanner.members():
        start = scanner.position
        for _ in scanner.members():
            scanner.object_value()
            yield
        if name in CATEGORIES:
            documents[name] = scanner.text[start : scanner.position].encode()


def _number(plain: Mapping[str, Any], key: str) -> int:
    value = plain[key]
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{key} is {value!r}: there is no catalogue yet")
    return value


def _side_data(plain: Mapping[str, Any]) -> SideData:
    given = plain.get("side_data", {})
    schemas = {name: _known(NameSchema, value) for name, value in given.get("name_schemas", {}).items()}
    side_data = {
        "aliases": given.get("aliases", {}),
        "families": given.get("families", {}),
        "name_schemas": {name: schema for name, schema in schemas.items() if schema is not None},
        "metadata": {version: dict(_metadata(plain, version)) for version in VERSIONS},
    }
    try:
        return SideData.model_validate(side_data)
    except ValidationError:  # a newer PRIMARY may say otherwise what only the pages of groups need
        return SideData()


def _metadata(plain: Mapping[str, Any], version: str) -> Iterator[tuple[str, CategoryMetadata]]:
    for name, value in plain.get("metadata", {}).get(version, {}).items():
        one = _known(CategoryMetadata, value)
        if one is not None:
            yield name, one


def _known(model: type[SomeModel], value: Mapping[str, Any]) -> SomeModel | None:
    """Return the value without members that are not known; None if it is not one at all."""
    try:
        return model.model_validate({key: value[key] for key in model.model_fields if key in value})
    except ValidationError:
        return None
