import pytest

from horde_model_reference.shown_urls import shown_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:pw@host:81/a/b?token=x#y", "https://host:81/a/b"),
        ("https://me:p@w@host/a", "https://host/a"),
        ("http://[::1]:80/a", "http://[::1]:80/a"),
        ("http://host?token=x", "http://host"),
        ("http://[broken", "a URL"),
        ("mailto:me@host", "a URL"),
        ("no address?token=x", "a URL"),
        ("", "a URL"),
    ],
)
def test_a_url_is_shown_without_secrets(url: str, shown: str) -> None:
    assert shown_url(url) == shown
