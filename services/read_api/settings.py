"""Settings of the read-api, from the environment."""

from pydantic import Field, field_validator

from horde_model_reference.meta_consts import ReplicateMode
from registry.settings import JournalSettings
from service_kit.settings import SettingsPart


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


class ReadApiSettings(JournalSettings):
    """What the read-api needs to know. Loaded once, in the main program."""

    min_revision_wait_seconds: float = Field(
        5.0, ge=0, description="longest wait for the revision that a request demands"
    )
    events: EventsSettings = EventsSettings()

    @field_validator("replicate_mode")
    @classmethod
    def _is_served(cls, given: ReplicateMode) -> ReplicateMode:
        if given is not ReplicateMode.PRIMARY:
            raise ValueError("only PRIMARY is served")
        return given
