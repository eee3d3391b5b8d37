"""Search over the records (http-read-api.md section 6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from read_api.domain.ranks import Ranks
from read_api.domain.search_table import TAGS, SearchTable
from service_kit.errors import RequestRefused

TEXT_GENERATION: Final = "text_generation"
BACKENDS: Final = ("aphrodite", "koboldcpp")
SOURCES: Final = ("horde", "any")

Rows = Sequence[int]


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """All conditions must hold. None and empty mean no condition."""

    nsfw: bool | None = None
    baseline: str | None = None
    inpainting: bool | None = None
    tags_any: tuple[str, ...] = ()
    tags_all: tuple[str, ...] = ()
    tags_none: tuple[str, ...] = ()
    name_contains: str | None = None
    backend: str | None = None
    exclude_backend_variations: bool = False
    quantized: bool | None = None
    source: str = "horde"
    sort_by: str | None = None
    sort_desc: bool = False
    limit: int = 50
    offset: int = 0


def check(query: SearchQuery, table: SearchTable) -> None:
    """Raise `RequestRefused` for a condition that the records of the table cannot have."""
    asked = {
        "nsfw": query.nsfw is not None,
        "baseline": query.baseline is not None,
        "inpainting": query.inpainting is not None,
        TAGS: bool(query.tags_any or query.tags_all or query.tags_none),
    }
    for name, is_asked in asked.items():
        if is_asked and table.category is not None and name not in table.fields:
            raise RequestRefused(f"records of '{table.category}' have no field '{name}'")
    if query.source not in SOURCES:
        raise RequestRefused(f"unknown source '{query.source}': one of {', '.join(SOURCES)}")
    if table.category == TEXT_GENERATION and query.backend not in (None, *BACKENDS):
        raise RequestRefused(f"unknown backend '{query.backend}': one of {', '.join(BACKENDS)}")
    if query.sort_by is not None and query.sort_by not in table.fields:
        where = f"records of '{table.category}' have" if table.category else "all records have"
        raise RequestRefused(
            f"cannot sort by '{query.sort_by}': {where} {', '.join(sorted(table.fields.keys))}"
        )


def search(table: SearchTable, query: SearchQuery, ranks: Mapping[str, Ranks]) -> bytes:
    """Return the JSON answer to a checked query. `ranks` must hold the field of `sort_by` if there is one.

    Raises `RequestRefused` if the values to sort by cannot be compared.
    """
    rows = _matching(table, query)
    if query.sort_by is not None:
        rows = _sorted(rows, query.sort_by, ranks[query.sort_by], descending=query.sort_desc)
    end = query.offset + query.limit
    bodies, tails = table.bodies, table.tails
    page = [bodies[row][:-1] + tails[row] if tails[row] else bodies[row] for row in rows[query.offset : end]]
    return b'{"results":[%b],"total":%d,"offset":%d,"limit":%d,"has_more":%b}' % (
        b",".join(page),
        len(rows),
        query.offset,
        query.limit,
        b"true" if end < len(rows) else b"false",
    )


def _sorted(rows: Rows, name: str, ranks: Ranks, *, descending: bool) -> Rows:
    if not ranks.can_order(rows):
        raise RequestRefused(f"cannot sort by '{name}': its values cannot be compared")
    return sorted(rows, key=ranks.of_row.__getitem__, reverse=descending)  # stable in both directions


def _matching(table: SearchTable, query: SearchQuery) -> Rows:
    rows: Rows = range(len(table))
    if query.tags_any or query.tags_all or query.tags_none:
        rows = _by_tags(rows, table.tag_rows, query)
    for column, wanted in (
        (table.nsfw, query.nsfw),
        (table.inpainting, query.inpainting),
        (table.baselines, query.baseline),
    ):
        if wanted is not None:
            rows = [row for row in rows if column[row] == wanted]
    if query.name_contains:
        needle, names = query.name_contains.lower(), table.folded_names
        rows = [row for row in rows if needle in names[row]]
    return _by_text_name(rows, table, query) if table.category == TEXT_GENERATION else rows


def _by_tags(rows: Rows, tag_rows: Mapping[str, Sequence[int]], query: SearchQuery) -> Rows:
    if query.tags_any:
        found = set().union(*(tag_rows.get(tag, ()) for tag in query.tags_any))
        rows = [row for row in rows if row in found]
    for tag in query.tags_all:
        found = set(tag_rows.get(tag, ()))
        rows = [row for row in rows if row in found]
    if query.tags_none:
        found = set().union(*(tag_rows.get(tag, ()) for tag in query.tags_none))
        rows = [row for row in rows if row not in found]
    return rows


def _by_text_name(rows: Rows, table: SearchTable, query: SearchQuery) -> Rows:
    names = table.names
    if query.backend is not None:
        rows = [row for row in rows if names[row].startswith(f"{query.backend}/")]
    if query.exclude_backend_variations:
        prefixes = tuple(f"{backend}/" for backend in BACKENDS)
        rows = [row for row in rows if not names[row].startswith(prefixes)]
    if query.quantized is not None:
        rows = [row for row in rows if table.quantized[row] is query.quantized]
    return rows
