"""The console script `horde-reference`: one module of `standalone.commands` for each command."""

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence
from typing import Final

from horde_model_reference.documents import ChangeRefused, SourceUnreadable
from service_kit.errors import ServiceError
from service_kit.settings import SettingsInvalid

COMMANDS: Final = {
    "serve": ("serve", "run the whole service in one process"),
    "read-api": ("read_api", "run only the read-api"),
    "write-queue": ("write_queue", "run only the write-queue"),
    "seed": ("seed", "make the catalogue what the files of the legacy repositories say"),
    "export": ("export", "write the catalogue as files"),
    "verify": ("verify", "check every entry, hash and link of the journal"),
    "rollback": ("rollback", "make the catalogue what it was at a former revision"),
    "convert": ("convert", "convert between the formats on standard input and output"),
}
"""Command to module and help. Only the chosen module is imported: each has its own heavy needs."""

SERVICES: Final = frozenset({"serve", "read-api", "write-queue"})
"""The commands that run until a signal, and end in order at the first one."""

INTERRUPTED: Final = 130
"""128 + SIGINT, as shells count."""

EXPECTED: Final = (ServiceError, SettingsInvalid, SourceUnreadable, ChangeRefused, OSError)
"""What an operator can do something about: said in a line, without a stack trace."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 failed, 2 called wrongly, 130 Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] not in COMMANDS:
        return _overview(words)
    module = importlib.import_module(f"standalone.commands.{COMMANDS[words[0]][0]}")
    parser = argparse.ArgumentParser(prog=f"horde-reference {words[0]}", description=module.__doc__)
    module.add_arguments(parser)
    if words[0] not in SERVICES:
        # an HTTP client that was cut off logs its abandoned writes there, beside the error that is reported
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        status: int = module.run(parser.parse_args(words[1:]))
    except EXPECTED as error:
        sys.stderr.write(f"horde-reference {words[0]}: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write(f"horde-reference {words[0]}: interrupted\n")
        return INTERRUPTED
    return status


def _overview(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="horde-reference", description="The AI-Horde model reference.", epilog="Each command has --help."
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, (_, help_text) in COMMANDS.items():
        commands.add_parser(name, help=help_text)
    parser.parse_args(words)
    return 2
