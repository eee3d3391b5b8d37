"""Settings that read the environment: names without regard to case, nested names, blocks, lists, .env files.

The rules are those of python-client.md section 9. Every construction reads the environment anew; what the
program passes as keywords wins over it.
"""

import json
import os
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, ClassVar, Final, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic.fields import FieldInfo

ENV_PREFIX: Final = "HORDE_MODEL_REFERENCE_"
NESTED_DELIMITER: Final = "__"

ENV_FILES: Final = (".env", ".env.prod")
"""Read in this order, the later one wins, where `HAIDRA_USE_DEFAULT_ENV_FILES` says so."""

OTHER_NAMES: Final[Mapping[str, str]] = {
    f"{ENV_PREFIX}REDIS_USE_REDIS": f"{ENV_PREFIX}REDIS__USE_REDIS",
    "HORDE_URL": "AI_HORDE_URL",
    f"{ENV_PREFIX}AI_HORDE_URL": "AI_HORDE_URL",
    f"{ENV_PREFIX}GITHUB_PROXY_URL_BASE": "GITHUB_PROXY_URL_BASE",
}
"""Further names of variables; each counts where the one it stands for is not set."""

_YES: Final = frozenset({"1", "true", "t", "yes", "y", "on"})


def _parse_texts(given: object) -> object:
    if not isinstance(given, str):
        return given
    text = given.strip()
    if not text.startswith(("[", "{", '"')):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError("is neither a JSON list of texts nor texts separated by commas") from error


def _whole_if_it_can_be(given: float) -> float:
    return int(given) if given.is_integer() else given


Seconds = Annotated[float, AfterValidator(_whole_if_it_can_be)]
"""A duration; whole numbers stay integers."""

TextList = Annotated[list[str], BeforeValidator(_parse_texts)]
"""Texts, given as a JSON list (`["a", "b"]`) or separated by commas (`a, b`)."""


class SettingsBlock(BaseModel):
    """Settings that belong together. Mutable, what is assigned is checked; unknown keywords are refused."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, defer_build=True)


class EnvironmentSettings(SettingsBlock):
    """Settings that fill themselves from the variables that begin with `variable_prefix`."""

    variable_prefix: ClassVar[str] = ""

    def __init__(self, **given: object) -> None:
        """Take what is given and the rest from the environment. Raises pydantic's `ValidationError`."""
        found = values_from(type(self), environment_variables(), self.variable_prefix)
        super().__init__(**_merged(found, given))


def environment_variables() -> dict[str, str]:
    """Return the environment with its names in capitals, and behind it the .env files if they are wanted."""
    given = dict(os.environ)  # noqa: TID251 - this is where settings modules read it
    variables = {name.upper(): value for name, value in given.items()}
    variables.update((name, value) for name, value in given.items() if name.isupper())
    if variables.get("HAIDRA_USE_DEFAULT_ENV_FILES", "").strip().lower() in _YES:
        variables = _env_files() | variables
    for other, name in OTHER_NAMES.items():
        if other in variables:
            variables.setdefault(name, variables[other])
    return variables


def values_from(model: type[BaseModel], variables: Mapping[str, str], prefix: str) -> dict[str, object]:
    """Return what the variables say about the fields of a model; a field that none names is left out.

    A field that is itself a model takes a JSON object from its own variable and single values from the
    variables below it, which win. Names that no field has are ignored, for other programs use the prefix too.
    """
    values: dict[str, object] = {}
    for name, field in model.model_fields.items():
        variable = prefix + name.upper()
        block = block_of(field)
        value: object = variables.get(variable)
        if block is not None:
            inner = values_from(block, variables, variable + NESTED_DELIMITER)
            value = _merged_block(block, variables.get(variable, ""), inner)
        elif value == "" and _has_no_empty_value(field):
            continue
        if value is not None:
            values[name] = value
    return values


def block_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the class of a field that is a block of settings."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _has_no_empty_value(field: FieldInfo) -> bool:
    """Say whether `NAME=` means "not set": switches, choices and paths have no other sense for it."""
    kinds = get_args(field.annotation) or (field.annotation,)
    return any(isinstance(kind, type) and issubclass(kind, bool | Enum | Path) for kind in kinds)


def _merged_block(block: type[BaseModel], text: str, inner: dict[str, object]) -> object:
    if not text.strip():
        return inner
    try:
        given = json.loads(text)
    except ValueError:
        return text  # the model's error then names the field
    return _merged(_known(block, given), inner) if isinstance(given, dict) else text


def _known(block: type[BaseModel], given: Mapping[str, object]) -> dict[str, object]:
    """Return the entries of a JSON object that are fields of the block."""
    values: dict[str, object] = {}
    for key, value in given.items():
        field = block.model_fields.get(key.lower())
        if field is not None:
            inner = block_of(field)
            values[key.lower()] = _known(inner, value) if inner and isinstance(value, dict) else value
    return values


def _merged(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """Return both maps as one; where both have a map they are merged too, else the second one wins."""
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[name] = _merged(old, value)
        else:
            merged[name] = value
    return merged


def _env_files() -> dict[str, str]:
    """Return the variables of the .env files. Those with our prefix are never taken from files."""
    variables: dict[str, str] = {}
    for file_name in ENV_FILES:
        try:
            text = Path(file_name).read_text(encoding="utf-8-sig")
        except OSError:  # missing, as a rule
            continue
        variables.update(_assignments(text))
    return {name: value for name, value in variables.items() if not name.startswith(ENV_PREFIX)}


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            yield name.strip().upper(), _unquoted(value.strip())


def _unquoted(value: str) -> str:
    quote = value[:1]
    if quote and quote in "'\"":
        return value[1:].partition(quote)[0]
    return value.partition(" #")[0].rstrip()
