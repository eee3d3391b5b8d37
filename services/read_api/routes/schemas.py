"""The JSON Schema of the records of each category."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from aiohttp import web

from horde_model_reference.model_reference_records import get_record_type_for_category
from read_api.answers import serve
from read_api.domain.categories import CATEGORIES
from read_api.holder import PageHolder
from read_api.parameters import CATEGORY_PARAMETER, unknown_category
from read_api.routes.references import V2
from service_kit.coding import Effort
from service_kit.documents import Document, compressed_document, json_document
from service_kit.endpoints import Endpoint
from service_kit.problem_models import Invalid
from service_kit.slices import OnDemand, Steps

TAG: Final = "v2: schemas"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class Schemas:
    """Serves the schemas, which never change while the process lives."""

    def __init__(self, holder: PageHolder) -> None:
        self._holder = holder
        self._documents = {category: OnDemand(partial(_schema_steps, category)) for category in CATEGORIES}

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoint."""
        yield Endpoint(
            f"{V2}/schemas/{{{CATEGORY_PARAMETER}}}",
            self.of_category,
            "The JSON Schema (2020-12) of a record",
            TAG,
            {200: dict[str, Any], 422: Invalid},
        )

    async def of_category(self, request: web.Request) -> web.StreamResponse:
        """Serve the schema of one record of a category."""
        document = self._documents.get(request.match_info[CATEGORY_PARAMETER])
        if document is None:
            raise unknown_category(request.match_info[CATEGORY_PARAMETER])
        return serve(request, self._holder.pages, await document.get(self._holder.workshop))


def _schema_steps(category: str) -> Steps[Document]:
    yield
    schema = get_record_type_for_category(category).model_json_schema()
    document = json_document({"$schema": DIALECT, **schema})
    yield
    return compressed_document(document, Effort.BEST)
