"""Every metric of the product, as the code that makes it says: found in the sources, without running them."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from support.reference_data import REPOSITORY

KINDS = {
    "Counter": "counter",
    "CounterMetricFamily": "counter",
    "_counter": "counter",
    "Gauge": "gauge",
    "GaugeMetricFamily": "gauge",
    "_gauge": "gauge",
    "Histogram": "histogram",
    "HistogramMetricFamily": "histogram",
    "_histogram": "histogram",
}
STARRED = {"_counter", "_gauge", "_histogram"}
"""Helpers that take the labels one by one."""

OWNERS = {
    "service_kit": "every service",
    "read_api": "read-api",
    "write_queue": "write-queue",
    "stats": "stats",
    "sync_worker": "sync-worker",
    "gateway": "gateway",
    "standalone": "standalone",
}
"""The packages that make metrics, and in which service they are seen; the one process has them all."""

HISTOGRAM_SUFFIXES = ("_bucket", "_sum", "_count")


@dataclass(frozen=True, slots=True)
class Described:
    """One metric. `name` is that of its samples, of a histogram without their suffixes."""

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str
    owner: str

    @property
    def samples(self) -> frozenset[str]:
        """The names that a query can ask for."""
        if self.kind != "histogram":
            return frozenset({self.name})
        return frozenset(self.name + suffix for suffix in HISTOGRAM_SUFFIXES)


OF_THE_PROCESS = [
    Described(name, kind, labels, text, OWNERS["service_kit"])
    for name, kind, labels, text in (
        ("process_cpu_seconds_total", "counter", (), "Time of processors that was used."),
        ("process_max_fds", "gauge", (), "File descriptors that the process may have."),
        ("process_open_fds", "gauge", (), "File descriptors that it has."),
        ("process_resident_memory_bytes", "gauge", (), "Memory that it takes."),
        ("process_start_time_seconds", "gauge", (), "When it began, in Unix time."),
        ("process_virtual_memory_bytes", "gauge", (), "Addresses that it has reserved."),
        ("python_gc_collections_total", "counter", ("generation",), "Runs of the garbage collector."),
        ("python_gc_objects_collected_total", "counter", ("generation",), "Objects that it freed."),
        (
            "python_gc_objects_uncollectable_total",
            "counter",
            ("generation",),
            "Objects that it could not free.",
        ),
        (
            "python_info",
            "gauge",
            ("implementation", "major", "minor", "patchlevel", "version"),
            "1, labelled with the interpreter.",
        ),
    )
]
"""What the library tells of the process (on Linux) and of the interpreter."""


class NotLiteral(AssertionError):
    """A metric is made in a way that cannot be read: write name, text and labels out."""


@cache
def all_metrics() -> tuple[Described, ...]:
    """Return the metrics of all packages and those of the process, by owner and name."""
    found = [
        described
        for package, owner in OWNERS.items()
        for path in sorted(_folder(package).rglob("*.py"))
        for described in _metrics_of(path, owner)
    ]
    order = list(OWNERS.values())
    unique = {one.name: one for one in [*found, *OF_THE_PROCESS]}
    return tuple(sorted(unique.values(), key=lambda one: (order.index(one.owner), one.name)))


@cache
def sample_names() -> frozenset[str]:
    """Return every name that a query can ask for."""
    return frozenset(name for one in all_metrics() for name in one.samples)


def _folder(package: str) -> Path:
    shared = REPOSITORY / "shared" / package
    return shared if shared.is_dir() else REPOSITORY / "services" / package


def _metrics_of(path: Path, owner: str) -> Iterator[Described]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = dict(_constants(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (maker := _name_of(node.func)) in KINDS and _makes(node, path):
            yield _described(node, maker, owner, constants, path)


def _makes(call: ast.Call, path: Path) -> bool:
    """Whether this is a metric, not `collections.Counter` nor a helper handing its own arguments on."""
    if not call.args or not isinstance(call.args[0], ast.Name):
        return len(call.args) > 1 and _text_of(call.args[0]) is not None
    if call.args[0].id == "name" and path.stem in {"telemetry", "totals_metrics"}:
        return False
    return len(call.args) > 1


def _described(
    call: ast.Call, maker: str, owner: str, constants: Mapping[str, tuple[str, ...]], path: Path
) -> Described:
    name, text = (_text_of(argument) for argument in call.args[:2])
    if name is None or text is None:
        raise NotLiteral(f"{path.name}:{call.lineno}")
    kind = KINDS[maker]
    if kind == "counter" and not name.endswith("_total"):
        name += "_total"
    return Described(name, kind, _labels_of(call, maker, constants, path), text, owner)


def _labels_of(
    call: ast.Call, maker: str, constants: Mapping[str, tuple[str, ...]], path: Path
) -> tuple[str, ...]:
    if maker in STARRED:
        return tuple(text for argument in call.args[2:] if (text := _text_of(argument)) is not None)
    keyword = next((one.value for one in call.keywords if one.arg in {"labels", "labelnames"}), None)
    given = keyword or (call.args[2] if len(call.args) > 2 else None)
    if isinstance(given, ast.Name):
        return constants.get(given.id, ())
    if isinstance(given, ast.List | ast.Tuple):
        texts = [_text_of(element) for element in given.elts]
        if None in texts:
            raise NotLiteral(f"{path.name}:{call.lineno}")
        return tuple(text for text in texts if text is not None)
    return ()


def _constants(tree: ast.AST) -> Iterator[tuple[str, tuple[str, ...]]]:
    for node in ast.walk(tree):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if isinstance(value, ast.List | ast.Tuple):
                texts = [_text_of(element) for element in value.elts]
                if None not in texts:
                    yield name, tuple(text for text in texts if text is not None)
            case _:
                pass


def _name_of(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _text_of(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
