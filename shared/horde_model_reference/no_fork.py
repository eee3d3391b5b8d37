"""A lock for what no fork of the process may cut in two.

Python locks a module while it is imported. A child that another thread forks meanwhile inherits the lock, but
not the thread that would open it: when it needs the module it waits for ever. So forks wait for imports.
"""

import concurrent.futures.thread  # noqa: F401 - see below
import os
import threading
from typing import Final

no_fork: Final = threading.RLock()
"""Held around every import inside a function, by whatever else is done once, and by every fork.

What is done inside must wait for nobody who could want it. An import of `asyncio` in a coroutine does
without: whoever awaits that has it already.
"""

if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    # concurrent.futures.thread has a lock that forks take, too: were it imported first while a fork waits
    # here, that fork would release what it has not taken.
    os.register_at_fork(
        before=no_fork.acquire, after_in_parent=no_fork.release, after_in_child=no_fork.release
    )
