"""Settings of what is asked of the AI-Horde, and the timing that follows from them."""

import pytest

from service_kit.settings import ENV_PREFIX, SettingsInvalid, load_settings
from stats.horde.settings import HordeSettings
from stats.horde.timing import Timing

NAMES = {
    "AI_HORDE_URL": "http://127.0.0.1:7001/api",
    f"{ENV_PREFIX}HORDE_API_CACHE_TTL": "7",
    f"{ENV_PREFIX}HORDE_API_TIMEOUT": "2.5",
    f"{ENV_PREFIX}CACHE_HYDRATION_STALE_TTL_SECONDS": "99",
    f"{ENV_PREFIX}HORDE_API_CLIENT_AGENT": "a:1:b",
}


@pytest.fixture(autouse=True)
def no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*NAMES, "HORDE_URL"):
        monkeypatch.delenv(name, raising=False)


def test_defaults_are_those_of_the_specification() -> None:
    settings = load_settings(HordeSettings)
    assert settings.ai_horde_url == "https://aihorde.net/api/"
    assert (settings.horde_api_cache_ttl, settings.horde_api_timeout) == (60, 30)
    assert settings.cache_hydration_stale_ttl_seconds == 3600


def test_every_setting_has_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NAMES.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(HordeSettings)
    assert settings.ai_horde_url == "http://127.0.0.1:7001/api"
    assert (settings.horde_api_cache_ttl, settings.horde_api_timeout) == (7, 2.5)
    assert settings.cache_hydration_stale_ttl_seconds == 99
    assert settings.horde_api_client_agent == "a:1:b"


@pytest.mark.parametrize("name", ["HORDE_API_CACHE_TTL", "HORDE_API_TIMEOUT"])
def test_no_time_at_all_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(ENV_PREFIX + name, "0")
    with pytest.raises(SettingsInvalid, match=name):
        load_settings(HordeSettings)


@pytest.mark.parametrize("interval", [0.1, 1, 60, 3600])
def test_timing_of_any_interval_fits_together(interval: float) -> None:
    timing = Timing.of_interval(interval)
    assert timing.interval_seconds == interval
    assert 2 * timing.look_seconds < timing.lease_seconds
    assert timing.look_seconds < timing.interval_seconds < timing.stale_seconds
