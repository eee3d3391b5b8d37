"""Statistics: building them, joining an answer that nobody asked for before, serving the finished ones."""

import gc
import hashlib
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from bench.children import wait_until_quiet
from bench.figures import Figure
from bench.http_client import fetch
from bench.service import TEXT_DOCUMENT, Service, serving
from bench.throughput import GZIP, Case, compare
from bench.wrk import ToolMissing, require
from bench.yardsticks import Resource, Yardstick, bare_aiohttp, nginx
from horde_model_reference.integrations.horde_figures import read_status, read_usage, read_workers
from registry.catalogue import CategoryBlobs
from registry.content import CatalogueContent, CategoryContent
from registry.journal import utc_now
from stats.domain.risk_rules import RiskRules
from stats.domain.runtime import HordeKind, Received, RuntimeSnapshot
from stats.results import Results, result_steps
from support.horde_world import HordeWorld
from support.reference_data import SHARED
from support.stats_nodes import FakeHordeNode

TEXT = "text_generation"
STATISTICS = "/api/model_references/statistics"
TEXT_STATISTICS = f"{STATISTICS}/{TEXT}"
RISK = f"{STATISTICS}/{TEXT}/deletion-risk"
WITH_STATS = f"{STATISTICS}/{TEXT}/with-stats"
POPULAR = "/api/model_references/v2/image_generation/popular"
BUILD_TARGET_MS = 150.0
UNCACHED_TARGET_MS = 5.0
RATIO_TARGET = 0.30
ROUNDS = 9
REPEATS = 200
FIGURES_SECONDS = 60.0
QUIET_SECONDS = 30.0


def measure(data_dir: Path, work_dir: Path) -> list[Figure]:
    """Return all figures. Raises `ToolMissing`, `NodeFailed`, `RuntimeError`."""
    if not (SHARED / "fakes").is_dir():
        raise ToolMissing("the fake AI-Horde is not here")
    require("nginx", "wrk")
    with FakeHordeNode(work_dir) as horde, serving(data_dir, {"AI_HORDE_URL": horde.url}) as service:
        _wait_for_figures(service)
        wait_until_quiet(service.pid, timeout_seconds=QUIET_SECONDS)
        document = fetch(service.port, TEXT_DOCUMENT).body
        served = [_in_the_service(service), _uncached(service), *_served(service, work_dir)]
    return [*_building(document), *served]


def _wait_for_figures(service: Service) -> None:
    deadline = time.monotonic() + FIGURES_SECONDS
    while (status := fetch(service.port, RISK).status) != 200:
        if time.monotonic() > deadline:
            raise RuntimeError(f"no figures: {RISK} is answered with {status}")
        time.sleep(0.05)


def _building(document: bytes) -> list[Figure]:
    content, moments = _content(document), _moments()
    first, *_ = _built(content, next(moments), None)
    figures = []
    for name, previous in (("a revision", None), ("new figures", first)):
        builds = [_built(content, next(moments), previous)[1:] for _ in range(ROUNDS)]
        times = [milliseconds for milliseconds, _ in builds]
        longest = statistics.median(one for _, one in builds)
        note = f"median of {ROUNDS}; without a pause {longest:.1f} ms at most; forms for all codings included"
        title = f"building everything about text models for {name}"
        figures.append(Figure(title, statistics.median(times), "ms", BUILD_TARGET_MS, note=note))
    return figures


def _built(
    content: CatalogueContent, snapshot: RuntimeSnapshot, previous: Results | None
) -> tuple[Results, float, float]:
    """Return the results, how long they took, and the longest time between two pauses, in milliseconds."""
    steps = result_steps(content, {snapshot.kind: snapshot}, RiskRules(), previous)
    gc.collect()
    gc.freeze()  # what the measurement itself keeps is not to be looked through meanwhile
    began = last = perf_counter()
    longest = 0.0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            now = perf_counter()
            return end.value, (now - began) * 1000, max(longest, now - last) * 1000
        now = perf_counter()
        longest, last = max(longest, now - last), now


def _content(document: bytes) -> CatalogueContent:
    blobs = CategoryBlobs(v2=hashlib.sha256(document).hexdigest())
    return CatalogueContent(1, 1, utc_now(), {TEXT: CategoryContent(TEXT, blobs, document, None)})


def _moments() -> Iterator[RuntimeSnapshot]:
    """Yield what the AI-Horde tells of text models, as of one second after the other."""
    world, at = HordeWorld(), time.time()
    status = read_status(world.status("text"))
    usage = read_usage(world.usage("text"))
    workers = read_workers(world.workers("text"))
    assert status is not None
    assert usage is not None
    assert workers is not None
    while True:
        at += 1
        yield RuntimeSnapshot(
            HordeKind.TEXT, at, Received(status, at), Received(usage, at), Received(workers, at)
        )


def _in_the_service(service: Service) -> Figure:
    metrics = fetch(service.port, "/metrics").body.decode()
    seconds, builds = (_sample(metrics, f"stats_build_seconds_{name}") for name in ("sum", "count"))
    note = f"mean of {builds:.0f}; all categories, and pauses between slices for requests"
    return Figure("building everything in the running service", seconds / builds * 1000, "ms", note=note)


def _sample(metrics: str, name: str) -> float:
    return next(float(line.split()[1]) for line in metrics.splitlines() if line.startswith(f"{name} "))


def _uncached(service: Service) -> Figure:
    """Ask for all models with a question that was never asked before."""
    times = []
    for n in range(1, REPEATS + 1):
        path = f"{WITH_STATS}?include_workers=true&include_backend_variations=true&min_worker_count=-{n}"
        started = perf_counter()
        answer = fetch(service.port, path)
        times.append((perf_counter() - started) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"{path} was answered with {answer.status}")
    note = (
        f"median; p99 {sorted(times)[REPEATS * 99 // 100]:.2f} ms, connecting and the client's time included"
    )
    return Figure(
        "with-stats over HTTP, never asked before",
        statistics.median(times),
        "ms",
        UNCACHED_TARGET_MS,
        note=note,
    )


def _served(service: Service, work_dir: Path) -> list[Figure]:
    cases = [
        Case("text statistics, gzip", TEXT_STATISTICS, "statistics", RATIO_TARGET),
        Case("text deletion risk, gzip", RISK, "risk", RATIO_TARGET),
        Case("text with-stats, gzip", WITH_STATS, "with-stats", RATIO_TARGET),
        Case("popular images, gzip", POPULAR, "popular", RATIO_TARGET),
    ]
    resources = [Resource(case.resource, fetch(service.port, case.path, GZIP)) for case in cases]
    with (
        nginx(work_dir / "stats-nginx", resources) as yardstick,
        bare_aiohttp(work_dir / "stats-bare", resources) as bare,
    ):
        servers: dict[str, Service | Yardstick] = {"ours": service, "nginx": yardstick, "bare": bare}
        return [figure for case in cases for figure in compare(case, servers)]
