import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_kit.coding import Coding, Effort, compress_steps, is_form_of, preferred_codings
from service_kit.slices import run_now

BR, GZIP, IDENTITY = Coding.BROTLI, Coding.GZIP, Coding.IDENTITY


def packed_by(body: bytes, coding: Coding, effort: Effort) -> bytes:
    return run_now(compress_steps(body, coding, effort))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, (IDENTITY,)),
        ("", (IDENTITY,)),
        ("gzip", (GZIP, IDENTITY)),
        ("gzip, deflate, br", (BR, GZIP, IDENTITY)),
        ("GZIP", (GZIP, IDENTITY)),
        ("x-gzip", (GZIP, IDENTITY)),
        ("br;q=0.5, gzip", (GZIP, BR, IDENTITY)),
        ("br; q=0.5 , gzip ;q=0.4", (BR, GZIP, IDENTITY)),
        ("*", (BR, GZIP, IDENTITY)),
        ("*;q=0.1, gzip;q=0", (BR, IDENTITY)),
        ("gzip;q=0", (IDENTITY,)),
        ("identity, gzip;q=0.5", (IDENTITY,)),
        ("gzip;q=nonsense", (IDENTITY,)),
        ("deflate, zstd", (IDENTITY,)),
        ("*;q=0", (IDENTITY,)),
    ],
)
def test_accept_encoding_decides_the_order_of_codings(
    header: str | None, expected: tuple[Coding, ...]
) -> None:
    assert preferred_codings(header) == expected


@given(st.text(max_size=80))
def test_any_accept_encoding_header_leaves_identity_as_last_resort(header: str) -> None:
    assert preferred_codings(header)[-1] is IDENTITY


@given(st.binary(max_size=5000), st.sampled_from(list(Coding)), st.sampled_from(list(Effort)))
def test_compressed_bytes_are_a_form_of_their_source_only(
    body: bytes, coding: Coding, effort: Effort
) -> None:
    packed = packed_by(body, coding, effort)

    assert is_form_of(packed, body, coding)
    assert not is_form_of(packed, body + b"x", coding)


@pytest.mark.parametrize("coding", [GZIP, BR])
def test_bytes_that_are_no_compressed_form_are_recognised(coding: Coding) -> None:
    assert not is_form_of(b"no such format", b"body", coding)
    assert not is_form_of(packed_by(b"body" * 100, coding, Effort.FAST)[:-3], b"body" * 100, coding)


def test_the_same_body_always_gives_the_same_gzip_bytes() -> None:
    assert packed_by(b"abc" * 999, GZIP, Effort.FAST) == packed_by(b"abc" * 999, GZIP, Effort.FAST)
