import threading
from typing import Any

import pytest
from pydantic import ValidationError

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.model_reference_records import (
    GenericModelRecord,
    ImageGenerationModelRecord,
    LoraModelRecord,
)
from horde_model_reference.providers.base import ModelProvider
from horde_model_reference.providers.pending import PendingModelProvider
from horde_model_reference.providers.registry import ModelProviderRegistry
from horde_model_reference.providers.static import StaticModelProvider
from support.programs import assert_silent_success, ran

IMAGE = MODEL_REFERENCE_CATEGORY.image_generation


class Loras(ModelProvider):
    """As consumers write one: the three things that must be there."""

    @property
    def source_id(self) -> str:
        return "loras"

    def provided_categories(self) -> set[MODEL_REFERENCE_CATEGORY]:
        return {MODEL_REFERENCE_CATEGORY.lora}

    def fetch_category(
        self, category: MODEL_REFERENCE_CATEGORY, *, force_refresh: bool = False
    ) -> dict[str, GenericModelRecord] | None:
        return {"x": LoraModelRecord(name="x", description=f"{category} {force_refresh}")}


def a_static(source_id: str = "civitai") -> StaticModelProvider:
    raw = {"baseline": "stable_diffusion_xl", "nsfw": True}
    return StaticModelProvider.from_raw(source_id, {IMAGE: {"mine": raw}})


async def test_what_a_provider_need_not_write_itself_is_given() -> None:
    provider = Loras()
    assert provider.serves_category("lora")
    assert not provider.serves_category(IMAGE)
    assert not provider.supports_writes()
    assert provider.cache_ttl_seconds() is None
    records = await provider.fetch_category_async(MODEL_REFERENCE_CATEGORY.lora, force_refresh=True)
    assert records is not None
    assert records["x"].description == "lora True"


def test_the_abstract_class_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="abstract"):
        ModelProvider()  # type: ignore[abstract]


@pytest.mark.parametrize("source_id", ["", "horde", "any"])
def test_an_empty_or_reserved_id_is_refused(source_id: str) -> None:
    with pytest.raises(ValueError, match="source"):
        StaticModelProvider(source_id, {})


def test_a_static_provider_gives_each_reader_a_mapping_of_its_own() -> None:
    provider = a_static()
    first = provider.fetch_category("image_generation", force_refresh=True)
    assert first is not None
    first.clear()
    assert provider.provided_categories() == {IMAGE}
    again = provider.fetch_category(IMAGE)
    assert again is not None
    assert isinstance(again["mine"], ImageGenerationModelRecord)
    assert provider.fetch_category("clip") is None
    assert StaticModelProvider("x", {}, cache_ttl_seconds=5).cache_ttl_seconds() == 5


def test_raw_records_are_validated_at_once_and_get_their_names() -> None:
    provider = StaticModelProvider.from_raw(
        "x", {"lora": {"a": {}, "b": {"name": "c"}}, "ti": {}}, cache_ttl_seconds=9
    )
    records = provider.fetch_category("lora")
    assert records is not None
    assert [record.name for record in records.values()] == ["a", "c"]
    assert provider.cache_ttl_seconds() == 9
    for bad in ({"baseline": "flux_1"}, {"baseline": "baseline_of_2031", "nsfw": True}):
        with pytest.raises(ValidationError):
            StaticModelProvider.from_raw("x", {IMAGE: {"a": bad}})


def test_raw_records_of_no_category_are_generic() -> None:
    raw: dict[str, Any] = {
        "record_type": "mine",
        "model_classification": {"domain": "image", "purpose": "generation"},
    }
    records = StaticModelProvider.from_raw("x", {"mine": {"a": raw}}).fetch_category("mine")
    assert records is not None
    assert type(records["a"]) is GenericModelRecord


def test_the_registry_keeps_providers_in_order() -> None:
    registry = ModelProviderRegistry()
    one, two, loras = a_static("one"), a_static("two"), Loras()
    for provider in (one, loras, two):
        registry.register(provider)
    assert registry.source_ids() == ["one", "loras", "two"]
    assert registry.all() == [one, loras, two]
    assert registry.items()[1] == ("loras", loras)
    assert registry.providers_for("image_generation") == [one, two]
    assert (registry.get("two"), registry.get("three")) == (two, None)
    assert (registry.has("one"), registry.has("three")) == (True, False)
    assert (registry.unregister("one"), registry.unregister("one")) == (True, False)
    registry.clear()
    assert registry.all() == []


def test_a_taken_id_can_only_be_replaced_and_keeps_its_place() -> None:
    registry = ModelProviderRegistry()
    registry.register(a_static("one"))
    registry.register(Loras())
    with pytest.raises(ValueError, match="'one' is taken"):
        registry.register(a_static("one"))
    new = a_static("one")
    registry.register(new, replace=True)
    assert (registry.source_ids(), registry.get("one")) == (["one", "loras"], new)


def test_of_many_threads_that_register_one_id_one_wins() -> None:
    registry = ModelProviderRegistry()
    refused: list[str] = []
    barrier = threading.Barrier(8)

    def register() -> None:
        barrier.wait()
        try:
            registry.register(a_static("one"))
        except ValueError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=register) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(refused), registry.source_ids()) == (7, ["one"])


def test_a_pending_provider_tells_its_key_to_nobody() -> None:
    provider = PendingModelProvider(primary_api_url="http://x/api/", apikey="s3cret", categories={IMAGE})
    assert "s3cret" not in f"{provider!r} {provider}"
    assert (provider.source_id, provider.provided_categories()) == ("pending", {IMAGE})
    assert provider.cache_ttl_seconds() == 60


def test_a_pending_provider_asks_nobody_about_other_categories() -> None:
    provider = PendingModelProvider(primary_api_url="http://x.invalid", apikey="k", categories={IMAGE})
    assert provider.fetch_category("clip") is None


async def test_nor_does_it_asynchronously() -> None:
    provider = PendingModelProvider(primary_api_url="http://x.invalid", apikey="k", categories={IMAGE})
    assert await provider.fetch_category_async("clip", force_refresh=True) is None


def test_providers_are_made_without_the_http_stack() -> None:
    program = (
        "import sys\n"
        "from horde_model_reference.providers.pending import PendingModelProvider\n"
        "from horde_model_reference.providers import ModelProviderRegistry, StaticModelProvider\n"
        "PendingModelProvider(primary_api_url='http://x', apikey='k', categories=['lora'])\n"
        "assert not {'aiohttp', 'cryptography', 'redis'} & set(sys.modules), sorted(sys.modules)\n"
    )
    assert_silent_success(ran(program))
