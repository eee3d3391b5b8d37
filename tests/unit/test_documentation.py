"""The documentation says what the code says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.client_configuration_table import client_configuration_page
from support.configuration_table import configuration_page
from support.pages import ALL_PAGES, CLIENT_PAGES, EXAMPLES, dead_links, label, program_of, variables_of
from support.reference_data import REPOSITORY

PAGES = {
    "docs/configuration.md": configuration_page,
    "docs/client/configuration.md": client_configuration_page,
}


@pytest.mark.parametrize(("name", "page"), PAGES.items(), ids=list(PAGES))
def test_configuration_page_is_what_the_settings_say(name: str, page: Callable[[], str]) -> None:
    assert (REPOSITORY / name).read_text(encoding="utf-8") == page(), "run `make docs`"


@pytest.mark.parametrize("page", PAGES.values(), ids=list(PAGES))
def test_every_setting_has_a_meaning(page: Callable[[], str]) -> None:
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |")] == []


@pytest.mark.parametrize("page", ALL_PAGES, ids=label)
def test_links_lead_somewhere(page: Path) -> None:
    assert list(dead_links(page)) == []


@pytest.mark.parametrize("page", CLIENT_PAGES, ids=label)
def test_python_blocks_compile(page: Path) -> None:
    compile(program_of(page), label(page), "exec")


@pytest.mark.parametrize("page", CLIENT_PAGES, ids=label)
def test_settings_that_a_page_names_exist(page: Path) -> None:
    rows = client_configuration_page()
    assert [name for name in variables_of(page) if f"`{name}`" not in rows] == []


def test_every_example_is_shown_on_a_page() -> None:
    shown = "".join(page.read_text(encoding="utf-8") for page in CLIENT_PAGES)
    assert [path.name for path in EXAMPLES if f"(examples/{path.name})" not in shown] == []
