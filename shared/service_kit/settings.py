"""Parts of the services' settings, and loading them from the environment.

A service's own settings class derives from `ServiceSettings` and adds the parts that it needs as fields:
`s3: S3Settings = S3Settings()` is filled from `HORDE_MODEL_REFERENCE_S3__BUCKET` and so on, or from the file
that `HORDE_MODEL_REFERENCE_S3__BUCKET_FILE` names.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from service_kit.setting_files import SettingFileUnusable, with_values_of_files

ENV_PREFIX: Final = "HORDE_MODEL_REFERENCE_"
NESTED_DELIMITER: Final = "__"

_FIELD_OF_SETTINGS_ERROR: Final = re.compile(r'field "([^"]+)"')


class SettingsInvalid(Exception):
    """A setting cannot be used. The text names each variable and what is wrong, never a value."""


def _parse_texts(given: object) -> object:
    if not isinstance(given, str):
        return given
    text = given.strip()
    if not text.startswith(("[", "{", '"')):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError("is neither a JSON list of texts nor texts separated by commas") from error


TextList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parse_texts)]
"""Texts, given as a JSON list (`["a", "b"]`) or separated by commas (`a, b`)."""


class SettingsPart(BaseModel):
    """Settings that belong together."""

    model_config = ConfigDict(frozen=True)


class HttpSettings(SettingsPart):
    """How a service listens, what it accepts, and which browser pages may call it."""

    host: str = Field("127.0.0.1", description="address to listen on; `0.0.0.0` for every IPv4 one")
    port: int = Field(19800, ge=0, le=65535, description="port to listen on; 0 picks a free one")
    cors_allowed_origins: TextList = Field(
        (), description="web origins that may send requests with an `apikey`; `*` for all"
    )
    cors_open_reads: bool = Field(True, description="any web origin may send requests without an `apikey`")
    max_body_bytes: int = Field(1024 * 1024, gt=0, description="largest request body")
    max_header_bytes: int = Field(128 * 1024, ge=1024, description="largest request line, and header field")
    keepalive_seconds: float = Field(75.0, gt=0, description="an idle connection is closed after this")
    head_timeout_seconds: float = Field(
        20.0, gt=0, description="time for sending the head of a request; then the connection is closed"
    )
    body_timeout_seconds: float = Field(20.0, gt=0, description="time for sending the body of a request")
    stalled_answer_seconds: float = Field(
        60.0, gt=0, description="a client that takes nothing of its answer for so long is cut off"
    )
    trusted_proxies: int = Field(
        0, ge=0, le=16, description="proxies of ours before the service; each adds to `X-Forwarded-For`"
    )
    drain_seconds: float = Field(20.0, ge=0, description="requests may finish for this long at the stop")
    access_log: bool = Field(True, description="write one JSON line for each request to standard output")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level logged")


class S3Settings(SettingsPart):
    """A bucket on an S3-compatible server; without a bucket, a directory is used instead."""

    endpoint_url: str = Field("", description="address of the server; empty: AWS")
    bucket: str = Field("", description="name of an existing bucket; empty: no S3")
    prefix: str = Field("", description="put before every key, so that a bucket can be shared")
    access_key: str = Field("", description="empty: the credentials of the environment, as AWS finds them")
    secret_key: SecretStr = Field(SecretStr(""), description="the secret that belongs to the access key")
    region: str = Field("us-east-1", description="region that requests are signed for")
    connect_timeout_seconds: float = Field(2.0, gt=0, description="longest wait for a connection")
    read_timeout_seconds: float = Field(5.0, gt=0, description="longest silence of the server")
    attempts: int = Field(3, ge=1, le=10, description="how often a call is tried")
    deadline_seconds: float = Field(15.0, gt=0, description="longest wait for a call with all its tries")
    max_connections: int = Field(32, ge=1, description="connections held open at most")

    @property
    def configured(self) -> bool:
        """Whether objects are kept in S3."""
        return bool(self.bucket)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.endpoint_url and not self.bucket:
            raise ValueError("BUCKET is missing beside ENDPOINT_URL")
        if bool(self.access_key) != bool(self.secret_key.get_secret_value()):
            raise ValueError("ACCESS_KEY and SECRET_KEY belong together, but only one is set")
        if not re.fullmatch(r"(https?://\S+)?", self.endpoint_url):
            raise ValueError("ENDPOINT_URL must start with http:// or https://")
        if self.prefix and not re.fullmatch(r"([A-Za-z0-9_-]+/)+", self.prefix):
            raise ValueError("PREFIX must consist of names that each end with a slash, such as catalogue/")
        return self


class RedisSettings(SettingsPart):
    """A shared cache. It is used when its address is set, or when `use_redis` says so."""

    use_redis: bool | None = Field(None, description="true or false: use it or not, whatever the address")
    url: SecretStr = Field(SecretStr(""), description="`redis://[:password@]host:port/database`")
    key_prefix: str = Field("horde:model_ref", description="put before every key, with a colon")
    connect_timeout_seconds: float = Field(0.5, gt=0, description="longest wait for a connection")
    call_timeout_seconds: float = Field(0.5, gt=0, description="longest wait for an answer")
    pause_seconds: float = Field(5.0, gt=0, description="it is left alone for this long after a failure")
    max_connections: int = Field(10, ge=1, description="connections held open at most")

    @property
    def configured(self) -> bool:
        """Whether the shared cache is used."""
        return bool(self.url.get_secret_value()) if self.use_redis is None else self.use_redis

    @property
    def address(self) -> str:
        """The address to connect to. It may hold a password."""
        return self.url.get_secret_value() or "redis://localhost:6379/0"

    @model_validator(mode="after")
    def _known_scheme(self) -> Self:
        if not self.address.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("URL must start with redis://, rediss:// or unix://")
        return self


class AmqpSettings(SettingsPart):
    """A RabbitMQ broker; without an address, events stay within the process."""

    url: SecretStr = Field(SecretStr(""), description="`amqp://user:password@host:port/vhost`, or `amqps://`")
    exchange: str = Field("horde.model_reference", min_length=1, description="the durable topic exchange")
    connect_timeout_seconds: float = Field(3.0, gt=0, description="longest wait for a connection")
    publish_timeout_seconds: float = Field(3.0, gt=0, description="longest wait for a confirmation")
    close_timeout_seconds: float = Field(3.0, gt=0, description="longest wait for the end of a connection")
    drain_seconds: float = Field(2.0, ge=0, description="events may still be sent for this long at the stop")
    heartbeat_seconds: int = Field(
        5, ge=1, le=600, description="interval of signs of life; after some three without one it reconnects"
    )
    first_pause_seconds: float = Field(0.2, gt=0, description="longest wait before the first reconnection")
    max_pause_seconds: float = Field(10.0, gt=0, description="longest wait before later ones")
    max_waiting: int = Field(1000, ge=1, description="events that may wait; then the oldest are dropped")
    max_tries: int = Field(5, ge=1, description="how often an event is sent that the broker does not confirm")
    prefetch: int = Field(32, ge=1, le=1000, description="events handed over at once to an instance")

    @property
    def configured(self) -> bool:
        """Whether events go through a broker."""
        return bool(self.url.get_secret_value())

    @model_validator(mode="after")
    def _known_address(self) -> Self:
        if not self.configured:
            return self
        try:
            address = urlsplit(self.url.get_secret_value())
            usable = address.scheme in {"amqp", "amqps"} and address.hostname and address.port != 0
        except ValueError:  # its text may hold a part of the password
            usable = False
        if not usable:
            raise ValueError("URL must have the form amqp://user:password@host:port/vhost, or amqps://")
        return self


class SettingsOfFiles(BaseSettings):
    """Settings of which every variable may name a file with its value."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let every variable name a file, too."""
        of_files = EnvironmentWithFiles(settings_cls)
        return init_settings, of_files, env_settings, dotenv_settings, file_secret_settings


class ServiceSettings(HttpSettings, SettingsOfFiles):
    """What every service has. Loaded once, by `load_settings` in the main program, then passed down."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=NESTED_DELIMITER,
        env_ignore_empty=True,
        nested_model_default_partial_update=True,
        extra="ignore",
        frozen=True,
    )


class EnvironmentWithFiles(EnvSettingsSource):
    """The environment, where `NAME_FILE` may say in which file the value of `NAME` stands."""

    def __init__(self, settings_class: type[BaseSettings]) -> None:
        """Read the files. Raises `SettingsInvalid`."""
        super().__init__(settings_class)
        names = {name.lower() for name in environment_variables(settings_class)}
        try:
            self.env_vars = with_values_of_files(self.env_vars, names)
        except SettingFileUnusable as error:
            raise SettingsInvalid(str(error)) from error


def environment_variables(settings_class: type[BaseSettings]) -> Iterator[str]:
    """Yield the name of every variable that the settings are filled from, also those of whole parts."""
    config: Any = settings_class.model_config
    prefix: str = config.get("env_prefix", "")
    for name, field in settings_class.model_fields.items():
        match field.validation_alias:
            case None:
                yield from _variables_of_field(prefix + name.upper(), field.annotation)
            case AliasChoices(choices=choices):
                yield from (choice for choice in choices if isinstance(choice, str))
            case alias:
                yield str(alias)


def _variables_of_field(variable: str, annotation: object) -> Iterator[str]:
    yield variable
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield from _variables_of_field(variable + NESTED_DELIMITER + name.upper(), field.annotation)


SomeSettings = TypeVar("SomeSettings", bound=BaseSettings)


def load_settings(settings_class: type[SomeSettings]) -> SomeSettings:
    """Read the settings from the environment. Raises `SettingsInvalid`."""
    try:
        return settings_class()
    except ValidationError as error:
        problems = [_describe(settings_class, problem["loc"], problem["msg"]) for problem in error.errors()]
        raise SettingsInvalid("\n".join(problems)) from None
    except SettingsError as error:  # a JSON value that cannot be parsed, before any validation
        found = _FIELD_OF_SETTINGS_ERROR.search(str(error))
        location = tuple(found[1].split(".")) if found else ()
        raise SettingsInvalid(_describe(settings_class, location, "is not valid JSON")) from None


def _describe(settings_class: type[BaseSettings], location: tuple[int | str, ...], message: str) -> str:
    return f"{variable_name(settings_class, location)}: {message.removeprefix('Value error, ')}"


def variable_name(settings_class: type[BaseSettings], location: Iterable[int | str]) -> str:
    """Return the environment variable that fills the field at `location`, such as `("s3", "bucket")`."""
    path = [part for part in location if isinstance(part, str) and not part.startswith("function-")]
    config: Any = settings_class.model_config
    if not path:
        return f"{config.get('env_prefix', '')}*"
    name = NESTED_DELIMITER.join(path).upper()
    return name if path[0] not in settings_class.model_fields else f"{config.get('env_prefix', '')}{name}"
