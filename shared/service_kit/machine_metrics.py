"""Metrics that have to be read from the operating system: not for the event loop."""

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

LABELS: Final = ("directory",)


class MachineMetrics(Collector):
    """The process, its interpreter, and the directories that it keeps data in, in a registry of their own."""

    def __init__(self) -> None:
        self._directories: set[Path] = set()

    def watch_directory(self, path: Path) -> None:
        """Show from now on how much room there is."""
        self._directories.add(path)

    def render(self) -> bytes:
        """Return all of it in the text format of Prometheus. Blocks."""
        return generate_latest(self._registry)

    @cached_property
    def _registry(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        registry.register(self)
        return registry

    def collect(self) -> Iterator[Metric]:
        """Yield the room of the directories that exist. Blocks."""
        size = GaugeMetricFamily(
            "data_directory_size_bytes", "Size of the file system that the data lie on.", labels=LABELS
        )
        free = GaugeMetricFamily(
            "data_directory_free_bytes", "What of it can still be written to.", labels=LABELS
        )
        for path in sorted(self._directories):
            try:
                found = os.statvfs(path)
            except OSError:
                continue
            size.add_metric([str(path)], found.f_blocks * found.f_frsize)
            free.add_metric([str(path)], found.f_bavail * found.f_frsize)
        yield from (size, free)
