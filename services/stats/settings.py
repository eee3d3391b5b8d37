"""Settings of the stats service, from the environment (statistics.md section 6)."""

from pydantic import Field

from registry.settings import JournalSettings
from service_kit.settings import TextList
from stats.domain.risk_rules import RiskRules
from stats.engine import RUNTIME_PACE_SECONDS
from stats.horde.settings import HordeSettings

DEFAULTS = RiskRules()


class StatsSettings(HordeSettings, JournalSettings):
    """What the stats service needs to know. Loaded once, in the main program."""

    preferred_file_hosts: TextList = Field(
        DEFAULTS.preferred_hosts, description="where files of models should be; subdomains count too"
    )
    low_usage_threshold_percentage: float = Field(
        DEFAULTS.low_usage_percentage,
        ge=0,
        description="an image model with a smaller share of the month's usage is used little",
    )
    text_gen_low_usage_threshold_percentage: float = Field(
        DEFAULTS.text_low_usage_percentage, ge=0, description="the same of a text model"
    )
    text_gen_ignore_download_hosts: bool = Field(
        DEFAULTS.text_ignores_hosts, description="it does not matter where files of text models are"
    )
    text_gen_critical_usage_threshold: int = Field(
        DEFAULTS.text_critical_usage,
        ge=0,
        description="a text model that is used less in a month, and has too few workers, is critical",
    )
    text_gen_critical_worker_threshold: int = Field(
        DEFAULTS.text_critical_workers, ge=0, description="fewer workers than this are too few"
    )
    statistics_pace_seconds: float = Field(
        RUNTIME_PACE_SECONDS,
        ge=0,
        description="for newer live figures alone, answers are made at most so often",
    )
    min_revision_wait_seconds: float = Field(
        5.0, ge=0, description="longest wait for the revision that a request demands"
    )

    @property
    def risk_rules(self) -> RiskRules:
        """What deletion risk is judged by."""
        return RiskRules(
            preferred_hosts=tuple(self.preferred_file_hosts),
            low_usage_percentage=self.low_usage_threshold_percentage,
            text_low_usage_percentage=self.text_gen_low_usage_threshold_percentage,
            text_ignores_hosts=self.text_gen_ignore_download_hosts,
            text_critical_usage=self.text_gen_critical_usage_threshold,
            text_critical_workers=self.text_gen_critical_worker_threshold,
        )
