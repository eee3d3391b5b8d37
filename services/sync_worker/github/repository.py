"""One legacy repository on GitHub, and the pull requests of our account in it (sync.md sections 8 and 9)."""

from collections.abc import Mapping, Sequence
from typing import Final

from sync_worker.github.account import OwnAccount
from sync_worker.github.answers import CommentAnswer, PullAnswer
from sync_worker.github.api import GithubApi
from sync_worker.github.calls import Call
from sync_worker.github.errors import GithubFailed, GithubRefused, NothingToMerge
from sync_worker.github.git_data import BRANCH_PREFIX, GitData
from sync_worker.github.pulls import PullRequest

STRANGER_STATUS: Final = 422


class Repository(GitData):
    """Files, branches and pull requests. Only pull requests of our own account are ever handed out."""

    def __init__(self, api: GithubApi, account: OwnAccount, owner: str, name: str) -> None:
        super().__init__(api, owner, name)
        self._account = account
        self._owner = owner

    async def own_open_pulls(self, base: str) -> tuple[PullRequest, ...]:
        """Return the open pull requests of our account from `sync/` branches into `base`, newest first.

        Without credentials there is no account of ours, so there are none.
        """
        return await self._own({"state": "open", "base": base, "sort": "created", "direction": "desc"})

    async def own_pulls_of(self, branch: str) -> tuple[PullRequest, ...]:
        """Return every pull request of our account from a `sync/` branch, ended ones too, newest first."""
        query = {"state": "all", "head": f"{self._owner}:{branch}", "sort": "created", "direction": "desc"}
        return tuple(pull for pull in await self._own(query) if pull.branch == branch)

    async def is_used_by_others(self, branch: str) -> bool:
        """Say whether there is an open pull request from a branch that another account made."""
        query = {"state": "open", "head": f"{self._owner}:{branch}"}
        login = await self._account.login()
        pulls = self._api.items(self._call("list pull requests", "pulls", query=query), PullAnswer)
        return any([pull.head.ref == branch and not self._is_own(pull, login) async for pull in pulls])

    async def pull(self, number: int) -> PullRequest:
        """Return a pull request as it is now."""
        return (await self._api.ask(self._call("read a pull request", f"pulls/{number}"), PullAnswer)).pull()

    async def create_pull(self, branch: str, base: str, title: str, body: str) -> PullRequest | None:
        """Open a pull request, or adopt one of ours that is there; None when there is nothing to merge.

        One that was adopted may have another title and body.
        """
        values = {"title": title, "body": body, "head": branch, "base": base}
        call = self._call("create a pull request", "pulls", method="POST", body=values, creates=True)

        async def look() -> PullAnswer | None:
            query = {"state": "open", "head": f"{self._owner}:{branch}", "base": base}
            return next(iter(await self._own_answers(query)), None)

        try:
            return (await self._api.create(call, PullAnswer, look)).pull()
        except NothingToMerge:
            return None

    async def update_pull(self, number: int, *, title: str, body: str) -> PullRequest:
        """Change title and body."""
        return await self._edit("update a pull request", number, {"title": title, "body": body})

    async def close_pull(self, number: int) -> PullRequest:
        """Close a pull request; once more is no error."""
        return await self._edit("close a pull request", number, {"state": "closed"})

    async def comment(self, number: int, text: str) -> None:
        """Say something below a pull request, unless our account said the very same there before."""
        path = f"issues/{number}/comments"
        login = await self._account.login()

        async def look() -> CommentAnswer | None:
            call = self._call("list comments", path)
            async for comment in self._api.items(call, CommentAnswer):
                if _is_said(comment, login, text):
                    return comment
            return None

        if await look() is None:
            call = self._call("comment", path, method="POST", body={"body": text}, creates=True)
            await self._api.create(call, CommentAnswer, look)

    async def set_labels(self, pull: PullRequest, labels: Sequence[str]) -> str | None:
        """Add the labels that are missing; return a warning when it fails, which matters to nobody else."""
        present = {label.casefold() for label in pull.labels}
        missing = [label for label in labels if label.casefold() not in present]
        return await self._try("add labels", f"issues/{pull.number}/labels", "labels", missing)

    async def request_reviewers(self, number: int, reviewers: Sequence[str]) -> str | None:
        """Ask people for a review; return a warning when it fails, which matters to nobody else."""
        return await self._try(
            "request reviewers", f"pulls/{number}/requested_reviewers", "reviewers", reviewers
        )

    async def request_team(self, number: int, team: str) -> str | None:
        """Ask a team (`org/team`, or empty) for a review; return a warning when it fails."""
        slugs = [slug] if (slug := team.rpartition("/")[2]) else []
        return await self._try(
            "request a team", f"pulls/{number}/requested_reviewers", "team_reviewers", slugs
        )

    async def _edit(self, operation: str, number: int, values: Mapping[str, object]) -> PullRequest:
        call = self._call(operation, f"pulls/{number}", method="PATCH", body=values)
        return (await self._api.ask(call, PullAnswer)).pull()

    async def _try(self, operation: str, path: str, key: str, names: Sequence[str]) -> str | None:
        """Send the names together; if GitHub does not know one of them, send each alone."""
        if not names:
            return None
        try:
            await self._api.do(self._call(operation, path, method="POST", body={key: list(names)}))
        except GithubRefused as error:
            if error.answered_status != STRANGER_STATUS or len(names) == 1:
                return str(error)
            warnings = [await self._try(operation, path, key, [name]) for name in names]
            return "; ".join(warning for warning in warnings if warning) or None
        except GithubFailed as error:
            return str(error)
        return None

    async def _own(self, query: Mapping[str, str]) -> tuple[PullRequest, ...]:
        return tuple([answer.pull() for answer in await self._own_answers(query)])

    async def _own_answers(self, query: Mapping[str, str]) -> tuple[PullAnswer, ...]:
        login = await self._account.login()
        if login is None:
            return ()
        pulls = self._api.items(self._call("list pull requests", "pulls", query=query), PullAnswer)
        return tuple([pull async for pull in pulls if self._is_own(pull, login)])

    def _is_own(self, answer: PullAnswer, login: str | None) -> bool:
        return (
            answer.user is not None
            and login is not None
            and answer.user.login.casefold() == login.casefold()
            and answer.head_repository.casefold() == self.full_name.casefold()
            and answer.head.ref.startswith(BRANCH_PREFIX)
        )

    def _call(
        self,
        operation: str,
        path: str,
        *,
        method: str = "GET",
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        creates: bool = False,
    ) -> Call:
        return Call(operation, method, f"{self._path}/{path}", query or {}, body, creates)


def _is_said(comment: CommentAnswer, login: str | None, text: str) -> bool:
    if comment.user is None or login is None or comment.user.login.casefold() != login.casefold():
        return False
    return (comment.body or "").strip() == text.strip()
