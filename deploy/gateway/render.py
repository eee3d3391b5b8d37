# ruff: noqa: INP001 - a script of its own, in no package
"""Makes the nginx.conf of the gateway: `render.py --read-api HOST:PORT --stats HOST:PORT ... OUT_DIR`.

Nothing but the standard library, so that it also runs in an image. The state directory gets the cache, the
bodies that are being uploaded and the sockets; it must be the gateway's own.
"""

import argparse
import re
import shutil
import string
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
SNIPPETS: Final = ("problem.conf", "from_client.conf", "to_service.conf")
SOCKETS: Final = ("reads", "patient_reads", "stats_reads", "keyed_reads", "posts", "puts")
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
LONGEST_SOCKET_PATH: Final = 107  # of Linux
ADDRESS: Final = re.compile(r"[A-Za-z0-9._-]+:\d{1,5}|\[[0-9A-Fa-f:.]+\]:\d{1,5}")


class _Template(string.Template):
    """Replaces `${GATEWAY_...}` only: every other dollar belongs to nginx."""

    pattern = r"\$\{(?P<braced>GATEWAY_[A-Z_]+)\}|(?P<escaped>(?!))|(?P<named>(?!))|(?P<invalid>(?!))"  # type: ignore[assignment] # as documented


def main() -> int:
    """Write nginx.conf and what it includes into the directory."""
    arguments = _parser().parse_args()
    try:
        text = render(_values(arguments))
    except ValueError as error:
        sys.stderr.write(f"render.py: {error}\n")
        return 2
    arguments.out_dir.mkdir(parents=True, exist_ok=True)
    arguments.state_dir.mkdir(parents=True, exist_ok=True)
    (arguments.out_dir / "nginx.conf").write_text(text, encoding="utf-8")
    for name in SNIPPETS:
        shutil.copyfile(HERE / name, arguments.out_dir / name)
    return 0


def render(values: Mapping[str, str]) -> str:
    """Return the configuration. Raises `ValueError` when a value is missing or cannot stand in it."""
    template = _Template((HERE / "nginx.conf.template").read_text(encoding="utf-8"))
    try:
        return template.substitute(values)
    except KeyError as error:
        raise ValueError(f"no value for {error}") from error


def servers(addresses: Sequence[str], options: str) -> str:
    """Return the `server` lines of an upstream; without an address, one that is always down."""
    for address in addresses:
        if not ADDRESS.fullmatch(address):
            raise ValueError(f"not HOST:PORT: {address!r}")
    lines = [f"server {address} {options};" for address in addresses] or ["server 127.0.0.1:1 down;"]
    return "\n".join(f"        {line}" for line in lines)


def _values(arguments: argparse.Namespace) -> dict[str, str]:
    left_out, stats_left_out = map(_left_out, (arguments.answer_seconds, arguments.stats_seconds))
    return {
        "GATEWAY_CATEGORIES": f"(?:{'|'.join(CATEGORIES)})",
        "GATEWAY_LISTEN": _listen(arguments.listen),
        "GATEWAY_STATE_DIR": _state_dir(arguments.state_dir),
        "GATEWAY_WORKERS": str(arguments.workers),
        "GATEWAY_MAX_BODY_BYTES": str(arguments.max_body_bytes),
        "GATEWAY_ERROR_LOG": arguments.error_log,
        "GATEWAY_ACCESS_LOG": f"{arguments.access_log} gateway" if arguments.access_log else "off",
        "GATEWAY_CLIENT_SECONDS": str(arguments.client_seconds),
        "GATEWAY_ANSWER_SECONDS": str(arguments.answer_seconds),
        "GATEWAY_STATS_SECONDS": str(arguments.stats_seconds),
        "GATEWAY_STATS_SERVICE": "stats" if arguments.stats else "nobody",
        "GATEWAY_STATS_SERVERS": servers(arguments.stats, stats_left_out),
        "GATEWAY_STATS_SERVERS_NEVER_OUT": servers(arguments.stats, "max_fails=0"),
        "GATEWAY_READ_SERVERS": servers(arguments.read_api, left_out),
        "GATEWAY_READ_SERVERS_NEVER_OUT": servers(arguments.read_api, "max_fails=0"),
        "GATEWAY_WRITE_SERVERS": servers(arguments.write_queue, left_out),
        "GATEWAY_WRITE_SERVERS_NEVER_OUT": servers(arguments.write_queue, "max_fails=0"),
    }


def _left_out(answer_seconds: int) -> str:
    """Return for how long an instance that failed is not asked.

    Longer than a wait for an answer: of two hanging instances one is still out when the other is found out.
    """
    return f"max_fails=1 fail_timeout={answer_seconds + 2}s"


def _listen(address: str) -> str:
    if not (ADDRESS.fullmatch(address) or re.fullmatch(r"\d{1,5}", address)):
        raise ValueError(f"not HOST:PORT: {address!r}")
    return address


def _state_dir(path: Path) -> str:
    absolute = str(path.resolve())
    if re.search(r"[\s;{}\"'$\\]", absolute):
        raise ValueError(f"the state directory has a character that nginx would not understand: {absolute!r}")
    longest = max(len(f"{absolute}/{name}.sock") for name in SOCKETS)
    if longest > LONGEST_SOCKET_PATH:
        raise ValueError(
            f"the state directory is {longest - LONGEST_SOCKET_PATH} characters too long for sockets"
        )
    return absolute


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="render.py", description=__doc__)
    parser.add_argument("out_dir", type=Path, help="where nginx.conf and its parts are written")
    parser.add_argument("--listen", default="127.0.0.1:19900", metavar="HOST:PORT")
    parser.add_argument("--state-dir", type=Path, required=True, help="cache, temporary files, sockets")
    parser.add_argument("--read-api", action="append", default=[], metavar="HOST:PORT", help="once for each")
    parser.add_argument(
        "--write-queue", action="append", default=[], metavar="HOST:PORT", help="once for each"
    )
    parser.add_argument(
        "--stats", action="append", default=[], metavar="HOST:PORT", help="once for each; none: 503"
    )
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    parser.add_argument(
        "--max-body-bytes", type=int, default=1024 * 1024, help="as the services are configured"
    )
    parser.add_argument("--answer-seconds", type=int, default=4, help="longest wait for one open read")
    parser.add_argument(
        "--stats-seconds", type=int, default=7, help="the same for statistics, which may wait 5 s for figures"
    )
    parser.add_argument("--client-seconds", type=int, default=10, help="longest wait for what a client sends")
    parser.add_argument("--error-log", default="stderr", help="file, or stderr")
    parser.add_argument(
        "--access-log", default="", help="file for one JSON line per request; none by default"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
