"""Each pod under Kubernetes is given the secrets that its command reads, and no other."""

import re
from collections.abc import Iterator

import pytest
from pydantic_settings import BaseSettings

from gateway.settings import GatewaySettings
from read_api.settings import ReadApiSettings
from service_kit.settings import environment_variables
from standalone.settings import StandaloneSettings
from stats.settings import StatsSettings
from support.kustomized import FOLDER, OVERLAYS, Manifest, Pod, of_kind, pods, settings_of
from sync_worker.settings import SyncWorkerSettings
from write_queue.settings import WriteQueueSettings

Made = dict[str, list[Manifest]]

SETTINGS: dict[str, type[BaseSettings]] = {
    "gateway": GatewaySettings,
    "read-api": ReadApiSettings,
    "write-queue": WriteQueueSettings,
    "stats": StatsSettings,
    "sync-worker": SyncWorkerSettings,
    "init": StandaloneSettings,
    "backup": StandaloneSettings,
    "cli": StandaloneSettings,
}
"""What the command of a pod loads."""

STORE = {"/run/horde/store/s3_access_key", "/run/horde/store/s3_secret_key"}
BROKER = {"/run/horde/broker/amqp_url"}
CACHE = {"/run/horde/cache/redis_url"}
GIVEN = {
    "gateway": set(),
    "read-api": STORE | BROKER | CACHE,
    "write-queue": STORE | BROKER | CACHE,
    "stats": STORE | BROKER | CACHE,
    "sync-worker": BROKER | {"/run/horde/github/token"},
    "init": STORE,
    "backup": STORE,
    "cli": STORE,
}


def environment(found: list[Manifest], pod: Pod) -> dict[str, str]:
    data = {one["metadata"]["name"]: one["data"] for one in found if one["kind"] == "ConfigMap"}
    values: dict[str, str] = {}
    for source in pod.container["envFrom"]:
        values |= data[source["configMapRef"]["name"]]
    return values | {one["name"]: one["value"] for one in pod.container.get("env", ())}


def files_read(found: list[Manifest], pod: Pod) -> set[str]:
    values = environment(found, pod)
    names = (f"{name}_FILE" for name in environment_variables(SETTINGS[pod.name]))
    return {values[name] for name in names if values.get(name)}


def secret_volumes(pod: Pod) -> Iterator[tuple[str, Manifest]]:
    """Yield where a secret is mounted, and the secret as the volume has it."""
    volumes = {one["name"]: one["secret"] for one in pod.spec["volumes"] if "secret" in one}
    for mount in pod.container["volumeMounts"]:
        if mount["name"] in volumes:
            yield mount["mountPath"], volumes[mount["name"]]


def files_mounted(pod: Pod) -> set[str]:
    return {f"{path}/{item['path']}" for path, secret in secret_volumes(pod) for item in secret["items"]}


def made_by_hand() -> dict[str, set[str]]:
    """Return the keys of the secrets that the README has made, by their names."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"create secret generic (\S+) (.*)", text)
    return {name: set(re.findall(r"--from-file=(\S+)", files)) for name, files in lines}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_setting_is_a_secret_itself(made: Made, overlay: str) -> None:
    names = [name for name in settings_of(made[overlay]) if not name.endswith("_FILE")]
    assert [name for name in names if re.search("SECRET|TOKEN|PASSWORD|ACCESS_KEY", name)] == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_file_that_a_command_reads_is_mounted(made: Made, overlay: str) -> None:
    missing = {
        pod.name: files_read(made[overlay], pod) - files_mounted(pod)
        for pod in pods(made[overlay])
        if pod.is_ours
    }
    assert {name: files for name, files in missing.items() if files} == {}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_is_given_what_it_needs_and_no_other_secret(made: Made, overlay: str) -> None:
    ours = [pod for pod in pods(made[overlay]) if pod.is_ours]
    assert {pod.name: files_mounted(pod) for pod in ours} == {pod.name: GIVEN[pod.name] for pod in ours}
    assert {pod.name: files_read(made[overlay], pod) for pod in ours} == {
        pod.name: GIVEN[pod.name] for pod in ours
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_secret_of_ours_comes_as_a_variable(made: Made, overlay: str) -> None:
    for pod in pods(made[overlay]):
        if pod.is_ours:
            assert [one for one in pod.container["envFrom"] if "configMapRef" not in one] == []
            assert [one for one in pod.container.get("env", ()) if "value" not in one] == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_secret_that_is_mounted_has_the_keys(made: Made, overlay: str) -> None:
    held = {one["metadata"]["name"]: set(one["data"]) for one in made[overlay] if one["kind"] == "Secret"}
    if overlay == "production":
        (broker,) = dict(of_kind(made[overlay], "RabbitmqCluster"))
        held |= made_by_hand() | {f"{broker}-default-user": {"connection_string"}}  # the operator makes it
    used = [
        (secret["secretName"], item["key"])
        for pod in pods(made[overlay])
        if pod.is_ours
        for _, secret in secret_volumes(pod)
        for item in secret["items"]
    ]
    assert used
    assert [(name, key) for name, key in used if key not in held.get(name, ())] == []
