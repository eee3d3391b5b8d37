"""The documentation says what the code says."""

from collections.abc import Callable
from pathlib import PurePath

import pytest

from support.client_configuration_table import client_configuration_page
from support.configuration_table import configuration_page
from support.reference_data import REPOSITORY

PAGES = {
    "docs/configuration.md": configuration_page,
    "docs/client-configuration.md": client_configuration_page,
}


@pytest.mark.parametrize(("name", "page"), PAGES.items(), ids=[PurePath(name).stem for name in PAGES])
def test_configuration_page_is_what_the_settings_say(name: str, page: Callable[[], str]) -> None:
    assert (REPOSITORY / name).read_text(encoding="utf-8") == page(), "run `make docs`"


@pytest.mark.parametrize("page", PAGES.values(), ids=[PurePath(name).stem for name in PAGES])
def test_every_setting_has_a_meaning(page: Callable[[], str]) -> None:
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |")] == []
