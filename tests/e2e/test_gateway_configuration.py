"""The gateway's configuration, as it is rendered and as nginx understands it."""

import subprocess
import sys
from pathlib import Path

import pytest

from stack.gateway import RENDER, find_nginx, nginx_arguments, short_folder
from support.servers import missing


def render(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    state = f"--state-dir={folder / 'state'}"
    return subprocess.run(
        [sys.executable, RENDER, state, *words, folder / "conf"], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--read-api=127.0.0.1:1"],
        ["--read-api=read-1.example:19800", "--read-api=[::1]:2", "--write-queue=127.0.0.1:3", "--workers=4"],
        ["--listen=0.0.0.0:19900", "--access-log=stderr", "--max-body-bytes=5000"],
        ["--listen=19900", "--answer-seconds=30", "--client-seconds=60"],
    ],
)
def test_rendered_configuration_is_understood_by_nginx(words: list[str]) -> None:
    if (nginx := find_nginx()) is None:
        missing("nginx is not installed")
    words = [word.replace("read-1.example", "localhost") for word in words]
    with short_folder("gateway-") as folder:
        done = render(folder, *words)
        assert done.returncode == 0, done.stderr
        tested = subprocess.run(
            [nginx, "-t", *nginx_arguments(folder)], capture_output=True, text=True, check=False
        )
        assert tested.returncode == 0, tested.stderr
        assert "warn" not in tested.stderr


def test_every_placeholder_is_filled_and_variables_of_nginx_are_left() -> None:
    with short_folder("gateway-") as folder:
        render(folder, "--read-api=127.0.0.1:5", "--write-queue=127.0.0.1:6")
        text = (folder / "conf" / "nginx.conf").read_text()
    code = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert "${" not in code
    assert "$request_uri" in code
    assert text.count("server 127.0.0.1:5 ") == 2
    assert text.count("server 127.0.0.1:6 ") == 2


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("--read-api=localhost", "not HOST:PORT"),
        ("--write-queue=a:1; include /etc/passwd", "not HOST:PORT"),
        ("--listen=80;", "not HOST:PORT"),
        ("--state-dir=/tmp/with blank", "character"),
        ("--state-dir=/tmp/${HOME}", "character"),
        (f"--state-dir=/tmp/{'x' * 100}", "too long"),
    ],
)
def test_value_that_would_break_the_configuration_is_refused(word: str, reason: str) -> None:
    with short_folder("gateway-") as folder:
        done = render(folder, word)
        assert (done.returncode, reason in done.stderr) == (2, True), done.stderr
        assert not (folder / "conf").exists()
