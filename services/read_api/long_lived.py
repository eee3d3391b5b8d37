"""What lives as long as the process."""

import gc

from read_api.holder import PageHolder


async def spare_the_collector(holder: PageHolder) -> None:
    """Take what a started process consists of out of garbage collection.

    A full collection over all of it stops every thread for some 40 ms (measured), and building pages makes
    enough objects to set one off.
    """
    await holder.loaded()
    gc.freeze()
