"""Queries with steps of their own for image, text and ControlNet models (python-client.md section 7)."""

from typing import Self

from horde_model_reference.model_reference_records import (
    ControlNetModelRecord,
    ImageGenerationModelRecord,
    TextGenerationModelRecord,
)
from horde_model_reference.queries.model_query import ModelQuery
from horde_model_reference.text_backend_names import TEXT_BACKEND_PREFIXES, has_legacy_text_backend_prefix
from horde_model_reference.text_names import established_group_of, is_quantized


class ImageGenerationQuery(ModelQuery[ImageGenerationModelRecord]):
    """A question to the image models."""

    __slots__ = ()

    def for_baseline(self, baseline: str) -> Self:
        """Keep the models of a baseline, given by its canonical name."""
        return self.where(baseline=baseline)

    def only_nsfw(self) -> Self:
        """Keep the models that are not safe for work."""
        return self.filter(lambda record: record.nsfw)

    def exclude_nsfw(self) -> Self:
        """Keep the models that are safe for work."""
        return self.filter(lambda record: not record.nsfw)

    def only_inpainting(self) -> Self:
        """Keep the models for inpainting."""
        return self.filter(lambda record: bool(record.inpainting))

    def exclude_inpainting(self) -> Self:
        """Keep the models that are not for inpainting, or do not say so."""
        return self.filter(lambda record: not record.inpainting)


class TextModelQuery(ModelQuery[TextGenerationModelRecord]):
    """A question to the text models."""

    __slots__ = ()

    def for_backend(self, backend: str) -> Self:
        """Keep the names with the prefix of a back end. Raises `ValueError` for a back end without prefix."""
        prefix = TEXT_BACKEND_PREFIXES.get(backend)
        if prefix is None:
            raise ValueError(f"{backend!r} is none of {', '.join(TEXT_BACKEND_PREFIXES)}")
        return self.filter(lambda record: record.name.startswith(prefix))

    def exclude_backend_variations(self) -> Self:
        """Keep the names without the prefix of a back end."""
        return self.filter(lambda record: not has_legacy_text_backend_prefix(record.name))

    def only_quantized(self) -> Self:
        """Keep the models with a quantisation in their names."""
        return self.filter(lambda record: is_quantized(record.name))

    def exclude_quantized(self) -> Self:
        """Keep the models without a quantisation in their names."""
        return self.filter(lambda record: not is_quantized(record.name))

    def group_by_base_model(self) -> dict[str, list[TextGenerationModelRecord]]:
        """Return the records by their group: the one they hold, or that of their name."""
        groups: dict[str, list[TextGenerationModelRecord]] = {}
        for record in self.to_list():
            group = record.text_model_group or established_group_of(record.name)
            groups.setdefault(group, []).append(record)
        return groups


class ControlNetQuery(ModelQuery[ControlNetModelRecord]):
    """A question to the ControlNet models."""

    __slots__ = ()

    def for_style(self, style: str) -> Self:
        """Keep the models of a style, such as `control_canny`."""
        return self.where(controlnet_style=style)

    def group_by_style(self) -> dict[str, list[ControlNetModelRecord]]:
        """Return the records that have a style by it."""
        return self.where(controlnet_style__ne=None).group_by("controlnet_style")
