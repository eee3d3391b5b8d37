"""The whole service as its own primary: what its pages give, and when it does not keep GitHub in step."""

from pathlib import Path

import pytest

from horde_model_reference.meta_consts import ReplicateMode
from read_api.archive import Archive
from read_api.holder import PageHolder
from registry.blobs import Blobs
from registry.journal import Journal
from registry.state import State
from service_kit.settings import SettingsInvalid
from service_kit.telemetry import Telemetry
from standalone.seed_sources import SAMPLE_ORIGIN
from standalone.settings import StandaloneSettings
from standalone.syncing import MADE_UP, ServedPrimary, Syncing, sync_settings
from support.contents import a_content, a_record
from support.memory_store import MemoryObjectStore
from support.revision_sources import ScriptedSource
from sync_worker.settings import SyncWorkerSettings

CLIP = b'{\n\t"a": {"name": "a"}\n}\n'


async def a_holder(source: ScriptedSource | None = None) -> PageHolder:
    holder = PageHolder()
    if source is not None:
        holder.attach(source)
    await holder.publish(a_content({"clip": {"a": a_record("clip", "a")}}, revision=7, legacy={"clip": CLIP}))
    return holder


async def test_documents_are_those_of_the_pages_byte_for_byte_with_their_revision() -> None:
    primary = ServedPrimary(await a_holder())
    found = await primary.documents(["clip"])
    assert (found.revision, dict(found.bodies), dict(found.failures)) == (7, {"clip": CLIP}, {})
    assert await primary.revision("clip") == 7


async def test_category_that_was_never_written_is_a_failure_of_its_own() -> None:
    found = await ServedPrimary(await a_holder()).documents(["blip", "clip"])
    assert (list(found.bodies), list(found.failures)) == (["clip"], ["blip"])


async def test_pages_that_may_be_outdated_are_not_carried_over() -> None:
    found = await ServedPrimary(await a_holder(ScriptedSource(stale=True))).documents(["clip"])
    assert (dict(found.bodies), list(found.failures)) == ({}, ["clip"])


async def test_demanded_revision_that_does_not_come_is_a_failure() -> None:
    source = ScriptedSource(reaches=False)
    found = await ServedPrimary(await a_holder(source)).documents(["clip"], 8)
    assert (dict(found.bodies), list(found.failures)) == ({}, ["clip"])
    assert [revision for revision, _ in source.waits] == [8]


async def test_made_up_models_of_the_sample_are_not_carried_over() -> None:
    holder, store = await a_holder(), MemoryObjectStore()
    holder.attach(
        ScriptedSource(), Archive(Journal(store), Blobs(store), lambda: State(seeded_from=SAMPLE_ORIGIN))
    )
    found = await ServedPrimary(holder).documents(["clip"])
    assert (dict(found.bodies), found.failures["clip"]) == ({}, MADE_UP)


async def test_service_that_has_no_pages_yet_has_no_documents() -> None:
    found = await ServedPrimary(PageHolder()).documents(["clip"])
    assert (dict(found.bodies), list(found.failures)) == ({}, ["clip"])


def test_service_keeps_nothing_in_step_unless_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HORDE_GITHUB_SYNC_WATCH_MODE", "false")
    monkeypatch.setenv("HORDE_GITHUB_SYNC_CATEGORIES_TO_SYNC", "nonsense")
    assert sync_settings(StandaloneSettings()) is None
    monkeypatch.setenv("HORDE_GITHUB_SYNC_WATCH_MODE", "true")
    with pytest.raises(SettingsInvalid, match="CATEGORIES_TO_SYNC"):
        sync_settings(StandaloneSettings())


def test_replica_that_is_to_keep_github_in_step_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HORDE_GITHUB_SYNC_WATCH_MODE", "true")
    with pytest.raises(SettingsInvalid, match="HORDE_GITHUB_SYNC_WATCH_MODE"):
        sync_settings(StandaloneSettings(replicate_mode=ReplicateMode.REPLICA))


def test_service_without_credentials_is_refused_unless_it_only_looks(tmp_path: Path) -> None:
    nobody = {"HORDE_GITHUB_SYNC_GITHUB_TOKEN": "", "GITHUB_APP_ID": ""}
    with pytest.raises(SettingsInvalid, match="GITHUB_APP_ID"):
        Syncing(SyncWorkerSettings.model_validate(nobody), Telemetry("test"))
    with pytest.raises(SettingsInvalid, match="OUTPUT_DIR"):
        Syncing(
            SyncWorkerSettings.model_validate({**nobody, "HORDE_GITHUB_SYNC_NO_PR": True}), Telemetry("test")
        )
    for looks in (
        {"HORDE_GITHUB_SYNC_DRY_RUN": True},
        {"HORDE_GITHUB_SYNC_NO_PR": True, "HORDE_GITHUB_SYNC_OUTPUT_DIR": tmp_path},
    ):
        syncing = Syncing(SyncWorkerSettings.model_validate({**nobody, **looks}), Telemetry("test"))
        assert [check.name for check in syncing.checks()] == ["sync_image", "sync_text"]
