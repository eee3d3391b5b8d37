"""Runs a contract runner of the shared folder."""

import asyncio
import sys

from support.reference_data import SHARED


async def run_runner(name: str, *arguments: str) -> str:
    """Run it to its end and return what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SHARED / "contract" / name),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return out.decode()
