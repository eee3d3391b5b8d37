"""An AI-Horde as a process of its own, whose users try every trick with names and ids."""

import sys
from typing import Any

from aiohttp import web

from support.some_horde import ANONYMOUS, APPROVER, NO_ID, READER, REQUESTOR, SHARED, SomeHorde

OTHER_REQUESTOR, OTHER_APPROVER = "key-requestor-2", "key-approver-2"

NOBODYS: dict[str, str] = {
    "no key": "",
    "unknown key": "key-unknown",
    "key without id": NO_ID,
    "key of control characters": "key\x01",
    "key that is too long": "k" * 256,
    "key of unicode": "key-\u00e9",
}
"""Keys that belong to nobody: 401."""

STRANGERS: dict[str, dict[str, Any]] = {
    READER: {"username": "reader#303", "id": 303},
    ANONYMOUS: {"username": "Anonymous#0", "id": 0},
    SHARED: {"username": "requestor#101 (Shared Key: toy)", "id": 101},
    "key-shared-of-approver": {"username": "approver#202 (Shared Key: for #202)", "id": 202},
    "key-shared-named-202": {"username": "approver#303 (Shared Key: x#202)", "id": 202},
    "key-two-hashes": {"username": "x#202#303", "id": 303},
    "key-alias": {"username": "x#202", "id": 303},
    "key-alias-without-id": {"username": "x#202"},
    "key-alias-text-id": {"username": "x#202", "id": "202"},
    "key-alias-true": {"username": "x#1", "id": True},
    "key-alias-space": {"username": "x#202 ", "id": 202},
    "key-alias-line": {"username": "x#202\n", "id": 202},
    "key-alias-wide-digits": {"username": "x#\uff12\uff10\uff12", "id": 202},
    "key-alias-zero": {"username": "x#0202", "id": 202},
    "key-flagged": {"username": "approver#202", "id": 202, "flagged": True},
    "key-deleted": {"username": "approver#202", "id": 202, "deleted": True},
    "key-markup": {"username": "<script>alert(1)</script>\u202e\r\nX-A: b#404", "id": 404},
}
"""Users who are somebody but may not write: 403."""

USERS: dict[str, dict[str, Any]] = {
    REQUESTOR: {"username": "requestor#101", "id": 101},
    OTHER_REQUESTOR: {"username": "second requestor#102", "id": 102},
    APPROVER: {"username": "approver#202", "id": 202},
    OTHER_APPROVER: {"username": "second approver#203", "id": 203},
    NO_ID: {"username": "nobody"},
    **STRANGERS,
}
ROLES = {
    "PENDING_QUEUE__REQUESTOR_IDS": '["101", "102"]',
    "PENDING_QUEUE__APPROVER_IDS": '["202", "203"]',
}


def main() -> None:
    horde = SomeHorde()
    horde.users = USERS
    web.run_app(
        horde.application, host="127.0.0.1", port=int(sys.argv[1]), print=lambda _: None, access_log=None
    )


if __name__ == "__main__":
    main()
