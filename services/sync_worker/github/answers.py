"""The answers of GitHub that are read, as far as they are read."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel

from sync_worker.github.git_objects import Commit, Tree, TreeEntry
from sync_worker.github.pulls import PullRequest

Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]

LONGEST_REASON: Final = 300
UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]+")


class Answer(BaseModel):
    """A JSON object of GitHub; what is not read may be anything."""

    model_config = ConfigDict(frozen=True)


class Named(Answer):
    """Something that was created, by the name that git gives it."""

    sha: Sha


class RefAnswer(Answer):
    """A branch."""

    ref: str
    object: Named


class RefsAnswer(RootModel[tuple[RefAnswer, ...]]):
    """Several branches."""


class PersonAnswer(Answer):
    """Who made a commit."""

    email: str = ""
    date: AwareDatetime


class CommitAnswer(Answer):
    """A commit."""

    sha: Sha
    tree: Named
    parents: tuple[Named, ...]
    message: str
    author: PersonAnswer
    committer: PersonAnswer

    def commit(self) -> Commit:
        """Return what we know of it."""
        parents = tuple(parent.sha for parent in self.parents)
        return Commit(
            sha=self.sha,
            tree_sha=self.tree.sha,
            parents=parents,
            message=self.message,
            author_email=self.author.email,
            committed_at=self.committer.date,
        )


class EntryAnswer(Answer):
    """A file or folder."""

    path: str
    mode: Annotated[str, Field(pattern=r"^[0-7]{6}$")]
    sha: Sha


class TreeAnswer(Answer):
    """A folder."""

    sha: Sha
    tree: tuple[EntryAnswer, ...]
    truncated: bool = False

    def content(self) -> Tree:
        """Return what lies in it."""
        return Tree({entry.path: TreeEntry(entry.mode, entry.sha) for entry in self.tree})


class BlobAnswer(Answer):
    """The content of a file."""

    encoding: Literal["base64"]
    content: str


class LabelAnswer(Answer):
    """A label."""

    name: str


class UserAnswer(Answer):
    """An account."""

    login: str


class AppAnswer(Answer):
    """A GitHub App."""

    slug: str


class InstallationAnswer(Answer):
    """Where an App is installed."""

    id: int


class TokenAnswer(Answer):
    """A token of an installation."""

    token: Annotated[str, Field(min_length=1, pattern=r"^[\x21-\x7e]+$", repr=False)]
    expires_at: AwareDatetime


class CommentAnswer(Answer):
    """A comment below a pull request."""

    body: str | None = None
    user: UserAnswer | None = None


class RepositoryAnswer(Answer):
    """A repository."""

    full_name: str


class EndAnswer(Answer):
    """One end of a pull request; the repository is none when a fork was deleted."""

    ref: str
    sha: Sha
    repo: RepositoryAnswer | None = None


class BaseEndAnswer(Answer):
    """The end that a pull request goes into."""

    ref: str


class PullAnswer(Answer):
    """A pull request. Lists do not say whether it is merged, but when."""

    number: int
    title: str
    body: str | None = None
    state: Literal["open", "closed"]
    labels: tuple[LabelAnswer, ...] = ()
    user: UserAnswer | None = None
    head: EndAnswer
    base: BaseEndAnswer
    html_url: str = ""
    created_at: AwareDatetime
    merged_at: AwareDatetime | None = None

    @property
    def head_repository(self) -> str:
        """`owner/name` of where its branch lies; empty when that is gone."""
        return self.head.repo.full_name if self.head.repo else ""

    def pull(self) -> PullRequest:
        """Return what we know of it."""
        return PullRequest(
            number=self.number,
            branch=self.head.ref,
            head_sha=self.head.sha,
            base=self.base.ref,
            title=self.title,
            body=self.body or "",
            labels=tuple(label.name for label in self.labels),
            state=self.state,
            merged=self.merged_at is not None,
            author=self.user.login if self.user else "",
            url=self.html_url,
            created_at=self.created_at,
        )


class ErrorAnswer(Answer):
    """Why GitHub refused: a text, and details that are texts or objects."""

    message: str = ""
    errors: tuple[Any, ...] | str = ()

    @property
    def reason(self) -> str:
        """All of it, as one short line of plain characters."""
        details = (self.errors,) if isinstance(self.errors, str) else map(_detail, self.errors)
        text = "; ".join(part for part in (self.message, *details) if part)
        return UNPRINTABLE.sub(" ", text)[:LONGEST_REASON]


def _detail(value: object) -> str:
    if isinstance(value, dict):
        said = value.get("message") or f"{value.get('field', '')} {value.get('code', '')}".strip()
        return said if isinstance(said, str) else ""
    return value if isinstance(value, str) else ""
