"""URLs in log lines and in the texts of errors."""

from urllib.parse import urlsplit


def shown_url(url: str) -> str:
    """Return the URL without what may be secret in it: user, password, query, fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "a URL"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if host else "a URL"
