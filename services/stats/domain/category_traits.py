"""What category statistics count of a model, or of a family of text models (statistics.md section 2)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from stats.domain.download_hosts import downloads_of
from stats.domain.record_facts import Record, has_entries, positive_number_of, text_of, texts_of


@dataclass(frozen=True, slots=True)
class ModelTraits:
    """One thing that is counted. Baselines, tags and styles stand once each."""

    nsfw: bool
    baselines: tuple[str, ...]
    tags: tuple[str, ...]
    styles: tuple[str, ...]
    download_count: int
    download_hosts: tuple[str, ...]
    size_bytes: int | float
    parameters: int | float | None
    has_trigger_words: bool
    has_inpainting: bool
    has_requirements: bool
    has_showcases: bool


def traits_of(record: Record) -> ModelTraits:
    """Return what counts of one record."""
    baseline, style, downloads = text_of(record, "baseline"), text_of(record, "style"), downloads_of(record)
    return ModelTraits(
        nsfw=record.get("nsfw") is True,
        baselines=(baseline,) if baseline else (),
        tags=texts_of(record, "tags"),
        styles=(style,) if style else (),
        download_count=downloads.count,
        download_hosts=downloads.hosts,
        size_bytes=positive_number_of(record, "size_on_disk_bytes") or 0,
        parameters=positive_number_of(record, "parameters"),
        has_trigger_words=has_entries(record, "trigger"),
        has_inpainting=record.get("inpainting") is True,
        has_requirements=has_entries(record, "requirements"),
        has_showcases=has_entries(record, "showcases"),
    )


def joined_traits(members: Sequence[ModelTraits]) -> ModelTraits:
    """Return a family: what any member has, all files, and the parameters of the largest."""
    return ModelTraits(
        nsfw=any(one.nsfw for one in members),
        baselines=_union(one.baselines for one in members),
        tags=_union(one.tags for one in members),
        styles=_union(one.styles for one in members),
        download_count=sum(one.download_count for one in members),
        download_hosts=tuple(chain.from_iterable(one.download_hosts for one in members)),
        size_bytes=sum(one.size_bytes for one in members),
        parameters=max((one.parameters for one in members if one.parameters is not None), default=None),
        has_trigger_words=any(one.has_trigger_words for one in members),
        has_inpainting=any(one.has_inpainting for one in members),
        has_requirements=any(one.has_requirements for one in members),
        has_showcases=any(one.has_showcases for one in members),
    )


def _union(values: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(values)))
