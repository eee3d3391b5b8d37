"""Single GET requests for JSON on the loop of the library, for what is read seldom.

The HTTP stack is imported by the first of them, for most programs never make one.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from horde_model_reference.lenient_json import UnusableJson, read_json
from horde_model_reference.no_fork import no_fork

if TYPE_CHECKING:
    from horde_model_reference.replica.loop_thread import LoopThread

HTTP_OK = 200


class RequestFailed(Exception):
    """There is no usable answer. The text can be logged: it holds no keys."""


class RequestRules(NamedTuple):
    """How long one attempt may take, how many there are, and the first pause between them."""

    timeout_seconds: float
    attempts: int = 3
    backoff_seconds: float = 1.0


def background_loop() -> "LoopThread":
    """Return the thread with the loop on which requests are made."""
    with no_fork:
        from horde_model_reference.replica.loop_thread import shared_loop_thread  # noqa: PLC0415

    return shared_loop_thread()


async def get_json(url: str, headers: Mapping[str, str], rules: RequestRules) -> Any:  # noqa: ANN401
    """Return the JSON of an answer with status 200; nothing stays open. Raises `RequestFailed`."""
    import asyncio  # noqa: PLC0415 - programs without a loop need not load it

    body = await _body(url, headers, rules)
    try:
        return await asyncio.to_thread(read_json, body)
    except UnusableJson as error:
        raise RequestFailed("the answer is not JSON") from error


async def _body(url: str, headers: Mapping[str, str], rules: RequestRules) -> bytes:
    with no_fork:
        from horde_model_reference.replica.errors import SourceFailed  # noqa: PLC0415
        from horde_model_reference.replica.fetching import Fetcher  # noqa: PLC0415

    fetcher = Fetcher(
        timeout_seconds=rules.timeout_seconds, attempts=rules.attempts, backoff_seconds=rules.backoff_seconds
    )
    try:
        answer = await fetcher.get(url, headers=headers)
    except SourceFailed as error:
        raise RequestFailed(str(error)) from error
    finally:
        await fetcher.close()
    if answer.status != HTTP_OK:
        raise RequestFailed(f"status {answer.status}")
    return answer.body
