"""What the endpoints that write have in common: they need a key, and are refused for the same reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypedDict, Unpack

from pydantic import BaseModel

from service_kit.endpoints import Endpoint, Handler
from service_kit.parameters import Parameters
from write_queue.parameters import ANY_NAME, CANONICAL, FAMILY, MODEL_NAME
from write_queue.refusals import WRITES

FREE_NAMES: Final = (CANONICAL, FAMILY, MODEL_NAME)


class Details(TypedDict, total=False):
    """Fields of an endpoint that not every one has."""

    body: type[BaseModel]
    query: type[Parameters]
    patterns: Mapping[str, str]
    description: str
    in_schema: bool


@dataclass(frozen=True, slots=True)
class Writing:
    """Makes endpoints that write. Names in their paths may hold slashes, unless `patterns` are given."""

    tag: str
    refusals: Mapping[int, Any] = field(default_factory=lambda: WRITES)

    def endpoint(
        self,
        method: str,
        path: str,
        handler: Handler,
        summary: str,
        answers: Mapping[int, Any],
        **details: Unpack[Details],
    ) -> Endpoint:
        """Return an endpoint that answers with one of these, or refuses."""
        details.setdefault("patterns", {name: ANY_NAME for name in FREE_NAMES if f"{{{name}}}" in path})
        return Endpoint(
            path,
            handler,
            summary,
            self.tag,
            {**answers, **self.refusals},
            method=method,
            needs_key=True,
            **details,
        )
