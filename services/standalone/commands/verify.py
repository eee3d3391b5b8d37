"""Check every entry, link, hash and signature of the journal.

Ends with status 1, saying where, if anything is wrong.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from registry.entry_signature import PublicKey
from registry.signatures import read_public_key
from registry.verify import Verification, verify
from service_kit.settings import load_settings
from standalone.journal_access import open_journal
from standalone.settings import StandaloneSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the keys; the settings say which journal."""
    parser.add_argument(
        "--public-key",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="demand signatures of this key (JSON, PEM or base64); may be repeated after a change of keys",
    )


def run(arguments: argparse.Namespace) -> int:
    """Verify and report."""
    public_keys = [read_public_key(path) for path in arguments.public_key]
    result = asyncio.run(_verify(load_settings(StandaloneSettings), public_keys))
    sys.stdout.write("".join(f"problem: {problem}\n" for problem in result.problems))
    sys.stdout.write(f"{summary(result)}\n")
    return 1 if result.problems else 0


def summary(result: Verification) -> str:
    """Return one line: how much of what was checked, and whether all is right."""
    parts = [
        f"{result.entries} entries",
        f"{result.revisions} revisions",
        f"{result.blobs} blobs",
        f"{result.checkpoints} checkpoints",
    ]
    if result.outdated_checkpoints:
        parts.append(f"{result.outdated_checkpoints} checkpoints of another version, not checked")
    if result.signatures_checked:
        parts.append(f"{result.signed} signatures")
    elif result.signed:
        parts.append(f"{result.signed} signed, not checked")
    outcome = f"{len(result.problems)} problems" if result.problems else "all right"
    return f"{', '.join(parts)}: {outcome}"


async def _verify(settings: StandaloneSettings, public_keys: Sequence[PublicKey]) -> Verification:
    async with open_journal(settings, read_only=True) as access:
        return await verify(access.store, public_keys)
