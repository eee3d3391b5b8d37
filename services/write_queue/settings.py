"""Settings of the write-queue, from the environment."""

from pydantic import Field

from registry.seed_settings import SeedSettings
from registry.settings import JournalSettings, SigningSettings
from service_kit.access_settings import KeyedServiceSettings
from service_kit.settings import SettingsPart


class AuditSettings(SettingsPart):
    """The views of the audit. What they show is kept in any case: it is the journal itself."""

    enabled: bool = Field(True, description="the audit views answer")


class WriteQueueSettings(KeyedServiceSettings, JournalSettings, SeedSettings):
    """What the write-queue needs to know. Loaded once, in the main program."""

    require_two_persons: bool = Field(
        False, description="nobody may approve a change that they proposed themselves"
    )
    audit: AuditSettings = AuditSettings()
    signing: SigningSettings = SigningSettings()
