"""Records of the library, and what sources gave, for queries."""

from collections.abc import Iterable

from horde_model_reference.gathered_records import GatheredRecords
from horde_model_reference.model_reference_records import (
    ClipModelRecord,
    ControlNetModelRecord,
    GenericModelRecord,
    ImageGenerationModelRecord,
    TextGenerationModelRecord,
)
from horde_model_reference.queries.builders import ImageGenerationQuery
from horde_model_reference.query import build_image_query
from horde_model_reference.source_consts import SourceOutcome


def an_image_model(name: str = "Model", **fields: object) -> ImageGenerationModelRecord:
    given = {"name": name, "baseline": "stable_diffusion_xl", "nsfw": False}
    return ImageGenerationModelRecord.model_validate(given | fields)


def a_text_model(name: str = "Model", **fields: object) -> TextGenerationModelRecord:
    return TextGenerationModelRecord.model_validate({"name": name, "parameters": 7 * 10**9} | fields)


def a_controlnet_model(name: str = "Model", **fields: object) -> ControlNetModelRecord:
    return ControlNetModelRecord.model_validate({"name": name} | fields)


def a_clip_model(name: str = "Model", **fields: object) -> ClipModelRecord:
    return ClipModelRecord.model_validate({"name": name} | fields)


def by_name(*records: GenericModelRecord) -> dict[str, GenericModelRecord]:
    return {record.name: record for record in records}


def gathered(*failed: str, **sources: Iterable[GenericModelRecord]) -> GatheredRecords:
    """What was gathered from the sources in this order; those without records had nothing, some failed."""
    layers = tuple((source, by_name(*records)) for source, records in sources.items() if records)
    outcomes = {
        source: SourceOutcome.ok if records else SourceOutcome.empty for source, records in sources.items()
    }
    return GatheredRecords(layers, outcomes | dict.fromkeys(failed, SourceOutcome.error))


def a_query(*records: ImageGenerationModelRecord) -> ImageGenerationQuery:
    return build_image_query({record.name: record for record in records})


def names(records: Iterable[GenericModelRecord]) -> list[str]:
    return [record.name for record in records]
