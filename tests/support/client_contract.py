"""The contract runner for the library, against any PRIMARY and with any interpreter."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from support.contract_runner import run_runner

LEAST_CHECKS = 90


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the runner said."""

    passed: int
    failures: tuple[str, ...]
    seconds: int
    output: str

    @property
    def is_complete(self) -> bool:
        """Whether every check ran, and none failed."""
        return self.passed >= LEAST_CHECKS and not self.failures


async def check_client(base_url: str, python: Path | str = sys.executable, *more: str) -> Verdict:
    """Run every check; what goes beyond the older library counts like the rest."""
    output = await run_runner(
        "check_client.py", "--primary-url", base_url, "--python", str(python), "--strict-beyond", *more
    )
    lines = output.splitlines()
    counted = re.fullmatch(r"(\d+) passed, \d+ failed", lines[-1] if lines else "")
    took = re.search(r"^took (\d+)s$", output, re.MULTILINE)
    failures = [line for line in lines if line.startswith("FAIL ")]
    if counted is None:
        failures.append(f"the runner did not come to its end: {output[-1000:]}")
    return Verdict(int(counted[1]) if counted else 0, tuple(failures), int(took[1]) if took else 0, output)
