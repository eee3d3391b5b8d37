"""Settings come from the environment, and an unusable value names its variable and never itself."""

from pathlib import Path

import pytest
from pydantic import Field

from service_kit.settings import (
    ENV_PREFIX,
    RedisSettings,
    S3Settings,
    ServiceSettings,
    SettingsInvalid,
    load_settings,
)


class SomeServiceSettings(ServiceSettings):
    data_dir: Path = Path("data")
    horde_url: str = Field("https://example.org", validation_alias="AI_HORDE_URL", min_length=5)
    s3: S3Settings = S3Settings()
    redis: RedisSettings = RedisSettings()


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("PORT", "S3__BUCKET", "REDIS__URL", "DATA_DIR", "CORS_ALLOWED_ORIGINS"):
        monkeypatch.delenv(ENV_PREFIX + name, raising=False)
    return monkeypatch


def load(monkeypatch: pytest.MonkeyPatch, **values: str) -> SomeServiceSettings:
    for name, value in values.items():
        monkeypatch.setenv(name if name == "AI_HORDE_URL" else ENV_PREFIX + name, value)
    return load_settings(SomeServiceSettings)


def test_empty_environment_gives_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch)
    assert (settings.port, settings.host, settings.data_dir) == (19800, "127.0.0.1", Path("data"))
    assert not settings.s3.configured
    assert not settings.redis.configured


def test_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, PORT="", CORS_ALLOWED_ORIGINS="").port == 19800


def test_nested_variables_fill_their_part_and_leave_the_other_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = load(monkeypatch, S3__BUCKET="models", S3__ENDPOINT_URL="http://s3:8333")
    assert (settings.s3.bucket, settings.s3.endpoint_url) == ("models", "http://s3:8333")
    assert settings.s3.region == "us-east-1"
    assert settings.s3.configured


ORIGINS = ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    "text",
    [
        '["https://a.example", "https://b.example"]',
        "https://a.example,https://b.example",
        " https://a.example , https://b.example, ",
    ],
)
def test_list_is_accepted_as_json_and_with_commas(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    assert load(monkeypatch, CORS_ALLOWED_ORIGINS=text).cors_allowed_origins == ORIGINS


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("PORT", "eighty", "valid integer"),
        ("PORT", "70000", "less than or equal to 65535"),
        ("CORS_ALLOWED_ORIGINS", '["https://a.example"', "neither a JSON list of texts nor texts separated"),
        ("CORS_ALLOWED_ORIGINS", '{"a": 1}', "valid tuple"),
        ("CORS_ALLOWED_ORIGINS", "[1, 2]", "valid string"),
        ("DRAIN_SECONDS", "-1", "greater than or equal to 0"),
        ("LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("S3__ATTEMPTS", "many", "valid integer"),
        ("REDIS__USE_REDIS", "perhaps", "valid boolean"),
    ],
)
def test_unusable_value_names_the_variable_and_the_reason(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    with pytest.raises(SettingsInvalid, match=f"^{ENV_PREFIX}{name}.*: .*{reason}") as caught:
        load(monkeypatch, **{name: value})
    assert value not in str(caught.value)


def test_variable_without_our_prefix_is_named_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsInvalid, match=r"^AI_HORDE_URL: "):
        load(monkeypatch, AI_HORDE_URL="x")


def test_part_given_as_broken_json_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsInvalid, match=f"^{ENV_PREFIX}S3: is not valid JSON"):
        load(monkeypatch, S3='{"bucket": ')


def test_every_problem_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load(monkeypatch, PORT="x", S3__ATTEMPTS="y")
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        f"{ENV_PREFIX}PORT",
        f"{ENV_PREFIX}S3__ATTEMPTS",
    ]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"S3__ENDPOINT_URL": "http://s3:8333"}, "BUCKET is missing"),
        ({"S3__BUCKET": "b", "S3__ACCESS_KEY": "a"}, "SECRET_KEY belong together"),
        ({"S3__BUCKET": "b", "S3__ENDPOINT_URL": "s3:8333"}, "ENDPOINT_URL must start with"),
        ({"S3__BUCKET": "b", "S3__PREFIX": "no-slash"}, "PREFIX must consist of"),
        ({"REDIS__URL": "localhost:6379"}, "URL must start with"),
    ],
)
def test_values_that_do_not_fit_together_are_refused(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], reason: str
) -> None:
    with pytest.raises(SettingsInvalid, match=reason):
        load(monkeypatch, **values)


def test_secrets_show_neither_in_texts_nor_in_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "S3__BUCKET": "b",
        "S3__ACCESS_KEY": "a",
        "S3__SECRET_KEY": "hush-1",
        "REDIS__URL": "redis://:hush-2@r",
    }
    assert "hush" not in repr(load(monkeypatch, **values))
    with pytest.raises(SettingsInvalid) as caught:
        load(monkeypatch, S3__ACCESS_KEY="", REDIS__URL="hush-3")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "configured", "address"),
    [
        ({}, False, "redis://localhost:6379/0"),
        ({"REDIS__USE_REDIS": "true"}, True, "redis://localhost:6379/0"),
        ({"REDIS__URL": "redis://cache:1/2"}, True, "redis://cache:1/2"),
        ({"REDIS__URL": "redis://cache:1/2", "REDIS__USE_REDIS": "false"}, False, "redis://cache:1/2"),
    ],
)
def test_redis_is_used_when_its_address_or_the_switch_says_so(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], *, configured: bool, address: str
) -> None:
    redis = load(monkeypatch, **values).redis
    assert (redis.configured, redis.address) == (configured, address)


def test_settings_cannot_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch)
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # type: ignore[misc] # that is the point
