"""Parts that several models share, so that one copy of each is enough (data-model.md section 10)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict

from horde_model_reference.meta_consts import ComponentKind
from horde_model_reference.model_reference_records import GenericModelRecord
from horde_model_reference.on_disk_layout import COMPONENT_PURPOSE_FOLDERS

DEFAULT_MIN_SHARED_MODELS: Final = 2


class CanonicalComponentSource(BaseModel):
    """Where a part can be had: a file of its own, or embedded in the file of a checkpoint."""

    model_config = ConfigDict(frozen=True)

    model_name: str
    kind: ComponentKind
    embedded: bool
    file_name: str | None = None
    file_purpose: str | None = None


class CanonicalComponent(BaseModel):
    """A part, how many models have it, and where it can be had."""

    model_config = ConfigDict(frozen=True)

    content_hash: str
    kind: ComponentKind
    shared_by_model_count: int
    sources: tuple[CanonicalComponentSource, ...] = ()


class CanonicalComponentRegistry(BaseModel):
    """The shared parts, sorted by kind and hash."""

    model_config = ConfigDict(frozen=True)

    components: tuple[CanonicalComponent, ...] = ()

    def by_hash(self, content_hash: str) -> CanonicalComponent | None:
        """Return the part of that hash."""
        lowered = content_hash.lower()
        return next((item for item in self.components if item.content_hash == lowered), None)

    def for_kind(self, kind: ComponentKind | str) -> tuple[CanonicalComponent, ...]:
        """Return the parts of a kind."""
        return tuple(item for item in self.components if item.kind == kind)


def derive_canonical_registry(
    records: Mapping[str, GenericModelRecord] | Iterable[GenericModelRecord],
    *,
    min_shared_models: int = DEFAULT_MIN_SHARED_MODELS,
    allow: Iterable[str] = (),
    deny: Iterable[str] = (),
) -> CanonicalComponentRegistry:
    """Return the parts that at least so many different models share.

    The hashes in `allow` are taken however few share them, those in `deny` never.
    """
    sources: dict[tuple[ComponentKind, str], list[CanonicalComponentSource]] = {}
    for record in records.values() if isinstance(records, Mapping) else records:
        for content_hash, source in _sources_in(record):
            sources.setdefault((source.kind, content_hash.lower()), []).append(source)
    allowed, denied = ({text.lower() for text in texts} for texts in (allow, deny))
    components = [_component(key, found) for key, found in sorted(sources.items())]
    return CanonicalComponentRegistry(
        components=tuple(
            item
            for item in components
            if item.content_hash not in denied
            and (item.shared_by_model_count >= min_shared_models or item.content_hash in allowed)
        )
    )


def _component(key: tuple[ComponentKind, str], sources: list[CanonicalComponentSource]) -> CanonicalComponent:
    kind, content_hash = key
    return CanonicalComponent(
        content_hash=content_hash,
        kind=kind,
        shared_by_model_count=len({item.model_name for item in sources}),
        sources=tuple(sources),
    )


def _sources_in(record: GenericModelRecord) -> Iterator[tuple[str, CanonicalComponentSource]]:
    files = record.config.download
    for file in files:
        folder = COMPONENT_PURPOSE_FOLDERS.get(file.file_purpose or "")
        if file.content_hash and folder is not None:
            yield (
                file.content_hash,
                CanonicalComponentSource(
                    model_name=record.name,
                    kind=ComponentKind(folder),  # the folders have the names of the kinds
                    embedded=False,
                    file_name=file.file_name,
                    file_purpose=file.file_purpose,
                ),
            )
    for name, content_hash in (record.config.embedded_component_hashes or {}).items():
        if name in ComponentKind.__members__:
            yield (
                content_hash,
                CanonicalComponentSource(
                    model_name=record.name,
                    kind=ComponentKind(name),
                    embedded=True,
                    file_name=files[0].file_name if files else None,
                    file_purpose=files[0].file_purpose if files else None,
                ),
            )
