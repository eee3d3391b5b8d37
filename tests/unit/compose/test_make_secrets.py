"""Passwords of the containers: made once, given by files, and only for those who need them."""

import base64
import hashlib
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from service_kit.settings import AmqpSettings, RedisSettings
from support.secret_maker import BUCKET, SecretMaker

HARD_PASSWORD = "a/b:c@d%e f#?"


@pytest.fixture
def maker(tmp_path: Path) -> SecretMaker:
    return SecretMaker.at(tmp_path)


def test_nothing_given_makes_passwords_that_stay(maker: SecretMaker) -> None:
    assert maker.run() == 0
    first = maker.everything()
    assert maker.run() == 0
    assert maker.everything() == first
    assert len({first[name] for name in first if name.startswith("kept/")}) == len(maker.program.MADE)


def test_two_installations_have_different_passwords(tmp_path: Path) -> None:
    one, other = SecretMaker.at(tmp_path / "one"), SecretMaker.at(tmp_path / "other")
    one.run()
    other.run()
    kept = [name for name in one.everything() if name.startswith("kept/")]
    assert kept
    assert all(one.text(name) != other.text(name) for name in kept)


def test_rotation_changes_every_password_that_its_server_takes_again(maker: SecretMaker) -> None:
    maker.run()
    before = maker.everything()
    maker.run("--rotate")
    same = {name for name in before if name.startswith("kept/") and maker.text(name) == before[name]}
    assert same == {"kept/grafana_admin_password"}
    assert maker.text("grafana/admin_password") == before["grafana/admin_password"]
    assert maker.text("services/amqp_url") != before["services/amqp_url"]


def test_a_given_password_is_used_and_given_up_again(maker: SecretMaker) -> None:
    maker.run()
    made = maker.text("services/redis_url")
    maker.give("redis_password", "mine\n")
    maker.run()
    assert maker.text("services/redis_url") == "redis://horde:mine@redis:6379/0"
    maker.take_away("redis_password")
    maker.run()
    assert maker.text("services/redis_url") == made


def test_addresses_of_servers_elsewhere_are_used_as_they_are(maker: SecretMaker) -> None:
    maker.give("amqp_url", "amqps://me:secret@broker.example/horde\n")
    maker.run()
    assert maker.text("services/amqp_url") == "amqps://me:secret@broker.example/horde"
    assert maker.text("sync/amqp_url") == maker.text("services/amqp_url")


def test_a_password_with_signs_of_addresses_arrives_whole(maker: SecretMaker) -> None:
    maker.give("redis_password", HARD_PASSWORD)
    maker.give("rabbitmq_password", HARD_PASSWORD)
    maker.run()
    redis = RedisSettings.model_validate({"url": maker.text("services/redis_url")})
    broker = AmqpSettings.model_validate({"url": maker.text("services/amqp_url")})
    for url in (redis.address, broker.url.get_secret_value()):
        assert unquote(urlsplit(url).password or "") == HARD_PASSWORD


def test_the_broker_knows_hashes_only(maker: SecretMaker) -> None:
    maker.give("rabbitmq_password", "of-the-services")
    maker.run()
    users = {user["name"]: user for user in maker.json("rabbitmq/definitions.json")["users"]}
    hashed = base64.b64decode(users["horde"]["password_hash"])
    assert hashed[4:] == hashlib.sha256(hashed[:4] + b"of-the-services").digest()
    assert users["horde"]["tags"] == []
    assert users["admin"]["tags"] == ["administrator"]
    assert "of-the-services" not in maker.text("rabbitmq/definitions.json")


def test_the_cache_knows_a_hash_and_lets_strangers_do_nothing(maker: SecretMaker) -> None:
    maker.give("redis_password", "of-the-services")
    maker.run()
    stranger, user = maker.text("redis/users.acl").splitlines()
    assert stranger.endswith("-@all +ping")
    assert hashlib.sha256(b"of-the-services").hexdigest() in user
    assert "of-the-services" not in user


def test_the_object_store_lets_the_services_use_one_bucket(maker: SecretMaker) -> None:
    maker.run()
    (identity,) = maker.json("seaweedfs/s3.json")["identities"]
    assert {action.partition(":")[2] for action in identity["actions"]} == {BUCKET}
    assert not any(action.startswith("Admin") for action in identity["actions"])
    (credentials,) = identity["credentials"]
    assert credentials["secretKey"] == maker.text("services/s3_secret_key")


@pytest.mark.parametrize(
    ("given", "arrives"),
    [
        ("github_token", "sync/github_token"),
        ("github_app_private_key.pem", "sync/github_app_private_key.pem"),
        ("tls.key", "gateway/tls.key"),
        ("signing_key.pem", "services/signing_key.pem"),
    ],
)
def test_a_file_of_the_operator_reaches_only_its_container(
    maker: SecretMaker, given: str, arrives: str
) -> None:
    maker.run()
    before = set(maker.everything())
    maker.give(given, "line 1\nline 2")
    maker.run()
    assert [name for name, text in maker.everything().items() if "line 2" in text] == [arrives]
    maker.take_away(given)
    maker.run()
    assert set(maker.everything()) == before


def test_files_are_readable_for_their_containers_and_nobody_writes_them(maker: SecretMaker) -> None:
    maker.run()
    out = maker.root / "out"
    modes = {path.relative_to(out).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in out.rglob("*.*")}
    assert modes["rabbitmq/definitions.json"] == 0o444  # its image's user has a number of its own
    assert modes["seaweedfs/s3.json"] == 0o400
    assert all(mode & 0o222 == 0 for mode in modes.values())


@pytest.mark.parametrize("text", ["", "\n", "two\nlines"])
def test_an_unusable_file_is_named_and_changes_nothing(
    maker: SecretMaker, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    maker.run()
    before = maker.everything()
    maker.give("s3_secret_key", text)
    assert maker.run() == 1
    assert "secrets/s3_secret_key" in capsys.readouterr().err
    assert maker.everything() == before


def test_what_is_said_tells_no_password(maker: SecretMaker, capsys: pytest.CaptureFixture[str]) -> None:
    maker.give("redis_password", "of-the-services")
    maker.run()
    said = capsys.readouterr()
    kept = [text for name, text in maker.everything().items() if name.startswith("kept/")]
    assert all(secret not in said.out + said.err for secret in [*kept, "of-the-services"])
