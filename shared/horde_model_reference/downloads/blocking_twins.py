"""Functions that wait for what their asynchronous twins do."""

from collections.abc import Callable, Coroutine
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar

from horde_model_reference.no_fork import no_fork

Given = ParamSpec("Given")
T = TypeVar("T")


def blocking(name: str, twin: Callable[Given, Coroutine[Any, Any, T]]) -> Callable[Given, T]:
    """Return the function of that name, with the signature of its twin."""

    @wraps(twin)
    def wait(*args: Given.args, **kwargs: Given.kwargs) -> T:
        # at its first use, for it begins with the thread of the replica
        with no_fork:
            from horde_model_reference.downloads.blocking_calls import run_blocking  # noqa: PLC0415

        return run_blocking(partial(twin, *args, **kwargs))

    wait.__name__ = wait.__qualname__ = name
    return wait
