"""Settings of what is asked of GitHub, and as whom (sync.md sections 10 and 11)."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from pydantic import AfterValidator, AliasChoices, Field, SecretStr, model_validator

from registry.github_settings import SYNC_PREFIX, GithubHostSettings, GithubRepositorySettings
from service_kit.settings import TextList
from sync_worker.github.app_key import load_rsa_key
from sync_worker.github.git_objects import Identity

PREFIX: Final = SYNC_PREFIX
BOT_NAME: Final = "horde-model-reference-sync"
BOT_EMAIL: Final = "horde-model-reference-sync@users.noreply.github.com"
READY_FOR_REVIEW: Final = "ready-for-review"  # the image repository compares only what has this label

NO_SECRET: Final = SecretStr("")


def _require_header_text(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[\x21-\x7e]*", secret.get_secret_value().strip()):
        raise ValueError("holds what no token holds")
    return SecretStr(secret.get_secret_value().strip())


Person = Annotated[str, Field(pattern=r"^[^<>\x00-\x1f]*$")]


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """What a GitHub App says who it is with."""

    app_id: str
    key: RSAPrivateKey = field(repr=False)
    installation_id: int | None


@dataclass(frozen=True, slots=True)
class TokenCredentials:
    """What an account says who it is with."""

    token: str = field(repr=False)


class GithubSettings(GithubHostSettings, GithubRepositorySettings):
    """What is needed to make pull requests; most of the variables have a prefix of their own, or none."""

    github_token: Annotated[SecretStr, AfterValidator(_require_header_text)] = Field(
        NO_SECRET,
        validation_alias=AliasChoices(f"{PREFIX}GITHUB_TOKEN", "GITHUB_TOKEN"),
        description="token that may write contents and pull requests; `GITHUB_TOKEN` works too",
    )
    github_login: str = Field(
        "",
        validation_alias=f"{PREFIX}GITHUB_LOGIN",
        pattern=r"^([A-Za-z0-9_-]+(\[bot\])?)?$",
        description="account of the token, where GitHub does not tell; only its pull requests are touched",
    )
    github_app_id: str = Field(
        "",
        validation_alias="GITHUB_APP_ID",
        pattern=r"^[A-Za-z0-9._-]*$",
        description="id of a GitHub App, which is used rather than a token",
    )
    github_app_installation_id: int | None = Field(
        None,
        validation_alias="GITHUB_APP_INSTALLATION_ID",
        gt=0,
        description="where it is installed; empty: asked of GitHub, for each repository",
    )
    github_app_private_key: SecretStr = Field(
        NO_SECRET,
        validation_alias="GITHUB_APP_PRIVATE_KEY",
        description="its private key, a PEM text; line ends may be written as `\\n`",
    )
    github_app_private_key_path: Path | None = Field(
        None, validation_alias="GITHUB_APP_PRIVATE_KEY_PATH", description="file with its private key instead"
    )
    pr_reviewers: TextList = Field(
        (), validation_alias=f"{PREFIX}PR_REVIEWERS", description="users who are asked for a review"
    )
    pr_labels: TextList = Field(
        ("automated", "sync", READY_FOR_REVIEW),
        validation_alias=f"{PREFIX}PR_LABELS",
        description="labels of a pull request",
    )
    pr_auto_assign_team: str = Field(
        "",
        validation_alias=f"{PREFIX}PR_AUTO_ASSIGN_TEAM",
        pattern=r"^(([^/\s]+/)?[^/\s]+)?$",
        description="team that is asked for a review, as `org/team`",
    )
    git_author_name: Person = Field(
        BOT_NAME, validation_alias="GIT_AUTHOR_NAME", min_length=1, description="who commits are by"
    )
    git_author_email: Person = Field(
        BOT_EMAIL, validation_alias="GIT_AUTHOR_EMAIL", min_length=1, description="the e-mail address of that"
    )
    git_committer_name: Person = Field(
        "", validation_alias="GIT_COMMITTER_NAME", description="who makes commits; empty: the author"
    )
    git_committer_email: Person = Field(
        "", validation_alias="GIT_COMMITTER_EMAIL", description="the e-mail address of that"
    )

    @property
    def identity(self) -> Identity:
        """Who commits are by."""
        return Identity(
            self.git_author_name,
            self.git_author_email,
            self.git_committer_name or self.git_author_name,
            self.git_committer_email or self.git_author_email,
        )

    def credentials(self) -> AppCredentials | TokenCredentials | None:
        """Return what to say who we are with: the App if it is complete, else the token, else None."""
        pem = self._private_key()
        if self.github_app_id and pem:
            return AppCredentials(self.github_app_id, load_rsa_key(pem), self.github_app_installation_id)
        token = self.github_token.get_secret_value()
        return TokenCredentials(token) if token else None

    def _private_key(self) -> str:
        if self.github_app_private_key_path is None:
            return self.github_app_private_key.get_secret_value().strip()
        try:
            return self.github_app_private_key_path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise ValueError("GITHUB_APP_PRIVATE_KEY_PATH names no file that can be read") from None

    @model_validator(mode="after")
    def _usable_key(self) -> Self:
        if self.github_app_private_key_path and self.github_app_private_key.get_secret_value():
            raise ValueError("GITHUB_APP_PRIVATE_KEY and GITHUB_APP_PRIVATE_KEY_PATH are set, one is enough")
        pem = self._private_key()
        if not pem:
            return self
        if not pem.startswith("-----BEGIN"):
            raise ValueError("the private key of the GitHub App does not start with -----BEGIN")
        try:
            load_rsa_key(pem)
        except ValueError as error:
            raise ValueError(f"the private key of the GitHub App {error}") from None
        return self
