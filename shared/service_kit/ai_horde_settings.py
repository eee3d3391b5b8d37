"""Where the AI-Horde is."""

import re

from pydantic import AliasChoices, Field, field_validator

from service_kit.settings import ENV_PREFIX, ServiceSettings


class AiHordeSettings(ServiceSettings):
    """What a service needs that asks the AI-Horde."""

    ai_horde_url: str = Field(
        "https://aihorde.net/api/",
        validation_alias=AliasChoices("AI_HORDE_URL", "HORDE_URL", f"{ENV_PREFIX}AI_HORDE_URL"),
        description="the AI-Horde API; `AI_HORDE_URL` and `HORDE_URL` without the prefix work too",
    )

    @field_validator("ai_horde_url")
    @classmethod
    def _is_plain_address(cls, given: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", given, re.ASCII):
            raise ValueError("must be an http:// or https:// address without user, query and fragment")
        return given
