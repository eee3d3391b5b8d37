"""Who we are to GitHub: tokens, Apps, and our own account (sync.md section 10)."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from support.github_world import (
    NAME,
    OWNER,
    TOKEN,
    GithubWorld,
    SleepingClock,
    github_client,
    github_world,
    small_repository,
)
from support.reference_data import requires_shared
from sync_worker.github.errors import AuthenticationFailed, GithubUnavailable

pytestmark = requires_shared

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC_PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
APP: dict[str, Any] = {"GITHUB_APP_ID": "1234567", "GITHUB_APP_PRIVATE_KEY": PEM}
TOKENS = "/app/installations/*/access_tokens"


@pytest.fixture
async def world() -> AsyncIterator[GithubWorld]:
    async with github_world(app_public_key=PUBLIC_PEM) as world:
        yield world


async def test_app_gets_a_token_for_its_repository_and_keeps_it(world: GithubWorld) -> None:
    async with small_repository(world, **APP, GITHUB_APP_INSTALLATION_ID=7654321) as repository:
        await repository.put_branch("sync/a", world.small.refs["refs/heads/main"], force=False)
        await repository.delete_branch("sync/a")
    assert len(world.calls("POST", TOKENS)) == 1
    assert world.calls("GET", "/repos/*/installation") == []
    (token,) = [token for token in world.fake.tokens.values() if token.kind == "installation"]
    assert token.repos == [f"{OWNER}/{NAME}"]


async def test_missing_installation_id_is_found_once(world: GithubWorld) -> None:
    world.fake.token_ttl = 60  # less than five minutes: every call needs a new token
    async with small_repository(world, **APP) as repository:
        await repository.base("main")
        await repository.delete_branch("sync/a")
    assert len(world.calls("GET", "/repos/*/installation")) == 1
    assert len(world.calls("POST", TOKENS)) == 3


async def test_app_that_is_installed_anew_gets_tokens_again(world: GithubWorld) -> None:
    async with small_repository(world, **APP) as repository:
        await repository.delete_branch("sync/a")
        world.fake.tokens.clear()
        world.fake.installation_id += 1
        with pytest.raises(AuthenticationFailed):
            await repository.delete_branch("sync/a")
        await repository.delete_branch("sync/a")
    assert len(world.calls("GET", "/repos/*/installation")) == 2


async def test_line_ends_of_the_key_may_be_written_as_two_characters(world: GithubWorld) -> None:
    app = {**APP, "GITHUB_APP_PRIVATE_KEY": PEM.replace("\n", "\\n")}
    async with small_repository(world, **app) as repository:
        await repository.base("main")
    assert len(world.calls("POST", TOKENS)) == 1


async def test_token_is_renewed_five_minutes_before_its_end(world: GithubWorld) -> None:
    clock, world.fake.token_ttl = SleepingClock(), 350
    async with small_repository(world, clock=clock, **APP) as repository:
        await repository.branch("main")
        clock.passed = 40
        await repository.branch("main")
        assert len(world.calls("POST", TOKENS)) == 1
        clock.passed = 52
        await repository.branch("main")
        assert len(world.calls("POST", TOKENS)) == 2


async def test_token_that_ended_early_is_renewed_once_and_the_call_repeated(world: GithubWorld) -> None:
    async with small_repository(world, **APP) as repository:
        await repository.base("main")
        world.fake.tokens.clear()
        await repository.put_branch("sync/a", world.small.refs["refs/heads/main"], force=False)
    assert len(world.calls("POST", TOKENS)) == 2
    assert "refs/heads/sync/a" in world.small.refs


async def test_token_refused_twice_ends_the_run(world: GithubWorld) -> None:
    world.fault("/repos/*/git/refs", count=None, status=401, body={"message": "Bad credentials"})
    async with small_repository(world, **APP) as repository:
        with pytest.raises(AuthenticationFailed, match="Bad credentials"):
            await repository.put_branch("sync/a", world.small.refs["refs/heads/main"], force=False)
    assert len(world.calls("POST", "/repos/*/git/refs")) == 2


async def test_calls_at_the_same_time_share_one_token(world: GithubWorld) -> None:
    async with small_repository(world, **APP) as repository:
        await asyncio.gather(*(repository.branch("main") for _ in range(5)))
    assert len(world.calls("POST", TOKENS)) == 1


@pytest.mark.parametrize("path", [TOKENS, "/repos/*/installation"])
async def test_app_that_is_not_installed_is_told_so(world: GithubWorld, path: str) -> None:
    world.fault(path, status=404, body={"message": "Not Found"})
    async with small_repository(world, **APP) as repository:
        with pytest.raises(AuthenticationFailed, match=f"no token for {OWNER}/{NAME}.*Not Found"):
            await repository.base("main")


async def test_app_with_the_key_of_another_is_refused(world: GithubWorld) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    async with small_repository(world, **{**APP, "GITHUB_APP_PRIVATE_KEY": pem}) as repository:
        with pytest.raises(AuthenticationFailed, match="could not be decoded"):
            await repository.base("main")
    assert len(world.calls()) == 1


@pytest.mark.parametrize("trouble", [{"status": 500}, {"lost_answer": True}])
async def test_passing_trouble_while_a_token_is_made_does_not_matter(
    world: GithubWorld, trouble: dict[str, object]
) -> None:
    world.fault(TOKENS, **trouble)
    async with small_repository(world, **APP) as repository:
        await repository.base("main")
    assert len(world.calls("POST", TOKENS)) == 2


async def test_app_is_used_rather_than_a_token(world: GithubWorld) -> None:
    async with small_repository(world, **APP, GITHUB_TOKEN="ghp_of_nobody") as repository:
        await repository.put_branch("sync/a", world.small.refs["refs/heads/main"], force=False)
    assert "refs/heads/sync/a" in world.small.refs


@pytest.mark.parametrize(
    ("variables", "own"),
    [
        ({"GITHUB_TOKEN": TOKEN}, 1),
        (APP, 2),
        ({"GITHUB_TOKEN": TOKEN, "HORDE_GITHUB_SYNC_GITHUB_LOGIN": "Somebody"}, 3),
        ({"HORDE_GITHUB_SYNC_GITHUB_LOGIN": "nobody"}, None),
    ],
)
async def test_only_pull_requests_of_our_account_are_ours(
    world: GithubWorld, variables: dict[str, object], own: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_TOKEN", "HORDE_GITHUB_SYNC_GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    world.open_pulls("sync-bot", "fake-sync-app[bot]", "somebody")
    async with small_repository(world, **variables) as repository:
        pulls = await repository.own_open_pulls("main")
        again = await repository.own_open_pulls("main")
    assert [pull.number for pull in pulls] == ([own] if own else [])
    assert again == pulls
    assert len(world.calls("GET", "/user") + world.calls("GET", "/app")) <= 1


async def test_token_whose_account_github_does_not_tell_asks_for_the_setting(world: GithubWorld) -> None:
    world.fake.tokens["ghs_actions"] = type(world.fake.tokens[TOKEN])("ghs_actions", "x", kind="installation")
    async with small_repository(world, GITHUB_TOKEN="ghs_actions") as repository:
        with pytest.raises(AuthenticationFailed, match="HORDE_GITHUB_SYNC_GITHUB_LOGIN"):
            await repository.own_open_pulls("main")


async def test_credentials_stand_in_no_log_and_no_text(
    world: GithubWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.fault("/repos/*/git/*", count=None, status=500)
    async with github_client(world, **APP) as github:
        repository = github.repository(OWNER, NAME)
        with pytest.raises(GithubUnavailable) as caught:
            await repository.base("main")
        told = f"{caplog.text}{caught.value!r}{github!r}{vars(github)}{repository!r}{vars(repository)}"
    assert "ghs_fake" not in told
    assert "PRIVATE KEY" not in told


async def test_client_without_credentials_reads_but_may_not_write(
    world: GithubWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_TOKEN", "HORDE_GITHUB_SYNC_GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    async with github_client(world, HORDE_GITHUB_SYNC_GITHUB_LOGIN="x") as github:
        repository = github.repository(OWNER, NAME)
        assert not github.may_write
        assert (await repository.base("main")).commit_sha == world.small.refs["refs/heads/main"]
        with pytest.raises(AuthenticationFailed, match="Requires authentication"):
            await repository.delete_branch("sync/a")
    assert {entry["auth"] for entry in world.fake.log} == {False}
