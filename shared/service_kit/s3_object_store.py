"""Objects in a bucket of an S3-compatible server. The only module that knows aiobotocore."""

import asyncio
import base64
import contextlib
import hashlib
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession, get_session
from aiohttp import ClientError as HttpClientError
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from service_kit.call_metrics import measured
from service_kit.errors import ObjectExists, ObjectMissing, StoreFull, StoreUnavailable, StoreUnsafe
from service_kit.object_keys import check_key, check_prefix
from service_kit.retry import RetryPolicy, with_retries
from service_kit.settings import S3Settings
from service_kit.telemetry import Telemetry

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

PAGE_KEYS: Final = 1000  # the protocol's limit
WRITER: Final = "writer"  # user metadata: whose create made the object

_MISSING: Final = frozenset({"NoSuchKey", "404", "NotFound"})
_EXISTS: Final = frozenset({"PreconditionFailed", "412"})
_FULL: Final = frozenset({"507", "InsufficientStorage", "QuotaExceeded", "XMinioStorageFull"})
_NO_ACCESS: Final = "the object store refuses the credentials"
_HOPELESS: Final = {
    "NoSuchBucket": "the bucket of the object store does not exist",
    "AccessDenied": _NO_ACCESS,
    "SignatureDoesNotMatch": _NO_ACCESS,
    "InvalidAccessKeyId": _NO_ACCESS,
    "403": _NO_ACCESS,
}

Result = TypeVar("Result")

log = logging.getLogger(__name__)


class StoreMisconfigured(StoreUnavailable):
    """The server answers, but refuses what it is asked for: trying again at once is no use."""

    retryable = False
    status = 503


class S3ObjectStore:
    """A bucket on any server that honours `If-None-Match: *` on PUT.

    A create whose answer is lost may have succeeded, and is then refused (412) when it is sent again,
    be it by us or by the HTTP client underneath, which re-sends silently. So every create carries a
    random `writer` token in the object's metadata, the same for all of its attempts: 412 for an object
    with our token is our success, with any other it is `ObjectExists`. Equal bodies decide nothing.

    Every body is sent with its MD5: SeaweedFS 4.48 otherwise keeps an EMPTY object when the connection
    ends before the body arrived (measured: 8 of 60 uploads cut on purpose, with the MD5 none).
    """

    def __init__(
        self,
        client: "S3Client",
        bucket: str,
        *,
        prefix: str = "",
        policy: RetryPolicy | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._policy = policy or RetryPolicy()
        self._calls = telemetry.store_calls if telemetry else None
        self._on_retry = partial(telemetry.retries.labels("object store").inc, 1) if telemetry else None

    async def get(self, key: str) -> bytes:
        check_key(key)
        return await self._run("get", key, lambda: self._get(key))

    async def create(self, key: str, body: bytes) -> None:
        check_key(key)
        token = secrets.token_hex(16)
        digest = await asyncio.to_thread(_content_md5, body)
        await self._run("create", key, lambda: self._create(key, body, digest, token))

    async def list_after(self, prefix: str, after: str = "", *, limit: int = 1000) -> list[str]:
        check_prefix(prefix)
        keys: list[str] = []
        while len(keys) < limit:
            wanted = min(limit - len(keys), PAGE_KEYS)
            page = partial(self._list, prefix, keys[-1] if keys else after, wanted)
            found = await self._run("list", prefix, page)
            keys += found
            if len(found) < wanted:
                break
        return keys

    async def delete(self, key: str) -> None:
        check_key(key)
        await self._run("delete", key, lambda: self._delete(key))

    async def _get(self, key: str) -> bytes:
        answer = await self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
        async with answer["Body"] as stream:
            return await stream.read()

    async def _create(self, key: str, body: bytes, digest: str, token: str) -> None:
        try:
            await self._client.put_object(
                Bucket=self._bucket,
                Key=self._prefix + key,
                Body=body,
                IfNoneMatch="*",
                ContentMD5=digest,
                Metadata={WRITER: token},
            )
        except ClientError as error:
            if _code(error) not in _EXISTS or await self._writer_of(key) != token:
                raise
            log.info("a create of %s had succeeded although its answer was lost", key)

    async def _writer_of(self, key: str) -> str | None:
        try:
            found = await self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
        except ClientError as error:
            if _code(error) in _MISSING:
                return None
            raise
        return found["Metadata"].get(WRITER)

    async def _list(self, prefix: str, after: str, limit: int) -> list[str]:
        start = self._prefix + max(after, prefix)
        page = await self._client.list_objects_v2(
            Bucket=self._bucket, Prefix=self._prefix + prefix, StartAfter=start, MaxKeys=limit
        )
        return [found["Key"].removeprefix(self._prefix) for found in page.get("Contents", ())]

    async def _delete(self, key: str) -> None:
        await self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    async def _run(self, operation: str, key: str, call: Callable[[], Awaitable[Result]]) -> Result:
        async def attempt() -> Result:
            with s3_errors(key):
                return await call()

        with measured(self._calls, operation), _deadline_is_silence():
            return await with_retries(attempt, self._policy, on_retry=self._on_retry)


def _content_md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


@contextlib.contextmanager
def _deadline_is_silence() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise StoreUnavailable("the object store does not answer") from error


@contextlib.contextmanager
def s3_errors(key: str) -> Iterator[None]:
    """Turn the errors of the driver into those of the port. The texts hold nothing of the server's."""
    try:
        yield
    except ClientError as error:
        raise _translate(error, key) from error
    except (BotoCoreError, HTTPClientError, HttpClientError, TimeoutError, OSError) as error:
        raise StoreUnavailable("the object store does not answer") from error


def _translate(error: ClientError, key: str) -> Exception:
    code = _code(error)
    if code in _MISSING:
        return ObjectMissing(f"there is no object with the key {key}")
    if code in _EXISTS:
        return ObjectExists(f"an object with the key {key} exists")
    log.warning("the object store refused %s: %s", error.operation_name, code)
    if code in _FULL:
        return StoreFull("the object store has no room left")
    if code == "NotImplemented":
        return StoreUnsafe("the object store does not know conditional creates")
    if text := _HOPELESS.get(code):
        return StoreMisconfigured(text)
    return StoreUnavailable("the object store failed")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _prepared_session() -> AioSession:
    """Return a session that has read its files, so that making a client does not block the loop."""
    session = get_session()
    loader = session.get_component("data_loader")
    loader.load_service_model("s3", "service-2")
    for name in ("endpoints", "partitions", "sdk-default-configuration", "_retry"):
        loader.load_data(name)
    session.full_config  # noqa: B018 - a property that reads a file once
    return session


@contextlib.asynccontextmanager
async def open_s3_store(
    settings: S3Settings, telemetry: Telemetry | None = None
) -> AsyncIterator[S3ObjectStore]:
    """Return a store that connects when it is first used; that the server is down is no error here."""
    session = await asyncio.to_thread(_prepared_session)
    secret = settings.secret_key.get_secret_value()
    client = session.create_client(
        "s3",
        endpoint_url=settings.endpoint_url or None,
        region_name=settings.region,
        aws_access_key_id=settings.access_key or None,
        aws_secret_access_key=secret or None,
        config=AioConfig(
            connect_timeout=settings.connect_timeout_seconds,
            read_timeout=settings.read_timeout_seconds,
            max_pool_connections=settings.max_connections,
            retries={"mode": "standard", "total_max_attempts": 1},  # ours are bounded by a deadline
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",  # not every server knows the newer ones
            response_checksum_validation="when_required",
            warm_up_loader_caches=True,  # its data files are read in a thread
        ),
    )
    policy = RetryPolicy(attempts=settings.attempts, deadline_seconds=settings.deadline_seconds)
    async with client as opened:
        yield S3ObjectStore(
            opened, settings.bucket, prefix=settings.prefix, policy=policy, telemetry=telemetry
        )
