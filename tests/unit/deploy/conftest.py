"""The manifests, made once for all tests of them."""

import pytest

from support.kustomized import KustomizeMissing, Manifest, manifests, overlays
from support.servers import missing


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Manifest]]:
    """Every overlay by its name."""
    try:
        texts = overlays(tmp_path_factory.mktemp("kustomized"))
    except KustomizeMissing as error:
        missing(str(error))
    return {name: manifests(text) for name, text in texts.items()}
