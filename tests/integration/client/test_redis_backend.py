import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from redis import Redis
from redis.client import Pipeline

from horde_model_reference.backends.filesystem import FileSystemBackend
from horde_model_reference.backends.redis import RedisBackend
from horde_model_reference.backends.redis_store import RedisStore
from horde_model_reference.meta_consts import CanonicalFormat, ReplicateMode
from horde_model_reference.settings_blocks import RedisSettings
from support.a_clock import AClock
from support.model_records import a_legacy_image, an_image, canonical_file
from support.programs import ran
from support.redis_backends import (
    a_listener,
    eventually,
    names_in,
    redis_backend,
    redis_settings,
)
from support.reference_folders import a_backend, put_legacy_file, with_images
from support.server_nodes import RedisServerNode
from support.servers import RedisServer, private_redis, started

IMAGES = "image_generation"


@pytest.fixture
def settings(redis_server: RedisServer) -> RedisSettings:
    return redis_settings(redis_server.url)


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[Redis]:
    with Redis.from_url(redis_server.url) as client:
        yield client


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServerNode]:
    """A Redis of this test alone, which it may kill."""
    with started(partial(private_redis, tmp_path)) as node:
        yield node


def test_what_one_reads_the_next_gets_from_redis(
    tmp_path: Path, settings: RedisSettings, client: Redis
) -> None:
    base = with_images(tmp_path / "full", "a")
    with redis_backend(base, settings) as one, redis_backend(tmp_path / "empty", settings) as other:
        assert (names_in(one), names_in(other)) == (["a"], ["a"])
        assert other.fetch_category(IMAGES) == one.fetch_category(IMAGES)
        assert one.get_statistics()["redis_misses"] == other.get_statistics()["redis_hits"] == 1
        seconds_left = client.ttl(f"{settings.key_prefix}:{IMAGES}:v2")
        assert 0 < seconds_left <= one.cache_ttl_seconds == 60


def test_the_legacy_form_is_shared_byte_for_byte(tmp_path: Path, settings: RedisSettings) -> None:
    body = canonical_file({"Ä": a_legacy_image("Ä")}).replace(b"\n", b"\r\n")
    put_legacy_file(tmp_path / "full", "stable_diffusion.json", body)
    with (
        redis_backend(tmp_path / "full", settings) as one,
        redis_backend(tmp_path / "empty", settings) as other,
    ):
        for backend in (one, other):
            assert backend.get_legacy_json_string(IMAGES) == body.decode()
            assert backend.get_legacy_json(IMAGES) == {"Ä": a_legacy_image("Ä")}
        assert other.get_legacy_json_string("lora") is None
        assert other.get_legacy_json("lora") is None


def test_a_write_of_one_is_seen_by_the_other_at_once(tmp_path: Path, settings: RedisSettings) -> None:
    with_images(tmp_path, "a")
    with redis_backend(tmp_path, settings) as one, redis_backend(tmp_path, settings) as other:
        mine, theirs = a_listener(one, settings), a_listener(other, settings)
        names_in(other)
        one.update_model(IMAGES, "b", an_image("b"))
        assert theirs.wait_for(IMAGES)
        assert other.needs_refresh(IMAGES)
        assert names_in(one) == names_in(other) == ["a", "b"]
        one.delete_model(IMAGES, "a")
        assert theirs.wait_for(IMAGES)
        assert names_in(one) == names_in(other) == ["b"]
        assert mine.heard.count(IMAGES) == 2, "each of its own writes once"


def test_marking_stale_reaches_the_other(tmp_path: Path, settings: RedisSettings) -> None:
    with_images(tmp_path, "a")
    with redis_backend(tmp_path, settings) as one, redis_backend(tmp_path, settings) as other:
        theirs = a_listener(other, settings)
        assert names_in(other) == ["a"]
        with_images(tmp_path, "b")
        assert names_in(other) == ["a"], "its time is not over"
        one.mark_stale(IMAGES)
        assert theirs.wait_for(IMAGES)
        assert names_in(other) == ["b"]


def test_without_messages_nothing_is_older_than_its_time(tmp_path: Path, redis_server: RedisServer) -> None:
    settings = redis_settings(redis_server.url, use_pubsub=False)
    with_images(tmp_path, "a")
    with (
        redis_backend(tmp_path, settings, cache_ttl_seconds=0.3) as one,
        redis_backend(tmp_path, settings, cache_ttl_seconds=0.3) as other,
    ):
        assert names_in(other) == ["a"]
        one.update_model(IMAGES, "b", an_image("b"))
        assert names_in(one) == ["a", "b"]
        assert eventually(lambda: names_in(other) == ["a", "b"])


def test_with_no_time_at_all_everything_is_read_anew(
    tmp_path: Path, redis_server: RedisServer, client: Redis
) -> None:
    settings = redis_settings(redis_server.url, ttl_seconds=0)
    with redis_backend(with_images(tmp_path, "a"), settings) as backend:
        assert names_in(backend) == ["a"]
        with_images(tmp_path, "b")
        assert names_in(backend) == ["b"]
        assert client.exists(f"{settings.key_prefix}:{IMAGES}:v2") == 0


def test_force_looks_at_the_folder(tmp_path: Path, settings: RedisSettings) -> None:
    with redis_backend(with_images(tmp_path, "a"), settings) as backend:
        names_in(backend)
        with_images(tmp_path, "b")
        assert names_in(backend) == ["a"]
        assert list(backend.fetch_category(IMAGES, force_refresh=True) or {}) == ["b"]
        assert names_in(backend) == ["b"]


def test_what_was_read_before_a_write_is_not_stored_after_it(settings: RedisSettings) -> None:
    store = RedisStore(settings)
    before = store.look_up("clip", "v2")
    assert before is not None
    assert store.invalidate("clip", "somebody")
    assert store.put("clip", "v2", b"old", version=before.version, ttl_seconds=60) is False
    after = store.look_up("clip", "v2")
    assert after is not None
    assert (after.body, after.version) == (None, before.version + 1)
    assert store.put("clip", "v2", b"new", version=after.version, ttl_seconds=60) is True
    store.close()


def test_a_write_while_the_old_is_being_stored_wins(
    settings: RedisSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, writer = RedisStore(settings), RedisStore(settings)
    real = Pipeline.multi

    def multi_after_a_write(pipe: Pipeline) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(Pipeline, "multi", real)
            writer.invalidate("clip", "somebody")
        real(pipe)

    with monkeypatch.context() as patch:
        patch.setattr(Pipeline, "multi", multi_after_a_write)
        assert store.put("clip", "v2", b"old", version=0, ttl_seconds=60) is False
    found = store.look_up("clip", "v2")
    assert found is not None
    assert (found.body, found.version) == (None, 1)
    store.close()
    writer.close()


def test_a_redis_that_fails_is_left_alone_for_a_time_that_grows(own_redis: RedisServerNode) -> None:
    clock = AClock()
    store = RedisStore(
        redis_settings(own_redis.url, retry_max_attempts=2, retry_backoff_seconds=0), clock=clock
    )
    own_redis.kill()
    assert store.look_up("clip", "v2") is None
    own_redis.start()
    assert store.look_up("clip", "v2") is None
    clock.advance(1)
    assert store.look_up("clip", "v2") is not None
    own_redis.kill()
    for pause_seconds in (1, 2, 4, 8, 16, 30, 30):
        assert store.look_up("clip", "v2") is None
        clock.advance(pause_seconds)
    own_redis.start()
    assert store.look_up("clip", "v2") is not None
    store.close()


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_a_damaged_value_in_redis_does_not_matter(
    body: bytes, tmp_path: Path, settings: RedisSettings, client: Redis
) -> None:
    client.set(f"{settings.key_prefix}:{IMAGES}:v2", body, ex=60)
    with redis_backend(with_images(tmp_path, "a"), settings) as backend:
        assert names_in(backend) == ["a"]


def test_an_odd_message_does_not_end_the_listening(
    tmp_path: Path, settings: RedisSettings, client: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    with redis_backend(with_images(tmp_path, "a"), settings) as backend:
        told = a_listener(backend, settings)
        channel = f"{settings.key_prefix}:invalidated"
        for message in (b"\xff", b"[]", b'"x"', b"{}"):
            client.publish(channel, message)
        client.publish(channel, json.dumps({"category": "clip", "origin": "somebody"}))
        assert told.wait_for("clip")
        assert caplog.text.count("carries something else") == 4


def test_without_redis_everything_goes_on_and_it_is_used_again_later(
    tmp_path: Path, own_redis: RedisServerNode, caplog: pytest.LogCaptureFixture
) -> None:
    settings = redis_settings(own_redis.url)
    base = with_images(tmp_path / "base", "a")
    with redis_backend(base, settings) as backend:
        assert names_in(backend) == ["a"]
        own_redis.kill()
        with caplog.at_level(logging.WARNING):
            backend.update_model(IMAGES, "b", an_image("b"))
            assert names_in(backend) == ["a", "b"]
            assert backend.get_legacy_json(IMAGES)
            assert backend.health_check() is True
        assert caplog.text.count("going on without Redis") == 1
        own_redis.start()
        with redis_backend(tmp_path / "empty", settings) as other:

            def is_shared() -> bool:
                backend.fetch_category(IMAGES, force_refresh=True)
                return other.fetch_category(IMAGES, force_refresh=False) is not None

            assert eventually(is_shared)
            assert eventually(lambda: names_in(other) == ["a", "b"])


def test_a_start_without_redis_recovers_by_itself(tmp_path: Path, own_redis: RedisServerNode) -> None:
    own_redis.kill()
    with (
        redis_backend(with_images(tmp_path / "base", "a"), redis_settings(own_redis.url)) as one,
        redis_backend(tmp_path / "base", one_prefix(one)) as other,
    ):
        assert names_in(one) == names_in(other) == ["a"]
        own_redis.start()

        def is_told() -> bool:
            one.update_model(IMAGES, "b", an_image("b"))
            return names_in(other) == ["a", "b"]

        assert eventually(is_told)


def test_a_redis_that_hangs_costs_no_answer_and_no_write_goes_back(
    tmp_path: Path, own_redis: RedisServerNode
) -> None:
    settings = redis_settings(own_redis.url, socket_timeout=1, socket_connect_timeout=1)
    with redis_backend(with_images(tmp_path / "base", "a"), settings) as backend:
        assert names_in(backend) == ["a"]
        own_redis.freeze()
        backend.update_model(IMAGES, "b", an_image("b"))
        assert names_in(backend) == ["a", "b"]
        own_redis.thaw()
        misses = backend.get_statistics()["redis_misses"]

        def is_asked_again() -> bool:
            backend.mark_stale(IMAGES)
            assert names_in(backend) == ["a", "b"]
            with redis_backend(tmp_path / "empty", settings) as other:
                return names_in(other) == ["a", "b"]

        assert eventually(is_asked_again)
        assert backend.get_statistics()["redis_misses"] > misses


def test_an_untold_write_is_told_before_redis_is_believed(tmp_path: Path, own_redis: RedisServerNode) -> None:
    settings = redis_settings(own_redis.url, use_pubsub=False)
    base = tmp_path / "base"
    with redis_backend(with_images(base, "a"), settings) as backend:
        names_in(backend)
        own_redis.kill()
        backend.update_model(IMAGES, "b", an_image("b"))
        own_redis.start()
        with Redis.from_url(own_redis.url) as client:  # as if the old value had survived
            client.set(f"{settings.key_prefix}:{IMAGES}:v2", b'{"a":{}}', ex=60)
            assert eventually(lambda: is_told(backend, client, settings))
        assert names_in(backend) == ["a", "b"]


def is_told(backend: RedisBackend, client: Redis, settings: RedisSettings) -> bool:
    assert list(backend.fetch_category(IMAGES, force_refresh=True) or {}) == ["a", "b"]
    return bool(client.exists(f"{settings.key_prefix}:{IMAGES}:version"))


def one_prefix(backend: RedisBackend) -> RedisSettings:
    return backend._store._settings


def test_the_questions_go_to_the_folder(tmp_path: Path, settings: RedisSettings) -> None:
    with redis_backend(with_images(tmp_path, "a"), settings) as backend:
        folder = backend.file_backend
        assert backend.replicate_mode is ReplicateMode.PRIMARY
        assert (backend.base_path, backend.canonical_format) == (tmp_path, CanonicalFormat.v2)
        assert backend.get_category_file_path(IMAGES) == folder.get_category_file_path(IMAGES)
        assert (backend.supports_writes(), backend.supports_legacy_writes()) == (True, False)
        assert backend.supports_cache_warming()
        assert backend.supports_health_checks()
        assert backend.supports_statistics()
        assert backend.supports_metadata()
        backend.warm_cache()
        assert backend.get_metadata(IMAGES) == folder.get_metadata(IMAGES)
        assert backend.get_v2_metadata(IMAGES) == folder.get_v2_metadata(IMAGES)
        assert backend.get_legacy_metadata(IMAGES) == folder.get_legacy_metadata(IMAGES)
        assert backend.needs_refresh("clip") is False
        assert backend.fetch_category("unheard of") is None
        with pytest.raises(NotImplementedError, match="is canonical"):
            backend.update_model_legacy(IMAGES, "a", {})
        with pytest.raises(NotImplementedError, match="is canonical"):
            backend.delete_model_legacy(IMAGES, "a")
        backend.close()


def test_a_closed_back_end_still_reads(tmp_path: Path, settings: RedisSettings) -> None:
    with redis_backend(with_images(tmp_path, "a"), settings) as backend:
        backend.close()
        assert names_in(backend) == ["a"]


def test_a_file_back_end_of_a_replica_is_refused(tmp_path: Path, settings: RedisSettings) -> None:
    class OfReplica(FileSystemBackend):
        @property
        def replicate_mode(self) -> ReplicateMode:
            return ReplicateMode.PRIMARY if not hasattr(self, "_writer") else ReplicateMode.REPLICA

    with pytest.raises(ValueError, match="must be PRIMARY"):
        RedisBackend(file_backend=OfReplica(base_path=tmp_path), redis_settings=settings)


def test_without_the_package_making_one_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "sys.modules['redis'] = None\n"
        "from horde_model_reference.backends import FileSystemBackend, RedisBackend\n"
        "try:\n"
        "    RedisBackend(file_backend=FileSystemBackend(base_path=sys.argv[1]))\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    assert "pip install 'horde-model-reference[redis]'" in ran(code, tmp_path).stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_hears_what_the_parent_writes(tmp_path: Path, settings: RedisSettings) -> None:
    code = """
import os, sys, time
from horde_model_reference.backends import FileSystemBackend, RedisBackend
from horde_model_reference.settings_blocks import RedisSettings

base, url, prefix = sys.argv[1:]
settings = RedisSettings(url=url, key_prefix=prefix)
backend = RedisBackend(file_backend=FileSystemBackend(base_path=base), redis_settings=settings)
record = {"baseline": "stable_diffusion_xl", "nsfw": False}

def names():
    return list(backend.fetch_category("image_generation"))

def wait_for(expected):
    give_up_at = time.monotonic() + 60
    while names() != expected:
        if time.monotonic() > give_up_at:
            os._exit(3)
        time.sleep(0.01)

names()
(child_reads, parent_writes), (parent_reads, child_writes) = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    wait_for(["a"])
    for expected in (["a", "b"], ["a", "b", "c"]):
        os.write(child_writes, b"1")
        wait_for(expected)
    os._exit(0)
for name in ("b", "c"):
    os.read(parent_reads, 1)
    backend.update_model("image_generation", name, {"name": name, **record})
_, status = os.waitpid(child, 0)
backend.close()
sys.exit(os.waitstatus_to_exitcode(status))
"""
    with_images(tmp_path, "a")
    arguments = [str(tmp_path), settings.url, settings.key_prefix]
    done = subprocess.run([sys.executable, "-c", code, *arguments], check=False, timeout=90)
    assert done.returncode == 0


def test_the_time_to_live_is_the_given_one_else_that_of_redis_else_that_of_the_settings(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    backend = a_backend(tmp_path)
    for given, of_redis, expected in ((5, 7, 5), (None, 7, 7), (None, None, 60)):
        settings = redis_settings(redis_server.url, ttl_seconds=of_redis)
        found = RedisBackend(file_backend=backend, redis_settings=settings, cache_ttl_seconds=given)
        assert found.cache_ttl_seconds == expected
        found.close()
