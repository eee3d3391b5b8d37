"""Errors of the services, each with the HTTP status it stands for."""

from typing import Any, ClassVar


class ServiceError(Exception):
    """Root of our errors. Its text is shown to clients: no paths, secrets or upstream bodies in it."""

    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False  # the same call may succeed later
    expected: ClassVar[bool] = False  # nothing is wrong here, whatever the status


class NotFound(ServiceError):
    """What was asked for does not exist."""

    status = 404


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
