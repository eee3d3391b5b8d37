"""Which addresses are asked for seed files, and what becomes of the answers."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.documents import SourceUnreadable
from registry.github_files import GithubHosts, LegacyRepository, fetch_at_commits, parse_ref
from registry.sources import SEED_FILES, FileOrigin
from service_kit.errors import NotFound, ServiceError
from service_kit.http_fetch import PeerRefused, PeerUnavailable
from support.json_values import json_values
from support.seed_github import a_ref

API = "https://api.example.org"
RAW = "https://raw.example.org"
HOSTS = GithubHosts(API, RAW)
IMAGE_SHA, TEXT_SHA = "1" * 40, "2" * 40
IMAGES = LegacyRepository("someone", "images", "main")
TEXTS = LegacyRepository("someone", "texts", "next/one")
REPOSITORIES = {"image": IMAGES, "text": TEXTS}
REFS: Mapping[str, bytes] = {
    f"{API}/repos/someone/images/git/ref/heads/main": a_ref(IMAGE_SHA),
    f"{API}/repos/someone/texts/git/ref/heads/next/one": a_ref(TEXT_SHA, "next/one"),
}


class Asked:
    """Answers with the given bodies and errors, and `{}` for everything else; `urls` were asked for."""

    def __init__(self, **errors: ServiceError) -> None:
        self.answers: dict[str, bytes | ServiceError] = dict(REFS)
        self.errors = errors
        self.urls: list[str] = []

    async def __call__(self, url: str) -> bytes:
        self.urls.append(url)
        stem = url.rsplit("/", 1)[1].partition(".")[0]
        answer = self.errors.get(stem, self.answers.get(url, b"{}"))
        if isinstance(answer, ServiceError):
            raise answer
        return answer

    def all_refs(self, answer: bytes | ServiceError) -> None:
        self.answers = dict.fromkeys(REFS, answer)


async def test_all_files_are_those_of_one_commit_of_their_repository() -> None:
    asked = Asked()
    source = await fetch_at_commits(asked, HOSTS, REPOSITORIES)
    assert sorted(asked.urls) == sorted(
        [
            *REFS,
            f"{RAW}/someone/images/{IMAGE_SHA}/diffusers.json",
            *(
                f"{RAW}/someone/{folder}s/{IMAGE_SHA if folder == 'image' else TEXT_SHA}/{name}"
                for folder, names in SEED_FILES.values()
                for name in names
            ),
        ]
    )
    assert source.categories.keys() == SEED_FILES.keys()
    assert source.passed_on == {"diffusers.json": b"{}"}
    assert source.origin_of("clip") == FileOrigin("someone/images", "main", IMAGE_SHA)
    assert source.origin_of("text_generation") == FileOrigin("someone/texts", "next/one", TEXT_SHA)
    assert source.origin_of("lora") is None
    assert (source.origin, source.is_divisible, source.failures) == ("github", True, {})


async def test_only_what_is_wanted_is_asked_for() -> None:
    asked = Asked()
    source = await fetch_at_commits(asked, HOSTS, REPOSITORIES, ["text_generation"])
    assert [url for url in asked.urls if "images" in url] == []
    assert list(source.categories) == ["text_generation"]
    assert source.origins.keys() == {"text"}


async def test_the_proxy_stands_before_the_raw_addresses_alone() -> None:
    asked = Asked()
    await fetch_at_commits(asked, GithubHosts(API, RAW, "https://proxy.example"), REPOSITORIES, ["clip"])
    assert f"https://proxy.example/{RAW}/someone/images/{IMAGE_SHA}/clip.json" in asked.urls
    assert next(iter(REFS)) in asked.urls


@pytest.mark.parametrize(
    "answer",
    [
        PeerUnavailable("cannot be reached"),
        PeerRefused("answered with status 403"),
        b"<html>",
        b"[]",
        b"\xff",
        b"{}",
        b"[" * 100_000,
        a_ref("main"),
        a_ref(IMAGE_SHA, "mainly"),
        b'{"ref": "refs/heads/main", "object": {"sha": 7}}',
    ],
)
async def test_where_no_commit_is_told_the_branch_is_read_and_that_is_said(
    answer: bytes | ServiceError,
) -> None:
    asked = Asked()
    asked.all_refs(answer)
    source = await fetch_at_commits(asked, HOSTS, REPOSITORIES, ["clip", "text_generation"])
    assert f"{RAW}/someone/images/refs/heads/main/clip.json" in asked.urls
    assert f"{RAW}/someone/texts/refs/heads/next/one/models.csv" in asked.urls
    assert source.origin_of("clip") == FileOrigin("someone/images", "main", None)
    assert [remark.partition(", cannot be")[0] for remark in source.remarks] == [
        "the commit of someone/images, branch main",
        "the commit of someone/texts, branch next/one",
    ]


async def test_a_branch_that_does_not_exist_fails_the_categories_of_its_repository() -> None:
    asked = Asked(one=NotFound("there is no such file"))
    source = await fetch_at_commits(asked, HOSTS, REPOSITORIES)
    assert source.failures == {"text_generation": "someone/texts has no branch next/one"}
    assert "text" not in source.origins
    assert [url for url in asked.urls if url.startswith(f"{RAW}/someone/texts")] == []


@pytest.mark.parametrize("error", [NotFound("there is no such file"), PeerUnavailable("status 500")])
async def test_a_file_that_cannot_be_had_fails_its_category_alone(error: ServiceError) -> None:
    source = await fetch_at_commits(Asked(db=error), HOSTS, REPOSITORIES)
    assert source.failures == {"text_generation": f"db.json of someone/texts cannot be fetched: {error}"}
    assert source.categories.keys() == SEED_FILES.keys() - {"text_generation"}


async def test_without_any_category_it_is_unreadable_and_the_first_failure_is_told() -> None:
    asked = Asked()
    gone = {stem: PeerUnavailable("no answer") for stem in ("clip", "blip")}
    asked.errors.update(gone)
    with pytest.raises(SourceUnreadable, match=r"^clip: clip\.json of someone/images .* \(and 1 more\)$"):
        await fetch_at_commits(asked, HOSTS, REPOSITORIES, ["clip", "blip"])


@pytest.mark.parametrize("answer", [NotFound("no such file"), b"<html>", b"[]"])
async def test_a_file_of_no_category_may_be_missing_or_broken(answer: bytes | ServiceError) -> None:
    asked = Asked()
    asked.answers[f"{RAW}/someone/images/{IMAGE_SHA}/diffusers.json"] = answer
    source = await fetch_at_commits(asked, HOSTS, REPOSITORIES)
    assert (source.passed_on, source.failures) == ({}, {})
    [remark] = source.remarks
    assert remark.startswith("left out: diffusers.json")


@given(ref=json_values, sha=json_values, rest=json_values)
def test_any_answer_that_names_no_commit_of_the_branch_is_refused(
    ref: object, sha: object, rest: object
) -> None:
    for answer in (rest, {"ref": ref, "object": rest}, {"ref": "refs/heads/main", "object": {"sha": sha}}):
        with pytest.raises(ValueError, match=r"^it "):
            parse_ref(json.dumps(answer).encode(), "main")


@given(sha=st.from_regex(r"[0-9a-f]{40}([0-9a-f]{24})?", fullmatch=True))
def test_a_commit_is_read_from_the_answer(sha: str) -> None:
    assert parse_ref(a_ref(sha, "next/one"), "next/one") == sha
