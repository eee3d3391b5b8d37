"""What this instance serves, for `/status`: revision, sizes, records that were left out, the store."""

import math
import re
from collections.abc import Iterator
from typing import Any, Final

from read_api.holder import PageHolder, RevisionSource
from read_api.pages import Pages
from service_kit.errors import ServiceError

_PLACE: Final = re.compile(
    r"""[a-z][a-z0-9+.-]*://\S+                 # an address
      | (?<![\w.])/[\w.-]+(?:/[\w.-]*)*         # a path on a disk
      | \b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b    # a number of a machine
      | \[[0-9a-f:.]*:[0-9a-f:.]*\](?::\d+)?
      | (?<![\w.:-])[a-z][\w-]*(?:\.[\w-]+)*:\d{2,5}\b  # a host and its port
      | \S+@\S+                                 # a user, or a key, and its host
    """,
    re.IGNORECASE | re.VERBOSE,
)
HIDDEN: Final = "(left out)"


def served_status(holder: PageHolder) -> dict[str, Any]:
    """Return what is known without asking anybody."""
    pages = holder.pages
    return {
        "revision": pages.revision if pages else None,
        "sequence": pages.sequence if pages else None,
        "committed_at": pages.committed_at.isoformat() if pages and pages.committed_at else None,
        "stale": holder.stale,
        "store": _store_status(holder.source),
        "categories": dict(_category_statuses(pages)) if pages else {},
    }


def public_problem(failure: Exception) -> str:
    """Return what anybody may know of a failure.

    Only the texts of our own errors are meant to be shown, and of these not where something is.
    """
    if not isinstance(failure, ServiceError):
        return type(failure).__name__
    return _PLACE.sub(HIDDEN, str(failure))


def _store_status(source: RevisionSource | None) -> dict[str, Any]:
    age = source.age_seconds if source else math.inf
    failure = source.failure if source else None
    return {
        "reachable": source is not None and failure is None and math.isfinite(age),
        "seconds_since_contact": round(age, 1) if math.isfinite(age) else None,
        "problem": public_problem(failure) if failure else None,
    }


def _category_statuses(pages: Pages) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, category in pages.categories.items():
        rejected = pages.side_data.rejected.get(name, ())
        yield (
            name,
            {
                "models": len(category.models),
                "v2_bytes": len(category.v2.identity),
                "legacy_bytes": len(category.v1.identity) if category.v1 else None,
                "rejected": [one.model_dump() for one in rejected],
            },
        )
