"""Keeps a state that has grown large out of garbage collection."""

import gc

from registry.checkpoints import INTERVAL


def spare_the_collector(before: int, after: int) -> None:
    """Let the collector pass over everything that exists, when a state grew by many entries since last time.

    `before` and `after` are sequences. A full collection stops every thread, for 0.1 s and more where the
    state holds 10,000 changes (measured). What is passed over is still freed once nobody refers to it.
    """
    if before // INTERVAL != after // INTERVAL:
        gc.freeze()
