"""Parts of the settings of services that need to know who asks: key check, roles, rate limits."""

import json
import re
from typing import Annotated, Final

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from service_kit.ai_horde_settings import AiHordeSettings
from service_kit.settings import SettingsPart

USER_ID: Final = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


def _parse_ids(given: object) -> object:
    """Turn a JSON list of texts or numbers, or ids separated by commas, into texts that are user ids."""
    values = _json_list(given.strip()) if isinstance(given, str) else given
    if not isinstance(values, list | tuple):
        raise ValueError("is not a list of user ids")  # noqa: TRY004 - pydantic turns only this into its error
    return tuple(_parse_id(value) for value in values)


def _json_list(text: str) -> object:
    if not text.startswith(("[", "{", '"')):
        return [part for part in text.split(",") if part.strip()]
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError("is neither a JSON list of user ids nor ids separated by commas") from error


def _parse_id(value: object) -> str:
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not USER_ID.fullmatch(text):
        raise ValueError("holds something that is no user id, the digits behind the last # of a user name")
    return text


UserIds = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parse_ids)]
"""AI-Horde user ids, given as a JSON list (`["101", 102]`) or separated by commas (`101, 102`)."""


class PendingQueueSettings(SettingsPart):
    """The review queue, and who may do what there (http-write-api.md sections 2 and 14)."""

    enabled: bool = Field(True, description="proposals are accepted into the review queue")
    requestor_ids: UserIds = Field((), description="AI-Horde user ids that may propose changes")
    approver_ids: UserIds = Field((), description="user ids that may propose, approve and apply changes")


class KeyCheckSettings(SettingsPart):
    """How API keys are looked up, and how long what was found is believed."""

    fresh_seconds: float = Field(30.0, ge=0, le=60, description="a verified key is not asked for again")
    known_seconds: float = Field(
        3600.0, ge=0, description="a verified key keeps working for so long while the AI-Horde is away"
    )
    refused_seconds: float = Field(10.0, ge=0, le=60, description="an unknown key is remembered as such")
    timeout_seconds: float = Field(10.0, gt=0, description="longest wait for the user of a key")
    known_wait_seconds: float = Field(
        2.0, gt=0, description="longest wait where the key was verified before; then that counts"
    )
    pause_seconds: float = Field(5.0, gt=0, description="the AI-Horde is left alone after failures")
    max_known_keys: int = Field(10_000, ge=1, description="verified keys remembered at most")
    max_refused_keys: int = Field(10_000, ge=1, description="unknown keys remembered at most")
    client_agent: str = Field(
        "horde-model-reference:1:unknown",
        pattern=r"^[\x20-\x7e]+$",
        description="how the service introduces itself to the AI-Horde, as `name:version:contact`",
    )


class RateLimitSettings(SettingsPart):
    """How many requests are accepted a minute, and in one go (`burst`). A rate of 0 sets no limit."""

    enabled: bool = Field(True, description="requests that need a key are limited")
    writes_per_minute: int = Field(6000, ge=0, description="writes of one user")
    writes_burst: int = Field(3000, ge=1, description="writes of one user in one go")
    requests_per_minute: int = Field(60_000, ge=0, description="requests that need a key, of one address")
    requests_burst: int = Field(10_000, ge=1, description="the same in one go")
    failed_keys_per_minute: int = Field(300, ge=0, description="requests with unknown keys, of one address")
    failed_keys_burst: int = Field(300, ge=1, description="the same in one go")
    max_subjects: int = Field(
        100_000, ge=1, description="users and addresses that one process keeps count of"
    )


class KeyedServiceSettings(AiHordeSettings):
    """What a service needs that looks up API keys."""

    key_check: KeyCheckSettings = KeyCheckSettings()
    pending_queue: PendingQueueSettings = PendingQueueSettings()
    rate_limits: RateLimitSettings = RateLimitSettings()
