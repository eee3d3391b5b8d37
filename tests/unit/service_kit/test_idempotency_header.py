"""The key by which a write is recognised, and the fingerprint that tells whether it is the same write."""

import re

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from service_kit.errors import RequestInvalid
from service_kit.idempotency_header import fingerprint, idempotency_key, key_digest


def a_request(*keys: str, method: str = "POST", path: str = "/api/x?a=1") -> web.Request:
    return make_mocked_request(method, path, headers=CIMultiDict([("idempotency-KEY", key) for key in keys]))


def test_request_without_the_header_has_no_key() -> None:
    assert idempotency_key(a_request()) is None


@pytest.mark.parametrize("key", ["a", "x" * 255, "6f9619ff-8b86-d011-b42d-00c04fc964ff", '"quoted"', "~!,;"])
def test_visible_characters_are_a_key(key: str) -> None:
    assert idempotency_key(a_request(key)) == key


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "\u00e4", "a\x7f", "a\tb", "a\n"])
def test_anything_else_is_refused_at_the_header(key: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        idempotency_key(a_request(key))
    assert caught.value.details[0]["loc"] == ["header", "idempotency-key"]


def test_two_keys_are_refused() -> None:
    with pytest.raises(RequestInvalid):
        idempotency_key(a_request("a", "a"))


def test_what_is_stored_of_a_key_tells_nothing_of_it() -> None:
    assert key_digest("a") != key_digest("b")
    assert re.fullmatch("[0-9a-f]{64}", key_digest("my secret"))


def test_same_request_has_the_same_fingerprint() -> None:
    assert fingerprint(a_request("1"), b"{}") == fingerprint(a_request("2"), b"{}")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/x?a=1", b"{}"),
        ("POST", "/api/y?a=1", b"{}"),
        ("POST", "/api/x?a=2", b"{}"),
        ("POST", "/api/x", b"{}"),
        ("POST", "/api/x?a=1", b"{ }"),
        ("POST", "/api/x?a=1", b""),
    ],
)
def test_any_difference_changes_the_fingerprint(method: str, path: str, body: bytes) -> None:
    usual = fingerprint(a_request(), b"{}")
    assert fingerprint(a_request(method=method, path=path), body) != usual


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_bytes_cannot_move_from_one_part_to_another(first: bytes, second: bytes) -> None:
    one = fingerprint(a_request(path="/a?" + first.hex()), second.hex().encode())
    other = fingerprint(a_request(path="/a?"), (first + second).hex().encode())
    assert (one == other) == (first == b"")
