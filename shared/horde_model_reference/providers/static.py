"""A provider of records that are given once (python-client.md section 8)."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from horde_model_reference.model_reference_records import GenericModelRecord
from horde_model_reference.providers.base import ModelProvider
from horde_model_reference.record_building import builder_for, named_by_key


class StaticModelProvider(ModelProvider):
    """Records by category and name. Every read gets a mapping of its own, of the same records."""

    def __init__(
        self,
        source_id: str,
        records: Mapping[str, Mapping[str, GenericModelRecord]],
        *,
        cache_ttl_seconds: int | None = None,
    ) -> None:
        self._source_id = source_id
        self._records = {str(category): dict(named) for category, named in records.items()}
        self._cache_ttl_seconds = cache_ttl_seconds
        self.validate_source_id()

    @classmethod
    def from_raw(
        cls,
        source_id: str,
        raw: Mapping[str, Mapping[str, Mapping[str, Any]]],
        *,
        cache_ttl_seconds: int | None = None,
    ) -> "StaticModelProvider":
        """Build the records from JSON, by category and name; a record without a name has that of its key.

        Raises `ValidationError` for the first record that its class does not take.
        """
        records = {category: _built(category, named) for category, named in raw.items()}
        return cls(source_id, records, cache_ttl_seconds=cache_ttl_seconds)

    @property
    def source_id(self) -> str:
        return self._source_id

    def provided_categories(self) -> AbstractSet[str]:
        return set(self._records)

    def fetch_category(
        self,
        category: str,
        *,
        force_refresh: bool = False,  # noqa: ARG002 - there is nothing to refresh
    ) -> dict[str, GenericModelRecord] | None:
        named = self._records.get(category)
        return None if named is None else dict(named)

    def cache_ttl_seconds(self) -> int | None:
        return self._cache_ttl_seconds


def _built(category: str, named: Mapping[str, Mapping[str, Any]]) -> dict[str, GenericModelRecord]:
    builder = builder_for(category, keep_unknown=False)
    return {name: builder.build(raw) for name, raw in named_by_key(named).items()}
