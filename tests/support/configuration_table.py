"""The tables of docs/configuration.md, made from the settings classes: `make docs` writes the page."""

import sys
from collections.abc import Iterator

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from service_kit.settings import ENV_PREFIX, NESTED_DELIMITER
from standalone.settings import StandaloneSettings

HEAD = f"""# Configuration

Environment variables; all names begin with `{ENV_PREFIX}`, which is left out below. Lists are JSON
lists or words separated by commas. A value that cannot be used stops the start with the name of its
variable.
This page is made from the settings classes (`make docs`).

| variable | default | meaning |
|---|---|---|
"""


def configuration_page() -> str:
    rows = _rows("", StandaloneSettings)
    return HEAD + "".join(f"| `{name}` | {default} | {meaning} |\n" for name, default, meaning in rows)


def _rows(before: str, model: type[BaseModel]) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        variable = before + name.upper()
        part = field.annotation
        if isinstance(part, type) and issubclass(part, BaseModel):
            yield from _rows(variable + NESTED_DELIMITER, part)
        else:
            yield variable, _default(field), field.description or ""


def _default(field: FieldInfo) -> str:
    value = field.get_default()
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value in ("", ()):
        return ""
    return f"`{value}`"


if __name__ == "__main__":
    sys.stdout.write(configuration_page())
