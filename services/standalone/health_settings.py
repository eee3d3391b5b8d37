"""Where the service of this container listens, read by itself: the health check asks it every few seconds.

The settings classes say the same; to import them takes several times as long as to ask.
"""

import os
from collections.abc import Mapping
from typing import Final

from service_kit.setting_files import with_values_of_files

HOST: Final = "horde_model_reference_host"
PORT: Final = "horde_model_reference_port"
DEFAULTS: Final[Mapping[str, str]] = {HOST: "127.0.0.1", PORT: "19800"}
EVERY_ADDRESS: Final[Mapping[str, str]] = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked, not bound


def own_address() -> tuple[str, int]:
    """Return host and port to ask. Raises `SettingFileUnusable`, and `ValueError` for what is no port."""
    said = {name.lower(): value for name, value in os.environ.items() if value}  # noqa: TID251 - settings
    values = with_values_of_files(said, DEFAULTS)
    host, port = values.get(HOST, DEFAULTS[HOST]), values.get(PORT, DEFAULTS[PORT])
    if not port.strip().isdecimal():
        raise ValueError(f"{PORT.upper()} is no port")
    return EVERY_ADDRESS.get(host, host), int(port)
