"""Settings of the read-api, from the environment."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
)

from registry.github_settings import GithubProxySettings, GithubRepositorySettings
from registry.settings import JournalSettings
from service_kit.access_settings import KeyedServiceSettings
from service_kit.settings import ENV_PREFIX, SettingsPart


class EventsSettings(SettingsPart):
    """The live feed."""

    max_clients: int = Field(10_000, ge=0, description="connections to the live feed at most")
    heartbeat_seconds: float = Field(15.0, gt=0, description="longest silence of the live feed")
    max_buffered_bytes: int = Field(
        64 * 1024, ge=1024, description="a listener to the live feed that more waits for is cut off"
    )
    max_missed_revisions: int = Field(
        1000, ge=1, description="a listener that missed more is told to ask for the changes"
    )


def _require_http(url: str) -> str:
    if not re.fullmatch(r"(https?://\S+)?", url):
        raise ValueError("must start with http:// or https://")
    return url.rstrip("/")


class ReadApiSettings(KeyedServiceSettings, JournalSettings, GithubRepositorySettings, GithubProxySettings):
    """What the read-api needs to know. Loaded once, in the main program."""

    min_revision_wait_seconds: float = Field(
        5.0, ge=0, description="longest wait for the revision that a request demands"
    )
    events: EventsSettings = EventsSettings()
    primary_api_url: Annotated[str, AfterValidator(_require_http)] = Field(
        "https://models.aihorde.net/api",
        description="what a `REPLICA` follows, with `/api`; set to nothing: GitHub only",
    )
    primary_api_timeout: float = Field(10.0, gt=0, description="seconds for one attempt to ask the PRIMARY")
    cache_ttl_seconds: float = Field(
        60.0, gt=0, description="interval at which a `REPLICA` asks whether anything is new"
    )
    enable_github_fallback: bool = Field(
        True, description="a `REPLICA` that has nothing and reaches no PRIMARY serves what GitHub has"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let one empty variable mean something: an empty `PRIMARY_API_URL` is no PRIMARY."""
        every = EnvSettingsSource(settings_cls, env_ignore_empty=False).env_vars
        is_empty = every.get(f"{ENV_PREFIX}PRIMARY_API_URL".lower()) == ""
        said = InitSettingsSource(settings_cls, {"primary_api_url": ""} if is_empty else {})
        first, *others = super().settings_customise_sources(
            settings_cls, init_settings, env_settings, dotenv_settings, file_secret_settings
        )
        return first, said, *others
