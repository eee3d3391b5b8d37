"""How a source of reference data can fail."""


class SourceFailed(Exception):
    """A source gave nothing that can be used. The text can be logged: it holds no keys."""


class SourceUnavailable(SourceFailed):
    """The source did not answer, or said that it cannot now; it may later, perhaps it said when."""

    def __init__(self, message: str, *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class SourceRefused(SourceFailed):
    """The source answered with a status that waiting does not change."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class NotOffered(SourceRefused):
    """The server does not know this path: it is older than the path, or of another kind."""


class SourceUnusable(SourceFailed):
    """The answer is not what it should be."""
