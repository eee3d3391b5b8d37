"""What the metrics say about the catalogue."""

from dataclasses import replace
from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from read_api.app import create_app
from read_api.settings import ReadApiSettings
from registry.blobs import Blobs
from registry.journal import Journal
from registry.seeding import seed
from registry.state import State
from service_kit.file_object_store import open_file_store
from support.sources import a_clip_record, a_legacy_file, a_source


async def metrics_of(data_dir: Path, revision: int) -> list[str]:
    app = create_app(ReadApiSettings(data_dir=data_dir, access_log=False))
    async with TestClient(TestServer(app)) as client:
        await client.get("/api/model_references/v2/clip", headers={"X-Min-Revision": str(revision)})
        text = await (await client.get("/metrics")).text()
    return text.splitlines()


async def test_metrics_tell_revision_models_and_records_that_were_left_out(tmp_path: Path) -> None:
    body = a_legacy_file({"Good": a_clip_record("Good"), "Bad": a_clip_record("Bad", version=3)})
    async with open_file_store(tmp_path) as store:
        await seed(Journal(store), Blobs(store), await a_source(clip=body), state=State())
    lines = await metrics_of(tmp_path, 1)
    assert "catalogue_revision 1.0" in lines
    assert 'catalogue_models{category="clip"} 1.0' in lines
    assert 'catalogue_rejected_records{category="clip"} 1.0' in lines
    assert 'catalogue_rejected_records{category="blip"} 0.0' in lines
    assert "catalogue_stale 0.0" in lines
    assert "seed_missing_categories 0.0" in lines


async def test_metrics_count_what_was_never_seeded(tmp_path: Path) -> None:
    source = replace(await a_source(), failures={"clip": "broken"}, is_divisible=True)
    categories = {name: files for name, files in source.categories.items() if name != "clip"}
    async with open_file_store(tmp_path) as store:
        await seed(Journal(store), Blobs(store), replace(source, categories=categories), state=State())
    assert "seed_missing_categories 1.0" in await metrics_of(tmp_path, 1)
