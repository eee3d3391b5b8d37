import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from horde_model_reference.backends.base import ModelReferenceBackend
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY, ReplicateMode
from support.programs import assert_silent_success, ran


class SmallBackend(ModelReferenceBackend):
    """What a program has to write for a back end of its own."""

    def __init__(self, mode: ReplicateMode | str = ReplicateMode.REPLICA) -> None:
        super().__init__(mode)
        self.threads: list[int] = []

    def fetch_category(self, category: str, *, force_refresh: bool = False) -> dict[str, Any] | None:
        self.threads.append(threading.get_ident())
        return {"forced": force_refresh} if category == "clip" else None


def test_a_listener_hears_the_category_as_member_in_the_callers_thread() -> None:
    backend, heard = SmallBackend(), list[tuple[object, int]]()
    backend.register_invalidation_callback(lambda category: heard.append((category, threading.get_ident())))
    backend.mark_stale("clip")
    assert heard == [(MODEL_REFERENCE_CATEGORY.clip, threading.get_ident())]
    assert heard[0][0] is MODEL_REFERENCE_CATEGORY.clip


def test_a_failing_listener_is_logged_and_the_others_hear_it(caplog: pytest.LogCaptureFixture) -> None:
    backend, heard = SmallBackend(), list[str]()
    backend.register_invalidation_callback(lambda _: 1 // 0)
    backend.register_invalidation_callback(heard.append)
    with caplog.at_level(logging.ERROR):
        backend.mark_stale(MODEL_REFERENCE_CATEGORY.clip)
    assert heard == ["clip"]
    assert "ZeroDivisionError" in caplog.text


def test_a_listener_given_twice_hears_once() -> None:
    backend, heard = SmallBackend(), list[str]()
    backend.register_invalidation_callback(heard.append)
    backend.register_invalidation_callback(heard.append)
    backend.mark_stale("clip")
    assert heard == ["clip"]


def test_an_unregistered_listener_hears_nothing_and_the_others_go_on() -> None:
    backend, gone, stays = SmallBackend(), list[str](), list[str]()
    backend.register_invalidation_callback(stays.append)
    backend.register_invalidation_callback(gone.append)
    assert backend.unregister_invalidation_callback(gone.append) is True
    assert backend.unregister_invalidation_callback(gone.append) is False
    backend.mark_stale("clip")
    assert (gone, stays) == ([], ["clip"])


def test_a_listener_may_unregister_itself_while_it_is_called() -> None:
    backend, heard = SmallBackend(), list[str]()

    def once(category: str) -> None:
        heard.append(category)
        backend.unregister_invalidation_callback(once)

    backend.register_invalidation_callback(once)
    backend.mark_stale("clip")
    backend.mark_stale("clip")
    assert heard == ["clip"]


def test_listeners_registered_by_many_threads_are_all_kept() -> None:
    backend, heard = SmallBackend(), list[int]()

    def register(number: int) -> None:
        backend.register_invalidation_callback(lambda _: heard.append(number))

    threads = [threading.Thread(target=register, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    backend.mark_stale("clip")
    assert sorted(heard) == list(range(32))


async def test_the_async_readers_run_the_sync_ones_in_another_thread() -> None:
    backend = SmallBackend()
    one = await backend.fetch_category_async("clip", httpx_client=object(), force_refresh=True)
    everything = await backend.fetch_all_categories_async(httpx_client=None)
    assert one == {"forced": True}
    assert list(everything) == list(MODEL_REFERENCE_CATEGORY)
    assert everything["clip"] == {"forced": False}
    assert threading.get_ident() not in backend.threads


def test_what_is_not_supported_says_so_and_raises() -> None:
    backend = SmallBackend()
    answers = [
        backend.supports_writes(),
        backend.supports_legacy_writes(),
        backend.support_any_writes(),
        backend.supports_cache_warming(),
        backend.supports_health_checks(),
        backend.supports_statistics(),
        backend.supports_metadata(),
    ]
    assert answers == [False] * 7
    calls: list[Callable[[], object]] = [
        lambda: backend.update_model("clip", "a", {}),
        lambda: backend.delete_model("clip", "a"),
        lambda: backend.update_model_legacy("clip", "a", {}),
        lambda: backend.delete_model_legacy("clip", "a"),
        backend.warm_cache,
        lambda: asyncio.run(backend.warm_cache_async()),
        backend.health_check,
        backend.get_statistics,
        lambda: backend.get_metadata("clip"),
        lambda: backend.get_v2_metadata("clip"),
        lambda: backend.get_legacy_metadata("clip"),
        backend.get_all_metadata,
        lambda: backend.last_updated("clip"),
    ]
    for call in calls:
        with pytest.raises(NotImplementedError, match="SmallBackend does not support"):
            call()


def test_a_small_back_end_has_no_files_no_legacy_form_and_nothing_stale() -> None:
    backend = SmallBackend()
    assert backend.get_category_file_path("clip") is None
    assert set(backend.get_all_category_file_paths().values()) == {None}
    assert (backend.get_legacy_json("clip"), backend.get_legacy_json_string("clip")) == (None, None)
    assert backend.needs_refresh("clip") is False
    backend.close()


@pytest.mark.parametrize("mode", ["PRIMARY", ReplicateMode.PRIMARY])
def test_the_mode_may_be_text(mode: str) -> None:
    backend = SmallBackend(mode)
    assert backend.replicate_mode is ReplicateMode.PRIMARY
    assert backend.get_replicate_mode() is ReplicateMode.PRIMARY


def test_importing_the_primary_back_ends_loads_no_heavy_package() -> None:
    code = (
        "import sys\n"
        "from horde_model_reference.backends import FileSystemBackend, ModelReferenceBackend, RedisBackend\n"
        "heavy = {'aiohttp', 'redis', 'cryptography', 'asyncio', 'horde_model_reference.replica'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )
    assert_silent_success(ran(code), "[]\n")
