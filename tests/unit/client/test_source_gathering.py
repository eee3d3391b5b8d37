import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from horde_model_reference.gathered_records import GatheredRecords
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.model_reference_records import GenericModelRecord, LoraModelRecord
from horde_model_reference.providers.base import ModelProvider
from horde_model_reference.providers.registry import ModelProviderRegistry
from horde_model_reference.source_consts import SourceOutcome, SourceSelector
from horde_model_reference.source_gathering import gather, gather_async, merged, selected


def records(source: str, *names: str) -> dict[str, GenericModelRecord]:
    return {name: LoraModelRecord(name=name, description=source) for name in names}


class Source(ModelProvider):
    """Gives what it was given, or raises it; remembers the questions."""

    def __init__(self, source_id: str, gives: Any) -> None:
        self._source_id = source_id
        self._gives = gives
        self.asked: list[tuple[object, bool]] = []

    @property
    def source_id(self) -> str:
        return self._source_id

    def provided_categories(self) -> set[str]:
        return {"lora", "of mine"}

    def fetch_category(self, category: str, *, force_refresh: bool = False) -> Any:
        self.asked.append((category, force_refresh))
        if isinstance(self._gives, Exception):
            raise self._gives
        return self._gives


HORDE = records("horde", "a", "b")


def a_registry(**gives: Any) -> ModelProviderRegistry:
    registry = ModelProviderRegistry()
    for source_id, given in gives.items():
        registry.register(Source(source_id, given))
    return registry


async def both(
    selector: SourceSelector,
    registry: ModelProviderRegistry,
    horde: Mapping[str, GenericModelRecord] | None = HORDE,
    *,
    category: str = "lora",
    force_refresh: bool = False,
) -> GatheredRecords:
    """Gather in both ways, which must come to the same."""

    async def horde_async() -> Mapping[str, GenericModelRecord] | None:
        return horde

    found = gather(category, selector, registry, lambda: horde, force_refresh=force_refresh)
    again = await gather_async(category, selector, registry, horde_async, force_refresh=force_refresh)
    assert found == again
    assert list(found.status) == list(again.status)
    return found


@pytest.mark.parametrize(
    ("selector", "order"),
    [
        ("horde", ["horde"]),
        ([], ["horde"]),
        ("any", ["horde", "one", "two"]),
        (("two", "any"), ["two", "horde", "one"]),
        (["one", "horde", "one"], ["one", "horde"]),
        ("two", ["two"]),
    ],
)
async def test_sources_are_asked_in_the_order_of_the_selector(
    selector: SourceSelector, order: list[str]
) -> None:
    found = await both(selector, a_registry(one=records("one", "x"), two=records("two", "y")))
    assert [source for source, _ in found.sources] == order
    assert found.status == dict.fromkeys(order, SourceOutcome.ok)


@pytest.mark.parametrize("selector", ["nobody", ["horde", "nobody"], "", ["any", "nobody"]])
async def test_an_id_that_nobody_registered_is_refused(selector: SourceSelector) -> None:
    with pytest.raises(ValueError, match="no provider is registered"):
        await both(selector, a_registry(one={}))


async def test_a_source_without_records_is_empty_and_one_that_raises_failed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    registry = a_registry(none=None, nothing={}, broken=OSError("down\nhere"), good=records("good", "x"))
    found = await both("any", registry)
    assert found.status == {
        "horde": SourceOutcome.ok,
        "none": SourceOutcome.empty,
        "nothing": SourceOutcome.empty,
        "broken": SourceOutcome.error,
        "good": SourceOutcome.ok,
    }
    assert [source for source, _ in found.sources] == ["horde", "good"]
    assert "the provider 'broken' failed for lora: OSError('down\\nhere')" in caplog.messages


@pytest.mark.parametrize("rubbish", [5, ["x"], {"x": 5}, {"x": None}])
async def test_a_provider_that_gives_rubbish_failed(rubbish: object) -> None:
    found = await both("any", a_registry(rubbish=rubbish))
    assert found.status["rubbish"] is SourceOutcome.error


async def test_the_canonical_reference_may_be_missing() -> None:
    found = await both(["one", "horde"], a_registry(one=records("one", "x")), None)
    assert found.status == {"one": SourceOutcome.ok, "horde": SourceOutcome.empty}
    assert list(merged(found)) == ["x"]
    assert merged(await both("horde", a_registry(), None)) == {}


@pytest.mark.parametrize("category", ["lora", MODEL_REFERENCE_CATEGORY.lora])
async def test_providers_get_the_member_for_a_text(category: str) -> None:
    registry = a_registry(one=None)
    await both("one", registry, category=category, force_refresh=True)
    source = registry.get("one")
    assert isinstance(source, Source)
    assert source.asked == [(MODEL_REFERENCE_CATEGORY.lora, True)] * 2
    assert all(isinstance(asked, MODEL_REFERENCE_CATEGORY) for asked, _ in source.asked)


async def test_a_registered_category_is_passed_as_text() -> None:
    registry = a_registry(one=None)
    await both("one", registry, category="of mine")
    source = registry.get("one")
    assert isinstance(source, Source)
    assert source.asked == [("of mine", False)] * 2


async def test_the_first_source_that_has_a_name_wins_in_a_mapping_of_its_own() -> None:
    registry = a_registry(one=records("one", "b", "c"), two=records("two", "c", "d"))
    found = await both("any", registry)
    mapping = merged(found)
    assert {name: record.description for name, record in mapping.items()} == {
        "a": "horde",
        "b": "horde",
        "c": "one",
        "d": "two",
    }
    overridden = merged(await both(["one", "horde"], registry))
    assert {name: record.description for name, record in overridden.items()} == {
        "b": "one",
        "c": "one",
        "a": "horde",
    }
    mapping.clear()
    assert (len(HORDE), len(merged(found))) == (2, 4)


async def test_the_keys_of_a_provider_do_not_matter() -> None:
    given = {"key": LoraModelRecord(name="x"), "other": LoraModelRecord(name="x", description="second")}
    ((_, found),) = (await both("one", a_registry(one=given))).sources
    assert {name: record.description for name, record in found.items()} == {"x": None}


def test_what_the_canonical_reference_raises_comes_out() -> None:
    def broken() -> None:
        raise RuntimeError("no data")

    with pytest.raises(RuntimeError, match="no data"):
        gather("lora", "any", a_registry(one={}), broken)


async def test_it_comes_out_of_the_async_twin_too() -> None:
    async def broken() -> None:
        raise RuntimeError("no data")

    with pytest.raises(RuntimeError, match="no data"):
        await gather_async("lora", "any", a_registry(one={}), broken)


async def test_all_sources_are_asked_at_once() -> None:
    arrived: list[str] = []
    all_here = asyncio.Event()

    async def arrive(name: str) -> None:
        arrived.append(name)
        if len(arrived) == 3:
            all_here.set()
        await all_here.wait()

    class Slow(Source):
        async def fetch_category_async(self, category: str, *, force_refresh: bool = False) -> Any:
            await arrive(self.source_id)
            return await super().fetch_category_async(
                MODEL_REFERENCE_CATEGORY(category), force_refresh=force_refresh
            )

    async def horde() -> Mapping[str, GenericModelRecord]:
        await arrive("horde")
        return HORDE

    registry = ModelProviderRegistry()
    registry.register(Slow("one", {}))
    registry.register(Slow("two", {}))
    found = await gather_async("lora", "any", registry, horde)
    assert len(found.status) == 3


async def test_a_provider_that_does_not_serve_the_category_is_not_asked() -> None:
    registry = a_registry(broken=OSError("down"))
    found = await both("any", registry, category="clip")
    assert found.status == {"horde": SourceOutcome.ok, "broken": SourceOutcome.empty}
    source = registry.get("broken")
    assert isinstance(source, Source)
    assert source.asked == []


def test_a_selection_names_its_providers() -> None:
    registry = a_registry(one={})
    assert selected("any", registry) == [("horde", None), ("one", registry.get("one"))]
