"""The tables of docs/configuration.md, made from the settings classes: `make docs` writes the page."""

import sys
from collections.abc import Iterator

from pydantic import AliasChoices, BaseModel, SecretStr
from pydantic.fields import FieldInfo

from gateway.settings import GATEWAY_PREFIX, GatewaySettings
from service_kit.settings import ENV_PREFIX, NESTED_DELIMITER
from standalone.settings import StandaloneSettings
from sync_worker.settings import SyncWorkerSettings

HEAD = f"""# Configuration

Environment variables; all names begin with `{ENV_PREFIX}`, which is left out below. Lists are JSON
lists or words separated by commas. Each variable may be given as NAME_FILE, the path of a file that holds the
value. A value that cannot be used stops the start with the name of its variable.
This page is made from the settings classes (`make docs`).

"""

SYNC_HEAD = """
## Keeping GitHub in step

What `sync-worker`, `sync`, `drift`, and `serve` with `HORDE_GITHUB_SYNC_WATCH_MODE`, know besides the
repositories, the address and the broker above. These are whole names. [What they do](sync.md).

"""

GATEWAY_HEAD = f"""
## The gateway

What `horde-reference gateway` knows; these names begin with `{GATEWAY_PREFIX}`.
[What it does](../services/gateway/README.md).

"""

TABLE_HEAD = "| variable | default | meaning |\n|---|---|---|\n"


def configuration_page() -> str:
    return (
        HEAD
        + table(StandaloneSettings)
        + SYNC_HEAD
        + TABLE_HEAD
        + "".join(_sync_rows())
        + GATEWAY_HEAD
        + table(GatewaySettings)
    )


def table(*models: type[BaseModel]) -> str:
    """Return a table of all settings of these classes; those of a part stand under its name."""
    return TABLE_HEAD + "".join(row for model in models for row in _rows("", model))


def _rows(before: str, model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        variable = before + name.upper()
        part = field.annotation
        if isinstance(part, type) and issubclass(part, BaseModel):
            yield from _rows(variable + NESTED_DELIMITER, part)
        else:
            yield _row(variable, field)


def _sync_rows() -> Iterator[str]:
    for field in SyncWorkerSettings.model_fields.values():
        match field.validation_alias:
            case str() as variable:
                yield _row(variable, field)
            case AliasChoices(choices=[str() as variable, *_]):
                yield _row(variable, field)
            case _:
                pass  # it stands above


def _row(variable: str, field: FieldInfo) -> str:
    return f"| `{variable}` | {_default(field)} | {field.description or ''} |\n"


def _default(field: FieldInfo) -> str:
    value = field.get_default()
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value in ("", (), []):
        return ""
    return f"`{', '.join(value) if isinstance(value, list | tuple) else value}`"


if __name__ == "__main__":
    sys.stdout.write(configuration_page())
