"""Settings of the read-api, from the environment."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from horde_model_reference.meta_consts import CanonicalFormat
from service_kit.settings import RedisSettings, S3Settings, ServiceSettings


def _lower(given: object) -> object:
    return given.lower() if isinstance(given, str) else given


def _upper(given: object) -> object:
    return given.upper() if isinstance(given, str) else given


class ReadApiSettings(ServiceSettings):
    """What the read-api needs to know. Loaded once, in the main program."""

    replicate_mode: Annotated[Literal["PRIMARY"], BeforeValidator(_upper)] = Field(
        "PRIMARY", description="role of the instance; only `PRIMARY` is served"
    )
    canonical_format: Annotated[CanonicalFormat, BeforeValidator(_lower)] = Field(
        CanonicalFormat.v2, description="format that accepts writes: `v2` or `legacy`"
    )
    data_dir: Path = Field(Path("/data"), description="directory of the journal where no S3 is configured")
    head_poll_seconds: float = Field(5.0, gt=0, description="interval of looking for new revisions")
    min_revision_wait_seconds: float = Field(
        5.0, ge=0, description="longest wait for the revision that a request demands"
    )
    s3: S3Settings = S3Settings()
    redis: RedisSettings = RedisSettings()
