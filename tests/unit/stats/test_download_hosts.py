"""Where the files of a model are."""

import pytest

from stats.domain.download_hosts import Downloads, downloads_of, is_preferred
from support.judged_models import with_files

PREFERRED = ("huggingface.co",)


@pytest.mark.parametrize(
    "host",
    ["huggingface.co", "cdn.huggingface.co", "huggingface.co:443", "a.b.huggingface.co:8080"],
)
def test_a_preferred_host_and_what_is_below_it_are_preferred(host: str) -> None:
    assert is_preferred(host, PREFERRED)


@pytest.mark.parametrize(
    "host",
    [
        "civitai.com",
        "nothuggingface.co",
        "huggingface.co.example.org",
        "huggingface.com",
        "co",
        "[::1]",
        "[::1]:80",
    ],
)
def test_a_host_that_only_looks_similar_is_not_preferred(host: str) -> None:
    assert not is_preferred(host, PREFERRED)


def test_letter_case_of_a_preferred_host_does_not_matter() -> None:
    (host,) = downloads_of(with_files("https://HuggingFace.co/a")).hosts
    assert is_preferred(host, ("HUGGINGFACE.CO",))


def test_an_address_of_digits_may_be_preferred() -> None:
    assert is_preferred("[::1]:80", ("[::1]",))


def test_hosts_are_named_with_port_but_without_user_and_password() -> None:
    record = with_files("https://user:secret@Example.org:8443/file", "http://a@b@example.org/x")
    assert downloads_of(record).hosts == ("example.org:8443", "example.org")


def test_different_hosts_come_in_the_order_of_occurrence() -> None:
    record = with_files("https://b.org/1", "https://a.org/2", "https://b.org/3")
    assert downloads_of(record).hosts == ("b.org", "a.org", "b.org")
    assert downloads_of(record).different_hosts == ("b.org", "a.org")


@pytest.mark.parametrize(
    "url", ["", "file.bin", "//host/path", "https://", "mailto:a@b.org", None, 7, ["https://a"]]
)
def test_what_has_no_scheme_and_host_is_an_entry_without_a_host(url: object) -> None:
    assert downloads_of(with_files(url)) == Downloads(count=1)


def test_a_url_that_cannot_be_parsed_is_noticed() -> None:
    found = downloads_of(with_files("http://[::1", "https://a.org/1"))
    assert found == Downloads(count=2, hosts=("a.org",), has_unreadable_url=True)
