"""Waiting, for threads that have no event loop to go on with."""

import threading


def pause(seconds: float) -> None:
    """Let the calling thread wait."""
    threading.Event().wait(seconds)
