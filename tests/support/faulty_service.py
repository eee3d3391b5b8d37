"""A write-queue that dies, or loses an answer, at a chosen operation on its object store.

`python -m support.faulty_service` is `horde-reference write-queue`, except: as soon as a file named by
FAULT_PLAN appears, it is taken away and read as JSON `{"at": n, "moment": "before" | "after", "kind":
"crash" | "lose"}`, and the n-th operation from then on fails so, once. `crash` ends the process as SIGKILL
does; `lose` lets the service see an error, before or after the store did its work.
"""

import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NoReturn

from service_kit.errors import StoreUnavailable
from service_kit.logging_setup import configure_logging
from service_kit.object_store import ObjectStore
from service_kit.runner import run_application
from service_kit.settings import load_settings
from service_kit.telemetry import Telemetry
from support.faulty_store import FaultyStore
from write_queue.app import SERVICE, create_app, store_from_settings
from write_queue.settings import WriteQueueSettings

PLAN = "FAULT_PLAN"


class ArmedStore(FaultyStore):
    """Fails at an operation counted from the moment at which the plan appeared."""

    def __init__(self, inner: ObjectStore, plan: Path) -> None:
        super().__init__(inner)
        self._plan = plan

    def begin(self) -> None:
        if self._plan.exists():  # written whole by a rename
            plan = json.loads(self._plan.read_text())
            self._plan.unlink()
            self.at, self.moment, self.operations = plan["at"], plan["moment"], 0
            self.crash = plan["kind"] == "crash"
        super().begin()

    def fail(self) -> NoReturn:
        if self.crash:
            os.kill(os.getpid(), signal.SIGKILL)
        self._plan.with_suffix(".fired").touch()
        raise StoreUnavailable("made to fail")


def main() -> int:
    settings = load_settings(WriteQueueSettings)
    configure_logging(SERVICE, settings.log_level)
    plan = Path(os.environ[PLAN])

    @contextlib.asynccontextmanager
    async def opener(given: WriteQueueSettings, telemetry: Telemetry) -> AsyncIterator[ObjectStore]:
        async with store_from_settings(given, telemetry) as store:
            yield ArmedStore(store, plan)

    def unusable(error: Exception) -> None:
        sys.stderr.write(f"{error}\n")
        signal.raise_signal(signal.SIGTERM)

    return run_application(create_app(settings, store_opener=opener, on_unusable=unusable), settings)


if __name__ == "__main__":
    sys.exit(main())
