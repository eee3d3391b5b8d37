"""What the library costs the programs that use it, beside what its predecessor costs them."""

import itertools
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import client_refresh, client_seen
from bench.children import wait_until_quiet
from bench.client_figures import call_figure, column, seconds_figure, stall_figure, today
from bench.client_precedence import is_allowed, precedence_of
from bench.client_programs import STALL_PROBE, Said, Users
from bench.failures import attempt, say
from bench.figures import Figure
from bench.service import serving

QUIET_SECONDS: Final = 30.0
READ: Final = ("image_generation", "clip", "text_generation")
STRATEGIES: Final = {
    ("async",): "prefetch strategy async",
    ("warm",): "await warm_cache_async()",
    ("warm", "imports"): "the same, the manager imported meanwhile",
}


@dataclass(frozen=True, slots=True)
class Effort:
    """How often each figure is taken."""

    imports: int
    reads: int
    stalls: int
    calls: int
    memories: int


FULL: Final = Effort(imports=21, reads=11, stalls=11, calls=3, memories=5)
QUICK: Final = Effort(imports=5, reads=3, stalls=3, calls=1, memories=1)


def measure(data_dir: Path, seed_dir: Path, work_dir: Path, *, quick: bool) -> list[Figure]:
    """Return all figures; a part that fails is one that is missing."""
    effort, folder = QUICK if quick else FULL, work_dir / "clients"
    folder.mkdir(exist_ok=True)
    say(f"    programs {'come' if is_allowed() else 'do NOT come'} before others on this machine")
    with serving(data_dir) as service:
        wait_until_quiet(service.pid, timeout_seconds=QUIET_SECONDS)
        users = Users(f"{service.root_url}/api", folder, {})
        users.run("first_read", READ[0])  # from now on the bytecode is there
        parts = {
            "import": lambda: _imports(users, effort),
            "first reads": lambda: _first_reads(users, effort),
            "stalls": lambda: _stalls(users, effort),
            "calls": lambda: _calls(users, effort),
            "memory": lambda: _memory(users, effort),
            "refresh": lambda: client_refresh.measure(service.port, folder, quick=quick),
        }
        with precedence_of((service.pid,)):
            figures = [figure for name, part in parts.items() for figure in attempt(f"  {name}", part)]
    seen = attempt("  seen", lambda: client_seen.measure(data_dir, seed_dir, work_dir, quick=quick))
    return [*figures, *seen]


def _imports(users: Users, effort: Effort) -> list[Figure]:
    said = [users.run("import") for _ in range(effort.imports)]
    return [seconds_figure("import of the library", said, 0.15, "0.27 to 0.7")]


def _first_reads(users: Users, effort: Effort) -> list[Figure]:
    said: dict[str, list[Said]] = {category: [] for category in READ}
    for _, category in itertools.product(range(effort.reads), READ):
        said[category].append(users.run("first_read", category))
    return [
        seconds_figure(f"first read after the import, {category}", taken, 0.15, "0.36 to 0.8")
        for category, taken in said.items()
    ]


def _stalls(users: Users, effort: Effort) -> list[Figure]:
    said: dict[tuple[str, ...], list[Said]] = {words: [] for words in STRATEGIES}
    for _, words in itertools.product(range(effort.stalls), STRATEGIES):
        said[words].append(users.run(*words, probe=STALL_PROBE))
    return [
        stall_figure(
            f"stall of the caller's loop, {STRATEGIES[words]}", taken, 20.0 if len(words) == 1 else None
        )
        for words, taken in said.items()
    ]


def _calls(users: Users, effort: Effort) -> list[Figure]:
    said = [users.run("calls") for _ in range(effort.calls)]
    return [
        call_figure("warm get_model", column(said, "get_model"), 5.0, "10"),
        call_figure("warm query(...).where(name=...).first()", column(said, "query"), 10.0, "150"),
        call_figure("warm get_model_reference", column(said, "get_model_reference"), None, ""),
    ]


def _memory(users: Users, effort: Effort) -> list[Figure]:
    bare = [float(users.run("memory", "bare")["megabytes"]) for _ in range(effort.memories)]
    full = [users.run("memory", "full") for _ in range(effort.memories)]
    lowest, imported = statistics.median(bare), statistics.median(column(full, "imported"))
    added = [one - lowest for one in column(full, "megabytes")]
    note = (
        f"median of {len(added)}, {min(added):.1f} to {max(added):.1f}; the import {imported - lowest:.1f}; "
        f"a bare interpreter has {lowest:.1f}"
    )
    return [
        Figure("memory with everything loaded", statistics.median(added), "MB", 50.0, note=today("54", note))
    ]
