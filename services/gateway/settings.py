"""Settings of the gateway, from the environment."""

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, AliasChoices, Field, model_validator
from pydantic_settings import SettingsConfigDict

from gateway.addresses import parse_target
from service_kit.settings import ENV_PREFIX, SettingsOfFiles, TextList

GATEWAY_PREFIX: Final = f"{ENV_PREFIX}GATEWAY_"
LONGEST_SOCKET_PATH: Final = 107  # of Linux
LONGEST_SOCKET_NAME: Final = "patient_stats.sock"


def _targets(given: tuple[str, ...]) -> tuple[str, ...]:
    for text in given:
        parse_target(text)
    return given


def _networks(given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(ipaddress.ip_network(text)) for text in given)


def _hosts(given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(ipaddress.ip_address(text)) for text in given)


def _for_nginx(given: Path) -> Path:
    path = given.absolute()
    if re.search(r"[\s;{}\"'$\\]", str(path)):
        raise ValueError("has a character that nginx would not understand")
    return path


def _state_dir(given: Path) -> Path:
    path = given.resolve()  # as the system tells it of the processes that work there
    too_long = len(f"{path}/{LONGEST_SOCKET_NAME}") - LONGEST_SOCKET_PATH
    if too_long > 0:
        raise ValueError(f"is {too_long} characters too long for sockets")
    return path


def environment_with(**more: str) -> dict[str, str]:
    """Return the environment of a program that is started, with more in it."""
    return {**os.environ, **more}  # noqa: TID251 - this is a settings module


NginxPath = Annotated[Path, AfterValidator(_for_nginx)]
TargetList = Annotated[TextList, AfterValidator(_targets)]


class GatewaySettings(SettingsOfFiles):
    """What the gateway needs to know. Loaded once, in the main program."""

    model_config = SettingsConfigDict(
        env_prefix=GATEWAY_PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, populate_by_name=True
    )

    read_api: TargetList = Field(
        (), description="instances of read-api, as `host:port`; a name may stand for many"
    )
    write_queue: TargetList = Field((), description="the same of write-queue")
    stats: TargetList = Field((), description="the same of stats; none: their addresses are `503`")
    listen: Annotated[TextList, AfterValidator(_hosts)] = Field(
        ("0.0.0.0", "::"),  # noqa: S104 - it is what stands before everything
        description="addresses to listen on; `::` is left out where there is no IPv6",
    )
    port: int = Field(8080, ge=1, le=65535, description="port for requests without TLS")
    tls_port: int = Field(8443, ge=1, le=65535, description="port for requests with TLS")
    tls_certificate: NginxPath | None = Field(
        None,
        description="PEM file with the certificate and those between; none: no TLS. Followed when it changes",
    )
    tls_key: NginxPath | None = Field(None, description="PEM file with its key")
    port_socket: NginxPath | None = Field(
        None,
        description="socket of `horde-reference gateway-port`, which holds the ports; none: the gateway does",
    )
    redirect_to: str = Field(
        "", description="where requests without TLS are sent, such as `https://models.example`; empty: served"
    )
    hsts_seconds: int = Field(0, ge=0, description="browsers are told to insist on TLS for this long; 0: not")
    real_ip_from: Annotated[TextList, AfterValidator(_networks)] = Field(
        (), description="networks of the proxies before the gateway, which say who a client is"
    )
    real_ip_header: str = Field(
        "X-Forwarded-For", pattern=r"^[A-Za-z0-9-]+$", description="the header in which they say it"
    )
    state_dir: Annotated[NginxPath, AfterValidator(_state_dir)] = Field(
        Path("/tmp/gateway"),  # noqa: S108 - made with mode 700, refused when it is somebody else's
        description="configuration, cache, uploads, sockets; the gateway's own, may be empty at every start",
    )
    workers: int = Field(2, ge=1, le=64, description="worker processes of each of the two nginx")
    max_body_bytes: int = Field(
        1024 * 1024, gt=0, description="largest request body; as the services have it"
    )
    answer_seconds: int = Field(4, ge=1, description="longest wait for one open read")
    stats_seconds: int = Field(7, ge=1, description="the same for statistics, which may wait 5 s for figures")
    client_seconds: int = Field(10, ge=1, description="longest wait for what a client sends")
    drain_seconds: int = Field(20, ge=1, description="requests may finish for this long at the stop")
    old_worker_seconds: int = Field(
        60, ge=1, description="what is under way may go on for this long after a change of addresses"
    )
    resolve_seconds: float = Field(1.0, gt=0, description="names are looked up this often")
    forget_seconds: float = Field(
        30.0, ge=0, description="a name without an address keeps its last ones for this long"
    )
    start_seconds: float = Field(10.0, ge=0, description="the start waits this long for a read-api's address")
    hosts_file: Path | None = Field(
        None, description="names are looked up in this file, which looks like `/etc/hosts`, not in the DNS"
    )
    nginx: str = Field("nginx", min_length=1, description="the program, with or without its path")
    access_log: bool = Field(True, description="write one JSON line for each request to standard output")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level logged")
    admin_host: str = Field(
        "127.0.0.1",
        validation_alias=AliasChoices(f"{GATEWAY_PREFIX}ADMIN_HOST", f"{ENV_PREFIX}HOST"),
        description="address of the gateway's own `/live`, `/ready` and `/metrics`; else that of `HOST`",
    )
    admin_port: int = Field(19801, ge=0, le=65535, description="and their port; 0 picks a free one")

    @property
    def tls(self) -> bool:
        """Whether TLS is ended here."""
        return self.tls_certificate is not None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("TLS_CERTIFICATE and TLS_KEY belong together, but only one is set")
        if self.redirect_to and not re.fullmatch(r"https://[A-Za-z0-9.\[\]:-]+", self.redirect_to):
            raise ValueError("REDIRECT_TO must look like https://models.example")
        if self.redirect_to and not self.tls:
            raise ValueError("REDIRECT_TO needs TLS_CERTIFICATE and TLS_KEY")
        if self.tls and self.port == self.tls_port:
            raise ValueError("PORT and TLS_PORT are the same")
        return self
