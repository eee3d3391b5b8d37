"""Searches that were never asked before, over the text models: the function itself, and over HTTP."""

import hashlib
import http.client
import statistics
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from bench.children import wait_until_quiet
from bench.figures import Figure
from bench.http_client import fetch
from bench.service import TEXT_DOCUMENT, V2, serving
from read_api.domain.records import iterate_records
from read_api.domain.search import SearchQuery, search
from read_api.domain.search_table import rank_steps
from read_api.pages import build_pages
from registry.catalogue import CategoryBlobs
from registry.content import CatalogueContent, CategoryContent
from registry.journal import utc_now
from service_kit.slices import run_now

TARGET_MS = 1.0
REPEATS = 200
TEXT = "text_generation"
QUIET_SECONDS = 30.0

QUERIES: dict[str, Callable[[int], SearchQuery]] = {
    "everything": lambda n: SearchQuery(limit=500, offset=n % 50),
    "part of the name": lambda n: SearchQuery(name_contains=str(n % 100), limit=50),
    "tags": lambda n: SearchQuery(tags_any=("chat", "instruct", str(n)), tags_none=(f"none-{n}",)),
    "names and quantization": lambda n: SearchQuery(
        quantized=False, exclude_backend_variations=True, name_contains="b", offset=n % 50
    ),
    "sorted": lambda n: SearchQuery(sort_by="name", sort_desc=n % 2 == 0, offset=n % 50),
}
PATHS = (
    "search?name_contains={n}b&limit=50",
    "search?quantized=false&exclude_backend_variations=true&offset={n}",
    "search?tags_none=none-{n}&sort_by=name&limit=50",
)


def measure(data_dir: Path) -> list[Figure]:
    """Return the times of searches over the text models of a filled directory."""
    with serving(data_dir) as service:
        wait_until_quiet(service.pid, timeout_seconds=QUIET_SECONDS)
        document = fetch(service.port, TEXT_DOCUMENT).body
        over_http = _over_http(service.port)
    return [*_in_process(document), _over_http_figure(over_http)]


def _in_process(document: bytes) -> list[Figure]:
    blobs = CategoryBlobs(v2=hashlib.sha256(document).hexdigest())
    category = CategoryContent(TEXT, blobs, document, None)
    content = CatalogueContent(1, 1, utc_now(), {TEXT: category})
    table = build_pages(content).categories[TEXT].search.table
    started = perf_counter()
    ranks = run_now(rank_steps(table))
    rank_ms = (perf_counter() - started) * 1000
    figures = []
    for name, make in QUERIES.items():
        times = []
        for n in range(REPEATS):
            query = make(n)
            started = perf_counter()
            search(table, query, ranks)
            times.append((perf_counter() - started) * 1000)
        figures.append(_figure(f"search, {name}", times))
    models = sum(1 for _ in iterate_records(document))
    note = f"{models} models; done in the background before the first sorted search"
    return [*figures, Figure("making the sort orders of a revision", rank_ms, "ms", note=note)]


def _over_http(port: int) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    times = []
    for n in range(REPEATS * 2):
        path = f"{V2}/{TEXT}/{PATHS[n % len(PATHS)].format(n=n)}"
        started = perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        times.append((perf_counter() - started) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"{path} was answered with {answer.status}")
    connection.close()
    return times


def _over_http_figure(times: list[float]) -> Figure:
    taken = sorted(times)
    note = f"p99 {taken[len(taken) * 99 // 100]:.2f} ms, one connection, the client's time included"
    return Figure(
        "search over HTTP, each query new: median", statistics.median(times), "ms", TARGET_MS, note=note
    )


def _figure(name: str, times: list[float]) -> Figure:
    taken = sorted(times)
    note = f"median; p99 {taken[len(taken) * 99 // 100]:.3f} ms"
    return Figure(name, statistics.median(times), "ms", TARGET_MS, note=note)
