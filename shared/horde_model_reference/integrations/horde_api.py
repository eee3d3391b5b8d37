"""The public API of the AI-Horde, as far as the library asks it (aihorde-api.md section 3)."""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from horde_model_reference.background_requests import RequestFailed, RequestRules, background_loop, get_json
from horde_model_reference.http_retry import CircuitBreaker
from horde_model_reference.kept_answers import Kept, KeptAnswers

log = logging.getLogger(__name__)

CLIENT_AGENT: Final = "horde_model_reference:7:unknown"


class HordeApi:
    """Answers of GET requests without a key. They are kept, and served after their time while none is newer.

    May be used from any loop.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout_seconds: float = 30.0,
        cache_ttl_seconds: float = 60.0,
        backoff_seconds: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._rules = RequestRules(timeout_seconds, backoff_seconds=backoff_seconds)
        self._cache_ttl_seconds = cache_ttl_seconds
        self._circuit = CircuitBreaker(clock=clock)
        self._answers = KeptAnswers[Any](self._fetch, clock=clock)

    async def get(self, path: str) -> Any:  # noqa: ANN401 - JSON of others
        """Return the JSON of a path below the address, such as `v2/status/models?type=image`.

        Raises `RequestFailed` when there is no answer, new or old.
        """
        kept = self._answers.fresh(path)
        if kept is not None:
            return kept.value
        return await background_loop().call(lambda: self._answers.get(path))

    async def _fetch(self, path: str, last: Kept[Any] | None) -> tuple[Any, float]:
        try:
            return await self._ask(path), self._cache_ttl_seconds
        except RequestFailed as error:
            if last is None:
                raise
            log.warning("an old answer of the AI-Horde is used: %s", error)
            return last.value, self._cache_ttl_seconds

    async def _ask(self, path: str) -> Any:  # noqa: ANN401 - JSON of others
        if not self._circuit.allows():
            raise RequestFailed("the AI-Horde failed often and is left alone for a while")
        try:
            value = await get_json(f"{self._base_url}/{path}", {"Client-Agent": CLIENT_AGENT}, self._rules)
        except RequestFailed:
            self._circuit.record_failure()
            raise
        self._circuit.record_success()
        return value
