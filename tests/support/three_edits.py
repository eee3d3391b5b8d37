"""A change, a removal and a new record in each of three categories, and what comes of them on GitHub."""

import json
from collections.abc import Mapping

from support.legacy_files import assert_only_records_differ, changed_lines
from support.synced_services import Edit, SyncedService
from support.text_repository_converter import converted_by_the_repository

IMAGES, CONTROLNET, TEXT = "image_generation", "controlnet", "text_generation"
FILES = {IMAGES: "stable_diffusion.json", CONTROLNET: "controlnet.json", TEXT: "db.json"}
"""One of small changes, one with CRLF and irregular tabs, and the text models."""


def names_of(synced: SyncedService, category: str) -> list[str]:
    """Return the names of the category on the base branch, of text models without those of back ends."""
    source = "text" if category == TEXT else "image"
    path = FILES.get(category, f"{category}.json")
    names: dict[str, object] = json.loads(synced.repositories[source].files("main")[path])
    return [name for name in names if not name.startswith(("aphrodite/", "koboldcpp/"))]


def with_back_ends(names: set[str]) -> set[str]:
    """Return the names of all entries of these text models."""
    return {
        key
        for name in names
        for key in (name, f"aphrodite/{name}", f"koboldcpp/{name.partition('/')[2] or name}")
    }


async def make_three_edits(synced: SyncedService, at: int) -> tuple[int, dict[str, set[str]]]:
    """Make all nine edits live; return the revision, and the names of each category."""
    edits, named = [], {}
    for category in FILES:
        changed, removed, template = names_of(synced, category)[at : at + 3]
        added = f"author/New-{at}-7B" if category == TEXT else f"new {at} of {category}"
        record, copied = await synced.record(category, changed), await synced.record(category, template)
        edits += [
            Edit(category, changed, {**record, "description": 'Described anew, with \u00e9 and "quotes".'}),
            Edit(category, removed, None),
            Edit(category, added, {**copied, "display_name": None}, is_new=True),
        ]
        named[category] = {changed, removed, added}
    return await synced.make_live(*edits), named


def assert_one_pull_for_each_repository(synced: SyncedService, named: Mapping[str, set[str]]) -> None:
    """One open pull request each, which differs from its base in the lines of these records alone."""
    [images], [text] = synced.open_pulls("image"), synced.open_pulls("text")
    files = synced.changed_files("image", images)
    assert set(files) == {FILES[IMAGES], FILES[CONTROLNET]}
    for category in (IMAGES, CONTROLNET):
        before, after = files[FILES[category]]
        assert_only_records_differ(before, after, named[category])
        assert _different(before, after) == named[category]
    texts = synced.changed_files("text", text)
    assert set(texts) == {"models.csv", "db.json"}
    gone, new = changed_lines(*texts["models.csv"])
    assert (len(gone), len(new), all(line.endswith(b"\r\n") for line in new)) == (2, 2, True)
    assert {line.partition(b",")[0].decode() for line in (*gone, *new)} == named[TEXT]
    assert converted_by_the_repository(texts["models.csv"][1]) == texts["db.json"][1]
    assert_only_records_differ(*texts["db.json"], with_back_ends(named[TEXT]))


def _different(before: bytes, after: bytes) -> set[str]:
    old, new = json.loads(before), json.loads(after)
    return {name for name in {**old, **new} if old.get(name) != new.get(name)}
