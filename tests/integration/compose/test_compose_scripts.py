"""The programs of deploy/compose in front of a Docker that only writes down what it is asked."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.compose_project import SCRIPTS
from support.env_example import services

DOCKER = """#!/usr/bin/env bash
printf '%s\\n' "$*" >> "$ASKED"
case "$*" in
  "compose ps --services "*) printf '%s\\n' $RUNNING ;;
  "compose ps --quiet "*) printf 'container-of-%s\\n' "${@: -1}" ;;
esac
[ -z "$FAILS" ] || ! grep -qE -- "$FAILS" <<< "$*"
"""
UP = "compose --progress quiet up --detach --wait"


@dataclass(frozen=True, slots=True)
class NotedDocker:
    """Where the Docker of a test lies, and what it was asked."""

    root: Path

    @classmethod
    def at(cls, root: Path) -> "NotedDocker":
        """Put one there."""
        program = root / "bin" / "docker"
        program.parent.mkdir()
        program.write_text(DOCKER)
        program.chmod(0o755)
        return cls(root)

    def run(
        self, script: str, *words: str, running: Sequence[str] = (), fails: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end beside running services; calls that match `fails` have status 1."""
        path = f"{self.root / 'bin'}{os.pathsep}{os.environ['PATH']}"
        more = {"ASKED": str(self.root / "asked"), "RUNNING": " ".join(running), "FAILS": fails}
        return subprocess.run(
            [str(SCRIPTS / script), *words],
            env={**os.environ, "PATH": path, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def asked(self) -> list[str]:
        """Return what it was asked, in order."""
        return (self.root / "asked").read_text().splitlines()


@pytest.fixture
def docker(tmp_path: Path) -> NotedDocker:
    return NotedDocker.at(tmp_path)


@pytest.fixture
def backup(tmp_path: Path) -> str:
    file = tmp_path / "backup.tar"
    file.write_bytes(b"a backup")
    return str(file)


def test_after_a_restore_everything_runs_and_what_ran_by_a_profile_too(
    docker: NotedDocker, backup: str
) -> None:
    done = docker.run("restore.sh", backup, running=["read-api", "gateway", "sync-worker"])
    assert done.returncode == 0, done.stderr
    asked = docker.asked()
    stopped = asked.index("compose --progress quiet stop read-api sync-worker")
    restored = next(at for at, words in enumerate(asked) if words.endswith("cli restore -"))
    assert stopped < restored
    assert asked[restored + 1 :] == [UP, f"{UP} read-api sync-worker"]


def test_after_a_refused_restore_what_ran_runs_again(docker: NotedDocker, backup: str) -> None:
    done = docker.run("restore.sh", backup, running=["stats", "sync-worker"], fails="cli restore -$")
    assert done.returncode == 1
    assert "--replace" in done.stderr
    assert docker.asked()[-1] == f"{UP} --no-recreate stats sync-worker"


def test_after_a_restore_that_broke_off_it_is_said_what_does_not_run(
    docker: NotedDocker, backup: str
) -> None:
    done = docker.run("restore.sh", backup, running=["stats"], fails="cli restore -$|--no-recreate stats")
    assert done.returncode == 1
    assert "stats did not start again" in done.stderr


def test_a_refused_restore_starts_nothing_where_nothing_ran(docker: NotedDocker, backup: str) -> None:
    done = docker.run("restore.sh", backup, fails="cli restore -$")
    assert done.returncode == 1
    assert docker.asked()[-1].endswith("cli restore -")


def test_a_damaged_file_stops_nothing(docker: NotedDocker, backup: str) -> None:
    done = docker.run("restore.sh", backup, running=["read-api"], fails="restore --check")
    assert done.returncode == 1
    assert not any(" stop " in words or words.startswith(UP) for words in docker.asked())


def lodgers() -> dict[str, str]:
    """Return the containers that use the network of another one, and of which."""
    modes = {name: one.get("network_mode", "") for name, one in services().items()}
    return {
        name: mode.removeprefix("service:") for name, mode in modes.items() if mode.startswith("service:")
    }


def test_there_are_containers_in_the_network_of_another() -> None:
    assert lodgers()


@pytest.mark.parametrize(("lodger", "owner"), lodgers().items())
def test_a_container_goes_with_the_one_that_has_its_network(
    docker: NotedDocker, lodger: str, owner: str
) -> None:
    """It knows that one by its number: with the next one it would never start again."""
    done = docker.run("rollout.sh", owner)
    assert done.returncode == 0, done.stderr
    asked = docker.asked()
    gone = asked.index(f"rm --volumes container-of-{owner}")
    forgotten = asked.index(f"compose rm --force {lodger}")
    (begun,) = [at for at, words in enumerate(asked) if words.startswith("compose --progress quiet up")]
    assert gone < forgotten < begun


@pytest.mark.parametrize("service", ["redis", "rabbitmq"])
def test_a_server_whose_network_is_its_own_takes_nobody_along(docker: NotedDocker, service: str) -> None:
    assert docker.run("rollout.sh", service).returncode == 0
    assert not any(words.startswith("compose rm") for words in docker.asked())
