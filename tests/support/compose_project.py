"""The system of docker-compose.yml as a project of the tests: own name, volumes, port and secrets."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from support.processes import clean_environment, free_port
from support.reference_data import REPOSITORY

HORDE: Final = "horde.test"
"""What containers call this machine, on which the tests' own AI-Horde runs."""

STEP_SECONDS: Final = 600.0
SCRIPTS: Final = REPOSITORY / "deploy" / "compose"
ASKS_THE_HORDE: Final = ("read-api", "write-queue", "stats")


@dataclass(frozen=True, slots=True)
class ComposeProject:
    """One installation."""

    name: str
    port: int
    environment: Mapping[str, str]

    @property
    def root_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def compose(self, *words: str, **more: str) -> str:
        """Run a command of Compose to its end, with more variables, and return what it wrote."""
        return self._run(["docker", "compose", *words], more)

    def script(self, name: str, *words: str, **more: str) -> str:
        """Run a program of deploy/compose; the same."""
        return self._run([str(SCRIPTS / name), *words], more)

    def up(self) -> None:
        """Start everything, and wait until it is ready."""
        self.compose("--progress", "quiet", "up", "--detach", "--wait")

    def containers(self, service: str, *, all_of_them: bool = False) -> set[str]:
        """Return the ids of those that run, or of all."""
        words = ("ps", "--quiet", "--all", service) if all_of_them else ("ps", "--quiet", service)
        return set(self.compose(*words).split())

    def facts(self) -> list[dict[str, Any]]:
        """Return what the engine knows of every container, also of those that ended."""
        ids = self.compose("ps", "--quiet", "--all").split()
        found: list[dict[str, Any]] = json.loads(self._run(["docker", "inspect", *ids], {}))
        return found

    def _run(self, words: Sequence[str], more: Mapping[str, str]) -> str:
        done = subprocess.run(
            words,
            cwd=REPOSITORY,
            env={**self.environment, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS,
            check=False,
        )
        if done.returncode:
            raise ComposeFailed(f"{' '.join(words)}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout


class ComposeFailed(AssertionError):
    """A command did not end with status 0. The text holds what it wrote."""


@contextmanager
def compose_project(
    folder: Path, horde_port: int, settings: Mapping[str, str], environment: Mapping[str, str]
) -> Iterator[ComposeProject]:
    """Yield a project that was not started; all of it is removed at the end."""
    own_secrets = folder / "secrets"
    own_secrets.mkdir()
    env_file = folder / "settings.env"
    lines = {"AI_HORDE_URL": f"http://{HORDE}:{horde_port}/api/", **settings}
    env_file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    addition = folder / "horde.json"
    reached = {"extra_hosts": [f"{HORDE}:host-gateway"]}
    addition.write_text(json.dumps({"services": dict.fromkeys(ASKS_THE_HORDE, reached)}))
    name = f"horde-test-{os.getpid()}"
    port = free_port()
    project = ComposeProject(
        name,
        port,
        {
            **clean_environment(environment),
            "COMPOSE_PROJECT_NAME": name,
            "COMPOSE_FILE": f"{REPOSITORY / 'docker-compose.yml'}:{addition}",
            "HORDE_BIND": "127.0.0.1",
            "HORDE_PORT": str(port),
            "HORDE_ENV_FILE": str(env_file),
            "HORDE_SECRETS_DIR": str(own_secrets),
        },
    )
    try:
        yield project
    finally:
        project.compose("--profile", "*", "down", "--volumes", "--timeout", "5", "--remove-orphans")
