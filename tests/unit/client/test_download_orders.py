import inspect
from pathlib import Path

import pytest

from horde_model_reference import download_engine
from horde_model_reference.download_engine import gateway_accepts_key, gateway_url_for
from horde_model_reference.downloads.gateways import Gateway, has_address_by_hash, usable_gateway
from horde_model_reference.downloads.outcome import FileOrder, with_token
from support.programs import ran


@pytest.mark.parametrize(
    ("url", "accepts"),
    [
        ("https://mirror.example", True),
        ("https://mirror.example:8443/files", True),
        ("http://mirror.example", False),
        ("http://localhost:1", True),
        ("http://127.0.0.1", True),
        ("http://[::1]:8080/x", True),
        ("http://localhost.example", False),
        ("http://127.0.0.1@mirror.example", False),
        ("ftp://localhost", False),
        ("https://", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_a_key_goes_over_https_or_stays_on_this_machine(url: str, accepts: bool) -> None:
    assert gateway_accepts_key(url) is accepts


def test_a_file_on_the_mirror_is_addressed_by_its_hash_in_lower_case() -> None:
    assert gateway_url_for("https://mirror/x/", "AB" * 32) == f"https://mirror/x/by-hash/{'ab' * 32}"


@pytest.mark.parametrize(
    ("url", "key", "usable"),
    [
        ("https://mirror", "k", True),
        ("https://mirror", None, False),
        ("https://mirror", "", False),
        (None, "k", False),
        ("http://mirror", "k", False),
    ],
)
def test_a_mirror_is_used_with_a_key_that_may_be_sent(url: str | None, key: str | None, usable: bool) -> None:
    assert (usable_gateway(url, key) is not None) is usable


@pytest.mark.parametrize(
    ("sha256", "has"), [("ab" * 32, True), ("AB" * 32, True), ("FIXME", False), (None, False), ("ab", False)]
)
def test_only_a_whole_hash_is_an_address(sha256: str | None, has: bool) -> None:
    assert has_address_by_hash(sha256) is has


@pytest.mark.parametrize(
    ("url", "with_it"),
    [
        ("https://host/f", "https://host/f?token=a%20b%26"),
        ("https://host/f?x=%2F+y", "https://host/f?x=%2F+y&token=a%20b%26"),
        ("https://host/f#part", "https://host/f?token=a%20b%26#part"),
    ],
)
def test_a_token_is_appended_and_the_rest_of_the_address_stays(url: str, with_it: str) -> None:
    assert with_token(url, "a b&") == with_it
    assert with_token(url, None) == url


def test_keys_do_not_show_in_texts() -> None:
    order = FileOrder("https://host", Path("f"), auth_query_token="secret-1", headers={"apikey": "secret-2"})
    assert "secret" not in f"{order!r} {Gateway('https://mirror', 'secret-3')!r}"


@pytest.mark.parametrize("name", ["download_file", "download_addressed_file", "download_record_files"])
def test_both_twins_take_the_same(name: str) -> None:
    function, twin = getattr(download_engine, name), getattr(download_engine, f"{name}_async")
    assert inspect.signature(function) == inspect.signature(twin)
    assert (function.__name__, inspect.iscoroutinefunction(function)) == (name, False)
    assert inspect.iscoroutinefunction(twin)


@pytest.mark.parametrize(
    "module",
    [
        "download_engine",
        "component_hash",
        "component_identity",
        "on_disk_layout",
        "annotator_records",
        "canonical_components",
    ],
)
def test_importing_it_imports_no_http_stack(module: str) -> None:
    done = ran(f"import sys, horde_model_reference.{module}\nprint(*sys.modules)")
    assert done.stderr == ""
    assert not {"aiohttp", "horde_model_reference.replica"} & set(done.stdout.split())
