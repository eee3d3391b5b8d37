"""The shapes of error answers, for the description of the API."""

from typing import Any

from pydantic import BaseModel


class Problem(BaseModel):
    """What went wrong, in words."""

    detail: str


class InvalidPart(BaseModel):
    """One problem of a parameter or of a part of the body."""

    type: str
    loc: list[str | int]
    msg: str
    input: Any = None
    ctx: dict[str, Any] | None = None


class Invalid(BaseModel):
    """The request's parameters or body fail validation."""

    detail: list[InvalidPart]
