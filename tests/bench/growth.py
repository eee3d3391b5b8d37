"""What more models cost: start, memory, and single requests, with catalogues of 10 and 100 times the size."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import orjson

from bench.catalogues import IMAGE_MODELS, TEXT_MODELS, write_synthetic
from bench.children import resident_megabytes, wait_until_quiet
from bench.figures import Figure
from bench.http_client import fetch
from bench.service import IMAGE_DOCUMENT, TEXT_DOCUMENT, Service, fill, serving
from bench.throughput import GZIP
from bench.wrk import put_load, require

FACTORS = (1, 10, 100)
ROUNDS = 3
FLAT = 1.25  # a request may cost so much more
LINEAR = 2.0  # a model more may cost so much more at x100; were the work quadratic, it would be 10
SMALL_TRIES = 3  # of the small sizes the best counts, for they are soon done and easily disturbed
NOISE = 0.05  # less than this share of x1 cannot be told from nothing
QUIET_SECONDS = 60.0
MODEL = f"{IMAGE_DOCUMENT}/model/made_up_99"


@dataclass(frozen=True, slots=True)
class Size:
    """One catalogue: the best times of filling and of being ready, memory when ready and later, in MB."""

    factor: int
    fill_seconds: float
    ready_seconds: float
    ready_megabytes: float
    later_megabytes: float
    settled: bool
    service: Service


def measure(work_dir: Path) -> list[Figure]:
    """Return build times, memory and request costs for all sizes. Raises `ToolMissing`."""
    require("wrk")
    with contextlib.ExitStack() as stack:
        sizes = [_start(stack, work_dir, factor) for factor in FACTORS]
        costs = {
            "one model": [_cost(size.service, MODEL, GZIP) for size in sizes],
            "304": [_cost(size.service, TEXT_DOCUMENT, _conditional(size.service)) for size in sizes],
        }
    return [
        *(_size_figure(size) for size in sizes),
        _linear("seeding", "s", [size.fill_seconds for size in sizes]),
        _linear("building at the start", "s", [size.ready_seconds for size in sizes]),
        _linear("memory", "MB", [size.ready_megabytes for size in sizes]),
        *(_flat(name, taken) for name, taken in costs.items()),
    ]


def _start(stack: contextlib.ExitStack, work_dir: Path, factor: int) -> Size:
    root = work_dir / f"times-{factor}"
    seed_dir = write_synthetic(root / "seed", factor)
    tries = SMALL_TRIES if factor < FACTORS[-1] else 1
    fill_seconds = min(fill(root / f"data-{n}", seed_dir) for n in range(tries))
    ready = [_ready_seconds(root / f"data-{n}") for n in range(tries - 1)]
    service = stack.enter_context(serving(root / "data-0"))
    ready_megabytes = resident_megabytes(service.pid)
    _require_models(service, factor)
    settled = wait_until_quiet(service.pid, timeout_seconds=QUIET_SECONDS)
    return Size(
        factor=factor,
        fill_seconds=fill_seconds,
        ready_seconds=min([*ready, service.ready_seconds]),
        ready_megabytes=ready_megabytes,
        later_megabytes=resident_megabytes(service.pid),
        settled=settled,
        service=service,
    )


def _ready_seconds(data_dir: Path) -> float:
    with serving(data_dir) as service:
        return service.ready_seconds


def _require_models(service: Service, factor: int) -> None:
    categories = orjson.loads(fetch(service.port, "/api/status").body)["categories"]
    served = tuple(categories[name]["models"] for name in ("text_generation", "image_generation"))
    if served != (TEXT_MODELS * factor, IMAGE_MODELS * factor):
        raise RuntimeError(f"the made-up catalogue x{factor} is served with {served} models")


def _conditional(service: Service) -> dict[str, str]:
    return {**GZIP, "If-None-Match": fetch(service.port, TEXT_DOCUMENT, GZIP).headers["etag"]}


def _cost(service: Service, path: str, headers: dict[str, str]) -> float:
    return min(put_load(service.port, path, headers, pid=service.pid).cpu_microseconds for _ in range(ROUNDS))


def _size_figure(size: Size) -> Figure:
    state = "settled" if size.settled else "still compressing"
    memory = f"{size.ready_megabytes:.0f} MB resident then, {size.later_megabytes:.0f} MB later ({state})"
    note = f"filled in {size.fill_seconds:.1f} s, {memory}"
    return Figure(f"catalogue x{size.factor}: ready", size.ready_seconds, "s", note=note)


def _linear(what: str, unit: str, taken: list[float]) -> Figure:
    """Compare what one model more costs between x10 and x100 with what it costs between x1 and x10."""
    early = max(taken[1] - taken[0], NOISE * taken[0]) / (FACTORS[1] - FACTORS[0])
    late = (taken[2] - taken[1]) / (FACTORS[2] - FACTORS[1])
    note = ", ".join(f"x{factor} {value:.2f} {unit}" for factor, value in zip(FACTORS, taken, strict=True))
    return Figure(f"{what}: growth of the cost of a model", late / early, "", LINEAR, note=note)


def _flat(what: str, costs: list[float]) -> Figure:
    note = "us of processor: " + ", ".join(
        f"x{factor} {cost:.1f}" for factor, cost in zip(FACTORS, costs, strict=True)
    )
    return Figure(f"{what}: cost at x100 to x1", costs[2] / costs[0], "", FLAT, note=note)
