"""What requests say in their paths and queries."""

import re
from typing import Annotated, Final, Literal

from aiohttp import web
from pydantic import AfterValidator, Field, StringConstraints

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY, CanonicalFormat
from service_kit.errors import RequestInvalid
from service_kit.parameters import Parameters, unknown_value
from write_queue.domain.proposing import Origin

CATEGORY: Final = "model_category_name"
MODEL_NAME: Final = "model_name"
CHANGE_ID: Final = "change_id"
BATCH_ID: Final = "batch_id"
CANONICAL: Final = "canonical"
FAMILY: Final = "family_name"
REVISION: Final = "revision"
ANY_NAME: Final = r"[\s\S]+"  # names may hold slashes, sent as they are or as %2F

CATEGORIES: Final = tuple(str(category) for category in MODEL_REFERENCE_CATEGORY)
MAX_REASON_CHARACTERS: Final = 500
MAX_DIFFS: Final = 100
MAX_GROUP_NAME_CHARACTERS: Final = 1000
CONTROL_CHARACTER: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)

Status = Literal["pending", "approved", "applying", "applied", "rejected", "withdrawn"]
"""`applying` exists for older clients: nothing is ever seen in that state here."""

JobId = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120)]


def require_group_name(name: str) -> str:
    """Return the name. Raises `ValueError` for one that is blank, too long, or could not be shown."""
    if not name.strip():
        raise ValueError("the name must not be blank")
    if len(name) > MAX_GROUP_NAME_CHARACTERS:
        raise ValueError(f"the name must not be longer than {MAX_GROUP_NAME_CHARACTERS} characters")
    if CONTROL_CHARACTER.search(name):
        raise ValueError("the name must not hold control characters")
    return name


class ProposalParameters(Parameters):
    """What a proposer may say beside the record."""

    reason: str | None = Field(None, max_length=MAX_REASON_CHARACTERS, description="why, for the reviewers")
    base_revision: int | None = Field(
        None, ge=1, description="the revision that the proposer looked at; the newest if it is not given"
    )

    @property
    def stripped_reason(self) -> str | None:
        """The reason without white space around it; None where nothing is left."""
        return (self.reason or "").strip() or None

    def origin(self, route: str) -> Origin:
        """Return how a proposal by this route came."""
        return Origin(route, reason=self.stripped_reason, base_revision=self.base_revision)


class MyChangesParameters(Parameters):
    """Which of one's own changes, and which page of them."""

    statuses: tuple[Status, ...] = ()
    categories: tuple[MODEL_REFERENCE_CATEGORY, ...] = ()
    offset: int = Field(0, ge=0)
    limit: int = Field(50, ge=1, le=500)


class ChangesParameters(MyChangesParameters):
    """Which changes, and which page of them. What is repeated means any of the values."""

    requested_by: tuple[str, ...] = Field((), description="user ids, or whole names such as `name#101`")
    batch_id: int | None = Field(None, ge=1)
    model_name: str | None = Field(
        None, min_length=1, max_length=200, description="part of the name, in any case"
    )


class DiffsParameters(Parameters):
    """Which changes to compare."""

    change_ids: tuple[int, ...] = Field(min_length=1, max_length=MAX_DIFFS)


class JobParameters(Parameters):
    """The caller's name for the job."""

    job_id: JobId | None = None


class DomainParameters(Parameters):
    """Which format's audit."""

    domain_override: CanonicalFormat | None = Field(None, description="default: the canonical format")


class BatchesParameters(DomainParameters):
    """Which page of batches."""

    limit: int = Field(10, ge=1, le=50)
    cursor: int | None = Field(None, ge=1, description="show batches with smaller ids")


class EventsParameters(Parameters):
    """Which audit events."""

    after: int = Field(0, ge=0, description="show events with larger ids")
    limit: int = Field(100, ge=1, le=500)
    category: str | None = Field(None, max_length=200, description="a model category, or `pending_queue`")
    model_name: str | None = Field(None, max_length=1000)


class ReplayParameters(Parameters):
    """What to replay."""

    category: MODEL_REFERENCE_CATEGORY
    revision: int | None = Field(None, ge=0, description="default: the newest")


class GroupParameters(Parameters):
    """The name of a text model group."""

    name: Annotated[str, AfterValidator(require_group_name)] = Field(
        min_length=1, max_length=MAX_GROUP_NAME_CHARACTERS
    )


def path_category(request: web.Request) -> str:
    """Return the category in the path. Raises `RequestInvalid` for one that does not exist."""
    given = request.match_info[CATEGORY]
    if given not in CATEGORIES:
        raise unknown_value(["path", CATEGORY], given, CATEGORIES)
    return given


def path_group_name(request: web.Request, name: str) -> str:
    """Return the name of a group or family in the path. Raises `RequestInvalid`."""
    given = request.match_info[name]
    try:
        return require_group_name(given)
    except ValueError as error:
        problem = {
            "type": "value_error",
            "loc": ["path", name],
            "msg": f"Value error, {error}",
            "input": given[:100],
        }
        raise RequestInvalid([problem]) from None


def path_integer(request: web.Request, name: str) -> int:
    """Return a number in the path. Raises `RequestInvalid`."""
    given = request.match_info[name]
    if INTEGER.fullmatch(given):
        return int(given)
    problem = {
        "type": "int_parsing",
        "loc": ["path", name],
        "msg": "Input should be a valid integer, unable to parse string as an integer",
        "input": given[:100],
    }
    raise RequestInvalid([problem])
