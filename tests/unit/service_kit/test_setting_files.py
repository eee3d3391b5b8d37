"""A setting may stand in a file: `NAME_FILE=<path>` in place of `NAME=<value>`."""

from pathlib import Path

import pytest
from pydantic import AliasChoices, BaseModel, Field

from read_api.settings import ReadApiSettings
from registry.settings import SigningSettings
from service_kit.setting_files import MAX_BYTES, SettingFileUnusable, with_values_of_files
from service_kit.settings import (
    ENV_PREFIX,
    S3Settings,
    ServiceSettings,
    SettingsInvalid,
    environment_variables,
    load_settings,
)
from standalone.settings import StandaloneSettings


class Deepest(BaseModel):
    word: str = ""


class Deeper(BaseModel):
    deepest: Deepest = Deepest()


class SomeSettings(ServiceSettings):
    s3: S3Settings = S3Settings()
    signing: SigningSettings = SigningSettings()
    deeper: Deeper = Deeper()
    horde_url: str = Field("", validation_alias=AliasChoices("AI_HORDE_URL", "HORDE_URL"))
    token: str = Field("", validation_alias="SOME_TOKEN")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("models\n")
    return path


def test_value_comes_from_the_file_without_its_last_line_end(
    monkeypatch: pytest.MonkeyPatch, secret: Path
) -> None:
    monkeypatch.setenv(f"{ENV_PREFIX}S3__BUCKET_FILE", str(secret))
    assert load_settings(SomeSettings).s3.bucket == "models"


@pytest.mark.parametrize(
    "name", ["AI_HORDE_URL", "HORDE_URL", "SOME_TOKEN", f"{ENV_PREFIX}DEEPER__DEEPEST__WORD"]
)
def test_every_kind_of_name_may_name_a_file(monkeypatch: pytest.MonkeyPatch, secret: Path, name: str) -> None:
    monkeypatch.setenv(f"{name}_FILE", str(secret))
    settings = load_settings(SomeSettings)
    assert [settings.horde_url, settings.token, settings.deeper.deepest.word].count("models") == 1


def test_whole_part_may_stand_in_a_file_and_single_values_win(
    monkeypatch: pytest.MonkeyPatch, secret: Path, tmp_path: Path
) -> None:
    part = tmp_path / "part"
    part.write_text('{"bucket": "other", "region": "here"}')
    monkeypatch.setenv(f"{ENV_PREFIX}S3_FILE", str(part))
    monkeypatch.setenv(f"{ENV_PREFIX}S3__BUCKET_FILE", str(secret))
    settings = load_settings(SomeSettings)
    assert (settings.s3.bucket, settings.s3.region) == ("models", "here")


def test_setting_that_ends_with_file_is_still_a_path(monkeypatch: pytest.MonkeyPatch, secret: Path) -> None:
    monkeypatch.setenv(f"{ENV_PREFIX}SIGNING__KEY_FILE", str(secret))
    assert load_settings(SomeSettings).signing.key_file == secret


def test_path_of_that_setting_may_stand_in_a_file_too(monkeypatch: pytest.MonkeyPatch, secret: Path) -> None:
    monkeypatch.setenv(f"{ENV_PREFIX}SIGNING__KEY_FILE_FILE", str(secret))
    assert load_settings(SomeSettings).signing.key_file == Path("models")


def test_service_with_sources_of_its_own_reads_files_too(
    monkeypatch: pytest.MonkeyPatch, secret: Path
) -> None:
    monkeypatch.setenv(f"{ENV_PREFIX}S3__BUCKET_FILE", str(secret))
    monkeypatch.setenv(f"{ENV_PREFIX}PRIMARY_API_URL", "")
    for settings_class in (ReadApiSettings, StandaloneSettings):
        settings = load_settings(settings_class)
        assert (settings.s3.bucket, settings.primary_api_url) == ("models", "")


def test_value_and_file_together_are_refused(monkeypatch: pytest.MonkeyPatch, secret: Path) -> None:
    monkeypatch.setenv(f"{ENV_PREFIX}S3__BUCKET_FILE", str(secret))
    monkeypatch.setenv(f"{ENV_PREFIX}S3__BUCKET", "hush")
    with pytest.raises(
        SettingsInvalid, match=f"^{ENV_PREFIX}S3__BUCKET_FILE: {ENV_PREFIX}S3__BUCKET is given too"
    ) as caught:
        load_settings(SomeSettings)
    assert "hush" not in str(caught.value)
    assert "models" not in str(caught.value)


def test_empty_variables_and_files_say_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    monkeypatch.setenv(f"{ENV_PREFIX}S3__BUCKET_FILE", str(tmp_path / "empty"))
    monkeypatch.setenv(f"{ENV_PREFIX}PORT_FILE", "")
    monkeypatch.setenv(f"{ENV_PREFIX}PORT", "1234")
    settings = load_settings(SomeSettings)
    assert (settings.s3.bucket, settings.port) == ("", 1234)


def test_files_that_cannot_be_read_are_all_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(f"{ENV_PREFIX}PORT_FILE", str(tmp_path / "missing"))
    monkeypatch.setenv(f"{ENV_PREFIX}HOST_FILE", str(tmp_path))
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(SomeSettings)
    assert str(caught.value).splitlines() == [
        f"{ENV_PREFIX}HOST_FILE: {tmp_path} cannot be read: is a directory",
        f"{ENV_PREFIX}PORT_FILE: {tmp_path / 'missing'} cannot be read: no such file or directory",
    ]


def test_unusable_value_of_a_file_names_the_setting_and_not_the_value(
    monkeypatch: pytest.MonkeyPatch, secret: Path
) -> None:
    monkeypatch.setenv(f"{ENV_PREFIX}PORT_FILE", str(secret))
    with pytest.raises(SettingsInvalid, match=f"^{ENV_PREFIX}PORT: .*valid integer") as caught:
        load_settings(SomeSettings)
    assert "models" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\xff\xfe", "holds no UTF-8 text"), (b"x" * (MAX_BYTES + 1), "is larger than a setting can be")],
)
def test_file_that_holds_no_setting_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(SettingFileUnusable, match=f"^NAME_FILE: {tmp_path / 'file'} {reason}$"):
        with_values_of_files({"name_file": str(tmp_path / "file")}, {"name"})


def test_path_that_no_system_knows_is_refused() -> None:
    with pytest.raises(SettingFileUnusable, match=r"^NAME_FILE: a\x00b cannot be read: .*null"):
        with_values_of_files({"name_file": "a\x00b"}, {"name"})


@pytest.mark.parametrize(
    ("content", "value"),
    [(b"a\n", "a"), (b"a\r\n", "a"), (b"a\n\n", "a\n"), (b" a ", " a "), (b"a\nb\n", "a\nb")],
)
def test_only_one_line_end_is_left_out(tmp_path: Path, content: bytes, value: str) -> None:
    (tmp_path / "file").write_bytes(content)
    given = {"name_file": str(tmp_path / "file"), "other": "o"}
    assert with_values_of_files(given, {"name", "other"}) == {**given, "name": value}


def test_variables_that_are_no_settings_are_left_alone() -> None:
    given = {"somebodys_file": "/not/there"}
    assert with_values_of_files(given, {"name"}) == given


def test_variables_of_a_settings_class_are_known() -> None:
    names = set(environment_variables(SomeSettings))
    assert {
        f"{ENV_PREFIX}PORT",
        f"{ENV_PREFIX}S3",
        f"{ENV_PREFIX}S3__BUCKET",
        f"{ENV_PREFIX}DEEPER__DEEPEST__WORD",
        "AI_HORDE_URL",
        "HORDE_URL",
        "SOME_TOKEN",
    } <= names
    assert f"{ENV_PREFIX}TOKEN" not in names
