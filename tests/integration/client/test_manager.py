"""The manager: one per process, from threads, loops, forks and at the end of the program."""

import asyncio
import contextlib
import json
import logging
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from horde_model_reference.backends.base import ModelReferenceBackend
from horde_model_reference.backends.github import GitHubBackend
from horde_model_reference.backends.http import HTTPBackend
from horde_model_reference.backends.local_read_only import LocalReadOnlyBackend
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY, ReplicateMode
from horde_model_reference.model_reference_manager import ModelReferenceManager, PrefetchStrategy
from horde_model_reference.model_reference_records import ClipModelRecord
from support.scripted_primary import ScriptedPrimary, a_clip, two_categories
from support.threaded_primary import primary_in_thread


@pytest.fixture(autouse=True)
def no_manager() -> Iterator[None]:
    ModelReferenceManager.reset()
    yield
    ModelReferenceManager.reset()


@pytest.fixture
def primary() -> Iterator[ScriptedPrimary]:
    scripted = ScriptedPrimary(two_categories())
    with primary_in_thread(scripted):
        yield scripted


class OwnBackend(ModelReferenceBackend):
    """One that a program brings along."""

    def __init__(self, mode: ReplicateMode = ReplicateMode.REPLICA) -> None:
        super().__init__(mode)
        self.fetched: list[str] = []
        self.clip = {"a": a_clip("a")}

    def fetch_category(
        self,
        category: str,
        *,
        force_refresh: bool = False,  # noqa: ARG002
    ) -> dict[str, Any] | None:
        self.fetched.append(category)
        return dict(self.clip) if category == "clip" else None


def a_backend(primary: ScriptedPrimary, folder: Path, **options: Any) -> HTTPBackend:
    return HTTPBackend(
        primary_api_url=primary.url + "/",
        github_backend=GitHubBackend(base_path=folder),
        timeout_seconds=60,
        retry_backoff_seconds=0.01,
        enable_github_fallback=False,
        **options,
    )


def test_a_bare_call_returns_the_manager_however_it_was_made(tmp_path: Path) -> None:
    made = ModelReferenceManager(prefetch_strategy="deferred", base_path=tmp_path, offline=True)
    assert ModelReferenceManager() is made
    assert ModelReferenceManager(base_path=tmp_path, offline=True) is made
    assert ModelReferenceManager(replicate_mode="PRIMARY") is made, "not compared when offline"


@pytest.mark.parametrize(
    "other",
    [
        {"prefetch_strategy": "sync"},
        {"offline": True},
        {"replicate_mode": "PRIMARY"},
        {"base_path": "elsewhere"},
        {"backend": OwnBackend()},
    ],
)
def test_a_call_with_something_different_is_an_error_that_names_it(other: dict[str, Any]) -> None:
    made = ModelReferenceManager(backend=OwnBackend(), base_path="here")
    with pytest.raises(RuntimeError, match=next(iter(other))):
        ModelReferenceManager(**other)
    assert ModelReferenceManager.get_instance() is made


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"prefetch_strategy": "soon"}, ValueError),
        ({"replicate_mode": "SECONDARY"}, ValueError),
        ({"backend": OwnBackend(ReplicateMode.PRIMARY)}, RuntimeError),
        ({"unknown": 1}, TypeError),
    ],
)
def test_a_construction_that_fails_leaves_nothing(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        ModelReferenceManager(**arguments)
    assert not ModelReferenceManager.has_instance()
    with pytest.raises(RuntimeError):
        ModelReferenceManager.get_instance()


def test_many_threads_make_one_manager(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)

    def make() -> ModelReferenceManager:
        barrier.wait()
        return ModelReferenceManager(base_path=tmp_path, offline=True)

    with ThreadPoolExecutor(8) as pool:
        made = [future.result() for future in [pool.submit(make) for _ in range(8)]]
    assert len({id(manager) for manager in made}) == 1


def test_consumers_may_forget_the_manager_by_its_attribute(tmp_path: Path) -> None:
    first = ModelReferenceManager(base_path=tmp_path, offline=True)
    ModelReferenceManager._instance = None
    assert not ModelReferenceManager.has_instance()
    assert ModelReferenceManager(base_path=tmp_path, offline=True) is not first


def test_readers_without_loop_and_in_several_loops_see_the_same(
    primary: ScriptedPrimary, tmp_path: Path
) -> None:
    manager = ModelReferenceManager(backend=a_backend(primary, tmp_path))
    first = asyncio.run(manager.get_model_reference_async("clip"))
    second = asyncio.run(manager.get_model_reference_async("blip"))
    assert set(first) == {"a", "b"}
    assert set(second) == {"c"}
    assert manager.get_model("clip", "a") is first["a"]

    async def blocking_inside_a_loop() -> int:
        return len(manager.get_model_reference("clip"))

    assert asyncio.run(blocking_inside_a_loop()) == 2


def test_the_returned_mapping_belongs_to_the_caller(primary: ScriptedPrimary, tmp_path: Path) -> None:
    manager = ModelReferenceManager(backend=a_backend(primary, tmp_path))
    manager.get_model_reference("clip").clear()
    manager.get_all_model_references()[MODEL_REFERENCE_CATEGORY.clip].clear()
    assert len(manager.get_model_reference("clip")) == 2


def test_scribbled_records_are_built_anew_without_a_request(primary: ScriptedPrimary, tmp_path: Path) -> None:
    manager = ModelReferenceManager(backend=a_backend(primary, tmp_path))
    manager.get_model("clip", "a").description = "scribbled on"
    asked = list(primary.asked)
    manager.invalidate_category_cache("clip")
    assert manager.get_model("clip", "a").description == "one"
    assert [path for path in primary.asked if path != "events"] == asked


def test_a_listener_may_read_and_sees_the_new_data(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    with primary_in_thread(primary) as loop:
        manager = ModelReferenceManager(backend=a_backend(primary, tmp_path))
        heard, seen = threading.Event(), list[str | None]()

        def listener(category: str) -> None:
            seen.append(manager.get_model(category, "a").description)
            heard.set()

        manager.get_model_reference("clip")
        manager.register_invalidation_callback(listener)
        while not primary.listeners:
            heard.wait(0.01)
        loop.call_soon_threadsafe(primary.commit, {"clip": {"a": a_clip("a", "two")}})
        assert heard.wait(60)
        assert seen == ["two"]
        ModelReferenceManager.reset()


def test_deferred_handle_loads_everything_once(primary: ScriptedPrimary, tmp_path: Path) -> None:
    manager = ModelReferenceManager(backend=a_backend(primary, tmp_path), prefetch_strategy="deferred")
    handle = manager.deferred_prefetch_handle
    assert handle is not None
    assert (manager.prefetch_pending, manager.is_warm, primary.asked) == (True, False, [])

    async def wait() -> None:
        await handle

    asyncio.run(wait())
    assert (manager.prefetch_pending, manager.is_warm) == (False, True)
    assert json.loads((tmp_path / "clip.json").read_bytes()) == primary.pasts[0]["clip"]
    asked = len(primary.asked)
    handle.run_sync()
    assert [path for path in primary.asked[asked:] if path != "events"] == []


async def test_async_prefetch_goes_on_in_the_background(tmp_path: Path) -> None:
    async with ScriptedPrimary(two_categories()).running() as primary:
        backend = await asyncio.to_thread(a_backend, primary, tmp_path)
        manager = ModelReferenceManager(backend=backend, prefetch_strategy=PrefetchStrategy.ASYNC)
        assert not manager.prefetch_pending
        await manager.deferred_prefetch_handle  # type: ignore[misc]  # there is one
        assert manager.is_warm
        await asyncio.to_thread(ModelReferenceManager.reset)


def test_a_backend_of_the_program_is_read_once_until_it_says_stale() -> None:
    backend = OwnBackend()
    manager = ModelReferenceManager(backend=backend)
    assert isinstance(manager.get_model("clip", "a"), ClipModelRecord)
    assert asyncio.run(manager.get_model_reference_or_none_async("clip")) is not None
    assert backend.fetched == ["clip"]
    backend.clip = {"b": a_clip("b")}
    backend.mark_stale("clip")
    assert set(manager.get_model_reference("clip")) == {"b"}
    backend.clip = {"c": a_clip("c")}
    assert set(manager.get_model_reference("clip", overwrite_existing=True)) == {"c"}
    assert manager.get_model_reference_or_none("blip") is None


def test_a_rewritten_file_is_noticed_offline(tmp_path: Path) -> None:
    path = tmp_path / "clip.json"
    path.write_text(json.dumps({"a": a_clip("a")}))
    backend = LocalReadOnlyBackend(base_path=tmp_path)
    told: list[str] = []
    backend.register_invalidation_callback(told.append)
    assert set(backend.records("clip") or ()) == {"a"}
    path.write_text(json.dumps({"a": a_clip("a"), "b": a_clip("b")}))
    assert set(backend.records("clip") or ()) == {"a", "b"}
    assert told == ["clip"]
    path.write_text("{")
    assert backend.records("clip") is None
    path.unlink()
    assert backend.records("clip") is None


def test_failed_categories_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    manager = ModelReferenceManager(backend=OwnBackend())
    with caplog.at_level(logging.ERROR):
        assert manager.get_all_model_references()[MODEL_REFERENCE_CATEGORY.blip] == {}
        manager.get_all_model_references()
    assert len([record for record in caplog.records if "blip" in record.message]) <= 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_reads_on_and_asks_anew(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    with primary_in_thread(primary) as loop:
        manager = ModelReferenceManager(backend=a_backend(primary, tmp_path))
        manager.get_model_reference("clip")
        committed = threading.Event()

        def commit() -> None:
            primary.commit({"clip": {"a": a_clip("a", "two")}, "blip": primary.pasts[-1]["blip"]})
            committed.set()

        child = os.fork()
        if not child:
            os._exit(_read_in_child(manager))
        loop.call_soon_threadsafe(commit)
        assert committed.wait(60)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        ModelReferenceManager.reset()


def _read_in_child(manager: ModelReferenceManager) -> int:
    """Return 0 if the child sees old data, data that nobody loaded before, and at last the change."""
    outcome = 4  # whatever is raised, the child must not go on as the test
    with contextlib.suppress(BaseException):
        outcome = _read_until_changed(manager)
    return outcome


def _read_until_changed(manager: ModelReferenceManager) -> int:
    if manager.get_model_or_none("clip", "a") is None or manager.get_model_or_none("blip", "c") is None:
        return 2
    for _ in range(500):
        record = manager.get_model_or_none("clip", "a", overwrite_existing=True)
        if record is not None and record.description == "two":
            return 0
    return 3
