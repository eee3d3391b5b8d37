"""docs/metrics.md, made from the code and the rules: `make docs` writes the page."""

import sys
from collections.abc import Iterator
from itertools import groupby

from support.metric_catalogue import all_metrics
from support.monitoring_files import alerts

HEAD = """# Metrics and alerts

Every service answers `GET /metrics` (port 19800, the gateway on 19801) in the text format of Prometheus;
these addresses are for the inner network, the gateway does not pass them on. Names have no common prefix: the
job tells whose they are. Times are seconds, sizes bytes; a counter ends in `_total`; `..._timestamp_seconds`
is Unix time. The one process of `serve` has the metrics of all services, under the service `standalone`.

`outcome` is `ok`, or how it ended otherwise: the name of the error, `interrupted` for what was given up
half-way. `object_store_call_seconds` has `ObjectMissing` and `ObjectExists` for what are answers, not
failures.

This page is made from the code and from `deploy/prometheus/rules` (`make docs`).
"""

ALERTS_HEAD = """
## Alerts

`critical` wakes somebody, `warning` is looked at on the same day, `info` when there is time. The rules are
tested: `deploy/prometheus/tests` tells the stories in which each of them fires, and in which it does not.

| alert | severity | after | what it says | what to do |
|---|---|---|---|---|
"""

FILES = """
## Files

`deploy/prometheus` holds `prometheus.yml`, the recording and the alert rules and their tests,
`deploy/alertmanager` a configuration that tells nobody and an example of one that does, `deploy/grafana` the
boards and their provisioning: overview, reads, writes and queue, events and journal, statistics and AI-Horde,
GitHub, dependencies.
"""


def metrics_page() -> str:
    return HEAD + "".join(_metrics()) + ALERTS_HEAD + "".join(_alerts()) + FILES


def _metrics() -> Iterator[str]:
    for owner, group in groupby(all_metrics(), key=lambda one: one.owner):
        title = f"{owner[0].upper()}{owner[1:]}"
        yield f"\n## {title}\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n"
        for one in group:
            labels = ", ".join(f"`{label}`" for label in one.labels)
            yield f"| `{one.name}` | {one.kind} | {labels} | {one.text} |\n"


def _alerts() -> Iterator[str]:
    for one in alerts():
        says = _plain(one.annotations["summary"])
        link = f"[look](troubleshooting.md#{one.anchor})"
        yield f"| `{one.name}` | {one.labels['severity']} | {one.for_ or 'at once'} | {says} | {link} |\n"


def _plain(template: str) -> str:
    """Return a text of an alert without the braces of its template."""
    for begin, end in (("{{ $labels.", " }}"), ("{{ $", " }}")):
        parts = template.split(begin)
        template = parts[0] + "".join(f"<i>{part.replace(end, '</i>', 1)}" for part in parts[1:])
    return template


if __name__ == "__main__":
    sys.stdout.write(metrics_page())
