"""Branches, commits, folders and files of one repository, by GitHub's git interface (sync.md section 9)."""

import asyncio
import base64
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from sync_worker.github.answers import BlobAnswer, CommitAnswer, Named, RefAnswer, RefsAnswer, TreeAnswer
from sync_worker.github.api import GithubApi
from sync_worker.github.calls import Call
from sync_worker.github.errors import BaseMoved, GithubFailed, GithubRefused, GithubUnavailable
from sync_worker.github.git_objects import (
    FILE_MODE,
    FILE_MODES,
    Base,
    Commit,
    Identity,
    Tree,
    TreeEntry,
    git_time,
    object_sha,
)

BRANCH_PREFIX: Final = "sync/"
TREES_KEPT: Final = 8
NO_SUCH_BRANCH: Final = "reference does not exist"


class GitData:
    """What git knows about a repository. Contents are by their names, so that a run sees one state."""

    def __init__(self, api: GithubApi, owner: str, name: str) -> None:
        self._api = api
        self.full_name = f"{owner}/{name}"
        self._path = f"/repos/{owner}/{name}"
        self._trees: OrderedDict[str, Tree] = OrderedDict()

    async def base(self, branch: str) -> Base:
        """Return what a branch that has to be there points to."""
        call = self._git("read the base branch", f"ref/heads/{branch}")
        sha = (await self._api.ask(call, RefAnswer)).object.sha
        commit = await self.commit(sha)
        return Base(sha, commit.tree_sha, commit.committed_at)

    async def commit(self, sha: str) -> Commit:
        """Return a commit."""
        return (await self._api.ask(self._git("read a commit", f"commits/{sha}"), CommitAnswer)).commit()

    async def files(self, tree_sha: str, paths: Iterable[str]) -> dict[str, bytes | None]:
        """Return the content of files in the top folder; None for one that is not there."""
        entries = (await self._tree(tree_sha)).entries
        return {path: await self._content(path, entries.get(path)) for path in paths}

    async def wanted_tree(self, base_tree_sha: str, files: Mapping[str, bytes | None]) -> str:
        """Return the name of a tree with these files in its top folder. Nothing is written; None removes."""
        tree = await self._tree(base_tree_sha)
        return (await asyncio.to_thread(tree.with_files, files)).sha

    async def merge_result(self, base: Base, head_sha: str) -> str | None:
        """Return the name of the tree after a merge of a branch with one commit; None if they contradict.

        A branch that is more than one commit away from a former base is not understood, and gives None.
        """
        head = await self.commit(head_sha)
        if len(head.parents) != 1:
            return None
        if head.parents[0] == base.commit_sha:
            return head.tree_sha
        before = await self.commit(head.parents[0])
        trees = [await self._tree(sha) for sha in (base.tree_sha, before.tree_sha, head.tree_sha)]
        merged = trees[0].merged(trees[1], trees[2])
        return merged.sha if merged else None

    async def create_tree(self, base_tree_sha: str, files: Mapping[str, bytes | None]) -> str:
        """Write a tree with these files in its top folder, None removes one; return its name."""
        tree = await self._tree(base_tree_sha)
        wanted = await asyncio.to_thread(tree.with_files, files)
        entries: list[dict[str, str | None]] = []
        for path, content in files.items():
            if content is None and path not in tree.entries:
                continue  # GitHub refuses to remove what is not there
            if content is None:
                entries.append({"path": path, "mode": FILE_MODE, "type": "blob", "sha": None})
            else:
                mode, sha = wanted.entries[path].mode, await self._create_blob(content)
                entries.append({"path": path, "mode": mode, "type": "blob", "sha": sha})
        body = {"base_tree": base_tree_sha, "tree": entries}
        made = await self._api.ask(self._git("create a tree", "trees", body=body), Named)
        if made.sha != wanted.sha:
            raise GithubFailed("GitHub made another tree than it was asked for")
        return made.sha

    async def create_commit(
        self, tree_sha: str, parents: Iterable[str], message: str, identity: Identity, at: datetime
    ) -> str:
        """Write a commit; return its name. The same arguments give the same commit."""
        date = git_time(at)
        body = {
            "message": message,
            "tree": tree_sha,
            "parents": list(parents),
            "author": {"name": identity.author_name, "email": identity.author_email, "date": date},
            "committer": {"name": identity.committer_name, "email": identity.committer_email, "date": date},
        }
        return (await self._api.ask(self._git("create a commit", "commits", body=body), Named)).sha

    async def branch(self, name: str) -> str | None:
        """Return the commit that a branch points to; None if there is no such branch."""
        found = await self._api.find(self._git("read a branch", f"ref/heads/{name}"), RefAnswer)
        return found.object.sha if found else None

    async def branches(self, prefix: str = BRANCH_PREFIX) -> dict[str, str]:
        """Return the branches whose name begins so, whoever made them, and their commits."""
        call = self._git("list branches", f"matching-refs/heads/{prefix}")
        refs = (await self._api.ask(call, RefsAnswer)).root
        return {ref.ref.removeprefix("refs/heads/"): ref.object.sha for ref in refs}

    async def put_branch(self, name: str, sha: str, *, force: bool) -> None:
        """Make a branch point to a commit: a new one, or with `force` one of ours that is there.

        `BaseMoved`: a new branch is there with another commit, or the one to be forced has gone.
        """
        if force:
            await self._move_branch(name, sha)
        else:
            await self._create_branch(name, sha)

    async def delete_branch(self, name: str) -> None:
        """Delete a branch; one that is not there is no error."""
        try:
            await self._api.do(self._git("delete a branch", f"refs/heads/{name}", method="DELETE"))
        except GithubRefused as error:
            if not error.says(NO_SUCH_BRANCH):
                raise

    async def _create_branch(self, name: str, sha: str) -> None:
        body = {"ref": f"refs/heads/{name}", "sha": sha}
        call = self._git("create a branch", "refs", body=body, creates=True)

        async def look() -> RefAnswer | None:
            return await self._api.find(self._git("read a branch", f"ref/heads/{name}"), RefAnswer)

        made = await self._api.create(call, RefAnswer, look)
        if made.object.sha != sha:
            raise BaseMoved("create a branch", 422, "it is there with another commit")

    async def _move_branch(self, name: str, sha: str) -> None:
        body = {"sha": sha, "force": True}
        try:
            await self._api.do(self._git("move a branch", f"refs/heads/{name}", method="PATCH", body=body))
        except GithubRefused as error:
            if error.says(NO_SUCH_BRANCH):
                raise BaseMoved(error.operation, error.answered_status, error.reason) from None
            raise

    async def _create_blob(self, content: bytes) -> str:
        encoded = (await asyncio.to_thread(base64.b64encode, content)).decode()
        body = {"content": encoded, "encoding": "base64"}
        return (await self._api.ask(self._git("create a blob", "blobs", body=body), Named)).sha

    async def _content(self, path: str, entry: TreeEntry | None) -> bytes | None:
        if entry is None:
            return None
        if entry.mode not in FILE_MODES:
            raise GithubFailed(f"{path} in {self.full_name} is not a plain file")
        answer = await self._api.ask(self._git("read a file", f"blobs/{entry.sha}"), BlobAnswer)
        return await asyncio.to_thread(_checked_content, answer, entry.sha)

    async def _tree(self, sha: str) -> Tree:
        if sha not in self._trees:
            answer = await self._api.ask(self._git("read a tree", f"trees/{sha}"), TreeAnswer)
            if answer.truncated:
                raise GithubFailed(f"the top folder of {self.full_name} is too large")
            self._trees[sha] = answer.content()
            while len(self._trees) > TREES_KEPT:
                self._trees.popitem(last=False)
        return self._trees[sha]

    def _git(
        self,
        operation: str,
        path: str,
        *,
        method: str = "",
        body: Mapping[str, object] | None = None,
        creates: bool = False,
    ) -> Call:
        method = method or ("GET" if body is None else "POST")
        return Call(operation, method, f"{self._path}/git/{path}", body=body, creates=creates)


def _checked_content(answer: BlobAnswer, sha: str) -> bytes:
    try:
        content = base64.b64decode(answer.content)
    except ValueError:
        content = b""
    if object_sha("blob", content) != sha:
        raise GithubUnavailable("GitHub sends another file than it was asked for")
    return content
