"""The file .env.example, made from the settings classes and docker-compose.yml: `make docs` writes it."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from pydantic import AliasChoices, BaseModel, SecretStr
from pydantic.fields import FieldInfo

from gateway.settings import GatewaySettings
from service_kit.settings import ENV_PREFIX, NESTED_DELIMITER
from standalone.settings import StandaloneSettings
from support.reference_data import REPOSITORY
from sync_worker.settings import SyncWorkerSettings

COMPOSE_FILE: Final = REPOSITORY / "docker-compose.yml"
MORE_FILES: Final = (
    REPOSITORY / "deploy" / "compose" / "tls.yml",
    REPOSITORY / "deploy" / "compose" / "grafana-port.yml",
)
EXAMPLE: Final = REPOSITORY / ".env.example"
FILE: Final = "_FILE"

HEAD: Final = """# Settings of the containers: copy this file to .env; take the # away from what you change.
# Everything has the default that is shown. After a change: docker compose up -d
# What is secret does not belong here but into ./secrets: see secrets/README.md.
# Made from the settings classes (make docs).
"""
OF_COMPOSE: Final = {
    "COMPOSE_PROFILES": ("", "what runs besides: `sync`, `observability`, or both with a comma"),
    "COMPOSE_FILE": (
        "docker-compose.yml",
        "and what is added to it, with colons: `deploy/compose/tls.yml`, `deploy/compose/grafana-port.yml`",
    ),
    "HORDE_BIND": ("0.0.0.0", "address of this machine that the gateway is reached at"),
    "HORDE_PORT": ("19800", "and its port: http://ADDRESS:PORT/api"),
    "HORDE_TLS_PORT": ("443", "its port for TLS, with deploy/compose/tls.yml"),
    "HORDE_GRAFANA_PORT": ("3000", "port of Grafana on 127.0.0.1, with deploy/compose/grafana-port.yml"),
    "HORDE_GATEWAYS": ("1", "containers of the gateway"),
    "HORDE_READ_APIS": ("2", "containers of read-api"),
    "HORDE_WRITE_QUEUES": ("2", "containers of write-queue"),
    "HORDE_STATS": ("1", "containers of stats"),
    "HORDE_SERVICE_CPUS": ("1.0", "processors that one container of a service may use"),
    "HORDE_SERVICE_MEMORY": ("768m", "memory that it may use"),
    "HORDE_IMAGE": ("horde-model-reference:local", "image of the services"),
    "HORDE_GATEWAY_IMAGE": ("horde-model-reference-gateway:local", "image of the gateway"),
    "HORDE_PULL_POLICY": ("never", "`missing` where the images are published ones; else they are built here"),
    "HORDE_ENV_FILE": (".env", "file with the settings of the services below"),
    "HORDE_SECRETS_DIR": ("./secrets", "folder with own secrets"),
    "HORDE_METRICS_KEPT": ("15d", "Prometheus keeps its figures for so long"),
}
"""Variables of docker-compose.yml and the files beside it that are no settings of our programs."""

USELESS_IN_CONTAINERS: Final = frozenset({f"{ENV_PREFIX}DATA_DIR", f"{ENV_PREFIX}SEED_DIR"})


class Variable(NamedTuple):
    """A variable of the environment."""

    name: str
    field: FieldInfo


def env_example() -> str:
    """Return the content of the file."""
    gateways = passed_to_gateway()
    left_out = fixed_variables() | USELESS_IN_CONTAINERS
    of_services = [one for one in variables(StandaloneSettings) if is_for_env(one, left_out)]
    left_out |= {one.name for one in of_services}
    of_sync = [one for one in variables(SyncWorkerSettings) if is_for_env(one, left_out)]
    of_gateway = [one for one in variables(GatewaySettings) if one.name in gateways]
    parts = [
        HEAD,
        _section("Docker Compose", (_entry(name, *said) for name, said in OF_COMPOSE.items())),
        _section("The services", map(_setting, of_services)),
        _section("The gateway", map(_setting, of_gateway)),
        _section("The sync-worker, in the profile sync", map(_setting, of_sync)),
    ]
    return "\n".join(parts)


def is_for_env(variable: Variable, left_out: set[str]) -> bool:
    """Whether a variable may stand in .env, where nothing secret does."""
    return variable.name not in left_out and not isinstance(variable.field.default, SecretStr)


def compose_file() -> Mapping[str, Any]:
    """Return docker-compose.yml."""
    found: Mapping[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
    return found


def services() -> Mapping[str, Mapping[str, Any]]:
    """Return the containers of docker-compose.yml."""
    found: Mapping[str, Mapping[str, Any]] = compose_file()["services"]
    return found


def environments() -> Iterator[tuple[str, str, str | None]]:
    """Yield container, variable and value of everything that docker-compose.yml says about environments."""
    for service, said in services().items():
        for name, value in said.get("environment", {}).items():
            yield service, name, value


def fixed_variables() -> set[str]:
    """Return what docker-compose.yml decides, and no .env: named as settings, also where a file holds it."""
    return {
        name.removesuffix(FILE)
        for _, name, value in environments()
        if value is not None and not value.startswith("${")
    }


def passed_to_gateway() -> set[str]:
    """Return the settings of the gateway that .env may hold."""
    return {
        name
        for service, name, value in environments()
        if service == "gateway" and (value is None or value.startswith("${"))
    }


def variables(model: type[BaseModel]) -> Iterator[Variable]:
    """Yield every variable of a settings class; of several names for one thing the first."""
    prefix = str(model.model_config.get("env_prefix", ENV_PREFIX))
    for name, field in model.model_fields.items():
        match field.validation_alias:
            case str() as variable:
                yield Variable(variable, field)
            case AliasChoices(choices=[str() as variable, *_]):
                yield Variable(variable, field)
            case _:
                yield from _of_field(prefix + name.upper(), field)


def _of_field(variable: str, field: FieldInfo) -> Iterator[Variable]:
    part = field.annotation
    if not (isinstance(part, type) and issubclass(part, BaseModel)):
        yield Variable(variable, field)
        return
    for name, inner in part.model_fields.items():
        yield from _of_field(variable + NESTED_DELIMITER + name.upper(), inner)


def referenced(*files: Path) -> dict[str, str]:
    """Return the variables that Compose files refer to, with the defaults that stand there."""
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    return dict(re.findall(r"\$\{([A-Z0-9_]+):-([^}]*)\}", text))


def _section(title: str, entries: Iterable[str]) -> str:
    return f"# ---- {title}\n\n" + "\n".join(entries)


def _setting(variable: Variable) -> str:
    default = referenced(COMPOSE_FILE).get(variable.name) or _default(variable.field)
    return _entry(variable.name, default, variable.field.description or "")


def _entry(name: str, default: str, description: str) -> str:
    return f"# {description}\n#{name}={default}\n"


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    match value:
        case None | SecretStr():
            return ""
        case bool():
            return str(value).lower()
        case list() | tuple():
            return ",".join(str(one) for one in value)
        case _:
            return str(value)


if __name__ == "__main__":
    sys.stdout.write(env_example())
