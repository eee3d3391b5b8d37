"""Access log lines never hold a key, never block, and arrive in order."""

import asyncio
import io
import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_kit import access_log
from service_kit.access_log import AccessLine, AccessLog, loggable_path, render_line
from service_kit.telemetry import Telemetry

SECRET = "s3cr3t-k3y"


class StuckOutput(io.BytesIO):
    """An output that takes nothing until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def write(self, data: bytes) -> int:  # type: ignore[override] # any buffer, but only bytes come
        self.released.wait(10)
        return super().write(data)


class BrokenOutput(io.BytesIO):
    def write(self, _: object) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize(
    ("raw_path", "logged"),
    [
        ("/api/x", "/api/x"),
        ("/api/x?limit=5&q=a%20b", "/api/x?limit=5&q=a%20b"),
        (f"/api/x?apikey={SECRET}", "/api/x?(left out)"),
        (f"/api/x?limit=5&ApiKey={SECRET}", "/api/x?(left out)"),
        (f"/api/x?api%6Bey={SECRET}", "/api/x?(left out)"),
        (f"/api/x?x=apikey%3D{SECRET}", "/api/x?(left out)"),
    ],
)
def test_query_that_may_hold_a_key_is_left_out(raw_path: str, logged: str) -> None:
    assert loggable_path(raw_path) == logged


@given(st.text(alphabet="aA&=?%/", max_size=8), st.sampled_from(["apikey", "APIKEY", "%61pikey", "Api%4bey"]))
def test_key_is_never_logged_wherever_it_stands_in_the_query(before: str, name: str) -> None:
    assert SECRET not in loggable_path(f"/api/x?{before}{name}={SECRET}")


async def test_lines_are_written_in_order_soon_and_the_rest_at_the_end() -> None:
    output = io.BytesIO()
    log = AccessLog(output, Telemetry("test"))
    async with log.running():
        log.append(b"1\n")
        await asyncio.sleep(access_log.FLUSH_SECONDS + 0.2)
        assert output.getvalue() == b"1\n"
        log.append(b"2\n")
        log.append(b"3\n")
    assert output.getvalue() == b"1\n2\n3\n"


async def test_many_lines_are_written_before_the_interval_is_over() -> None:
    output = io.BytesIO()
    log = AccessLog(output, Telemetry("test"))
    async with log.running():
        await asyncio.sleep(0.01)
        for number in range(access_log.FLUSH_LINES):
            log.append(b"%d\n" % number)
        await asyncio.sleep(access_log.FLUSH_SECONDS / 2)
        assert output.getvalue().count(b"\n") == access_log.FLUSH_LINES


async def test_output_that_takes_nothing_drops_lines_beyond_the_limit_and_counts_them() -> None:
    output, telemetry = StuckOutput(), Telemetry("test")
    log = AccessLog(output, telemetry)
    async with log.running():
        for _ in range(access_log.FLUSH_LINES):
            log.append(b"first\n")
        await asyncio.sleep(0.05)  # these are now stuck in the output
        for _ in range(access_log.MAX_WAITING_LINES + 7):
            log.append(b"second\n")
        output.released.set()
    assert output.getvalue().count(b"second") == access_log.MAX_WAITING_LINES
    assert b"access_log_lines_dropped_total 7.0" in telemetry.render()


async def test_output_whose_reader_is_gone_disturbs_nobody() -> None:
    log = AccessLog(BrokenOutput(), Telemetry("test"))
    async with log.running():
        log.append(b"1\n")


def a_line(**changes: object) -> AccessLine:
    line = AccessLine(
        1790000000.25, "GET", "/api/x", 200, 345, 0.0012, "127.0.0.1", "tests", "r-1", "read-api"
    )
    return line._replace(**changes)  # type: ignore[arg-type] # the builder's callers give the right types


def test_line_is_one_json_object_with_a_line_end() -> None:
    rendered = render_line(a_line())
    assert rendered.endswith(b"}\n")
    assert json.loads(rendered) == {
        "time": "2026-09-21T14:13:20.250Z",
        "log": "access",
        "service": "read-api",
        "method": "GET",
        "path": "/api/x",
        "status": 200,
        "bytes": 345,
        "microseconds": 1200,
        "remote": "127.0.0.1",
        "agent": "tests",
        "request_id": "r-1",
    }


def test_equal_paths_with_other_status_or_method_are_kept_apart() -> None:
    lines = [a_line(), a_line(status=404), a_line(method="HEAD"), a_line()]
    rendered = [json.loads(render_line(line)) for line in lines]
    assert [(line["method"], line["status"]) for line in rendered] == [
        ("GET", 200),
        ("GET", 404),
        ("HEAD", 200),
        ("GET", 200),
    ]


def test_missing_agent_and_address_are_null() -> None:
    line = json.loads(render_line(a_line(agent=None, remote=None)))
    assert (line["agent"], line["remote"]) == (None, None)


@given(st.text(st.characters(codec=None), max_size=300), st.text(st.characters(codec=None), max_size=300))
def test_any_path_and_agent_give_one_line_of_json(path: str, agent: str) -> None:
    rendered = render_line(a_line(raw_path=path, agent=agent))
    assert rendered.count(b"\n") == 1
    json.loads(rendered)


def test_long_texts_are_shortened_and_broken_bytes_replaced() -> None:
    line = json.loads(render_line(a_line(raw_path="/" + "x" * 9000, agent="caf\udce9")))
    assert len(line["path"]) == access_log.MAX_TEXT_CHARACTERS
    assert line["agent"] == "caf?"
