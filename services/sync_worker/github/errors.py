"""What can go wrong between us and GitHub (sync.md section 9).

No text holds a token, a header or a body; what GitHub says about a refusal is shortened to one plain line.
"""

from service_kit.errors import ServiceError


class GithubFailed(ServiceError):
    """A call to GitHub did not bring what it was made for."""

    status = 502


class GithubUnavailable(GithubFailed):
    """GitHub did not answer, or not usably, for a reason that can pass. A write may have worked, though."""

    status, retryable = 503, True


class GithubRefused(GithubFailed):
    """GitHub refused, and would refuse again. `reason` is what GitHub says, as one line."""

    def __init__(self, operation: str, answered_status: int, reason: str) -> None:
        super().__init__(f"GitHub refused to {operation} (status {answered_status}): {reason}")
        self.operation = operation
        self.answered_status = answered_status
        self.reason = reason

    def says(self, words: str) -> bool:
        """Whether GitHub's reason holds these words; case does not count."""
        return words.casefold() in self.reason.casefold()


class AlreadyExists(GithubRefused):
    """What was to be created is there: an earlier attempt got through, or somebody else was first."""


class NothingToMerge(GithubRefused):
    """There is no commit between base and branch, so there can be no pull request."""


class BaseMoved(GithubRefused):
    """The base or the branch is no longer what it was read as: begin again by reading it."""


class AuthenticationFailed(GithubFailed):
    """GitHub does not accept who we say we are, or there is nothing to say it with."""


class TokenRefused(AuthenticationFailed):
    """GitHub does not accept this token; a new one may do."""


class RateLimited(GithubFailed):
    """GitHub wants to be left alone until `until` (Unix seconds), which is too long to wait for."""

    status, retryable = 503, True

    def __init__(self, text: str, *, until: float, is_secondary: bool) -> None:
        super().__init__(text)
        self.until = until
        self.is_secondary = is_secondary
