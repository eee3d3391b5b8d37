"""What the answers of GitHub mean (the table of sync.md section 9)."""

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from pydantic import ValidationError

from sync_worker.github.answers import ErrorAnswer
from sync_worker.github.calls import Call
from sync_worker.github.errors import (
    AlreadyExists,
    BaseMoved,
    GithubFailed,
    GithubRefused,
    GithubUnavailable,
    NothingToMerge,
    RateLimited,
    TokenRefused,
)
from sync_worker.github.transport import HttpAnswer

SECONDARY_SECONDS: Final = 60.0
SECONDARY_WORDS: Final = ("secondary rate limit", "abuse detection")
MEANINGS: Final[dict[str, type[GithubRefused]]] = {
    "not a fast forward": BaseMoved,
    "already exists": AlreadyExists,
    "no commits between": NothingToMerge,
}
"""What GitHub says with a status of 422, and what it means."""


def failure_of(call: Call, answer: HttpAnswer, now: float) -> GithubFailed | None:
    """Return what went wrong, None if nothing did. `now` is in Unix seconds."""
    if 200 <= answer.status < 300:
        return None
    if answer.status == 408 or answer.status >= 500:
        return GithubUnavailable(f"GitHub did not {call.operation} (status {answer.status})")
    reason = _reason(answer)
    if answer.status == 401:
        return TokenRefused(f"GitHub does not accept our token to {call.operation}: {reason}")
    limit = _rate_limit(answer, reason, now) if answer.status in {403, 429} else None
    return limit or _refusal(call, answer, reason)


def _refusal(call: Call, answer: HttpAnswer, reason: str) -> GithubRefused:
    match answer.status:
        case 403:
            needed = answer.headers.get("x-accepted-github-permissions", "")
            hint = f" (needs {needed[:100]})" if needed.isascii() and needed.isprintable() and needed else ""
            return GithubRefused(call.operation, 403, f"missing permission? {reason}{hint}")
        case 404 if call.is_write:
            return GithubRefused(call.operation, 404, f"no access to the repository? {reason}")
        case 409:
            return BaseMoved(call.operation, 409, reason)
        case 422:
            return _meaning(reason)(call.operation, 422, reason)
        case status if status < 400:
            return GithubRefused(call.operation, status, "it has moved; is the repository renamed?")
        case status:
            return GithubRefused(call.operation, status, reason)


def _meaning(reason: str) -> type[GithubRefused]:
    said = reason.casefold()
    return next((meaning for words, meaning in MEANINGS.items() if words in said), GithubRefused)


def _rate_limit(answer: HttpAnswer, reason: str, now: float) -> RateLimited | None:
    """Return for how long GitHub wants to be left alone, in the order in which it says that to be read."""
    retry_after = _whole_number(answer.headers.get("retry-after", ""))
    if retry_after is not None:
        return _limited("asks us to slow down", now, retry_after, is_secondary=not _is_used_up(answer))
    reset = _whole_number(answer.headers.get("x-ratelimit-reset", ""))
    if _is_used_up(answer) and reset is not None:
        seconds = reset - _time_of(answer, now)
        return _limited("has no calls left for us", now, seconds, is_secondary=False)
    if answer.status == 429 or any(words in reason.casefold() for words in SECONDARY_WORDS):
        return _limited("asks us to slow down", now, SECONDARY_SECONDS, is_secondary=True)
    return None


def _is_used_up(answer: HttpAnswer) -> bool:
    return answer.headers.get("x-ratelimit-remaining", "").strip() == "0"


def _limited(text: str, now: float, seconds: float, *, is_secondary: bool) -> RateLimited:
    return RateLimited(f"GitHub {text}", until=now + max(seconds, 1.0), is_secondary=is_secondary)


def _reason(answer: HttpAnswer) -> str:
    try:
        return ErrorAnswer.model_validate_json(answer.body).reason or "no reason given"
    except ValidationError:
        return "no reason given"


def _whole_number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


def _time_of(answer: HttpAnswer, now: float) -> float:
    """Return the time by GitHub's clock, which its moments are told by; ours may be wrong."""
    try:
        moment = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return now
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
