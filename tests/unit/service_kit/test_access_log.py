"""Access log lines never hold a key, never block, and arrive in order."""

import asyncio
import io
import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_kit import access_log
from service_kit.access_log import AccessLog, loggable_path, render_unusual_line
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


def test_unusual_line_is_shortened_and_printable() -> None:
    rendered = render_unusual_line({"path": "/" + "x" * 9000, "agent": "caf\udce9", "status": 200})
    line = json.loads(rendered)
    assert len(line["path"]) == access_log.MAX_TEXT_CHARACTERS
    assert line["agent"] == "caf?"
    assert line["status"] == 200
