"""Fuzzes the product for a while: `make fuzz ARGS="--requests 10000"`. Status 1 if anything was found."""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from fuzz.targets import CALLERS, SETTINGS, Outcome, document, fuzz
from horde_model_reference.meta_consts import CanonicalFormat
from support.service_nodes import running_service

SHARE_OF_APPROVER = 0.7


def main() -> int:
    options = parsed()
    campaigns = []
    for canonical_format in CanonicalFormat:
        described = document(canonical_format)
        settings = {**SETTINGS, "CANONICAL_FORMAT": str(canonical_format)}
        with (
            tempfile.TemporaryDirectory(prefix="fuzz-") as folder,
            running_service(Path(folder), settings) as node,
        ):
            for caller in CALLERS:
                count = share_of(caller, options.requests // len(CanonicalFormat))
                outcome = fuzz(
                    node, described, caller, count, random_seed=options.seed, rounds=options.rounds
                )
                campaigns.append(result(str(canonical_format), caller, outcome))
                say(campaigns[-1])
    failed = sum(campaign["failed"] for campaign in campaigns)
    sent = sum(campaign["requests"] for campaign in campaigns)
    report = {"seed": options.seed, "requests": sent, "failed": failed, "campaigns": campaigns}
    options.report.write_text(json.dumps(report, indent=2) + "\n")
    print(f"{sent} requests, {failed} findings: {options.report}")
    return 1 if failed else 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="how many, over all formats and callers")
    parser.add_argument("--rounds", type=int, default=5, help="how often each endpoint has its turn")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other requests")
    parser.add_argument("--report", type=Path, default=Path("fuzz-report.json"), help="where findings go")
    return parser.parse_args()


def share_of(caller: str, requests: int) -> int:
    share = SHARE_OF_APPROVER if caller == "an approver" else (1 - SHARE_OF_APPROVER) / (len(CALLERS) - 1)
    return round(requests * share)


def result(canonical_format: str, caller: str, outcome: Outcome) -> dict[str, Any]:
    written = outcome.entries_after - outcome.entries_before
    wrongly_written = written if caller != "an approver" else 0
    found = outcome.report.as_json()
    return {
        "canonical_format": canonical_format,
        "caller": caller,
        "entries_written": written,
        "failed": len(found["findings"]) + wrongly_written + outcome.tracebacks,
        "tracebacks": outcome.tracebacks,
        **found,
    }


def say(campaign: dict[str, Any]) -> None:
    what = ("canonical_format", "caller", "requests", "seconds", "statuses", "entries_written", "failed")
    print(", ".join(f"{name} {campaign[name]}" for name in what), flush=True)
    for finding in campaign["findings"]:
        print(f"  {finding['count']} x {finding['operation']}: {finding['problem']}")
        print("    " + finding["examples"][0].replace("\n", "\n    "))


if __name__ == "__main__":
    sys.exit(main())
