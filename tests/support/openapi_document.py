"""The description of the whole API that the read-api serves: `make docs` writes the file."""

import sys

import orjson

from horde_model_reference.meta_consts import CanonicalFormat
from read_api.endpoints import read_endpoints
from read_api.holder import PageHolder
from read_api.live.feed import LiveFeed
from read_api.role import Role
from read_api.settings import EventsSettings
from read_api.status_desk import StatusDesk
from service_kit.endpoints import Endpoint
from service_kit.openapi import describe
from service_kit.telemetry import Telemetry
from stats.endpoints import stats_endpoints
from stats.opening import StatsSide
from stats.settings import StatsSettings
from write_queue.endpoints import write_endpoints
from write_queue.modes import Modes
from write_queue.write_side import WriteSide


def read_side() -> tuple[Endpoint, ...]:
    """Return the endpoints of the read-api; none of them is called."""
    holder = PageHolder()
    feed = LiveFeed(holder, EventsSettings())
    return read_endpoints(holder, feed, Role(), StatusDesk(holder), min_revision_wait_seconds=0)


def write_side() -> tuple[Endpoint, ...]:
    """Return the endpoints of the write-queue, also those of one canonical format only."""
    return write_endpoints(WriteSide(Modes(canonical_format=CanonicalFormat.legacy)))


def stats_side() -> tuple[Endpoint, ...]:
    """Return the endpoints of the stats service."""
    return stats_endpoints(StatsSide(StatsSettings(), Telemetry("stats")))


def all_endpoints() -> tuple[Endpoint, ...]:
    """Return the endpoints of every service."""
    return (*read_side(), *stats_side(), *write_side())


def openapi_document() -> bytes:
    """Return the OpenAPI document, in lines, so that changes can be read."""
    return orjson.dumps(describe(all_endpoints()), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    sys.stdout.buffer.write(openapi_document())
