"""The product as a process that outlives a single test, with an AI-Horde beside it."""

import contextlib
import http.client
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from service_kit.settings import ENV_PREFIX
from support.hostile_horde import ROLES
from support.nodes import Node, free_ports
from support.processes import CONSOLE_SCRIPT
from support.reference_data import REPOSITORY
from support.serving import LOOPBACK
from support.some_horde import READER
from support.sources import SAMPLE


class HttpNode(Node):
    """A node that is ready when every one of some GETs has its status."""

    ready_when: Mapping[str, int] = {"/": 200}
    ready_key = ""

    def __init__(self, root: Path, name: str) -> None:
        super().__init__(root, name)
        self.port = free_ports(1)[0]

    def ready(self) -> bool:
        return all(self._status(path) == status for path, status in self.ready_when.items())

    def _status(self, path: str) -> int:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=5)
        try:
            connection.request("GET", path, headers={"apikey": self.ready_key})
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()


class HordeNode(HttpNode):
    """The AI-Horde of `hostile_horde`."""

    ready_when: Mapping[str, int] = {"/": 404}

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", "support.hostile_horde", str(self.port)]

    def environment(self) -> Mapping[str, str]:
        return {"PYTHONPATH": str(REPOSITORY / "tests")}


class ServiceNode(HttpNode):
    """`horde-reference serve` on the sample catalogue; settings are given without their prefix.

    Roles are those of `hostile_horde`. It is ready when its queue is open. All that it prints is in `log`.
    """

    ready_when: Mapping[str, int] = {"/ready": 200, "/api/model_references/v2/pending_queue/changes/1": 404}
    ready_key = READER

    def __init__(self, root: Path, horde: HordeNode, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(root, "service")
        self.data_dir = self.root / "data"
        self._settings = {
            "DATA_DIR": str(self.data_dir),
            "SEED_DIR": str(SAMPLE),
            "REPLICATE_MODE": "PRIMARY",
            "PORT": str(self.port),
            **ROLES,
            **(settings or {}),
        }
        self._horde_url = f"http://{LOOPBACK}:{horde.port}/api/"

    def command(self) -> Sequence[str]:
        return [str(CONSOLE_SCRIPT), "serve"]

    def environment(self) -> Mapping[str, str]:
        named = {f"{ENV_PREFIX}{name}": value for name, value in self._settings.items()}
        return {**named, "AI_HORDE_URL": self._horde_url}

    @property
    def root_url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def entries(self) -> list[dict[str, Any]]:
        """Return the journal, as it is on disk."""
        files = sorted((self.data_dir / "journal").glob("*.json"))
        return [json.loads(file.read_bytes()) for file in files]

    def peak_memory_bytes(self) -> int:
        """Return how much memory the process has ever had at once."""
        assert self.process is not None
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        kibibytes = next(line.split()[1] for line in lines if line.startswith("VmHWM:"))
        return int(kibibytes) * 1024

    def sequence(self) -> int:
        """Return how many entries the journal has."""
        return sum(1 for _ in (self.data_dir / "journal").glob("*.json"))


@contextlib.contextmanager
def running_service(root: Path, settings: Mapping[str, str] | None = None) -> Iterator[ServiceNode]:
    """Run the product and its AI-Horde below a directory."""
    with HordeNode(root, "horde") as horde, ServiceNode(root, horde, settings) as node:
        yield node
