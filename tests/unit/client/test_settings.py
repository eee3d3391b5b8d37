"""The settings of the library come from the environment, as python-client.md section 9 says."""

import copy
import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from horde_model_reference.ecosystem_settings import (
    AiHordeCiSettings,
    AiHordeClientSettings,
    AiHordeWorkerSettings,
    GithubProxySettings,
    current_cache_home,
)
from horde_model_reference.environment_settings import ENV_PREFIX, values_from
from horde_model_reference.meta_consts import CanonicalFormat, ReplicateMode
from horde_model_reference.settings import HordeModelReferenceSettings
from horde_model_reference.settings_blocks import ImageGithubRepoSettings, R2Settings, RedisSettings

SHARED_NAMES = {
    name.upper()
    for part in (AiHordeCiSettings, AiHordeClientSettings, AiHordeWorkerSettings, GithubProxySettings)
    for name in part.model_fields
} | {"HAIDRA_USE_DEFAULT_ENV_FILES", "HORDE_URL"}
IMAGE_FILES = "https://raw.githubusercontent.com/Haidra-Org/AI-Horde-image-model-reference/refs/heads/main"


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.upper().startswith(ENV_PREFIX) or name.upper() in SHARED_NAMES:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def set_variables(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(ENV_PREFIX + name, value)


def refused_places(**given: object) -> list[str]:
    """Return the places that the error names when settings are made."""
    with pytest.raises(ValidationError) as refused:
        HordeModelReferenceSettings(**given)
    return [".".join(str(part) for part in problem["loc"]) for problem in refused.value.errors()]


def test_defaults_are_those_of_the_contract() -> None:
    settings = HordeModelReferenceSettings()

    assert (settings.replicate_mode, settings.canonical_format) == (ReplicateMode.REPLICA, CanonicalFormat.v2)
    assert settings.primary_api_url == "https://models.aihorde.net/api"
    assert (settings.primary_api_timeout, settings.cache_ttl_seconds) == (10, 60)
    assert (settings.enable_github_fallback, settings.offline, settings.make_folders) == (True, False, False)
    assert settings.change_feed_enabled
    assert (settings.require_signature, settings.signing_public_key) == (False, None)
    assert (settings.redis.use_redis, settings.redis.ttl_seconds, settings.redis.use_pubsub) == (
        False,
        None,
        True,
    )
    assert settings.audit.max_segment_bytes == settings.pending_queue.max_segment_bytes == 5242880
    assert settings.r2.gateway_url is None
    assert settings.preferred_file_hosts == ["huggingface.co"]


def test_variables_win_over_defaults_and_keywords_over_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, CACHE_TTL_SECONDS="7", PRIMARY_API_TIMEOUT="0.5", OFFLINE="yes")

    settings = HordeModelReferenceSettings(offline=False)

    assert settings.cache_ttl_seconds == 7
    assert isinstance(settings.cache_ttl_seconds, int)
    assert settings.primary_api_timeout == 0.5
    assert not settings.offline


def test_each_construction_reads_the_environment_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    before = HordeModelReferenceSettings()
    set_variables(monkeypatch, R2__GATEWAY_URL="https://later.example")

    assert before.r2.gateway_url is None
    assert HordeModelReferenceSettings().r2.gateway_url == "https://later.example"


@pytest.mark.skipif(os.name == "nt", reason="all names are in capitals there")
def test_letter_case_of_names_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("horde_model_reference_primary_api_timeout", "3")
    monkeypatch.setenv("Horde_Model_Reference_Redis__Pool_Size", "4")

    settings = HordeModelReferenceSettings()

    assert (settings.primary_api_timeout, settings.redis.pool_size) == (3, 4)


@pytest.mark.skipif(os.name == "nt", reason="all names are in capitals there")
def test_of_two_spellings_of_a_name_the_one_in_capitals_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, CACHE_TTL_SECONDS="7")
    monkeypatch.setenv("horde_model_reference_cache_ttl_seconds", "8")

    assert HordeModelReferenceSettings().cache_ttl_seconds == 7


def test_block_is_a_json_object_and_single_variables_win_over_it(monkeypatch: pytest.MonkeyPatch) -> None:
    block = {"Owner": "someone", "branch": "dev", "proxy_settings": {"github_proxy_url_base": "https://p"}}
    set_variables(monkeypatch, IMAGE_GITHUB_REPO=json.dumps(block), IMAGE_GITHUB_REPO__BRANCH="mine")

    repository = HordeModelReferenceSettings().image_github_repo

    assert (repository.owner, repository.branch) == ("someone", "mine")
    assert repository.name == "AI-Horde-image-model-reference"
    assert repository.proxy_settings.github_proxy_url_base == "https://p"


def test_keywords_and_variables_of_one_block_complete_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, REDIS__POOL_SIZE="4", REDIS__KEY_PREFIX="from the environment")

    block = HordeModelReferenceSettings(redis={"key_prefix": "given"}).redis

    assert (block.pool_size, block.key_prefix) == (4, "given")


def test_block_given_as_an_object_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, R2__GATEWAY_URL="https://other.example")

    assert HordeModelReferenceSettings(r2=R2Settings(upload_bucket="mine")).r2.gateway_url is None


def test_variables_that_no_setting_has_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, GITHUB_BRANCH="old", S3__BUCKET="of the service", REDIS__UNKNOWN="x")
    set_variables(monkeypatch, AUDIT='{"enabled": false, "unknown": 1}')

    assert not HordeModelReferenceSettings().audit.enabled


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ('["a.example", "b.example"]', ["a.example", "b.example"]),
        ("a.example, b.example", ["a.example", "b.example"]),
        ("a.example", ["a.example"]),
        ("1,2", ["1", "2"]),
        ("", []),
        ("[]", []),
    ],
)
@pytest.mark.parametrize("name", ["PREFERRED_FILE_HOSTS", "CORS_ALLOWED_ORIGINS"])
def test_lists_are_json_or_separated_by_commas(
    name: str, text: str, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_variables(monkeypatch, **{name: text})

    assert getattr(HordeModelReferenceSettings(), name.lower()) == texts


def test_lists_in_a_block_are_read_in_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, PENDING_QUEUE__REQUESTOR_IDS="1, 2", PENDING_QUEUE__APPROVER_IDS='["3"]')

    block = HordeModelReferenceSettings().pending_queue

    assert (block.requestor_ids, block.approver_ids) == (["1", "2"], ["3"])


def test_defaults_that_are_lists_are_not_shared() -> None:
    HordeModelReferenceSettings().preferred_file_hosts.append("mine")

    assert HordeModelReferenceSettings().preferred_file_hosts == ["huggingface.co"]


@pytest.mark.parametrize("value", ["LEGACY", "legacy", "Legacy"])
def test_words_are_taken_in_any_letter_case(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, CANONICAL_FORMAT=value, REPLICATE_MODE="primary")

    settings = HordeModelReferenceSettings()

    assert settings.canonical_format is CanonicalFormat.legacy
    assert settings.replicate_mode is ReplicateMode.PRIMARY


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [
        ("CACHE_TTL_SECONDS", "", "cache_ttl_seconds"),
        ("CACHE_TTL_SECONDS", "-1", "cache_ttl_seconds"),
        ("OFFLINE", "perhaps", "offline"),
        ("REPLICATE_MODE", "both", "replicate_mode"),
        ("REDIS__POOL_SIZE", "many", "redis.pool_size"),
        ("REDIS__TTL_SECONDS", "", "redis.ttl_seconds"),
        ("REDIS", "{unfinished", "redis"),
        ("REDIS", "[1]", "redis"),
        ("REDIS", '{"url": 1}', "redis.url"),
        ("PREFERRED_FILE_HOSTS", '["unfinished', "preferred_file_hosts"),
        ("PENDING_QUEUE__REQUESTOR_IDS", "[1]", "pending_queue.requestor_ids.0"),
        ("REQUIRE_SIGNATURE", "1", "require_signature"),
        (
            "IMAGE_GITHUB_REPO",
            '{"proxy_settings": {"github_proxy_url_base": 1}}',
            "image_github_repo.proxy_settings.github_proxy_url_base",
        ),
    ],
)
def test_value_that_cannot_be_used_is_refused_with_its_place(
    name: str, value: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_variables(monkeypatch, **{name: value})

    assert refused_places() == [place]


def test_unknown_keywords_are_refused() -> None:
    assert refused_places(bogus=1) == ["bogus"]
    assert refused_places(redis={"bogus": 1}) == ["redis.bogus"]


@pytest.mark.parametrize(
    "name", ["OFFLINE", "REPLICATE_MODE", "CANONICAL_FORMAT", "REDIS__USE_REDIS", "REDIS"]
)
def test_empty_switch_or_choice_is_one_that_is_not_set(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, **{name: ""})

    assert HordeModelReferenceSettings() == HordeModelReferenceSettings()
    assert values_from(HordeModelReferenceSettings, {ENV_PREFIX + name: ""}, ENV_PREFIX) == values_from(
        HordeModelReferenceSettings, {}, ENV_PREFIX
    )


def test_empty_address_means_that_there_is_no_primary(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, PRIMARY_API_URL="")

    assert HordeModelReferenceSettings().primary_api_url == ""
    assert HordeModelReferenceSettings(primary_api_url=None).primary_api_url == ""


@pytest.mark.parametrize("name", ["REDIS__USE_REDIS", "REDIS_USE_REDIS"])
@pytest.mark.parametrize(
    ("mode", "offline", "kept"),
    [("PRIMARY", False, True), ("PRIMARY", True, False), ("REPLICA", False, False), ("REPLICA", True, False)],
)
def test_redis_and_the_seed_are_for_a_primary_that_is_online(
    name: str, mode: str, offline: bool, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_variables(monkeypatch, **{name: "true"}, GITHUB_SEED_ENABLED="1", REPLICATE_MODE=mode)

    settings = HordeModelReferenceSettings(offline=offline)

    assert (settings.redis.use_redis, settings.github_seed_enabled) == (kept, kept)


def test_correction_leaves_the_block_of_the_caller_alone() -> None:
    block = RedisSettings(use_redis=True)

    assert not HordeModelReferenceSettings(redis=block).redis.use_redis
    assert block.use_redis


def test_name_with_two_underscores_wins_over_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, REDIS_USE_REDIS="true", REDIS__USE_REDIS="false", REPLICATE_MODE="PRIMARY")

    assert not HordeModelReferenceSettings().redis.use_redis


def test_settings_can_be_changed_and_what_is_assigned_is_checked() -> None:
    settings = HordeModelReferenceSettings()

    settings.offline = True
    settings.r2.gateway_url = "https://g.example"
    with pytest.raises(ValidationError, match="cache_ttl_seconds"):
        settings.cache_ttl_seconds = -1
    with pytest.raises(ValidationError, match="SIGNING_PUBLIC_KEY"):
        settings.require_signature = True
    with pytest.raises(ValidationError, match="nothing_like_it"):
        settings.nothing_like_it = 1  # type: ignore[attr-defined]  # what the test is about

    assert (settings.offline, settings.r2.gateway_url) == (True, "https://g.example")
    assert (settings.cache_ttl_seconds, settings.require_signature) == (60, False)


def test_signatures_are_required_where_the_key_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, REQUIRE_SIGNATURE="1", SIGNING_PUBLIC_KEY="AAAA")

    assert HordeModelReferenceSettings().require_signature
    assert HordeModelReferenceSettings(require_signature=False).signing_public_key == "AAAA"


def test_copies_do_not_look_at_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = HordeModelReferenceSettings(cache_ttl_seconds=7)
    set_variables(monkeypatch, CACHE_TTL_SECONDS="8", OFFLINE="1")

    for copied in (copy.deepcopy(settings), settings.model_copy(), pickle.loads(pickle.dumps(settings))):  # noqa: S301
        assert copied == settings


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(
        monkeypatch,
        REDIS__URL="redis://:hidden@host",
        R2__UPLOAD_SECRET_ACCESS_KEY="hidden",
        REDIS__POOL_SIZE="2",
    )
    monkeypatch.setenv("API_KEY", "hidden")

    assert "hidden" not in repr(HordeModelReferenceSettings())
    assert "hidden" not in repr(AiHordeClientSettings())


def test_text_models_have_their_own_repository() -> None:
    settings = HordeModelReferenceSettings()

    assert settings.get_repo_by_category("text_generation") is settings.text_github_repo
    for category in ("image_generation", "clip", "lora", "of a later version"):
        assert settings.get_repo_by_category(category) is settings.image_github_repo


def test_repository_knows_its_addresses() -> None:
    repository = HordeModelReferenceSettings().image_github_repo

    assert repository.repo_owner_and_name == "Haidra-Org/AI-Horde-image-model-reference"
    assert repository.url_base_only == IMAGE_FILES
    assert repository.compose_full_file_url("clip.json") == f"{IMAGE_FILES}/clip.json"
    assert repository.git_clone_url == "https://github.com/Haidra-Org/AI-Horde-image-model-reference.git"


@pytest.mark.parametrize("name", ["GITHUB_PROXY_URL_BASE", "HORDE_MODEL_REFERENCE_GITHUB_PROXY_URL_BASE"])
def test_proxy_for_all_repositories(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "https://proxy.example/")

    settings = HordeModelReferenceSettings()

    assert (
        settings.image_github_repo.compose_full_file_url("a.json")
        == f"https://proxy.example/{IMAGE_FILES}/a.json"
    )
    assert settings.text_github_repo.repository.proxy_url == "https://proxy.example/"
    assert ImageGithubRepoSettings(branch="dev").url_base_only.startswith(
        "https://proxy.example/https://raw."
    )


def test_proxy_of_one_repository_wins_over_the_one_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_PROXY_URL_BASE", "https://for.all")
    set_variables(
        monkeypatch,
        IMAGE_GITHUB_REPO__PROXY_SETTINGS__GITHUB_PROXY_URL_BASE="https://for.images",
        TEXT_GITHUB_REPO__PROXY_SETTINGS__GITHUB_PROXY_URL_BASE="",
    )

    settings = HordeModelReferenceSettings()

    assert settings.image_github_repo.url_base_only.startswith("https://for.images/https://")
    assert settings.text_github_repo.url_base_only.startswith("https://raw.")


def test_shared_settings_have_no_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIWORKER_CACHE_HOME", "/cache")
    monkeypatch.setenv("AI_HORDE_TESTING", "true")
    monkeypatch.setenv("ALT_HORDE_URLS", "https://a.example,https://b.example")
    monkeypatch.setenv("HF_HOME", "")

    assert AiHordeWorkerSettings().aiworker_cache_home == Path("/cache")
    assert AiHordeWorkerSettings().hf_home is None
    assert AiHordeCiSettings().ai_horde_testing
    assert AiHordeClientSettings().alt_horde_urls == ["https://a.example", "https://b.example"]


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "https://aihorde.net/api/"),
        ({"HORDE_URL": "https://old"}, "https://old"),
        ({"HORDE_URL": "https://old", "AI_HORDE_URL": "https://new"}, "https://new"),
        ({"HORDE_MODEL_REFERENCE_AI_HORDE_URL": "https://ours"}, "https://ours"),
    ],
)
def test_ai_horde_has_several_names(
    variables: dict[str, str], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert AiHordeClientSettings().ai_horde_url == url


@pytest.mark.parametrize(("value", "path"), [("/cache", "/cache"), ("", "models"), (None, "models")])
def test_cache_home_is_looked_up_at_the_call(
    value: str | None, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is not None:
        monkeypatch.setenv("AIWORKER_CACHE_HOME", value)

    assert current_cache_home() == Path(path)


ENV_FILE = """\
# a comment = nothing
AIWORKER_CACHE_HOME=/from/a/file
export HORDE_URL = 'https://quoted # here'
LOGS_FOLDER=/logs # a remark
horde_model_reference_offline=1
HORDE_MODEL_REFERENCE_CACHE_TTL_SECONDS=7
not an assignment
"""


def test_env_files_are_read_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(ENV_FILE, encoding="utf-8")
    (tmp_path / ".env.prod").write_text('LOGS_FOLDER="/prod"\n', encoding="utf-8")
    assert AiHordeWorkerSettings().aiworker_cache_home == Path("models")

    monkeypatch.setenv("HAIDRA_USE_DEFAULT_ENV_FILES", "1")

    assert AiHordeWorkerSettings().aiworker_cache_home == Path("/from/a/file")
    assert AiHordeWorkerSettings().logs_folder == Path("/prod")
    assert AiHordeClientSettings().ai_horde_url == "https://quoted # here"
    assert current_cache_home() == Path("/from/a/file")


def test_settings_with_the_prefix_are_never_taken_from_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(ENV_FILE, encoding="utf-8")
    monkeypatch.setenv("HAIDRA_USE_DEFAULT_ENV_FILES", "1")

    settings = HordeModelReferenceSettings()

    assert (settings.offline, settings.cache_ttl_seconds) == (False, 60)


def test_environment_wins_over_env_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "AIWORKER_CACHE_HOME=/file\nLOGS_FOLDER=/plain # remark\n", encoding="utf-8"
    )
    monkeypatch.setenv("HAIDRA_USE_DEFAULT_ENV_FILES", "true")
    monkeypatch.setenv("AIWORKER_CACHE_HOME", "/environment")

    settings = AiHordeWorkerSettings()

    assert (settings.aiworker_cache_home, settings.logs_folder) == (Path("/environment"), Path("/plain"))


few_signs = st.text('a1{}[]:," ', max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | few_signs,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(few_signs, inner, max_size=3),
    max_leaves=4,
)
names = st.sampled_from(
    [
        "REDIS",
        "REDIS__USE_REDIS",
        "REDIS__X__Y",
        "R2",
        "IMAGE_GITHUB_REPO__PROXY_SETTINGS",
        "OFFLINE",
        "AUDIT__",
    ]
)


@given(st.dictionaries(names, few_signs | json_values.map(json.dumps)))
def test_any_environment_gives_settings_or_an_error_that_names_a_setting(variables: dict[str, str]) -> None:
    found: dict[str, Any] = values_from(
        HordeModelReferenceSettings,
        {ENV_PREFIX + name: value for name, value in variables.items()},
        ENV_PREFIX,
    )
    places = []
    try:
        HordeModelReferenceSettings(**found)
    except ValidationError as error:
        places = [problem["loc"] for problem in error.errors()]
    assert all(places)
