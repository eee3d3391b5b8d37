"""The records that wait in the queue of a PRIMARY, as a provider (python-client.md section 8)."""

import asyncio
import logging
import math
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from horde_model_reference.background_requests import RequestFailed, RequestRules, background_loop, get_json
from horde_model_reference.kept_answers import Kept, KeptAnswers
from horde_model_reference.model_reference_records import GenericModelRecord
from horde_model_reference.providers.base import ModelProvider
from horde_model_reference.record_building import build_records, named_by_key
from horde_model_reference.source_consts import PENDING_SOURCE_ID

log = logging.getLogger(__name__)

FAILURE_SECONDS: Final = 5.0
"""So long is nobody asked again after a failure; shorter where answers are kept for a shorter time."""

Records = dict[str, GenericModelRecord]

_NOT_SERVED: Final[Kept[Records | None]] = Kept(None, math.inf)


class PendingModelProvider(ModelProvider):
    """Asks a PRIMARY, with the key of a person who may see them. Every failure gives None.

    Answers are kept for `cache_ttl_seconds`, and so are failures, but shortly. Who asks at the same time
    shares one request. The key is in no log line and not in `repr`.
    """

    def __init__(  # noqa: PLR0913 - given by the contract
        self,
        *,
        primary_api_url: str,
        apikey: str,
        categories: Iterable[str],
        cache_ttl_seconds: int = 60,
        timeout_seconds: float = 10.0,
        retry_max_attempts: int = 3,
        retry_backoff_seconds: float = 1.0,
    ) -> None:
        self._base_url = primary_api_url.rstrip("/")
        self._headers = {"apikey": apikey}
        self._categories = frozenset(categories)
        self._cache_ttl_seconds = cache_ttl_seconds
        self._rules = RequestRules(timeout_seconds, retry_max_attempts, retry_backoff_seconds)
        self._answers = KeptAnswers[Records | None](self._ask)

    def __repr__(self) -> str:
        return f"PendingModelProvider(categories={sorted(map(str, self._categories))!r})"

    @property
    def source_id(self) -> str:
        return PENDING_SOURCE_ID

    def provided_categories(self) -> AbstractSet[str]:
        return set(self._categories)

    def cache_ttl_seconds(self) -> int | None:
        return self._cache_ttl_seconds

    def fetch_category(self, category: str, *, force_refresh: bool = False) -> Records | None:
        kept = self._at_hand(category, force_refresh)
        if kept is not None:
            return _copy(kept.value)
        return _copy(background_loop().run(lambda: self._answers.get(category, force=force_refresh)))

    async def fetch_category_async(self, category: str, *, force_refresh: bool = False) -> Records | None:
        kept = self._at_hand(category, force_refresh)
        if kept is not None:
            return _copy(kept.value)
        return _copy(await background_loop().call(lambda: self._answers.get(category, force=force_refresh)))

    def _at_hand(self, category: str, force_refresh: bool) -> Kept[Records | None] | None:
        """Return the answer that takes no request, if there is one."""
        if category not in self._categories:
            return _NOT_SERVED
        return None if force_refresh else self._answers.fresh(category)

    async def _ask(self, category: str, _: Kept[Records | None] | None) -> tuple[Records | None, float]:
        url = f"{self._base_url}/model_references/v2/{category}/pending"
        try:
            value = await get_json(url, self._headers, self._rules)
            records = await asyncio.to_thread(_built, category, value)
        except RequestFailed as error:
            log.warning("the pending records of %s cannot be read: %s", category, error)
            return None, min(self._cache_ttl_seconds, FAILURE_SECONDS)
        return records, self._cache_ttl_seconds


def _built(category: str, value: object) -> Records:
    """Return the records that are good. Raises `RequestFailed` when the answer is not an object."""
    if not isinstance(value, Mapping):
        raise RequestFailed("the answer is not an object")
    return build_records(category, named_by_key(value)).records


def _copy(records: Records | None) -> Records | None:
    return None if records is None else dict(records)
