"""Keeps one pull request of ours at most, with exactly what is wanted in it (sync.md section 8).

Nothing is remembered between two runs: what is there is read from GitHub, and every step may be the last
one of a run that is killed.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from service_kit.errors import ServiceError
from sync_worker.domain.limits import is_worth_a_pull_request
from sync_worker.domain.pull_request_texts import MAX_BODY_LENGTH, PullRequestTexts, pull_request_texts
from sync_worker.domain.repository_plan import RepositoryPlan, paths_of
from sync_worker.github.git_objects import Base, Identity
from sync_worker.github.pulls import PullRequest
from sync_worker.github.repository import Repository
from sync_worker.reports import Result

NO_LONGER_NEEDED: Final = "Nothing differs from the PRIMARY instance any more, so this is closed."
MARK_LENGTH: Final = 20


class StateMoved(ServiceError):
    """What was read is no longer so: begin again by reading it."""

    status, retryable = 503, True


@dataclass(frozen=True, slots=True)
class PullRules:
    """How pull requests are made. `source_url` is the address of the primary that they name."""

    branch: str
    identity: Identity
    min_changes: int = 1
    force: bool = False
    labels: Sequence[str] = ()
    reviewers: Sequence[str] = ()
    team: str = ""
    source_url: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was done, the pull request that is open now, and what did not work but matters little."""

    result: Result
    pull: PullRequest | None = None
    warnings: tuple[str, ...] = ()


class PullKeeper:
    """Works on one repository. `clock` tells the time of new commits and titles."""

    def __init__(self, repository: Repository, rules: PullRules, clock: Callable[[], datetime]) -> None:
        self._repository = repository
        self._rules = rules
        self._clock = clock

    async def keep(self, base: Base, plan: RepositoryPlan) -> Kept:
        """Bring the pull request in step with the plan, and delete branches that are left over.

        Raises `StateMoved` and `BaseMoved` when it has to begin again, and other `GithubFailed`.
        """
        found = await self._repository.own_open_pulls(self._rules.branch)
        pulls = sorted(found, key=lambda pull: pull.number)
        if plan.files:
            kept = await self._offer(base, plan, pulls)
        elif plan.failures:  # what cannot be compared may be what the pull request is about
            kept = Kept(Result.waiting, pulls[0] if pulls else None)
        else:
            kept = await self._end_all(pulls)
        await self._delete_left_branches(kept.pull)
        return kept

    async def _offer(self, base: Base, plan: RepositoryPlan, pulls: Sequence[PullRequest]) -> Kept:
        if not pulls:
            rules = self._rules
            if not is_worth_a_pull_request(plan.changes, rules.min_changes, force=rules.force):
                return Kept(Result.too_little)
            return await self._open(base, plan)
        first, *others = pulls
        kept = await self._bring_up(first, base, plan)
        for other in others:
            await self._end(other, f"Replaced by #{first.number}.")
        return kept

    async def _bring_up(self, pull: PullRequest, base: Base, plan: RepositoryPlan) -> Kept:
        """Make an open pull request what is wanted; one that is so already is not touched."""
        carried = await self._carried(pull, base, plan)
        texts = self._texts(plan, pull.created_at, list(carried))
        files = plan.files | {path: body for bodies in carried.values() for path, body in bodies.items()}
        wanted = await self._repository.wanted_tree(base.tree_sha, files)
        is_same = await self._repository.merge_result(base, pull.head_sha) == wanted
        if not is_same:
            sha = await self._commit(base, files, texts)
            await self._repository.put_branch(pull.branch, sha, force=True)
        is_told = _mark(texts.body) in pull.body
        if not is_told:
            await self._repository.update_pull(pull.number, title=texts.title, body=_marked(texts.body))
        warnings = await self._extras(pull, is_new=False)
        return Kept(Result.waiting if is_same and is_told else Result.updated, pull, warnings)

    async def _open(self, base: Base, plan: RepositoryPlan) -> Kept:
        """Open a pull request, on a branch that an earlier run may have left behind."""
        texts = self._texts(plan, self._clock(), [])
        sha = await self._commit(base, plan.files, texts)
        branch, is_left_over = await self._branch_for(base, plan)
        await self._repository.put_branch(branch, sha, force=is_left_over)
        if await self._repository.branch(self._rules.branch) != base.commit_sha:
            raise StateMoved("the base moved, perhaps by the very change")
        pull = await self._repository.create_pull(
            branch, self._rules.branch, texts.title, _marked(texts.body)
        )
        if pull is None:
            raise StateMoved("the base has the change already")
        warnings = await self._extras(pull, is_new=True)
        if len(await self._repository.own_open_pulls(self._rules.branch)) > 1:
            raise StateMoved("another pull request was opened at the same time")
        return Kept(Result.opened, pull, warnings)

    async def _branch_for(self, base: Base, plan: RepositoryPlan) -> tuple[str, bool]:
        """Return the branch of a new pull request, and whether it is there.

        It is named by the time of the base commit: two that do this at once use the same branch, and GitHub
        lets a branch have one pull request. One that somebody else goes on with is left to them.
        """
        at = base.committed_at
        while True:
            branch = self._texts(plan, at, []).branch
            sha = await self._repository.branch(branch)
            if sha is None or await self._is_left_by_us(branch, sha):
                return branch, sha is not None
            at += timedelta(seconds=1)

    async def _commit(self, base: Base, files: dict[str, bytes], texts: PullRequestTexts) -> str:
        tree = await self._repository.create_tree(base.tree_sha, files)
        parents = [base.commit_sha]
        return await self._repository.create_commit(
            tree, parents, texts.commit_message, self._rules.identity, self._clock()
        )

    async def _carried(
        self, pull: PullRequest, base: Base, plan: RepositoryPlan
    ) -> dict[str, dict[str, bytes]]:
        """Return, by category, the files that a failed category has in the pull request: they stay in it.

        Only on the very same base: on another one they could undo what somebody else did.
        """
        if not plan.failures:
            return {}
        head = await self._repository.commit(pull.head_sha)
        if base.commit_sha not in head.parents:
            return {}
        carried = {}
        for category in plan.failures:
            files = await self._repository.files(head.tree_sha, paths_of([category]))
            changed = {
                path: body for path, body in files.items() if body is not None and body != plan.present[path]
            }
            if changed:
                carried[category] = changed
        return carried

    def _texts(self, plan: RepositoryPlan, at: datetime, carried: Sequence[str]) -> PullRequestTexts:
        texts = pull_request_texts(plan.changes, at, source_url=self._rules.source_url or None)
        if not carried:
            return texts
        note = f"\n\nEarlier changes are kept for: {', '.join(carried)} (not compared in the last run)."
        body = texts.body[: MAX_BODY_LENGTH - len(note)] + note
        return PullRequestTexts(texts.branch, texts.title, texts.commit_message, body)

    async def _extras(self, pull: PullRequest, *, is_new: bool) -> tuple[str, ...]:
        """Ask for reviews and add labels; a pull request without any of our labels was interrupted there."""
        rules = self._rules
        warnings: list[str | None] = []
        if is_new or (rules.labels and not {*rules.labels} & {*pull.labels}):
            warnings.append(await self._repository.request_reviewers(pull.number, rules.reviewers))
            warnings.append(await self._repository.request_team(pull.number, rules.team))
        warnings.append(await self._repository.set_labels(pull, rules.labels))
        return tuple(warning for warning in warnings if warning)

    async def _end_all(self, pulls: Sequence[PullRequest]) -> Kept:
        for pull in pulls:
            await self._end(pull, NO_LONGER_NEEDED)
        return Kept(Result.ended if pulls else Result.in_step)

    async def _end(self, pull: PullRequest, why: str) -> None:
        await self._repository.comment(pull.number, why)
        await self._repository.close_pull(pull.number)
        await self._repository.delete_branch(pull.branch)

    async def _delete_left_branches(self, kept: PullRequest | None) -> None:
        """Delete our branches whose pull request has ended, and those that never got one."""
        for branch, sha in (await self._repository.branches()).items():
            if kept is not None and branch == kept.branch:
                continue
            pulls = await self._repository.own_pulls_of(branch)
            if any(pull.is_open for pull in pulls):
                continue
            # a commit of ours may have come after the end: of another worker, which did not know of it
            has_ended = any(pull.head_sha == sha for pull in pulls)
            if await self._is_left_by_us(branch, sha, has_ended=has_ended):
                await self._repository.delete_branch(branch)

    async def _is_left_by_us(self, branch: str, sha: str, *, has_ended: bool = False) -> bool:
        """Say whether a branch is of a pull request of ours that `has_ended`, or holds a commit of ours.

        One that somebody else has a pull request from is theirs.
        """
        if not has_ended:
            commit = await self._repository.commit(sha)
            has_ended = commit.author_email == self._rules.identity.author_email
        return has_ended and not await self._repository.is_used_by_others(branch)


def _marked(body: str) -> str:
    """Return the text with an invisible line that tells later which text it was, whoever edits the rest."""
    mark = f"\n\n{_mark(body)}\n"
    return body[: MAX_BODY_LENGTH - len(mark)] + mark


def _mark(body: str) -> str:
    digest = hashlib.sha256(body.encode(errors="replace")).hexdigest()
    return f"<!-- sync {digest[:MARK_LENGTH]} -->"
