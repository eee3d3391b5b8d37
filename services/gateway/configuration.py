"""Makes the two configurations of nginx from the settings and the addresses of the instances."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Final

from gateway.addresses import socket_address
from gateway.settings import GatewaySettings

INCLUDED: Final = ("problem.conf", "problem_texts.conf", "from_client.conf", "to_service.conf", "status.conf")
CATEGORIES: Final = (
    "blip",
    "clip",
    "codeformer",
    "controlnet",
    "controlnet_annotator",
    "esrgan",
    "gfpgan",
    "safety_checker",
    "image_generation",
    "text_generation",
    "video_generation",
    "audio_generation",
    "miscellaneous",
    "lora",
    "ti",
)
HTTP2_DIRECTIVE_SINCE: Final = (1, 25, 1)
MOST_CONNECTIONS: Final = 16384  # of one worker
ACCESS_LOG: Final = (
    "        access_log /dev/stdout gateway buffer=4k flush=1s;"  # 4k are written at once, unmixed
)


class Stage(StrEnum):
    """Which of the two nginx."""

    FRONT = "front"
    BACK = "back"


class Service(StrEnum):
    """The kinds of services behind the gateway."""

    READ_API = "read-api"
    WRITE_QUEUE = "write-queue"
    STATS = "stats"


Addresses = Mapping[Service, Sequence[str]]
"""For each kind what nginx is to send to, as `ADDRESS:PORT`."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the configuration depends on besides the settings."""

    nginx_version: tuple[int, ...]
    open_files: int
    listen_addresses: Sequence[str]


class _Template(string.Template):
    """Replaces `${GATEWAY_...}` only: every other dollar belongs to nginx."""

    pattern = r"\$\{(?P<braced>GATEWAY_[A-Z0-9_]+)\}|(?P<escaped>(?!))|(?P<named>(?!))|(?P<invalid>(?!))"  # type: ignore[assignment] # as documented


def _packaged(name: str) -> str:
    return (resources.files("gateway") / "nginx" / name).read_text(encoding="utf-8")


_TEMPLATES: Final = {stage: _Template(_packaged(f"{stage}.conf.template")) for stage in Stage}
SNIPPETS: Final = {name: _packaged(name) for name in INCLUDED}
"""The files that both configurations include, by name."""


def front_values(settings: GatewaySettings, machine: Machine) -> dict[str, str]:
    """Return what stands in the configuration of the front door, but for its generation."""
    return {
        **_common_values(settings, machine),
        "GATEWAY_CATEGORIES": f"(?:{'|'.join(CATEGORIES)})",
        "GATEWAY_DRAIN_SECONDS": str(settings.drain_seconds),
        "GATEWAY_MAX_BODY_BYTES": str(settings.max_body_bytes),
        "GATEWAY_CLIENT_SECONDS": str(settings.client_seconds),
        "GATEWAY_STATS_SERVICE": "stats" if settings.stats else "nobody",
        "GATEWAY_ACCESS_LOG": ACCESS_LOG if settings.access_log else "",
        "GATEWAY_LISTEN": "" if settings.redirect_to else _plain_listens(settings, machine),
        "GATEWAY_TLS": _tls(settings, machine),
        "GATEWAY_REDIRECTING_SERVER": _redirecting(settings, machine),
        "GATEWAY_HSTS": f"max-age={settings.hsts_seconds}" if settings.hsts_seconds else "",
        "GATEWAY_TRUSTED_PROXIES": _trusted(settings),
    }


def back_values(settings: GatewaySettings, machine: Machine, addresses: Addresses) -> dict[str, str]:
    """Return what stands in the configuration of the second stage, but for its generation."""
    left_out, stats_left_out = map(_left_out, (settings.answer_seconds, settings.stats_seconds))
    reads, writes, stats = (
        addresses.get(kind, ()) for kind in (Service.READ_API, Service.WRITE_QUEUE, Service.STATS)
    )
    return {
        **_common_values(settings, machine),
        "GATEWAY_OLD_WORKER_SECONDS": str(settings.old_worker_seconds),
        "GATEWAY_ANSWER_SECONDS": str(settings.answer_seconds),
        "GATEWAY_STATS_SECONDS": str(settings.stats_seconds),
        "GATEWAY_STATS_SERVERS": _servers(stats, stats_left_out),
        "GATEWAY_STATS_SERVERS_NEVER_OUT": _servers(stats, "max_fails=0"),
        "GATEWAY_READ_SERVERS": _servers(reads, left_out),
        "GATEWAY_READ_SERVERS_NEVER_OUT": _servers(reads, "max_fails=0"),
        "GATEWAY_WRITE_SERVERS": _servers(writes, left_out),
        "GATEWAY_WRITE_SERVERS_NEVER_OUT": _servers(writes, "max_fails=0"),
    }


def render(stage: Stage, values: Mapping[str, str], generation: int) -> str:
    """Return the configuration. `generation` is what it answers when it is asked which one it is."""
    return _TEMPLATES[stage].substitute(values, GATEWAY_GENERATION=str(generation))


def _common_values(settings: GatewaySettings, machine: Machine) -> dict[str, str]:
    return {
        "GATEWAY_STATE_DIR": str(settings.state_dir),
        "GATEWAY_WORKERS": str(settings.workers),
        "GATEWAY_OPEN_FILES": str(machine.open_files),
        "GATEWAY_CONNECTIONS": str(min(MOST_CONNECTIONS, machine.open_files)),
    }


def _servers(addresses: Sequence[str], options: str) -> str:
    """Return the `server` lines of an upstream; without an address, one that is always down."""
    lines = [f"server {address} {options};" for address in addresses] or ["server 127.0.0.1:1 down;"]
    return _indented(lines)


def _left_out(answer_seconds: int) -> str:
    """Return for how long an instance that failed is not asked.

    Longer than a wait for an answer: of two hanging instances one is still out when the other is found out.
    """
    return f"max_fails=1 fail_timeout={answer_seconds + 2}s"


def _plain_listens(settings: GatewaySettings, machine: Machine) -> str:
    return _indented(_listens(machine, settings.port, ""))


def _listens(machine: Machine, port: int, kind: str) -> list[str]:
    return [
        f"listen {socket_address(host, port)}{kind} default_server backlog=4096;"
        for host in machine.listen_addresses
    ]


def _tls(settings: GatewaySettings, machine: Machine) -> str:
    if settings.tls_certificate is None or settings.tls_key is None:
        return ""
    directive = machine.nginx_version >= HTTP2_DIRECTIVE_SINCE
    lines = _listens(machine, settings.tls_port, " ssl" if directive else " ssl http2")
    lines += ["http2 on;"] if directive else []
    lines += [
        f"ssl_certificate     {settings.tls_certificate};",
        f"ssl_certificate_key {settings.tls_key};",
        "ssl_protocols TLSv1.2 TLSv1.3;",
        "ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;  # of TLS 1.2: forward secrecy, authenticated",
        "ssl_prefer_server_ciphers off;",
        "ssl_session_cache shared:tls:10m;",
        "ssl_session_timeout 1d;",
        "ssl_session_tickets off;",
    ]
    return _indented(lines)


def _redirecting(settings: GatewaySettings, machine: Machine) -> str:
    """Return the server that sends everybody to TLS, where the settings want it."""
    if not settings.redirect_to:
        return ""
    lines = [
        *_listens(machine, settings.port, ""),
        "access_log off;",
        "location = /gateway/health {",
        "    default_type application/json;",
        "    add_header Cache-Control no-store;",
        """    return 200 '{"status":"alive"}';""",
        "}",
        f"location / {{ return 308 {settings.redirect_to}$request_uri; }}",
    ]
    return f"\n    server {{\n{_indented(lines)}\n    }}\n"


def _trusted(settings: GatewaySettings) -> str:
    """Return who may say for whom a request is sent, and over what it came."""
    lines = ["geo $realip_remote_addr $gateway_from_proxy {", "    default 0;"]
    lines += [f"    {network} 1;" for network in settings.real_ip_from] + ["}"]
    if settings.real_ip_from:
        lines += [f"set_real_ip_from {network};" for network in settings.real_ip_from]
        lines += [f"real_ip_header {settings.real_ip_header};", "real_ip_recursive on;"]
    return "\n".join(f"    {line}" for line in lines)


def _indented(lines: Sequence[str]) -> str:
    return "\n".join(f"        {line}" for line in lines)
