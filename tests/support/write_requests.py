"""A request for every endpoint that writes, in which nothing but the caller may be wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

from horde_model_reference.meta_consts import CanonicalFormat
from service_kit.endpoints import Endpoint
from service_kit.roles import APPROVER, REQUESTOR
from write_queue import bodies
from write_queue.endpoints import write_endpoints
from write_queue.modes import Modes
from write_queue.routes.decisions import TAG as DECISIONS
from write_queue.write_side import WriteSide

BODIES: Final[Mapping[type, dict[str, Any]]] = {
    bodies.AliasesBody: {"aliases": ["an alias"]},
    bodies.AliasBody: {"alias": "an alias"},
    bodies.FamilyBody: {"members": ["a member"]},
    bodies.FamilyMemberBody: {"group_name": "a member"},
    bodies.NameSchemaBody: {"separator": "_"},
    bodies.CommonFieldsBody: {"nsfw": True},
    bodies.NameExceptionBody: {"reason": "old"},
    bodies.DecisionBody: {"batch_title": "t", "approved_ids": [1]},
    bodies.ApplyBody: {},
    bodies.ApplyManyBody: {"change_ids": [1]},
    bodies.PurgeBody: {"model_name": "nothing is called like this"},
    bodies.ReasonBody: {"reason": "why"},
    bodies.CommentBody: {"text": "hm"},
}
SEGMENTS: Final = {
    "{change_id}": "1",
    "{batch_id}": "1",
    "{revision}": "1",
    "{model_category_name}": "clip",
    "{canonical}": "a-group",
    "{family_name}": "a-family",
}


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """A request and the role that it takes."""

    method: str
    path: str
    body: dict[str, Any] | None
    role: str

    def aimed_at(self, change_id: int, batch_id: int, name: str) -> "WriteRequest":
        """Return the same request about a change, its batch, and its model."""
        path = self.path.replace("/changes/1", f"/changes/{change_id}")
        path = path.replace("/apply_batch/1", f"/apply_batch/{batch_id}")
        body = dict(self.body) if self.body is not None else None
        ids = {"approved_ids": [change_id], "change_ids": [change_id]}
        for field, value in {**ids, "name": name, "model_name": name}.items():
            if body is not None and field in body:
                body[field] = value
        return replace(self, path=path, body=body)


def a_record(name: str, category: str = "") -> dict[str, Any]:
    """Return a record that every category accepts, in both formats."""
    record = {"name": name, "baseline": "stable_diffusion_1", "nsfw": False, "parameters": 7_000_000_000}
    return {**record, "type": "control_canny"} if category == "controlnet" else record


def write_requests(canonical_format: CanonicalFormat, live: Mapping[str, str]) -> Iterator[WriteRequest]:
    """Yield the requests; `live` holds the name of a model for each category that has any."""
    for endpoint in write_endpoints(WriteSide(Modes(canonical_format=canonical_format))):
        if endpoint.method != "GET" and set(endpoint.answers) != {405}:
            yield _request(endpoint, live)


def _request(endpoint: Endpoint, live: Mapping[str, str]) -> WriteRequest:
    category = endpoint.path.split("/")[3]
    name = live.get(category, "new model")
    path = endpoint.path.replace("{model_name}", quote(name, safe=""))
    for part, value in SEGMENTS.items():
        path = path.replace(part, value)
    query = "?name=a-group" if "/group/" in path else ""
    body = BODIES.get(endpoint.body) if endpoint.body else None
    if body is None and endpoint.method in {"POST", "PUT"}:
        is_new = endpoint.method == "POST"
        body = a_record("new model" if is_new else name, category)
    role = APPROVER if endpoint.tag == DECISIONS else REQUESTOR
    return WriteRequest(endpoint.method, f"/api{path}{query}", body, role)
