"""Settings of every service that works on the journal."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from horde_model_reference.meta_consts import CanonicalFormat, ReplicateMode
from service_kit.settings import AmqpSettings, RedisSettings, S3Settings, ServiceSettings, SettingsPart


def _lower(given: object) -> object:
    return given.lower() if isinstance(given, str) else given


def _upper(given: object) -> object:
    return given.upper() if isinstance(given, str) else given


class SigningSettings(SettingsPart):
    """Signatures of what changes the catalogue."""

    key_file: Path | None = Field(
        None, description="file with the Ed25519 key that entries are signed with (PEM, or base64)"
    )


class JournalSettings(ServiceSettings):
    """Where the journal is, who tells of its changes, and which side accepts writes."""

    replicate_mode: Annotated[ReplicateMode, BeforeValidator(_upper)] = Field(
        ReplicateMode.PRIMARY,
        description="`PRIMARY` holds the journal, `REPLICA` serves what a PRIMARY has",
    )
    canonical_format: Annotated[CanonicalFormat, BeforeValidator(_lower)] = Field(
        CanonicalFormat.v2, description="format that accepts writes: `v2` or `legacy`"
    )
    data_dir: Path = Field(Path("/data"), description="directory of the journal where no S3 is configured")
    head_poll_seconds: float = Field(4.0, gt=0, description="interval of looking for new revisions")
    s3: S3Settings = S3Settings()
    redis: RedisSettings = RedisSettings()
    amqp: AmqpSettings = AmqpSettings()
