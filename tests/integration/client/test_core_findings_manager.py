"""The manager while other threads read, change, end and fork."""

import asyncio
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from horde_model_reference.backends.base import ModelReferenceBackend
from horde_model_reference.backends.github import GitHubBackend
from horde_model_reference.backends.http import HTTPBackend
from horde_model_reference.meta_consts import ReplicateMode
from horde_model_reference.model_reference_manager import ModelReferenceManager
from horde_model_reference.record_sources import BackendRecords
from support.scripted_primary import Documents, ScriptedPrimary, a_clip, two_categories
from support.threaded_primary import primary_in_thread

NAMES = ("clip", "blip", "esrgan", "gfpgan", "codeformer", "miscellaneous")


@pytest.fixture(autouse=True)
def no_manager() -> Iterator[None]:
    ModelReferenceManager.reset()
    yield
    ModelReferenceManager.reset()


def a_backend(primary: ScriptedPrimary, folder: Path, **options: Any) -> HTTPBackend:
    return HTTPBackend(
        primary_api_url=primary.url,
        github_backend=GitHubBackend(base_path=folder),
        timeout_seconds=60,
        retry_backoff_seconds=0.01,
        enable_github_fallback=False,
        **options,
    )


def many(description: str) -> Documents:
    records = {
        f"m{number}": {"name": f"m{number}", "description": f"{description} {'x' * 200}"}
        for number in range(300)
    }
    return {name: {key: {**record, "record_type": name} for key, record in records.items()} for name in NAMES}


class ScriptedBackend(ModelReferenceBackend):
    """Answers what `value` is when it is asked, after `pause` was called."""

    def __init__(self, value: dict[str, Any]) -> None:
        super().__init__(ReplicateMode.REPLICA)
        self.value = value
        self.pause: Callable[[], None] = lambda: None

    def fetch_category(
        self,
        category: str,
        *,
        force_refresh: bool = False,  # noqa: ARG002
    ) -> dict[str, Any] | None:
        value = self.value
        self.pause()
        return value if category == "clip" else None


def test_the_json_of_all_categories_is_of_one_moment(tmp_path: Path) -> None:
    primary = ScriptedPrimary(many("1"))
    with primary_in_thread(primary) as loop:
        backend = a_backend(primary, tmp_path)
        backend.fetch_all_categories()
        ended = threading.Event()

        def commit() -> None:
            while not ended.wait(0.02):
                loop.call_soon_threadsafe(primary.commit, many(str(primary.head + 1)))
                backend.fetch_category("clip", force_refresh=True)

        committer = threading.Thread(target=commit)
        committer.start()
        try:
            for number in range(30):
                found = (
                    asyncio.run(backend.fetch_all_categories_async())
                    if number % 2
                    else backend.fetch_all_categories()
                )
                assert len({(found[name] or {})["m0"]["description"] for name in NAMES}) == 1
        finally:
            ended.set()
            committer.join()
            backend.close()


def test_strict_reading_is_of_one_moment_and_asks_nothing_again(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    with primary_in_thread(primary):
        manager = ModelReferenceManager(backend=a_backend(primary, tmp_path))
        found = manager.get_all_model_references_or_none(safe_mode=True)
        assert set(found["clip"] or ()) == {"a", "b"}
        manager.backend.close()


@pytest.mark.parametrize("category", ["nothing_like_it", "../clip"])
def test_an_unknown_category_has_nothing_at_the_back_end_either(tmp_path: Path, category: str) -> None:
    primary = ScriptedPrimary(two_categories())
    with primary_in_thread(primary):
        backend = a_backend(primary, tmp_path)
        assert backend.fetch_category(category) is None
        assert asyncio.run(backend.fetch_category_async(category)) is None
        assert backend.get_legacy_json(category) is None
        assert primary.asked == []
        backend.close()


def test_a_manager_that_could_not_prefetch_leaves_nothing() -> None:
    backend = ScriptedBackend({})

    def fail() -> None:
        raise OSError("no disk")

    backend.pause = fail
    with pytest.raises(OSError, match="no disk"):
        ModelReferenceManager(backend=backend, prefetch_strategy="sync")
    assert not ModelReferenceManager.has_instance()


def test_stale_marks_during_a_load_of_a_backend_count() -> None:
    backend = ScriptedBackend({"a": a_clip("a", "one")})
    records = BackendRecords(backend, ttl_seconds=60)

    def change() -> None:
        backend.pause = lambda: None
        backend.value = {"a": a_clip("a", "two")}
        backend.mark_stale("clip")

    backend.pause = change
    records.load(["clip"])
    assert (records.load(["clip"])["clip"] or {})["a"].description == "two"


async def test_a_slow_load_of_a_backend_takes_nothing_back() -> None:
    backend = ScriptedBackend({"a": a_clip("a", "one")})
    records = BackendRecords(backend, ttl_seconds=60)
    begun, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        backend.pause = lambda: None
        begun.set()
        assert go_on.wait(60)

    backend.pause = wait
    slow = asyncio.create_task(records.load_async(["clip"]))
    await asyncio.to_thread(begun.wait, 10)
    backend.value = {"a": a_clip("a", "two")}
    await records.load_async(["clip"], force=True)
    go_on.set()
    await slow
    held = records.fresh("clip")
    assert held is not None
    assert held["a"].description == "two"


def test_a_backend_may_change_the_very_object_that_it_returned() -> None:
    backend = ScriptedBackend({"a": a_clip("a", "one")})
    records = BackendRecords(backend, ttl_seconds=60)
    records.load(["clip"])
    backend.value["b"] = a_clip("b")
    assert set(records.load(["clip"], force=True)["clip"] or ()) == {"a", "b"}


def test_a_backend_forgets_managers_that_were_reset() -> None:
    backend = ScriptedBackend({})
    for _ in range(3):
        ModelReferenceManager(backend=backend)
        ModelReferenceManager.reset()
    assert len(backend._callbacks) == 0


async def test_a_reader_that_is_cancelled_takes_no_load_from_the_others(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    release = asyncio.Event()

    async def hold(_: object) -> None:
        await release.wait()

    async with primary.running():
        primary.fault = hold
        manager = ModelReferenceManager(backend=a_backend(primary, tmp_path))
        other = asyncio.create_task(manager.get_model_reference_async("clip"))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(manager.get_model_reference_async("clip"), 0.1)
        release.set()
        assert set(await other) == {"a", "b"}
        assert primary.asked.count("clip") == 1
        await asyncio.to_thread(manager.backend.close)


def test_ending_during_a_load_leaves_nobody_following(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    with primary_in_thread(primary) as loop:
        held_up, release = threading.Event(), asyncio.Event()

        async def hold(_: object) -> None:
            held_up.set()
            await release.wait()

        primary.fault = hold
        backend = a_backend(primary, tmp_path)
        manager = ModelReferenceManager(backend=backend)
        with ThreadPoolExecutor() as pool:
            reads = [
                pool.submit(manager.get_model_reference_or_none, "clip"),
                pool.submit(lambda: asyncio.run(manager.get_model_reference_or_none_async("clip"))),
            ]
            assert held_up.wait(60)
            session = backend.session()
            backend.close()
            loop.call_soon_threadsafe(release.set)
            assert [read.result(60) for read in reads] == [None, None]
        session.load(("clip",))
        assert session.held("clip") is None, "what was ended does not begin again"
        time.sleep(0.6)  # the feed begins 0.3 s after a load: what must not come has no event to wait for
        assert "events" not in primary.asked


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_while_locks_are_held_reads(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    with primary_in_thread(primary):
        backend = a_backend(primary, tmp_path)
        own = ScriptedBackend({"a": a_clip("a")})
        own_records = BackendRecords(own, ttl_seconds=60)
        held, let_go = threading.Event(), threading.Event()

        def wait() -> None:
            own.pause = lambda: None
            held.set()
            assert let_go.wait(100)

        own.pause = wait

        def hold() -> None:
            with backend._opening, ModelReferenceManager._creating:
                own_records.load(["clip"])

        holder = threading.Thread(target=hold)
        holder.start()
        assert held.wait(60)
        child = os.fork()
        if not child:
            os._exit(_outcome_in_child(backend, own_records))
        deadline = time.monotonic() + 60
        while not (ended := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < deadline:
            time.sleep(0.05)
        if not ended[0]:
            os.kill(child, 9)
            ended = os.waitpid(child, 0)
        let_go.set()
        holder.join()
        backend.close()
        assert os.waitstatus_to_exitcode(ended[1]) == 0


def _outcome_in_child(backend: HTTPBackend, own: BackendRecords) -> int:
    outcome = 3
    with contextlib.suppress(BaseException):
        if (own.load(["clip"])["clip"] or {}).keys() != {"a"}:
            return 1
        manager = ModelReferenceManager(backend=backend)
        outcome = 0 if manager.get_model_reference("clip").keys() == {"a", "b"} else 2
    sys.stderr.flush()
    return outcome
