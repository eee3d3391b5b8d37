"""From the body of a request to the payload of a change."""

import asyncio
from collections.abc import Callable
from typing import Any

from horde_model_reference.documents import Record
from horde_model_reference.proposals.problems import BackendPrefixRefused, ProposalInvalid
from service_kit.errors import RequestInvalid, RequestRefused

Normalise = Callable[[str, object], Record]


async def to_payload(normalise: Normalise, category: str, body: object) -> Record:
    """Return the record in the form that is queued. Raises `RequestInvalid`, `RequestRefused`."""
    try:
        return await asyncio.to_thread(normalise, category, body)
    except ProposalInvalid as error:
        raise RequestInvalid(error.details) from error
    except BackendPrefixRefused as error:
        raise RequestRefused(str(error)) from error


def require_same_name(name: str, body: Any) -> None:  # noqa: ANN401 - any JSON value
    """Raise `RequestRefused` for a record that says it is another one than the path names."""
    given = body.get("name", name) if isinstance(body, dict) else name
    if isinstance(given, str) and given != name:
        raise RequestRefused(f"the path is about '{name}', but the record is named '{given[:200]}'")
