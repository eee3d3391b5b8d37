"""The legacy text document with the groups of its entries (http-read-api.md section 3.2)."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from horde_model_reference.text_group_views import GroupSummary, summarise_group
from horde_model_reference.text_names import established_group_of
from read_api.domain.coding import Effort
from read_api.domain.documents import Document, compressed_document, plain_document
from read_api.domain.records import iterate_records
from read_api.slices import Steps

Entries = dict[str, dict[str, Any]]


def legacy_with_groups_steps(legacy: bytes) -> Steps[Document]:
    """Add to every entry the name of its group and the summary of that group.

    One line, blanks after separators, non-ASCII escaped. Raises `DocumentUnreadable`.
    """
    groups: dict[str, Entries] = {}
    order: list[tuple[str, str]] = []
    for entry in iterate_records(legacy):
        group = established_group_of(entry.key)
        groups.setdefault(group, {})[entry.key] = entry.values
        order.append((group, entry.key))
        yield
    summaries: dict[str, dict[str, Any]] = {}
    for group, entries in groups.items():
        summaries[group] = _summary_value(summarise_group(entries))
        yield
    parts: list[str] = []
    for group, key in order:
        added = {"text_model_group": group, "text_model_group_summary": summaries[group]}
        parts.append(f"{json.dumps(key)}: {json.dumps({**groups[group][key], **added})}")
        yield
    return compressed_document(plain_document(_object(parts)), Effort.FAST)


def _object(parts: Iterable[str]) -> bytes:
    return ("{" + ", ".join(parts) + "}").encode("ascii")


def _summary_value(summary: GroupSummary) -> dict[str, Any]:
    value = asdict(summary)
    value["name_format"].pop("extra_parts")  # this summary speaks of parts only
    return value
