"""The legacy text document with the groups of its entries (http-read-api.md section 3.2)."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from horde_model_reference.text_group_views import GroupSummary, summarise_group
from horde_model_reference.text_names import established_group_of
from read_api.domain.records import iterate_records
from service_kit.coding import Effort
from service_kit.documents import Document, compressed_steps, plain_document
from service_kit.slices import Steps

SUMMARISED_FIELDS: Final = ("baseline", "nsfw", "description", "tags")

Entries = dict[str, dict[str, Any]]


def legacy_with_groups_steps(legacy: bytes) -> Steps[Document]:
    """Add to every entry the name of its group and the summary of that group.

    One line, blanks after separators, non-ASCII escaped. Raises `DocumentUnreadable`.
    """
    summaries: dict[str, dict[str, Any]] = {}
    groups = yield from _group_steps(legacy)
    for group, entries in groups.items():
        summaries[group] = _summary_value(summarise_group(entries))
        yield
    parts: list[str] = []
    for entry in iterate_records(legacy):
        group = established_group_of(entry.key)
        added = {"text_model_group": group, "text_model_group_summary": summaries[group]}
        parts.append(f"{json.dumps(entry.key)}: {json.dumps({**entry.values, **added})}")
        yield
    document = yield from compressed_steps(plain_document(_object(parts)), Effort.FAST)
    return document


def _group_steps(legacy: bytes) -> Steps[dict[str, Entries]]:
    """Sort the entries into groups; of each only what a summary looks at is kept."""
    groups: dict[str, Entries] = {}
    for entry in iterate_records(legacy):
        seen = {field: entry.values.get(field) for field in SUMMARISED_FIELDS}
        groups.setdefault(established_group_of(entry.key), {})[entry.key] = seen
        yield
    return groups


def _object(parts: Iterable[str]) -> bytes:
    return ("{" + ", ".join(parts) + "}").encode("ascii")


def _summary_value(summary: GroupSummary) -> dict[str, Any]:
    value = asdict(summary)
    value["name_format"].pop("extra_parts")  # this summary speaks of parts only
    return value
