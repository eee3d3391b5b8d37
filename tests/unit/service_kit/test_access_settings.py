"""User ids, the address of the AI-Horde and limits, from the environment."""

import pytest

from service_kit.access_settings import KeyedServiceSettings
from service_kit.settings import ENV_PREFIX, SettingsInvalid, load_settings

REQUESTORS = f"{ENV_PREFIX}PENDING_QUEUE__REQUESTOR_IDS"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AI_HORDE_URL", "HORDE_URL", f"{ENV_PREFIX}AI_HORDE_URL", REQUESTORS):
        monkeypatch.delenv(name, raising=False)


def load(monkeypatch: pytest.MonkeyPatch, **values: str) -> KeyedServiceSettings:
    for name, value in values.items():
        monkeypatch.setenv(name if "HORDE_URL" in name else ENV_PREFIX + name, value)
    return load_settings(KeyedServiceSettings)


def test_nobody_has_a_role_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch)
    assert settings.pending_queue.enabled
    assert (settings.pending_queue.requestor_ids, settings.pending_queue.approver_ids) == ((), ())
    assert settings.ai_horde_url == "https://aihorde.net/api/"


@pytest.mark.parametrize(
    "text", ['["101","102"]', "[101, 102]", '["101", 102]', "101,102", " 101 , 102 ,", '[" 101", "102 "]']
)
def test_ids_are_accepted_as_texts_numbers_and_with_commas(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    settings = load(monkeypatch, PENDING_QUEUE__REQUESTOR_IDS=text, PENDING_QUEUE__APPROVER_IDS=text)
    assert settings.pending_queue.requestor_ids == ("101", "102")
    assert settings.pending_queue.approver_ids == ("101", "102")


@pytest.mark.parametrize("text", ["101", "[]", ""])
def test_one_id_and_none_are_lists_too(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    ids = load(monkeypatch, PENDING_QUEUE__REQUESTOR_IDS=text).pending_queue.requestor_ids
    assert ids == (("101",) if text == "101" else ())


@pytest.mark.parametrize(
    "text",
    [
        "Name#101",
        "0",
        "-5",
        "007",
        "1.5",
        '["101", "x"]',
        "[1.0]",
        "[true]",
        "[null]",
        "[[101]]",
        '{"a": 1}',
        '["101"',
        "\u0661\u0660\u0661",
        "1" * 20,
        '"101"',
        "101 102",
    ],
)
def test_id_that_is_no_number_is_refused_with_the_name_of_the_variable(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    with pytest.raises(SettingsInvalid, match=f"^{REQUESTORS}: ") as caught:
        load(monkeypatch, PENDING_QUEUE__REQUESTOR_IDS=text)
    assert text not in str(caught.value).removeprefix(REQUESTORS)


@pytest.mark.parametrize("name", ["AI_HORDE_URL", "HORDE_URL", f"{ENV_PREFIX}AI_HORDE_URL"])
def test_address_has_names_with_and_without_the_prefix(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert (
        load(monkeypatch, **{name: "http://127.0.0.1:7001/api"}).ai_horde_url == "http://127.0.0.1:7001/api"
    )


def test_newer_name_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, AI_HORDE_URL="http://a/api/", HORDE_URL="http://b/api/")
    assert settings.ai_horde_url == "http://a/api/"


@pytest.mark.parametrize(
    "address",
    ["aihorde.net/api", "ftp://a/", "http://user:secret@a/", "http://a/?k=v", "http://", "http://a b/"],
)
def test_address_that_cannot_be_used_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"^AI_HORDE_URL: ") as caught:
        load(monkeypatch, AI_HORDE_URL=address)
    assert "secret" not in str(caught.value)


def test_limits_can_be_switched_off_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = load(monkeypatch, RATE_LIMITS__WRITES_PER_MINUTE="0").rate_limits
    assert limits.enabled
    assert (limits.writes_per_minute, limits.requests_per_minute > 0) == (0, True)
