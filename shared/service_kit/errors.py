"""Errors of the services, each with the HTTP status it stands for."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar


class ServiceError(Exception):
    """Root of our errors. Its text is shown to clients: no paths, secrets or upstream bodies in it."""

    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False  # the same call may succeed later
    expected: ClassVar[bool] = False  # nothing is wrong here, whatever the status
    headers: Mapping[str, str] = MappingProxyType({})  # for the answer that it becomes
    members: Mapping[str, Any] = MappingProxyType({})  # of the answer's JSON object, beside `detail`


class NotFound(ServiceError):
    """What was asked for does not exist."""

    status = 404


class Conflict(ServiceError):
    """The state of things does not allow it; `members` are added to the answer and tell that state."""

    status = 409

    def __init__(self, text: str, **members: Any) -> None:  # noqa: ANN401 - JSON
        super().__init__(text)
        self.members = members


class RequestRefused(ServiceError):
    """The request is well formed, but the endpoint's own rules refuse a value."""

    status = 400


class RequestInvalid(ServiceError):
    """Parameters or body fail validation.

    `details` holds one object per problem: type, loc, msg, input and, where there is one, ctx
    (http-read-api.md section 1).
    """

    status = 422

    def __init__(self, details: list[dict[str, Any]]) -> None:
        super().__init__("the request is not valid")
        self.details = details


class RequestBroken(ServiceError):
    """The request ends early, or breaks the rules of HTTP."""

    status = 400


class PackingUnknown(ServiceError):
    """The body is packed in a way that is not known here."""

    status = 415
    headers = MappingProxyType({"Accept-Encoding": "gzip, deflate"})


class RequestTooSlow(ServiceError):
    """The request did not arrive in the time that it is given."""

    status = 408


class TooManyRequests(ServiceError):
    """A limit of requests is used up; the answer says for how many seconds."""

    status = 429

    def __init__(self, retry_after_seconds: float) -> None:
        seconds = math.ceil(max(retry_after_seconds, 1))
        super().__init__(f"too many requests: try again in {seconds} s")
        self.headers = {"Retry-After": str(seconds)}


class KeyMissing(ServiceError):
    """The request carries no API key (http-write-api.md section 2)."""

    status = 401
    headers = MappingProxyType({"WWW-Authenticate": "APIKey"})

    def __init__(self) -> None:
        super().__init__("Not authenticated")


class KeyInvalid(ServiceError):
    """The API key belongs to nobody (http-write-api.md section 2)."""

    status = 401

    def __init__(self) -> None:
        super().__init__("Invalid API key")


class KeyServiceUnavailable(ServiceError):
    """Whom an API key belongs to cannot be found out at the moment; it says nothing about the key."""

    status, retryable = 503, True

    def __init__(self, text: str = "Auth service unavailable", *, retry_after_seconds: float = 5) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds
        self.headers = {"Retry-After": str(math.ceil(max(retry_after_seconds, 1)))}


class KeyServiceBusy(KeyServiceUnavailable):
    """The AI-Horde itself wants to be left alone for `retry_after_seconds`."""


class RoleMissing(ServiceError):
    """The user is known but has not the role that the request needs."""

    status = 403


class ValueNotKnown(ServiceError):
    """A value outside of the known set, answered as 422 with a plain text."""

    status = 422


class NotReady(ServiceError):
    """This instance has nothing to serve yet, or not yet what the request asks for."""

    status, retryable = 503, True


class ObjectMissing(ServiceError):
    """No object under the key."""

    status = 404


class ObjectExists(ServiceError):
    """The key is taken: another writer won the race."""

    status = 409


class StoreUnavailable(ServiceError):
    """The store did not answer, or refused for a reason that can pass."""

    status, retryable = 503, True


class StoreFull(StoreUnavailable):
    """The store has no room left."""

    status = 507


class StoreUnsafe(ServiceError):
    """The store ignores the condition of a conditional create; no journal may live in it."""
