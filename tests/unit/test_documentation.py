"""The documentation says what the code says."""

from support.configuration_table import configuration_page
from support.reference_data import REPOSITORY


def test_configuration_page_is_what_the_settings_say() -> None:
    page = (REPOSITORY / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == configuration_page(), "run `make docs`"


def test_every_setting_has_a_meaning() -> None:
    rows = [line for line in configuration_page().splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |")] == []
