"""Settings of what is asked of the AI-Horde (statistics.md section 6)."""

from pydantic import Field

from service_kit.ai_horde_settings import AiHordeSettings


class HordeSettings(AiHordeSettings):
    """How often, and how patiently, the AI-Horde is asked."""

    horde_api_cache_ttl: float = Field(
        60.0, gt=0, description="seconds after which the figures of the AI-Horde are fetched anew"
    )
    horde_api_timeout: float = Field(30.0, gt=0, description="longest wait for one answer of the AI-Horde")
    cache_hydration_stale_ttl_seconds: float = Field(
        3600.0,
        gt=0,
        description="the last figures outlive the last instance for so long in the shared cache",
    )
    horde_api_client_agent: str = Field(
        "horde-model-reference:1:unknown",
        pattern=r"^[\x20-\x7e]+$",
        description="how the service introduces itself to the AI-Horde, as `name:version:contact`",
    )
