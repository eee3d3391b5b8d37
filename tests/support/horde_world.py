"""What the fake AI-Horde would answer, without a server."""

import importlib.util
import sys
from functools import cache
from typing import Any

from support.reference_data import SHARED


class HordeWorld:
    """The data of a seed, as the bodies of answers."""

    def __init__(self, seed: str = "horde") -> None:
        self._world = _fake().HordeWorld(data_dir=SHARED / "data", seed=seed)

    @property
    def models(self) -> dict[str, list[str]]:
        """The names of the reference models by kind, image or text."""
        return {"image": self._world.image_names, "text": self._world.text_names}

    def status(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self._world.model_status() if line["type"] == kind]

    def usage(self, kind: str, state: str = "all") -> dict[str, dict[str, int]]:
        usage: dict[str, dict[str, int]] = self._world.model_stats(kind, state)
        return usage

    def workers(self, kind: str) -> list[dict[str, Any]]:
        workers = self._world.workers.values()
        return [self._world.public_worker(worker) for worker in workers if worker["type"] == kind]


@cache
def _fake() -> Any:
    spec = importlib.util.spec_from_file_location("fake_aihorde", SHARED / "fakes" / "fake_aihorde.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(spec.name, module)  # its dataclasses look for their module there
    spec.loader.exec_module(module)
    return module
