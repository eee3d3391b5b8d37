"""The whole catalogue in one document."""

from typing import Any

import orjson

from read_api.pages import Pages
from service_kit.coding import Effort
from service_kit.documents import Document, compressed_steps, plain_document
from service_kit.slices import Steps


def bundle_steps(pages: Pages, *, with_v1: bool) -> Steps[Document]:
    """Make the document of everything that a revision holds.

    The v1 documents are texts, so that their very bytes arrive.
    """
    value: dict[str, Any] = {
        "revision": pages.revision,
        "sequence": pages.sequence,
        "committed_at": pages.committed_at.isoformat() if pages.committed_at else None,
        "v2": {name: orjson.Fragment(document.identity) for name, document in pages.v2.items()},
        "side_data": pages.side_data.model_dump(include={"aliases", "families", "name_schemas"}),
        "metadata": {name: orjson.Fragment(one.of_all.identity) for name, one in pages.metadata.items()},
    }
    yield
    if with_v1:
        value["v1"] = {name: document.identity.decode() for name, document in pages.v1.items()}
        yield
    body = orjson.dumps(value)
    yield
    document = yield from compressed_steps(plain_document(body), Effort.FAST)
    return document
