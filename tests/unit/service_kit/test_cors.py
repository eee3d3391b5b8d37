"""Which origin gets which headers (web-console.md section A1)."""

import pytest
from multidict import CIMultiDict

from service_kit.cors import CorsRules

ALLOW = "Access-Control-Allow-Origin"
OURS, OTHER = "https://console.example", "https://other.example"


def answered(rules: CorsRules, **headers: str) -> str | None:
    return rules.answer(CIMultiDict(headers)).headers.get(ALLOW)


def preflighted(rules: CorsRules, origin: str, asked: str = "") -> str | None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    if asked:
        headers["Access-Control-Request-Headers"] = asked
    return rules.preflight(CIMultiDict(headers)).get(ALLOW)


@pytest.mark.parametrize("origin", [{}, {"Origin": OURS}, {"Origin": OTHER}])
def test_request_without_a_key_is_open_to_everybody_by_default(origin: dict[str, str]) -> None:
    assert answered(CorsRules((), open_reads=True), **origin) == "*"


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [({"Origin": OURS}, OURS), ({"Origin": OTHER}, None), ({}, None), ({"Origin": "null"}, None)],
)
def test_request_with_a_key_is_open_to_configured_origins_only(
    headers: dict[str, str], allowed: str | None
) -> None:
    assert answered(CorsRules((OURS,), open_reads=True), apikey="0000000000", **headers) == allowed


def test_key_header_is_found_in_any_case() -> None:
    assert answered(CorsRules((), open_reads=True), ApiKey="k", Origin=OTHER) is None


@pytest.mark.parametrize(("origin", "allowed"), [(OURS, OURS), (OTHER, None)])
def test_closed_reads_are_open_to_configured_origins_only(origin: str, allowed: str | None) -> None:
    assert answered(CorsRules((OURS,), open_reads=False), Origin=origin) == allowed


def test_star_among_the_configured_origins_allows_keys_from_everywhere_without_reflecting() -> None:
    rules = CorsRules(("*",), open_reads=True)
    assert answered(rules, apikey="k", Origin=OTHER) == "*"


def test_configured_origin_may_end_in_a_slash() -> None:
    assert answered(CorsRules((f"{OURS}/",), open_reads=True), apikey="k", Origin=OURS) == OURS


@pytest.mark.parametrize(
    ("origin", "asked", "allowed"),
    [
        (OTHER, "", "*"),
        (OTHER, "content-type,if-none-match", "*"),
        (OURS, "apikey", OURS),
        (OURS, "Accept, APIKEY", OURS),
        (OTHER, "content-type, apikey", None),
    ],
)
def test_preflight_allows_what_the_request_itself_would_be_allowed(
    origin: str, asked: str, allowed: str | None
) -> None:
    assert preflighted(CorsRules((OURS,), open_reads=True), origin, asked) == allowed


def test_preflight_names_methods_headers_and_how_long_it_holds() -> None:
    answer = CorsRules((), open_reads=True).preflight(CIMultiDict({"Origin": OTHER}))
    methods = set(answer["Access-Control-Allow-Methods"].split(", "))
    headers = set(answer["Access-Control-Allow-Headers"].split(", "))
    assert methods >= {"GET", "HEAD", "POST", "PUT", "DELETE"}
    assert headers >= {"apikey", "content-type", "accept", "if-none-match", "x-fields", "last-event-id"}
    assert headers >= {"idempotency-key", "x-min-revision", "x-request-id"}
    assert int(answer["Access-Control-Max-Age"]) >= 600
    assert "Origin" in answer["Vary"]


def test_readable_headers_are_exposed_and_credentials_never_allowed() -> None:
    rules = CorsRules((OURS,), open_reads=True)
    headers = CIMultiDict({"Origin": OURS, "apikey": "k"})
    answer = rules.answer(headers).headers
    exposed = set(answer["Access-Control-Expose-Headers"].split(", "))
    assert exposed >= {"ETag", "X-Revision", "X-Stale", "Retry-After", "Location"}
    assert exposed >= {"X-Runtime-Fetched-At", "X-Runtime-Stale", "Age"}
    assert "Access-Control-Allow-Credentials" not in {**answer, **rules.preflight(headers)}
