"""Application logs are JSON lines."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from service_kit.logging_setup import JsonLineFormatter, configure_logging


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("read-api", "info", output=stream)
    yield stream
    root.handlers[:], root.level = handlers, level


def lines(output: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_record_becomes_one_line_with_its_fields(output: io.StringIO) -> None:
    logging.getLogger("x.y").warning("%d\nlines", 2, extra={"fields": {"action": "seed"}})
    (line,) = lines(output)
    expected = {
        "log": "x.y",
        "level": "warning",
        "service": "read-api",
        "message": "2\nlines",
        "action": "seed",
    }
    assert line.items() >= expected.items()


def test_exception_is_kept_with_its_trace(output: io.StringIO) -> None:
    logging.getLogger("x").error("failed", exc_info=KeyError("missing"))
    (line,) = lines(output)
    assert "KeyError: 'missing'" in str(line["exception"])


def test_text_that_json_cannot_hold_does_not_lose_the_line() -> None:
    record = logging.makeLogRecord({"msg": "bad \udcff text", "fields": {"path": object()}})
    line = json.loads(JsonLineFormatter("read-api").format(record))  # logging it would end up in reports
    assert line["message"] == "bad ? text"


def test_lower_levels_and_chatty_libraries_are_left_out(output: io.StringIO) -> None:
    logging.getLogger("x").debug("detail")
    logging.getLogger("botocore.auth").info("headers")
    assert lines(output) == []


def test_drivers_that_log_each_failed_try_are_left_out(output: io.StringIO) -> None:
    logging.getLogger("aiormq.connection").error("error when creating transport")
    assert lines(output) == []
