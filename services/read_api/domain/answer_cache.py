"""The answers to recent queries."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

from read_api.domain.documents import Document

OVERHEAD_BYTES: Final = 2048  # of keys, headers and objects, roughly


class AnswerCache:
    """Holds documents up to a total size; the ones unused for longest go first.

    The key has to name the revision, so that nothing held can be outdated.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held_bytes = 0
        self._documents: OrderedDict[Hashable, Document] = OrderedDict()

    def find(self, key: Hashable) -> Document | None:
        """Return what is held under the key."""
        document = self._documents.get(key)
        if document is not None:
            self._documents.move_to_end(key)
        return document

    def hold(self, key: Hashable, document: Document) -> None:
        """Hold a document, unless it alone is too large."""
        size = _size(document)
        if size > self._max_bytes or key in self._documents:
            return
        self._documents[key] = document
        self._held_bytes += size
        while self._held_bytes > self._max_bytes:
            _, dropped = self._documents.popitem(last=False)
            self._held_bytes -= _size(dropped)


def _size(document: Document) -> int:
    return sum(len(form.body) for form in document.forms.values()) + OVERHEAD_BYTES
