"""Settings of the sync-worker (sync.md section 11)."""

import pytest
from pydantic import ValidationError

from horde_model_reference.meta_consts import GithubSource
from service_kit.settings import SettingsInvalid, load_settings
from sync_worker.opening import Mode, require_complete
from sync_worker.settings import SyncWorkerSettings
from sync_worker.targets import targets_of

SYNC = "HORDE_GITHUB_SYNC_"


def settings(monkeypatch: pytest.MonkeyPatch, **variables: str) -> SyncWorkerSettings:
    """Load them from an environment; the names are given without their prefix."""
    for name, value in variables.items():
        monkeypatch.setenv(f"{SYNC}{name}", value)
    return load_settings(SyncWorkerSettings)


def test_defaults_are_those_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(monkeypatch)
    assert found.primary_api_timeout == 30
    assert (found.min_changes_threshold, found.max_removed_percent) == (1, 20)
    assert (found.watch_interval_seconds, found.watch_initial_delay_seconds) == (60, 0)
    assert (found.dry_run, found.no_pr, found.watch_mode, found.verbose_logging) == (False,) * 4
    assert (found.quiet_seconds, found.max_quiet_seconds, found.full_comparison_seconds) == (60, 600, 21600)


def test_address_of_the_primary_may_end_with_a_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch, PRIMARY_API_URL="http://p/api/").primary_api_url == "http://p/api"


@pytest.mark.parametrize("text", ["blip, clip", '["blip", "clip"]', "blip,clip,"])
def test_categories_are_a_json_list_or_separated_by_commas(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    [target] = targets_of(settings(monkeypatch, CATEGORIES_TO_SYNC=text))
    assert (target.source, target.categories) == (GithubSource.image, ("blip", "clip"))


def test_all_categories_with_a_file_are_compared_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    image, text = targets_of(settings(monkeypatch))
    assert image.categories == (
        "blip",
        "clip",
        "codeformer",
        "controlnet",
        "esrgan",
        "gfpgan",
        "safety_checker",
        "image_generation",
        "miscellaneous",
    )
    assert text.categories == ("text_generation",)
    assert image.full_name == "Haidra-Org/AI-Horde-image-model-reference"
    assert text.full_name == "Haidra-Org/AI-Horde-text-model-reference"


def test_categories_without_a_file_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    [target] = targets_of(settings(monkeypatch, CATEGORIES_TO_SYNC="lora, blip, ti, controlnet_annotator"))
    assert target.categories == ("blip",)


def test_only_categories_without_a_file_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsInvalid, match="lora"):
        targets_of(settings(monkeypatch, CATEGORIES_TO_SYNC="lora"))


def test_unknown_category_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsInvalid, match=r"CATEGORIES_TO_SYNC.*nonsense"):
        settings(monkeypatch, CATEGORIES_TO_SYNC="blip, nonsense")


def test_repositories_can_be_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HORDE_MODEL_REFERENCE_IMAGE_GITHUB_REPO__OWNER", "somebody")
    monkeypatch.setenv("HORDE_MODEL_REFERENCE_IMAGE_GITHUB_REPO__BRANCH", "next")
    image, _ = targets_of(settings(monkeypatch))
    assert (image.full_name, image.branch) == ("somebody/AI-Horde-image-model-reference", "next")


@pytest.mark.parametrize(
    "name", ["SYNC_TEMP_DIR", "TARGET_CLONE_DIR", "WATCH_ENABLE_STARTUP_SYNC", "SOMETHING_NEW"]
)
def test_variables_of_former_times_are_accepted(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert settings(monkeypatch, **{name: "true"}).dry_run is False


@pytest.mark.parametrize(
    ("mode", "is_complete"),
    [(Mode(), False), (Mode(force=True), False), (Mode(dry_run=True), True)],
)
def test_credentials_are_needed_only_to_write_to_github(
    monkeypatch: pytest.MonkeyPatch, mode: Mode, is_complete: bool
) -> None:
    for name in ("GITHUB_TOKEN", f"{SYNC}GITHUB_TOKEN", "GITHUB_APP_ID"):
        monkeypatch.delenv(name, raising=False)
    found = settings(monkeypatch, PRIMARY_API_URL="http://p/api")
    if is_complete:
        require_complete(found, mode)
        return
    with pytest.raises(SettingsInvalid, match="GITHUB_TOKEN"):
        require_complete(found, mode)


@pytest.mark.parametrize("url", ["ftp://p", "p/api", "http://user:secret@p/api", "http://p/api?x=1"])
def test_address_that_cannot_be_used_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ValidationError) as raised:
        SyncWorkerSettings.model_validate({f"{SYNC}PRIMARY_API_URL": url})
    assert "secret" not in raised.value.errors()[0]["msg"]
