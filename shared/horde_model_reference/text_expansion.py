"""The three entries that v1 and db.json hold for each text model.

The rules are in data-model.md section 7 and sync.md section 6.2.
"""

from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring_ascii  # the C function behind json.dumps
from typing import Any, Final

from horde_model_reference.documents import Record
from horde_model_reference.text_names import default_display_name, model_name_of
from horde_model_reference.text_parameters import size_tag

DEFAULTS: Final[Mapping[str, Any]] = {
    "baseline": "",
    "parameters": None,
    "description": "",
    "version": "1",
    "style": "generalist",
    "nsfw": False,
}
OPTIONAL_FIELDS: Final = ("display_name", "url", "tags", "instruct_format", "settings")
ENTRY_FIELDS: Final = ("name", "model_name", *DEFAULTS, *OPTIONAL_FIELDS)
"""The members of an entry in their order."""


def entry_names(name: str) -> tuple[str, ...]:
    """Return the keys of a model's entries; a name that holds a URL scheme has none."""
    if "://" in name:
        return ()
    return (name, f"aphrodite/{name}", f"koboldcpp/{model_name_of(name)}")


def expanded_tags(record: Record, tags: Iterable[str]) -> list[str]:
    """Return the tags together with the record's explicit style and its size tag, sorted by code point."""
    return sorted({*tags, *derived_tags(record)})


def derived_tags(record: Record) -> set[str]:
    """Return the tags that the expansion adds on its own: the explicit style and the size."""
    size, style = size_tag(record["parameters"]), record.get("style")
    return {size, style} if style else {size}


def expanded_fields(name: str, record: Record) -> Record:
    """Return what the entries of a v2 record have in common: everything but `name`.

    Values of the record replace the defaults in place; members without a default are there only when they
    have a value.
    """
    fields = {"model_name": model_name_of(name), **DEFAULTS}
    fields.update({key: record[key] for key in DEFAULTS if record.get(key)})
    optional = {
        "display_name": record.get("display_name") or default_display_name(name),
        "url": record.get("url"),
        "tags": expanded_tags(record, record.get("tags") or ()),
        "instruct_format": record.get("instruct_format"),
        "settings": record.get("settings"),
    }
    fields.update({key: value for key, value in optional.items() if value})
    return fields


def expand_records(records: Mapping[str, Record]) -> dict[str, Record]:
    """Expand v2 records into the entries of db.json.

    Where two publishers share a model name, the later model fills the koboldcpp entry, at the place of the
    first.
    """
    entries: dict[str, Record] = {}
    for name, record in records.items():
        fields = expanded_fields(name, record)
        for key in entry_names(name):
            entries[key] = {"name": key, **fields}
    return entries


def render_db_json(records: Mapping[str, Record]) -> bytes:
    """Render the expansion of v2 records as db.json: indent 4, non-ASCII escaped, final newline."""
    return join_bodies({name: render_body(name, record) for name, record in records.items()})


def render_body(name: str, record: Record) -> str:
    """Render what the entries of a record have in common, to be given to `join_bodies`."""
    return _render_members(expanded_fields(name, record), "        ")


def join_bodies(bodies: Mapping[str, str]) -> bytes:
    """Render db.json from the bodies of all models."""
    texts: dict[str, str] = {}
    for name, body in bodies.items():
        for key in entry_names(name):
            word = encode_basestring_ascii(key)
            texts[key] = f'    {word}: {{\n        "name": {word},\n{body}\n    }}'
    return _render_document(texts.values())


def render_entries(entries: Mapping[str, Record]) -> bytes:
    """Render entries as they are, in the form of `render_db_json`."""
    return _render_document(
        f"    {encode_basestring_ascii(key)}: {_render(entry, '    ')}" for key, entry in entries.items()
    )


def _render_document(texts: Iterable[str]) -> bytes:
    body = ",\n".join(texts)
    return f"{{\n{body}\n}}\n".encode() if body else b"{}\n"


def _render_members(members: Mapping[str, Any], indent: str) -> str:
    return ",\n".join(
        f"{indent}{encode_basestring_ascii(key)}: {_render(value, indent)}" for key, value in members.items()
    )


def _render(value: object, indent: str) -> str:  # noqa: PLR0911 - one return for each kind of JSON value
    """Render as json.dumps(indent=4) does, several times faster: to indent, that one leaves its C encoder."""
    match value:
        case str():
            return encode_basestring_ascii(value)
        case True:
            return "true"
        case False:
            return "false"
        case None:
            return "null"
        case int() | float():
            return repr(value)
        case dict():
            return f"{{\n{_render_members(value, indent + '    ')}\n{indent}}}" if value else "{}"
        case list() | tuple():
            inner = indent + "    "
            items = ",\n".join(inner + _render(item, inner) for item in value)
            return f"[\n{items}\n{indent}]" if value else "[]"
        case _:
            raise TypeError(f"not a JSON value: {value!r}")
