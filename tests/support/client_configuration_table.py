"""The tables of docs/client/configuration.md, made from the settings of the library by `make docs`."""

import sys

from horde_model_reference.ecosystem_settings import (
    AiHordeCiSettings,
    AiHordeClientSettings,
    AiHordeWorkerSettings,
    GithubProxySettings,
)
from horde_model_reference.environment_settings import ENV_PREFIX
from horde_model_reference.settings import HordeModelReferenceSettings
from support.configuration_table import table

HEAD = f"""# Configuration of the Python library

The library reads its settings once, when it is imported, into `horde_model_reference_settings`; a value that
cannot be used fails the import with the name of the setting. The object can be changed, and
`HordeModelReferenceSettings(...)` makes another one from the environment and from its keyword arguments.

Environment variables in any letter case. Lists are JSON lists or words separated by commas. All variables of
one block, such as `R2__...`, may also be given together as a JSON object (`R2`). The first table leaves out
`{ENV_PREFIX}`, with which all its names begin.
This page is made from the settings classes (`make docs`); what the services read is in
[docs/configuration.md](../configuration.md).

"""

SHARED_HEAD = """
## Shared with other programs

These have no prefix. Where `HAIDRA_USE_DEFAULT_ENV_FILES` is 1, they, and only they, are also taken from
`.env` and `.env.prod` in the working directory; the environment wins over these files.

"""

SHARED = (GithubProxySettings, AiHordeWorkerSettings, AiHordeClientSettings, AiHordeCiSettings)


def client_configuration_page() -> str:
    """Return the whole page."""
    return HEAD + table(HordeModelReferenceSettings) + SHARED_HEAD + table(*SHARED)


if __name__ == "__main__":
    sys.stdout.write(client_configuration_page())
