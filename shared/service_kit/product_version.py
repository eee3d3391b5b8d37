"""Which version of the services is installed."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final

DISTRIBUTION: Final = "horde-model-reference-services"


def _installed() -> str:
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:  # run from sources that are not installed
        return "0"


PRODUCT_VERSION: Final = _installed()  # read once, at import: it lies in a file
