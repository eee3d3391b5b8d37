"""Seed files from GitHub, all files of a repository as they are at one commit (sync.md section 13)."""

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from horde_model_reference.documents import SourceUnreadable
from horde_model_reference.strict_json import parse_json_object
from registry.sources import PASSED_ON_FILES, SEED_FILES, Fetch, FileOrigin, SeedSource, one_line_of
from service_kit.errors import NotFound, ServiceError

ORIGIN: Final = "github"

_SHA: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class LegacyRepository:
    """Which branch of which repository is read."""

    owner: str
    name: str
    branch: str

    @property
    def full_name(self) -> str:
        """The repository as GitHub writes it."""
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True)
class GithubHosts:
    """Where GitHub is, without slashes at the end. `proxy_url`, when set, is put before every raw URL."""

    api_url: str
    raw_url: str
    proxy_url: str = ""

    def ref_url(self, repository: LegacyRepository) -> str:
        """Return the REST address that tells the commit of the branch."""
        return f"{self.api_url}/repos/{repository.full_name}/git/ref/heads/{quote(repository.branch)}"

    def raw_base_url(self, origin: FileOrigin) -> str:
        """Return the address below which the raw files lie."""
        place = origin.commit or f"refs/heads/{quote(origin.branch)}"
        url = f"{self.raw_url}/{origin.repository}/{place}"
        return f"{self.proxy_url}/{url}" if self.proxy_url else url


async def fetch_at_commits(
    fetch: Fetch,
    hosts: GithubHosts,
    repositories: Mapping[str, LegacyRepository],
    categories: Iterable[str] = SEED_FILES,
) -> SeedSource:
    """Fetch the files of the categories from the repositories `image` and `text`.

    Each branch is resolved to a commit once. Where the REST interface does not answer, that is remarked and
    the files are those of the branch. A category whose files cannot all be had is a failure of its own.
    Raises `SourceUnreadable` when none can.
    """
    wanted = {category: SEED_FILES[category] for category in categories}
    folders = sorted({folder for folder, _ in wanted.values()})
    found = await asyncio.gather(*(_origin(fetch, hosts, repositories[folder]) for folder in folders))
    places = dict(zip(folders, (place for place, _ in found), strict=True))
    remarks = [remark for _, remark in found if remark is not None]
    groups = [(category, folder, names) for category, (folder, names) in wanted.items()]
    groups += [(name, folder, (name,)) for name, folder in PASSED_ON_FILES.items() if folder in places]
    outcomes = await asyncio.gather(
        *(_files(fetch, hosts, places[folder], names) for _, folder, names in groups)
    )
    files, failures = {}, {}
    for (key, _, _), outcome in zip(groups, outcomes, strict=True):
        problem = _problem(key, outcome)
        if problem is None and not isinstance(outcome, str):
            files[key] = outcome
        elif key in PASSED_ON_FILES:
            remarks.append(f"left out: {problem}")
        else:
            failures[key] = str(problem)
    if not any(category in files for category in wanted):
        raise SourceUnreadable(one_line_of(failures))
    return SeedSource(
        origin=ORIGIN,
        categories={category: files[category] for category in wanted if category in files},
        passed_on={name: files[name][name] for name in PASSED_ON_FILES if name in files},
        failures=failures,
        origins={folder: one for folder, one in places.items() if isinstance(one, FileOrigin)},
        is_divisible=True,
        remarks=tuple(remarks),
    )


def parse_ref(body: bytes, branch: str) -> str:
    """Return the commit that a REST answer names for the branch. Raises `ValueError` for another answer."""
    answer = json.loads(body)
    try:
        ref, sha = answer["ref"], answer["object"]["sha"]
    except (TypeError, KeyError, IndexError) as error:
        raise ValueError("it names no commit") from error
    if ref != f"refs/heads/{branch}" or not isinstance(sha, str) or not _SHA.fullmatch(sha):
        raise ValueError("it is not about this branch")
    return sha


async def _origin(
    fetch: Fetch, hosts: GithubHosts, repository: LegacyRepository
) -> tuple[FileOrigin | str, str | None]:
    """Return the state that is read, or why there is none, and what is to be remarked."""
    commit, remark = None, None
    try:
        commit = parse_ref(await fetch(hosts.ref_url(repository)), repository.branch)
    except NotFound:
        return f"{repository.full_name} has no branch {repository.branch}", None
    except (ServiceError, ValueError, RecursionError) as error:
        why = error if isinstance(error, ServiceError) else "the answer cannot be used"
        remark = (
            f"the commit of {repository.full_name}, branch {repository.branch}, cannot be found out ({why}):"
            " the files are read from the branch"
        )
    return FileOrigin(repository.full_name, repository.branch, commit), remark


_Files = dict[str, bytes]


async def _files(
    fetch: Fetch, hosts: GithubHosts, origin: FileOrigin | str, names: tuple[str, ...]
) -> _Files | str:
    """Return the files by name, or why they cannot be had."""
    if isinstance(origin, str):
        return origin
    base_url = hosts.raw_base_url(origin)

    async def one(name: str) -> bytes | str:
        try:
            return await fetch(f"{base_url}/{name}")
        except ServiceError as error:
            return f"{name} of {origin.repository} cannot be fetched: {error}"

    bodies = await asyncio.gather(*map(one, names))
    files = {name: body for name, body in zip(names, bodies, strict=True) if isinstance(body, bytes)}
    return next((body for body in bodies if isinstance(body, str)), None) or files


def _problem(key: str, outcome: _Files | str) -> str | None:
    """Return what is wrong; a file that is passed on is served as it is, and so has to be JSON."""
    if isinstance(outcome, str):
        return outcome
    try:
        for body in outcome.values() if key in PASSED_ON_FILES else ():
            parse_json_object(body, key)
    except SourceUnreadable as error:
        return str(error)
    return None
