"""What the body of a message says about where it comes from, whatever kind of event it is."""

import time
from typing import Annotated, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from service_kit.event_bus import Message
from service_kit.log_context import Cause

MAX_ID_CHARACTERS: Final = 128

_Id = Annotated[str, Field(max_length=MAX_ID_CHARACTERS)]


class _Told(BaseModel):
    """The members that events share, as far as an event has them."""

    model_config = ConfigDict(extra="ignore")

    occurred_at: AwareDatetime | None = None
    event_id: _Id = ""
    request_id: _Id = ""
    change_ids: tuple[int, ...] = ()
    approved_ids: tuple[int, ...] = ()
    rejected_ids: tuple[int, ...] = ()


def cause_of(message: Message) -> tuple[Cause, float | None]:
    """Return what the message is about, and how many seconds ago that happened where it says so.

    Of a body that is something else nothing is known; that is for its handler to judge.
    """
    try:
        told = _Told.model_validate_json(message.body)
    except ValidationError:
        return Cause(), None
    change_ids = (*told.change_ids, *told.approved_ids, *told.rejected_ids)
    cause = Cause(told.event_id, told.request_id, change_ids)
    if told.occurred_at is None:
        return cause, None
    return cause, max(0.0, time.time() - told.occurred_at.timestamp())  # clocks of machines differ a little
