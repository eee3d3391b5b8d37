"""When the AI-Horde is asked for a key, what is answered without it, and what happens while it fails."""

import asyncio

import pytest

from service_kit.access_settings import KeyCheckSettings
from service_kit.errors import KeyInvalid, KeyMissing, KeyServiceBusy, KeyServiceUnavailable
from service_kit.horde_users import User
from service_kit.key_check import KeyChecker
from service_kit.key_circuit import FAILURES_TO_BLOCK
from service_kit.telemetry import Telemetry
from support.a_clock import AClock

ALICE = User("101", "alice#101")
PAUSE_SECONDS = 5.0


class SomeHorde:
    """Knows `users` by key; every other key fails with `failure`. `gate` holds answers back while cleared."""

    def __init__(self) -> None:
        self.users = {"alice": ALICE, "bob": User("102", "bob#102")}
        self.failure: Exception | None = None
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def find(self, apikey: str) -> User:
        self.asked.append(apikey)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        if apikey not in self.users:
            raise KeyInvalid
        return self.users[apikey]


class Setting:
    def __init__(self, **settings: object) -> None:
        self.horde = SomeHorde()
        self.clock = AClock()
        self.telemetry = Telemetry("test")
        values = {"pause_seconds": PAUSE_SECONDS, "known_wait_seconds": 0.05, **settings}
        self.checker = KeyChecker(
            self.horde.find, KeyCheckSettings.model_validate(values), self.telemetry, clock=self.clock
        )

    async def fails(self, apikey: str) -> KeyServiceUnavailable:
        with pytest.raises(KeyServiceUnavailable) as caught:
            await self.checker.identify(apikey)
        return caught.value

    async def break_down(self) -> None:
        """Let enough unknown keys fail for the AI-Horde to be left alone by all."""
        self.horde.failure = KeyServiceUnavailable()
        for number in range(FAILURES_TO_BLOCK):
            await self.fails(f"unknown-{number}")


@pytest.fixture
def setting() -> Setting:
    return Setting()


@pytest.mark.parametrize("apikey", [None, ""])
async def test_no_key_is_missing_and_nobody_is_asked(setting: Setting, apikey: str | None) -> None:
    with pytest.raises(KeyMissing, match=r"^Not authenticated$") as caught:
        await setting.checker.identify(apikey)
    assert caught.value.headers == {"WWW-Authenticate": "APIKey"}
    assert setting.horde.asked == []


@pytest.mark.parametrize(
    "apikey", ["x" * 256, "a\r\nb", "a\x00", "k\u00e9y", "\udcff", "a\tb", "\x7f", "\u0661"]
)
async def test_absurd_key_is_invalid_and_never_sent_on(setting: Setting, apikey: str) -> None:
    with pytest.raises(KeyInvalid, match=r"^Invalid API key$"):
        await setting.checker.identify(apikey)
    assert not setting.checker.remembers(apikey)
    assert setting.horde.asked == []


async def test_fresh_key_is_asked_for_once_and_again_when_it_is_old(setting: Setting) -> None:
    assert await setting.checker.identify("alice") == ALICE
    setting.clock.advance(29.9)
    assert await setting.checker.identify("alice") == ALICE
    assert setting.horde.asked == ["alice"]
    setting.clock.advance(0.1)
    assert await setting.checker.identify("alice") == ALICE
    assert setting.horde.asked == ["alice", "alice"]


async def test_keys_are_told_apart(setting: Setting) -> None:
    users = [await setting.checker.identify(key) for key in ("alice", "bob", "alice")]
    assert [user.user_id for user in users] == ["101", "102", "101"]


async def test_unknown_key_is_remembered_shortly_and_then_asked_for_again(setting: Setting) -> None:
    for _ in range(100):
        with pytest.raises(KeyInvalid):
            await setting.checker.identify("new")
    assert setting.horde.asked == ["new"]
    setting.horde.users["new"] = ALICE
    setting.clock.advance(10)
    assert await setting.checker.identify("new") == ALICE


async def test_key_that_was_revoked_is_invalid_once_it_is_asked_for(setting: Setting) -> None:
    await setting.checker.identify("alice")
    del setting.horde.users["alice"]
    setting.clock.advance(30)
    with pytest.raises(KeyInvalid):
        await setting.checker.identify("alice")
    setting.horde.failure = KeyServiceUnavailable()
    setting.clock.advance(10)
    await setting.fails("alice")


async def test_many_callers_with_one_key_make_one_call(setting: Setting) -> None:
    setting.horde.gate.clear()
    callers = [asyncio.ensure_future(setting.checker.identify("alice")) for _ in range(50)]
    await asyncio.sleep(0.01)
    setting.horde.gate.set()
    assert await asyncio.gather(*callers) == [ALICE] * 50
    assert setting.horde.asked == ["alice"]


async def test_caller_that_gives_up_does_not_take_the_answer_from_the_others(setting: Setting) -> None:
    setting.horde.gate.clear()
    first, second = (asyncio.ensure_future(setting.checker.identify("alice")) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    setting.horde.gate.set()
    assert await second == ALICE


async def test_failure_of_a_shared_call_reaches_every_caller(setting: Setting) -> None:
    setting.horde.failure = KeyServiceUnavailable("Auth service timed out")
    outcomes = await asyncio.gather(*(setting.fails("new") for _ in range(20)))
    assert {str(outcome) for outcome in outcomes} == {"Auth service timed out"}
    assert setting.horde.asked == ["new"]


async def test_known_user_goes_on_for_an_hour_while_the_horde_fails(setting: Setting) -> None:
    await setting.checker.identify("alice")
    setting.horde.failure = KeyServiceUnavailable()
    for _ in range(119):
        setting.clock.advance(30)
        assert await setting.checker.identify("alice") == ALICE
    setting.clock.advance(30)
    await setting.fails("alice")
    assert not setting.checker.remembers("alice")


async def test_known_user_waits_shortly_for_a_horde_that_hangs_and_then_not_at_all(setting: Setting) -> None:
    await setting.checker.identify("alice")
    await setting.checker.identify("bob")
    setting.clock.advance(30)
    setting.horde.gate.clear()
    async with asyncio.timeout(1):
        assert await setting.checker.identify("alice") == ALICE
    async with asyncio.timeout(0.02):
        assert await setting.checker.identify("alice") == ALICE
        assert (await setting.checker.identify("bob")).user_id == "102"
    assert setting.horde.asked == ["alice", "bob", "alice"]
    await setting.checker.close()


async def test_answer_that_comes_late_counts_for_the_next_request(setting: Setting) -> None:
    await setting.checker.identify("alice")
    setting.clock.advance(30)
    setting.horde.gate.clear()
    await setting.checker.identify("alice")
    setting.horde.users["alice"] = renamed = User("101", "renamed#101")
    setting.horde.gate.set()
    await asyncio.sleep(0.01)
    assert await setting.checker.identify("alice") == renamed


async def test_after_a_failure_the_horde_is_left_alone_for_known_users_and_asked_later(
    setting: Setting,
) -> None:
    await setting.checker.identify("alice")
    setting.horde.failure = KeyServiceUnavailable()
    setting.clock.advance(30)
    for _ in range(10):
        await setting.checker.identify("alice")
    assert setting.horde.asked == ["alice", "alice"]
    setting.clock.advance(PAUSE_SECONDS)
    setting.horde.failure = None
    await setting.checker.identify("alice")
    assert setting.horde.asked == ["alice"] * 3


async def test_key_whose_call_failed_is_not_asked_for_again_at_once(setting: Setting) -> None:
    setting.horde.failure = KeyServiceUnavailable("Auth service timed out")
    for _ in range(3):
        assert str(await setting.fails("new")) == "Auth service timed out"
    assert setting.horde.asked == ["new"]
    setting.horde.failure = None
    setting.horde.users["new"] = ALICE
    setting.clock.advance(PAUSE_SECONDS)
    assert await setting.checker.identify("new") == ALICE


async def test_one_key_that_fails_does_not_lock_out_others(setting: Setting) -> None:
    setting.horde.failure = KeyServiceUnavailable()
    await setting.fails("strange")
    setting.horde.failure = None
    assert await setting.checker.identify("alice") == ALICE


async def test_unknown_keys_are_refused_at_once_while_the_horde_is_down(setting: Setting) -> None:
    await setting.checker.identify("alice")
    await setting.break_down()
    asked = len(setting.horde.asked)
    failure = await setting.fails("someone-new")
    assert failure.headers == {"Retry-After": "5"}
    assert await setting.checker.identify("alice") == ALICE
    assert len(setting.horde.asked) == asked


async def test_after_the_pause_a_single_call_tries_and_its_success_opens_for_all(setting: Setting) -> None:
    await setting.break_down()
    setting.clock.advance(PAUSE_SECONDS)
    setting.horde.failure = None
    setting.horde.asked.clear()
    setting.horde.gate.clear()
    trying = asyncio.ensure_future(setting.checker.identify("alice"))
    await asyncio.sleep(0)
    await setting.fails("bob")
    setting.horde.gate.set()
    assert await trying == ALICE
    assert (await setting.checker.identify("bob")).user_id == "102"
    assert setting.horde.asked == ["alice", "bob"]


async def test_horde_that_is_busy_is_left_alone_for_as_long_as_it_says(setting: Setting) -> None:
    await setting.checker.identify("alice")
    setting.horde.failure = KeyServiceBusy("Auth service is busy", retry_after_seconds=20)
    assert (await setting.fails("new")).headers == {"Retry-After": "20"}
    setting.horde.failure = None
    setting.clock.advance(8)
    assert (await setting.fails("bob")).headers == {"Retry-After": "12"}
    assert await setting.checker.identify("alice") == ALICE
    setting.clock.advance(12)
    assert (await setting.checker.identify("bob")).user_id == "102"


async def test_memory_is_bounded_and_forgets_the_longest_unused() -> None:
    setting = Setting(max_known_keys=2, max_refused_keys=2)
    setting.horde.users |= {str(number): User(str(number), f"u#{number}") for number in range(1, 4)}
    for key in ("1", "2", "1", "3"):
        await setting.checker.identify(key)
    assert [setting.checker.remembers(key) for key in ("1", "2", "3")] == [True, False, True]


async def test_flood_of_unknown_keys_does_not_push_out_verified_ones() -> None:
    setting = Setting(max_known_keys=2, max_refused_keys=10)
    await setting.checker.identify("alice")
    for number in range(1000):
        with pytest.raises(KeyInvalid):
            await setting.checker.identify(f"guess-{number}")
    assert setting.checker.remembers("alice")
    assert setting.horde.asked.count("alice") == 1


async def test_too_many_calls_at_once_are_refused_and_known_users_go_on(setting: Setting) -> None:
    await setting.checker.identify("alice")
    setting.clock.advance(30)
    setting.horde.gate.clear()
    waiting = [asyncio.ensure_future(setting.checker.identify(f"guess-{n}")) for n in range(200)]
    await asyncio.sleep(0.01)
    assert str(await setting.fails("one-more")) == "Auth service is busy"
    assert await setting.checker.identify("alice") == ALICE
    setting.horde.gate.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(outcome, KeyInvalid) for outcome in outcomes)


async def test_closing_ends_what_is_under_way(setting: Setting) -> None:
    setting.horde.gate.clear()
    waiting = asyncio.ensure_future(setting.checker.identify("alice"))
    await asyncio.sleep(0.01)
    await setting.checker.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def contents(value: object, depth: int = 6) -> str:
    """Return everything that is held, in one text."""
    if depth == 0 or isinstance(value, Telemetry):
        return ""
    held = getattr(value, "__dict__", None)
    parts = list(value.items()) if isinstance(value, dict) else list((held or {}).items())
    return repr(value) + "".join(repr(key) + contents(inner, depth - 1) for key, inner in parts)


async def test_key_is_held_nowhere_in_plain_text() -> None:
    setting = Setting()
    setting.horde.users["s3cr3t-k3y"] = ALICE
    await setting.checker.identify("s3cr3t-k3y")
    with pytest.raises(KeyInvalid):
        await setting.checker.identify("s3cr3t-wrong")
    setting.horde.asked.clear()
    setting.horde.users.clear()
    assert "s3cr3t" not in contents(setting.checker)
    assert b"s3cr3t" not in setting.telemetry.render()


async def test_outcomes_are_counted_and_calls_measured(setting: Setting) -> None:
    await setting.checker.identify("alice")
    await setting.checker.identify("alice")
    setting.horde.failure = KeyServiceUnavailable()
    await setting.fails("new")
    text = setting.telemetry.render().decode()
    assert 'key_checks_total{outcome="fresh"} 1.0' in text
    assert 'key_checks_total{outcome="asked"} 2.0' in text
    assert 'key_check_call_seconds_count{operation="find_user",outcome="ok"} 1.0' in text
    assert 'key_check_call_seconds_count{operation="find_user",outcome="KeyServiceUnavailable"} 1.0' in text


async def test_outage_is_logged_once_and_its_end_too(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        await setting.break_down()
        setting.horde.failure = None
        setting.clock.advance(PAUSE_SECONDS)
        await setting.checker.identify("alice")
    messages = [record.message for record in caplog.records if record.name == "service_kit.key_check"]
    assert messages == [
        "the AI-Horde does not tell whose a key is: Auth service unavailable",
        "the AI-Horde answers again",
    ]
