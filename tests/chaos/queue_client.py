"""A moderator's client: proposes, decides and applies, and notes what it was told."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from chaos.client_log import ClientLog, Operation, Verdict
from support.some_horde import APPROVER, READER, REQUESTOR

REFERENCES = "/api/model_references"
CATEGORY = "clip"
QUEUE = f"{REFERENCES}/v2/pending_queue"
ANSWER_SECONDS = 40.0
RESEND_PAUSE_SECONDS = 0.2
Status = int | str


class QueueClient:
    """Talks to one address; every write is logged. `tries` above 1 sends again, with an idempotency key."""

    def __init__(
        self, session: aiohttp.ClientSession, root_url: str, log: ClientLog, *, tries: int = 1
    ) -> None:
        self._session = session
        self._root_url = root_url
        self.log = log
        self._tries = tries

    async def propose(
        self,
        name: str,
        *,
        category: str = CATEGORY,
        update: bool = False,
        description: str = "",
        key: str = REQUESTOR,
    ) -> int | None:
        """Propose a record whose description ends with the marker; return the id of the accepted change."""
        operation = self.log.begin("propose")
        body = {"name": name, "description": f"{description}#{operation.marker}"}
        path = f"{REFERENCES}/v2/{category}"
        if update:
            return await self._proposed(operation, "PUT", f"{path}/model/{name}", body, key)
        return await self._proposed(operation, "POST", path, body, key)

    async def replace(
        self, operation: Operation, category: str, record: Mapping[str, Any], *, key: str = REQUESTOR
    ) -> int | None:
        """Propose a whole record in place of the live one, its description ending with the marker."""
        text = str(record.get("description") or "").partition("#")[0]
        body = {**record, "description": f"{text}#{operation.marker}"}
        path = f"{REFERENCES}/v2/{category}/model/{quote(str(record['name']), safe='')}"
        return await self._proposed(operation, "PUT", path, body, key)

    async def _proposed(
        self, operation: Operation, method: str, path: str, body: object, key: str
    ) -> int | None:
        answer = await self.submit(operation, method, path, body, key)
        if answer is None:
            return None
        operation.change_ids = (int(answer["change_id"]),)
        return operation.change_ids[0]

    async def approve(self, *change_ids: int, key: str = APPROVER) -> bool:
        """Approve pending changes; return whether that was accepted."""
        return await self.decide(self.log.begin("decide", change_ids), key=key)

    async def decide(self, operation: Operation, *, key: str = APPROVER) -> bool:
        """Approve the changes of an operation; return whether that was accepted."""
        body = {"batch_title": operation.marker, "approved_ids": operation.change_ids}
        return await self.submit(operation, "POST", f"{QUEUE}/batches", body, key) is not None

    async def reject(self, *change_ids: int, key: str = APPROVER) -> bool:
        """Reject pending changes; return whether that was accepted."""
        operation = self.log.begin("decide", change_ids)
        body = {"batch_title": operation.marker, "rejected_ids": change_ids, "reject_reason": "chaos"}
        return await self.submit(operation, "POST", f"{QUEUE}/batches", body, key) is not None

    async def apply(self, *change_ids: int, key: str = APPROVER) -> bool:
        """Apply approved changes in one revision; return whether that was accepted."""
        return await self.make_revision(self.log.begin("apply", change_ids), key=key)

    async def make_revision(self, operation: Operation, *, key: str = APPROVER) -> bool:
        """Apply the changes of an operation; return whether that was accepted."""
        body = {"change_ids": operation.change_ids, "job_id": operation.marker}
        return await self.submit(operation, "POST", f"{QUEUE}/apply", body, key) is not None

    async def make_live(self, *names: str, update: bool = False, description: str = "") -> bool:
        """Propose, approve and apply records together; return whether every step was accepted."""
        ids: list[int] = []
        for name in names:
            change_id = await self.propose(name, update=update, description=description)
            if change_id is None:
                return False
            ids.append(change_id)
        return await self.approve(*ids) and await self.apply(*ids)

    async def get(self, path: str, *, key: str = READER) -> tuple[Status, Mapping[str, str], bytes]:
        """Return what a GET with a key gives; for no answer its error in place of the status."""
        try:
            async with self._session.get(
                URL(self._root_url + path, encoded=True), headers={"apikey": key} if key else {}
            ) as answer:
                return answer.status, answer.headers, await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error).__name__, {}, b""

    async def submit(
        self, operation: Operation, method: str, path: str, body: object, key: str = REQUESTOR
    ) -> dict[str, Any] | None:
        """Send a write, again while its fate is unknown; return its answer if it was accepted."""
        headers = {"apikey": key}
        if self._tries > 1:
            headers["Idempotency-Key"] = operation.marker
        for attempt in range(self._tries):
            if attempt:
                await asyncio.sleep(RESEND_PAUSE_SECONDS * attempt)
            verdict, status, answer = await self._send(method, path, body, headers)
            operation.note(verdict, status)
            if verdict != "unknown":
                return answer
        return None

    async def _send(
        self, method: str, path: str, body: object, headers: Mapping[str, str]
    ) -> tuple[Verdict, Status, dict[str, Any] | None]:
        try:
            async with self._session.request(
                method, URL(self._root_url + path, encoded=True), json=body, headers=headers
            ) as answer:
                raw = await answer.read()
                if 200 <= answer.status < 300:
                    return "accepted", answer.status, json.loads(raw)
                # an error of the server's may have come after the deed
                return ("refused" if answer.status < 500 else "unknown"), answer.status, None
        except (aiohttp.ClientError, TimeoutError) as error:
            return "unknown", type(error).__name__, None


def open_session() -> aiohttp.ClientSession:
    """Return a session without limits of its own, which sends every request exactly once."""
    session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
    )
    session._retry_connection = False  # it would silently send a PUT again whose answer was lost
    return session
