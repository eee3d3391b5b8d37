"""Single records as documents."""

from collections.abc import Mapping

from service_kit.coding import Effort
from service_kit.documents import Document, compressed_document, plain_document


class ModelPages:
    """The records of one category by key.

    A record becomes a document when it is first asked for and stays one: most of a large catalogue is never
    asked for one by one.
    """

    def __init__(self, bodies: Mapping[str, bytes]) -> None:
        self._bodies = bodies
        self._documents: dict[str, Document] = {}

    def __len__(self) -> int:
        return len(self._bodies)

    def __contains__(self, key: object) -> bool:
        return key in self._bodies

    def find(self, key: str) -> Document | None:
        """Return the record's document, None if there is no such key."""
        document = self._documents.get(key)
        if document is None and (body := self._bodies.get(key)) is not None:
            document = compressed_document(plain_document(body), Effort.FAST)
            self._documents[key] = document
        return document
