"""Measures the calls to a neighbour."""

import contextlib
import time
from collections.abc import Iterator

from prometheus_client import Histogram

from service_kit.errors import ServiceError


@contextlib.contextmanager
def measured(
    calls: Histogram | None, operation: str, failure: type[Exception] = ServiceError
) -> Iterator[None]:
    """Observe the seconds of the block, labelled with `operation` and how it ended: `ok`, or the error.

    `failure` is the kind of errors that the neighbour is known to cause.
    """
    if calls is None:
        yield
        return
    started = time.perf_counter()
    outcome = "interrupted"  # by a cancellation, or by a bug
    try:
        yield
        outcome = "ok"
    except failure as error:
        outcome = type(error).__name__
        raise
    finally:
        calls.labels(operation, outcome).observe(time.perf_counter() - started)
