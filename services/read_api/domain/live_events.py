"""The live events, as bytes of an event stream (WHATWG HTML, section 9.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from read_api.domain.revision_values import category_counts, touched_value
from registry.history_state import RevisionLine, Touched

COMMITTED: Final = "catalog.committed"
HEAD: Final = "catalog.head"
RESET: Final = "catalog.reset"
REPLICATED: Final = "replicated"  # the kind of a revision that a replica has from its PRIMARY
MAX_MODELS: Final = 50  # named in one event


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the stream, ready for connections with chunked coding (RFC 9112 section 7.1) and without."""

    plain: bytes
    chunked: bytes

    def framed(self, *, chunked: bool) -> bytes:
        """Return the bytes as they go over the connection."""
        return self.chunked if chunked else self.plain


def piece(text: bytes) -> Piece:
    """Return a part of the stream."""
    return Piece(text, b"%x\r\n%b\r\n" % (len(text), text))


HEARTBEAT: Final = piece(b": still here\n\n")


def committed_event(line: RevisionLine) -> bytes:
    """Return the event of a new revision. It names so many models at most."""
    return _committed(line.revision, line.sequence, line.occurred_at, line.kind, line.touched)


def replicated_event(
    revision: int, sequence: int, committed_at: datetime, touched: Sequence[Touched]
) -> bytes:
    """Return the event of a revision that came from elsewhere, perhaps with others before it."""
    return _committed(revision, sequence, committed_at, REPLICATED, touched)


def _committed(
    revision: int, sequence: int, committed_at: datetime, kind: str, touched: Sequence[Touched]
) -> bytes:
    data = {
        "revision": revision,
        "sequence": sequence,
        "committed_at": committed_at.isoformat(),
        "kind": kind,
        "categories": category_counts(touched),
        "models": [touched_value(one) for one in touched[:MAX_MODELS]],
        "models_total": len(touched),
    }
    return _event(COMMITTED, revision, data)


def head_event(revision: int) -> bytes:
    """Return the event that tells a new listener where it starts, so that it can resume from there."""
    return _event(HEAD, revision, {"revision": revision})


def reset_event(revision: int, since: int | None) -> bytes:
    """Return the event for a listener that cannot be told what it missed: it has to ask for it.

    `since` is the revision it knew; None where that is of no use.
    """
    root = "/api/model_references/v2"
    changes = None if since is None else f"{root}/changes?since={since}"
    return _event(RESET, revision, {"revision": revision, "changes": changes, "bundle": f"{root}/bundle"})


def retry_line(milliseconds: int) -> bytes:
    """Return what tells the listener when to try again after the connection is lost."""
    return b"retry: %d\n\n" % milliseconds


def _event(name: str, revision: int, data: dict[str, Any]) -> bytes:
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (revision, name.encode(), orjson.dumps(data))
