"""The console script `horde-reference`: one module of `standalone.commands` for each command.

Nothing heavy is imported at the top: `health` is started every few seconds in every container.
"""

import argparse
import importlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pydantic import ValidationError

COMMANDS: Final = {
    "serve": ("serve", "run the whole service in one process"),
    "read-api": ("read_api", "run only the read-api"),
    "write-queue": ("write_queue", "run only the write-queue"),
    "stats": ("stats", "run only the stats service"),
    "sync-worker": ("sync_worker", "run only the sync-worker"),
    "gateway": ("gateway", "run nginx before the services, and keep it up to date"),
    "gateway-port": ("gateway_port", "hold the ports while one gateway follows another"),
    "seed": ("seed", "make the catalogue what the files of the legacy repositories say"),
    "export": ("export", "write the catalogue as files"),
    "verify": ("verify", "check every entry, hash and link of the journal"),
    "backup": ("backup", "copy the catalogue and the usage history into one file"),
    "restore": ("restore", "bring a backup back into an empty store"),
    "rollback": ("rollback", "make the catalogue what it was at a former revision"),
    "sync": ("sync", "bring the legacy GitHub repositories in step by pull requests"),
    "drift": ("drift", "report what the legacy GitHub repositories have otherwise"),
    "health": ("health", "ask the service that runs here whether it is alive"),
    "convert": ("convert", "convert between the formats on standard input and output"),
}
"""Command to module and help. Only the chosen module is imported: each has its own heavy needs."""

SERVICES: Final = frozenset(
    {"serve", "read-api", "write-queue", "stats", "sync-worker", "gateway", "gateway-port"}
)
"""The commands that run until a signal, and end in order at the first one."""

INTERRUPTED: Final = 130
"""128 + SIGINT, as shells count."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 failed, 2 called wrongly, 130 Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] not in COMMANDS:
        return _overview(words)
    if words[0] in SERVICES:
        # as the first process of a container it would not be ended by the signal before it waits for it
        signal.signal(signal.SIGTERM, _end_before_serving)
    try:
        module = importlib.import_module(f"standalone.commands.{COMMANDS[words[0]][0]}")
    except _refused() as error:  # the library checks the settings that it shares when it is imported
        return _failed(words[0], _refused_variables(error))
    parser = argparse.ArgumentParser(prog=f"horde-reference {words[0]}", description=module.__doc__)
    module.add_arguments(parser)
    if words[0] not in SERVICES:
        # an HTTP client that was cut off logs its abandoned writes there, beside the error that is reported
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        status: int = module.run(parser.parse_args(words[1:]))
    except _expected() as error:
        return _failed(words[0], str(error))
    except KeyboardInterrupt:
        sys.stderr.write(f"horde-reference {words[0]}: interrupted\n")
        return INTERRUPTED
    return status


def _end_before_serving(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler
    os._exit(0)  # nothing was begun; an exception in the middle of an import can crash the interpreter


def _failed(command: str, why: str) -> int:
    sys.stderr.write(f"horde-reference {command}: {why}\n")
    return 1


def _expected() -> tuple[type[Exception], ...]:
    """Return what an operator can do something about: said in a line, without a stack trace."""
    from horde_model_reference.documents import (  # noqa: PLC0415 - may fail, see above
        ChangeRefused,
        SourceUnreadable,
    )
    from service_kit.errors import ServiceError  # noqa: PLC0415 - see the top
    from service_kit.settings import SettingsInvalid  # noqa: PLC0415 - see the top

    return ServiceError, SettingsInvalid, SourceUnreadable, ChangeRefused, OSError


def _refused() -> "type[ValidationError]":
    from pydantic import ValidationError  # noqa: PLC0415 - see the top

    return ValidationError


def _refused_variables(error: "ValidationError") -> str:
    from service_kit.settings import ENV_PREFIX, NESTED_DELIMITER  # noqa: PLC0415 - see the top

    lines = []
    for problem in error.errors():
        name = NESTED_DELIMITER.join(str(part) for part in problem["loc"]).upper()
        lines.append(f"{ENV_PREFIX}{name}: {problem['msg'].removeprefix('Value error, ')}")
    return "\n".join(lines)


def _overview(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="horde-reference", description="The AI-Horde model reference.", epilog="Each command has --help."
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, (_, help_text) in COMMANDS.items():
        commands.add_parser(name, help=help_text)
    parser.parse_args(words)
    return 2
