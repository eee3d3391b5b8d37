"""Hold the ports of the gateway until Ctrl-C or SIGTERM, while one gateway follows another.

Gateways get them at the socket that `HORDE_MODEL_REFERENCE_GATEWAY_PORT_SOCKET` names.
"""

import argparse
import sys

from gateway.port_holder import check, serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what else can be done."""
    parser.add_argument("--check", action="store_true", help="only ask whether somebody holds ports there")


def run(arguments: argparse.Namespace) -> int:
    """Hold, or ask."""
    if not arguments.check:
        return serve()
    check()
    sys.stdout.write("healthy: the ports are held\n")
    return 0
