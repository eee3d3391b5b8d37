"""What can be said about GitHub in the environment (sync.md sections 10 and 11)."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from service_kit.settings import SettingsInvalid, load_settings
from sync_worker.github.settings import AppCredentials, GithubSettings, TokenCredentials

SYNC = "HORDE_GITHUB_SYNC_"
PEM = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)
OTHER_PEM = (
    ed25519.Ed25519PrivateKey.generate()
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (f"{SYNC}GITHUB_TOKEN", "GITHUB_TOKEN", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return monkeypatch


def test_nothing_said_gives_the_public_addresses_and_no_credentials() -> None:
    settings = load_settings(GithubSettings)
    assert settings.credentials() is None
    assert settings.github_api_url == "https://api.github.com"
    assert settings.github_raw_url == "https://raw.githubusercontent.com"
    assert settings.pr_labels == ("automated", "sync", "ready-for-review")
    assert settings.image_github_repo.name == "AI-Horde-image-model-reference"
    assert settings.text_github_repo.name == "AI-Horde-text-model-reference"


@pytest.mark.parametrize("text", ["a,b", " a , b ,", '["a", "b"]'])
@pytest.mark.parametrize("name", ["PR_LABELS", "PR_REVIEWERS"])
def test_lists_are_json_or_separated_by_commas(said: pytest.MonkeyPatch, name: str, text: str) -> None:
    said.setenv(SYNC + name, text)
    assert getattr(load_settings(GithubSettings), name.lower()) == ("a", "b")


def test_own_token_counts_before_the_common_one(said: pytest.MonkeyPatch) -> None:
    said.setenv("GITHUB_TOKEN", " common \n")
    assert load_settings(GithubSettings).credentials() == TokenCredentials("common")
    said.setenv(f"{SYNC}GITHUB_TOKEN", "own")
    assert load_settings(GithubSettings).credentials() == TokenCredentials("own")


def test_complete_app_counts_before_the_token(said: pytest.MonkeyPatch) -> None:
    said.setenv("GITHUB_TOKEN", "token")
    said.setenv("GITHUB_APP_ID", "12")
    assert isinstance(load_settings(GithubSettings).credentials(), TokenCredentials)
    said.setenv("GITHUB_APP_PRIVATE_KEY", PEM)
    said.setenv("GITHUB_APP_INSTALLATION_ID", "34")
    found = load_settings(GithubSettings).credentials()
    assert isinstance(found, AppCredentials)
    assert (found.app_id, found.installation_id) == ("12", 34)


def test_key_may_stand_in_a_file_or_have_its_line_ends_written_out(
    said: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said.setenv("GITHUB_APP_ID", "12")
    said.setenv("GITHUB_APP_PRIVATE_KEY", PEM.replace("\n", "\\n"))
    inline = load_settings(GithubSettings).credentials()
    said.delenv("GITHUB_APP_PRIVATE_KEY")
    (tmp_path / "key.pem").write_text(PEM)
    said.setenv("GITHUB_APP_PRIVATE_KEY_PATH", str(tmp_path / "key.pem"))
    of_file = load_settings(GithubSettings).credentials()
    assert isinstance(inline, AppCredentials)
    assert isinstance(of_file, AppCredentials)
    assert inline.key.private_numbers() == of_file.key.private_numbers()


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"GITHUB_APP_PRIVATE_KEY": PEM, "GITHUB_APP_PRIVATE_KEY_PATH": "/x"}, "one is enough"),
        ({"GITHUB_APP_PRIVATE_KEY": "secret words"}, "-----BEGIN"),
        ({"GITHUB_APP_PRIVATE_KEY": "-----BEGIN secret words"}, "no private key"),
        ({"GITHUB_APP_PRIVATE_KEY": OTHER_PEM}, "another key than one for RSA"),
        ({"GITHUB_APP_PRIVATE_KEY_PATH": "/not/there"}, "names no file"),
        ({"GITHUB_APP_INSTALLATION_ID": "secret words"}, "GITHUB_APP_INSTALLATION_ID"),
        ({"GITHUB_TOKEN": "secret words"}, "GITHUB_TOKEN"),
        ({f"{SYNC}GITHUB_API_URL": "https://secret@words"}, f"{SYNC}GITHUB_API_URL"),
        ({f"{SYNC}PR_LABELS": "[secret words"}, f"{SYNC}PR_LABELS"),
        ({f"{SYNC}PR_AUTO_ASSIGN_TEAM": "a/b/secret words"}, f"{SYNC}PR_AUTO_ASSIGN_TEAM"),
        ({f"{SYNC}GITHUB_LOGIN": "secret words"}, f"{SYNC}GITHUB_LOGIN"),
        ({"GIT_AUTHOR_NAME": "secret words <"}, "GIT_AUTHOR_NAME"),
        (
            {"HORDE_MODEL_REFERENCE_IMAGE_GITHUB_REPO__NAME": "../secret words"},
            "HORDE_MODEL_REFERENCE_IMAGE_GITHUB_REPO__NAME",
        ),
    ],
)
def test_value_that_cannot_be_used_is_told_without_the_value(
    said: pytest.MonkeyPatch, variables: dict[str, str], words: str
) -> None:
    for name, value in variables.items():
        said.setenv(name, value)
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(GithubSettings)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


def test_committer_is_the_author_unless_said_otherwise(said: pytest.MonkeyPatch) -> None:
    said.setenv("GIT_AUTHOR_NAME", "Ada")
    said.setenv("GIT_COMMITTER_EMAIL", "c@example.invalid")
    identity = load_settings(GithubSettings).identity
    assert (identity.author_name, identity.committer_name) == ("Ada", "Ada")
    assert identity.committer_email == "c@example.invalid"
    assert "@" in identity.author_email


def test_addresses_may_end_with_a_slash(said: pytest.MonkeyPatch) -> None:
    said.setenv(f"{SYNC}GITHUB_API_URL", "http://127.0.0.1:1/api/v3/")
    assert load_settings(GithubSettings).github_api_url == "http://127.0.0.1:1/api/v3"


def test_credentials_show_nothing_of_the_secret(said: pytest.MonkeyPatch) -> None:
    said.setenv("GITHUB_TOKEN", "ghp_secret")
    said.setenv("GITHUB_APP_PRIVATE_KEY", PEM)
    settings = load_settings(GithubSettings)
    told = f"{settings!r} {settings.credentials()!r}"
    assert "secret" not in told.replace("SecretStr", "")
    assert PEM[100:120] not in told
