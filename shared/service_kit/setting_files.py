"""Values of settings that stand in files, as secrets do: `NAME_FILE=<path>` in place of `NAME=<value>`.

Only the standard library: the health check of a container uses it too, and has to start quickly.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

SUFFIX: Final = "_file"
MAX_BYTES: Final = 1024 * 1024


class SettingFileUnusable(Exception):
    """What a variable says about a file cannot be used. The text names the variable and the file."""


def with_values_of_files(environment: Mapping[str, str | None], names: Collection[str]) -> dict[str, str]:
    """Return the environment and, for each `name_file` in it, `name` with what that file holds.

    All names are in small letters; `names` are the settings that there are, and one that ends with `_file`
    itself is left alone. The last line end of a file is no part of the value; an empty variable or file says
    nothing. Raises `SettingFileUnusable`, with a line for each that is given twice or cannot be read.
    """
    values = dict(environment)
    problems = []
    for name in sorted(names):
        variable = name + SUFFIX
        path = environment.get(variable)
        if not path or variable in names:
            continue
        if environment.get(name):
            problems.append(f"{variable.upper()}: {name.upper()} is given too, and one of them is enough")
            continue
        try:
            values[name] = _content(Path(path)) or None
        except SettingFileUnusable as error:
            problems.append(f"{variable.upper()}: {error}")
    if problems:
        raise SettingFileUnusable("\n".join(problems))
    return {name: value for name, value in values.items() if value is not None}


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingFileUnusable(f"{path} cannot be read: {reason.lower()}") from error
    if len(content) > MAX_BYTES:
        raise SettingFileUnusable(f"{path} is larger than a setting can be")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise SettingFileUnusable(f"{path} holds no UTF-8 text") from None
    return text.removesuffix("\n").removesuffix("\r")
