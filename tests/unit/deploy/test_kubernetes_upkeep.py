"""Under Kubernetes: the script that makes backups, and the commands for restores and upgrades."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from support.kustomized import FOLDER, OVERLAYS, Manifest, Pod, of_kind, pods
from support.reference_data import REPOSITORY

Made = dict[str, list[Manifest]]

README = FOLDER / "README.md"
SCRIPT = FOLDER / "base" / "backup.sh"
PROGRAM = """#!/bin/sh
# writes a backup, or a bad one where the file `bad` says so; `restore --check` finds that out
case "$1 $2" in
  "restore --check") exec grep -q good "$3" ;;
  backup*) [ ! -e ../fails ] || exit 1; if [ -e ../bad ]; then echo bad; else echo good; fi > "$2" ;;
  *) exit 2 ;;
esac
"""
FIRST = "app.kubernetes.io/name notin (write-queue, init)"
"""What is changed before the writers."""
OLD = [f"2026-01-0{day}T031700Z.tar" for day in range(1, 5)]


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A volume with four backups and a file of somebody else."""
    program = tmp_path / "bin" / "horde-reference"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    folder = tmp_path / "backups"
    folder.mkdir()
    for name in [*OLD, "before-the-move.tar"]:
        (folder / name).write_text("good")
    return folder


def back_up(volume: Path, keep: int) -> int:
    path = f"{volume.parent / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/sh", SCRIPT], cwd=volume, env={"PATH": path, "KEEP": str(keep)}, check=False, timeout=60
    )
    return done.returncode


def names(volume: Path) -> set[str]:
    return {path.name for path in volume.iterdir()}


def commands(heading: str, page: Path = README) -> list[str]:
    """Return the commands below a heading of a page."""
    section = page.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    assert section
    lines = [line.strip() for line in section.splitlines() if line.startswith("    ")]
    return [re.sub(r"\s+#.*", "", line) for line in lines]


def scaled(heading: str, replicas: int) -> set[str]:
    found = [
        re.fullmatch(rf"kubectl scale deployment (.*) --replicas={replicas}", one)
        for one in commands(heading)
    ]
    return {name for one in found if one for name in one[1].split()}


def pod_of(found: list[Manifest], name: str) -> Pod:
    (pod,) = [pod for pod in pods(found) if pod.name == name]
    return pod


def test_a_backup_is_added_and_only_the_newest_are_kept(volume: Path) -> None:
    assert back_up(volume, keep=3) == 0
    (new,) = names(volume) - {*OLD, "before-the-move.tar"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d{6}Z\.tar", new)
    assert names(volume) == {new, *OLD[2:], "before-the-move.tar"}


@pytest.mark.parametrize("what", ["fails", "bad"])
def test_a_backup_that_fails_leaves_the_others_alone(volume: Path, what: str) -> None:
    before = names(volume)
    (volume.parent / what).touch()
    assert back_up(volume, keep=3) != 0
    assert names(volume) == before


def test_what_a_killed_backup_left_is_removed_a_day_later(volume: Path) -> None:
    for name, age in ((".old.tar", 0), (".new.tar", None)):
        (volume / name).write_text("half")
        if age is not None:
            os.utime(volume / name, (age, age))
    assert back_up(volume, keep=9) == 0
    assert ".old.tar" not in names(volume)
    assert ".new.tar" in names(volume)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_backups_are_made_by_the_script_and_lie_in_a_volume_of_their_own(made: Made, overlay: str) -> None:
    claims = dict(of_kind(made[overlay], "PersistentVolumeClaim"))
    jobs = dict(of_kind(made[overlay], "CronJob"))
    scripts = {one["metadata"]["name"]: one for one in made[overlay] if one["kind"] == "ConfigMap"}
    backup, cli = (pod_of(made[overlay], name) for name in ("backup", "cli"))
    volumes = {volume["name"]: volume for volume in backup.spec["volumes"]}
    assert set(claims) == {"backups"}
    assert scripts[volumes["script"]["configMap"]["name"]]["data"]["backup.sh"] == SCRIPT.read_text()
    assert backup.container["command"] == ["/bin/sh", "/etc/horde/backup.sh"]
    for pod in (backup, cli):
        assert {"name": "backups", "persistentVolumeClaim": {"claimName": "backups"}} in pod.spec["volumes"]
        assert {"name": "backups", "mountPath": "/backups"} in pod.container["volumeMounts"]
        assert pod.container["workingDir"] == "/backups"
    assert {name: job.get("suspend", False) for name, job in jobs.items()} == {"backup": False, "cli": True}


def test_a_restore_stops_and_starts_all_that_use_the_store_or_the_broker(made: Made) -> None:
    using = {
        name
        for name, spec in of_kind(made["production"], "Deployment")
        if any("/uses-" in label for label in spec["template"]["metadata"]["labels"])
    }
    assert using == {"read-api", "write-queue", "stats", "sync-worker"}
    assert scaled("Restore", 0) == using
    assert scaled("Restore", 1) == using


def test_every_command_names_something_that_there_is(made: Made) -> None:
    said = README.read_text() + (REPOSITORY / "docs" / "backup.md").read_text()
    found = {(one["kind"].lower(), one["metadata"]["name"]) for one in made["production"]}
    named = set(re.findall(r"\b(deployment|cronjob|service)/([a-z-]+)", said))
    assert named <= found
    assert {name for kind, name in named if kind == "cronjob"} == {"backup", "cli"}


@pytest.mark.parametrize(
    ("page", "heading"),
    [(README, "Change settings, upgrade"), (REPOSITORY / "docs" / "operating.md", "Upgrade")],
)
def test_an_upgrade_deletes_the_job_and_changes_readers_before_writers(page: Path, heading: str) -> None:
    steps = [one for one in commands(heading, page) if not one.endswith("backup.tar")]
    assert steps[:5] == [
        "kubectl delete job init --ignore-not-found",
        f"kubectl apply -k overlays/production --selector '{FIRST}'",
        "kubectl rollout status deployment/read-api --timeout=10m",
        "kubectl rollout status deployment/stats --timeout=10m",
        "kubectl apply -k overlays/production",
    ]


def test_only_writers_wait_in_an_upgrade(made: Made) -> None:
    left_out = re.fullmatch(r"app\.kubernetes\.io/name notin \((.*)\)", FIRST)
    assert left_out is not None
    held_back = {
        (one["kind"], one["metadata"]["name"])
        for one in made["production"]
        if one["metadata"].get("labels", {}).get("app.kubernetes.io/name") in left_out[1].split(", ")
    }
    assert held_back == {("Deployment", "write-queue"), ("Service", "write-queue"), ("Job", "init")}
