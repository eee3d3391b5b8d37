"""The records of a category, taken apart once for each of their versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from registry.catalogue import CategoryBlobs
from registry.content import CategoryContent
from service_kit.errors import ServiceError
from service_kit.slices import Steps
from stats.domain.category_statistics import category_statistics_steps
from stats.domain.record_facts import Records
from stats.domain.risk_rules import is_text
from stats.domain.text_group_names import family_name_steps

Aliases = Mapping[str, tuple[str, ...]]


class RecordsUnreadable(ServiceError):
    """A stored document is not a JSON object."""

    status = 500


@dataclass(frozen=True, slots=True)
class CategorySource:
    """A category without any live figures. Equal `blobs` and `aliases` mean equal sources.

    `families` holds the family of each text model, and nothing for other categories. Both statistics lack
    the time that they are told for.
    """

    category: str
    blobs: CategoryBlobs
    aliases: Aliases
    records: Records
    families: Mapping[str, str]
    statistics: Mapping[str, Any]
    grouped_statistics: Mapping[str, Any]

    def is_made_of(self, content: CategoryContent, aliases: Aliases) -> bool:
        """Whether making it again would make no difference."""
        return self.blobs == content.blobs and (self.aliases == aliases or not is_text(self.category))


def source_steps(content: CategoryContent, aliases: Aliases) -> Steps[CategorySource]:
    """Take a category apart. `aliases` are those of the groups of text models. Raises `RecordsUnreadable`."""
    category, records = content.category, _records(content)
    yield
    statistics = yield from category_statistics_steps(category, records, computed_at=0)
    families: Mapping[str, str] = {}
    grouped = statistics
    if is_text(category):
        families = yield from family_name_steps(records, aliases)
        grouped = yield from category_statistics_steps(category, records, computed_at=0, families=families)
    return CategorySource(category, content.blobs, aliases, records, families, statistics, grouped)


def _records(content: CategoryContent) -> dict[str, dict[str, Any]]:
    try:
        document = orjson.loads(content.v2)
    except orjson.JSONDecodeError as error:
        raise RecordsUnreadable(f"the records of '{content.category}' cannot be read") from error
    if not isinstance(document, dict):
        raise RecordsUnreadable(f"the records of '{content.category}' are no object")
    return {name: record for name, record in document.items() if isinstance(record, dict)}
