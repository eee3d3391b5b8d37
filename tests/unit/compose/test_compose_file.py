"""docker-compose.yml fits the code, publishes the gateway alone, and confines every container."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from gateway.settings import GatewaySettings
from service_kit.settings import ENV_PREFIX, environment_variables
from standalone.cli import COMMANDS
from standalone.settings import StandaloneSettings
from support.env_example import (
    COMPOSE_FILE,
    EXAMPLE,
    MORE_FILES,
    OF_COMPOSE,
    compose_file,
    env_example,
    environments,
    referenced,
    services,
)
from sync_worker.settings import SyncWorkerSettings

SETTINGS = (StandaloneSettings, SyncWorkerSettings, GatewaySettings)
ONE_SHOTS = {"secrets", "seaweedfs-init", "init", "cli"}
OURS = {"gateway", "gateway-port", "read-api", "write-queue", "stats", "sync-worker", "init", "cli"}
UNUSED_BY_THE_GATEWAY = {
    "LISTEN", "PORT", "TLS_PORT", "TLS_CERTIFICATE", "TLS_KEY", "STATE_DIR", "HOSTS_FILE", "NGINX",
    "ADMIN_HOST", "ADMIN_PORT",
}  # fmt: skip
"""What the image and its place decide, or deploy/compose/tls.yml."""

SERVICE_ENV_FILE = "env_file"


def known() -> set[str]:
    return {name for one in SETTINGS for name in environment_variables(one)}


def limits(service: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = service["deploy"]["resources"]["limits"]
    return found


def of_ours(name: str) -> bool:
    return name.startswith((ENV_PREFIX, "HORDE_GITHUB_SYNC_", "GITHUB_"))


def test_every_variable_of_ours_is_a_setting() -> None:
    named = {name for _, name, _ in environments() if of_ours(name)}
    assert named
    assert {
        name for name in named if name not in known() and name.removesuffix("_FILE") not in known()
    } == set()


def test_every_setting_of_the_gateway_can_be_passed_or_has_no_use() -> None:
    passed = {name for service, name, _ in environments() if service == "gateway"}
    prefix = f"{ENV_PREFIX}GATEWAY_"
    useless = {f"{prefix}{name}" for name in UNUSED_BY_THE_GATEWAY} | {f"{ENV_PREFIX}HOST"}
    assert set(environment_variables(GatewaySettings)) == passed | useless


def test_every_other_service_of_ours_gets_the_settings_of_the_env_file() -> None:
    found = {name for name, one in services().items() if SERVICE_ENV_FILE in one}
    assert found == OURS - {"gateway", "gateway-port"}


def test_the_env_example_is_fresh() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == env_example(), "make docs"


def test_variables_of_compose_have_the_defaults_that_are_told() -> None:
    used = {
        name: default for name, default in referenced(COMPOSE_FILE, *MORE_FILES).items() if not of_ours(name)
    }
    told = {name: default for name, (default, _) in OF_COMPOSE.items() if not name.startswith("COMPOSE_")}
    assert used == told


def test_the_env_example_with_everything_taken_in_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = re.findall(r"^#([A-Z0-9_]+)=(.*)$", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)
    for name, value in lines:
        monkeypatch.setenv(name, value)
    standalone, sync_worker, gateway = (one() for one in SETTINGS)
    assert len(lines) > 100
    assert (standalone, sync_worker) == (StandaloneSettings(), SyncWorkerSettings())
    assert gateway.model_dump()["drain_seconds"] == GatewaySettings.model_fields["drain_seconds"].default


def test_only_the_ports_of_the_gateway_are_published() -> None:
    assert [name for name, one in services().items() if "ports" in one] == ["gateway-port"]


def test_gateways_get_the_ports_where_they_are_held() -> None:
    name = f"{ENV_PREFIX}GATEWAY_PORT_SOCKET"
    mounted = {}
    for service in ("gateway", "gateway-port"):
        socket = services()[service]["environment"][name]
        (volume,) = [one for one in services()[service]["volumes"] if "target" in one]
        mounted[service] = (socket, volume["source"])
        assert socket.startswith(f"{volume['target']}/")
    assert mounted["gateway"] == mounted["gateway-port"]


@pytest.mark.parametrize("name", services())
def test_a_container_is_confined(name: str) -> None:
    one = services()[name]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in one["security_opt"]
    assert "privileged" not in one
    assert ("cap_add" in one) == (name == "secrets")
    assert one["logging"]["options"]["max-size"]
    assert {"cpus", "memory", "pids"} <= set(limits(one))
    assert one["restart"] == ("no" if name in ONE_SHOTS else "unless-stopped")
    assert ("healthcheck" in one) == (name not in ONE_SHOTS)


def test_whoever_may_read_everything_reaches_nobody() -> None:
    one = services()["secrets"]
    assert one["network_mode"] == "none"
    assert [
        volume for volume in one["volumes"] if volume.startswith((".", "$")) and ":ro" not in volume
    ] == []


def test_servers_are_only_in_the_network_without_a_way_out() -> None:
    assert compose_file()["networks"]["back"]["internal"] is True
    for name in ("rabbitmq", "redis", "seaweedfs"):
        assert services()[name]["networks"] == ["back"]
    assert services()["gateway"]["networks"] == ["front"]


@pytest.mark.parametrize("name", services())
def test_secrets_are_mounted_by_those_they_are_for(name: str) -> None:
    mounted = {
        str(volume).partition(":")[0]
        for volume in services()[name].get("volumes", [])
        if str(volume).startswith("secrets-")
    }
    of_services = {"read-api", "write-queue", "stats", "init", "cli"}
    if name == "secrets":
        assert mounted >= {"secrets-kept", "secrets-services"}
    elif name in of_services:
        assert mounted == {"secrets-services"}
    else:
        assert mounted <= {f"secrets-{name}", f"secrets-{name.removesuffix('-worker')}"}


def test_every_one_shot_that_starts_is_waited_for() -> None:
    """`docker compose up --wait` fails for one that ended, unless somebody waits for its end."""
    waited = {
        other
        for one in services().values()
        for other, how in one.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }
    assert waited == ONE_SHOTS - {"cli"}


def test_commands_exist() -> None:
    for name in OURS:
        command = services()[name]["command"][0]
        assert command in COMMANDS or command == "--help"


def test_images_have_versions() -> None:
    images = {one["image"] for one in services().values()}
    assert all(re.search(r":[^:}]*(\d|local)", image) for image in images)
    assert not any("latest" in image for image in images)


@pytest.mark.parametrize("file", MORE_FILES, ids=lambda path: path.name)
def test_files_that_are_added_change_known_services(file: Any) -> None:
    said = yaml.safe_load(file.read_text(encoding="utf-8"))["services"]
    assert set(said) <= set(services())
    for one in said.values():
        assert set(one.get("environment", {})) <= known()
