"""Application logs as JSON lines on standard error."""

import logging
import sys
from datetime import UTC, datetime
from typing import Literal, TextIO

import orjson

from service_kit.log_context import log_fields

Level = Literal["debug", "info", "warning", "error"]


class JsonLineFormatter(logging.Formatter):
    """One JSON object a record; what was given as `extra={"fields": {...}}` stands beside the message.

    So do the request that is being answered, and the events that are being acted on (`log_context`).
    """

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its end."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "log": record.name,
            "level": record.levelname.lower(),
            "service": self._service,
            "message": record.getMessage().encode(errors="replace").decode(),
            **log_fields(),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line |= fields
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info).encode(errors="replace").decode()
        return orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS).decode()


def configure_logging(service: str, level: Level = "info", *, output: TextIO | None = None) -> None:
    """Send every log record to standard error (or `output`) as JSON lines. Replaces earlier handlers."""
    handler = logging.StreamHandler(output or sys.stderr)
    handler.setFormatter(JsonLineFormatter(service))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("aiobotocore", "botocore", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    for loud in ("aiormq", "aio_pika"):  # an error for every failed try, which the event bus reports once
        logging.getLogger(loud).setLevel(logging.CRITICAL)
