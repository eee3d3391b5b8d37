"""The answers to recent queries."""

from collections.abc import Hashable
from typing import Final

from service_kit.documents import Document
from service_kit.sized_cache import SizedCache

OVERHEAD_BYTES: Final = 2048  # of keys, headers and objects, roughly


class AnswerCache(SizedCache[Hashable, Document]):
    """Holds documents up to a total size; the key has to name the revision."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes, document_bytes)


def document_bytes(document: Document) -> int:
    """Return about how much memory a document takes."""
    return sum(len(form.body) for form in document.forms.values()) + OVERHEAD_BYTES
