"""A program that uses the library passes mypy --strict, and sees the types that it should."""

import subprocess
import sys
from pathlib import Path

import pytest

from support.pages import CLIENT_PAGES, EXAMPLES, program_of

PROGRAM = """
import asyncio
from collections.abc import Mapping
from typing import assert_type

import horde_model_reference
from horde_model_reference import (
    ANY_SOURCE,
    KNOWN_IMAGE_GENERATION_BASELINE,
    MODEL_REFERENCE_CATEGORY,
    CanonicalFormat,
    HordeModelReferenceSettings,
    ImageFields,
    ImageGenerationQuery,
    ModelProvider,
    ModelReferenceManager,
    PendingModelProvider,
    PrefetchStrategy,
    ReplicateMode,
    SourceSelector,
    StaticModelProvider,
    annotator_catalog,
    build_image_query,
    download_engine,
    false,
    file_paths_for,
    horde_model_reference_paths,
    horde_model_reference_settings,
    is_present,
)
from horde_model_reference.meta_consts import MODEL_DOMAIN, MODEL_PURPOSE, ModelClassification
from horde_model_reference.model_reference_records import (
    DownloadRecord,
    GenericModelRecord,
    GenericModelRecordConfig,
    ImageGenerationModelRecord,
    LoraModelRecord,
)


class MyLora(LoraModelRecord):
    from_here: bool = True


class MyProvider(ModelProvider):
    @property
    def source_id(self) -> str:
        return "mine"

    def provided_categories(self) -> set[str]:
        return {MODEL_REFERENCE_CATEGORY.lora}

    def fetch_category(
        self, category: str, *, force_refresh: bool = False
    ) -> dict[str, GenericModelRecord] | None:
        return {"a": MyLora(name="a")}


def settings() -> None:
    assert_type(horde_model_reference_settings.offline, bool)
    assert_type(HordeModelReferenceSettings(offline=True).r2.gateway_url, str | None)
    horde_model_reference_settings.offline = True
    assert_type(horde_model_reference_settings.replicate_mode, ReplicateMode)
    assert_type(horde_model_reference_settings.canonical_format, CanonicalFormat)
    assert_type(horde_model_reference_paths.get_model_reference_filename("clip"), str)
    print(horde_model_reference_paths.get_model_reference_filename("clip", base_path="x").parent)
    print(horde_model_reference.SCHEMA_VERSION, horde_model_reference.get_known_tags())


def reads(manager: ModelReferenceManager, source: SourceSelector = ANY_SOURCE) -> None:
    everything = manager.get_all_model_references()
    for category, records in everything.items():
        for name, record in records.items():
            assert_type(record, GenericModelRecord)
            print(category.upper(), name, record.primary_download_url)
    clips: Mapping[str, GenericModelRecord] = manager.get_model_reference(MODEL_REFERENCE_CATEGORY.clip)
    maybe = manager.get_model_reference_or_none("text_generation", source=source)
    print(len(clips), "nothing" if maybe is None else len(maybe))
    found = manager.query(MODEL_REFERENCE_CATEGORY.clip).where(name="a").first()
    if found is not None:
        print(found.description)
    print(manager.query_all().where(name="a").to_list())


def queries(reference: dict[str, ImageGenerationModelRecord]) -> None:
    query = build_image_query(reference).for_baseline(KNOWN_IMAGE_GENERATION_BASELINE.flux_1)
    assert_type(query, ImageGenerationQuery)
    first = query.where(ImageFields.nsfw == false, name="a").order_by("name").first()
    assert_type(first, ImageGenerationModelRecord | None)
    if first is not None:
        print(first.baseline, first.nsfw, first.config.download[0].file_url)


def custom_model() -> ImageGenerationModelRecord:
    download = DownloadRecord(file_name="a.safetensors", file_url="", sha256sum="FIXME")
    return ImageGenerationModelRecord(
        record_type=MODEL_REFERENCE_CATEGORY.image_generation,
        name="custom",
        description="mine",
        baseline=KNOWN_IMAGE_GENERATION_BASELINE.stable_diffusion_1,
        nsfw=False,
        inpainting=False,
        model_classification=ModelClassification(domain=MODEL_DOMAIN.image, purpose=MODEL_PURPOSE.generation),
        config=GenericModelRecordConfig(download=[download]),
    )


def files(record: GenericModelRecord) -> None:
    print(is_present(record, "models"), file_paths_for(record, "models"))
    print(download_engine.download_file("https://x.example", "file").success)
    print(annotator_catalog.ANNOTATOR_FILES[0].origin_url)


async def start() -> None:
    manager = ModelReferenceManager(prefetch_strategy=PrefetchStrategy.DEFERRED)
    manager.register_provider(MyProvider())
    manager.register_provider(StaticModelProvider("other", {"lora": {"a": MyLora(name="a")}}))
    manager.register_provider(
        PendingModelProvider(primary_api_url="https://x.example/api", apikey="0", categories=["clip"])
    )
    handle = manager.deferred_prefetch_handle
    if handle is not None:
        await handle
    assert_type(manager.offline, bool)
    print((await manager.get_model_reference_async("clip")).keys())
    assert_type(ModelReferenceManager.get_instance(), ModelReferenceManager)


asyncio.run(start())
"""

MISTAKES = """
import horde_model_reference
from horde_model_reference import ModelReferenceManagre

horde_model_reference.no_such_name
horde_model_reference.horde_model_reference_settings.cache_ttl_seconds = "soon"
"""


CACHE = ".mypy_cache/users"
"""One for all: what the library's types are is found out by the first."""


def mypy(folder: Path, pytestconfig: pytest.Config) -> tuple[int, str]:
    """Check a folder of programs as somebody does who has installed the library."""
    ended = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(pytestconfig.rootpath / CACHE), "."],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.slow
def test_programs_of_users_examples_and_pages_are_free_of_type_errors(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    for path in EXAMPLES:
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    for page in CLIENT_PAGES:
        (tmp_path / f"page_{page.stem.replace('-', '_')}.py").write_text(program_of(page), encoding="utf-8")

    number = len(list(tmp_path.iterdir()))
    assert mypy(tmp_path, pytestconfig)[1] == f"Success: no issues found in {number} source files\n"


@pytest.mark.slow
def test_mistakes_of_a_user_are_found(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    (tmp_path / "program.py").write_text(MISTAKES, encoding="utf-8")
    status, said = mypy(tmp_path, pytestconfig)

    assert status == 1
    assert [line.split(":")[1] for line in said.splitlines() if ": error:" in line] == ["3", "5", "6"], said
