"""The side data of a seeded revision: counters, left out records, files that are passed on."""

from collections.abc import Mapping

from horde_model_reference.category_import_types import ImportedCategory
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.strict_json import parse_json_object
from registry.catalogue import ApiVersion, CategoryMetadata, RejectedRecord, SideData
from registry.sources import SeedSource

API_VERSIONS: tuple[ApiVersion, ...] = ("v1", "v2")


def next_side_data(
    old: SideData | None,
    source: SeedSource,
    imported: Mapping[str, ImportedCategory],
    counts: Mapping[str, int],
    changed: frozenset[str],
    now: int,
) -> SideData:
    """Return the side data after seeding: counters stay, totals and times of changed categories follow.

    `counts` are the records of every category that is there, `now` is in Unix seconds. Raises
    `SourceUnreadable` for a passed on file that is not a JSON object.
    """
    base = old or SideData()
    metadata = {
        version: {
            name: _next_metadata(base.metadata.get(version, {}).get(name), name, counts.get(name, 0), now)
            if name in changed or old is None
            else base.metadata[version][name]
            for name in map(str, MODEL_REFERENCE_CATEGORY)
        }
        for version in API_VERSIONS
    }
    return base.model_copy(
        update={
            "metadata": metadata,
            "rejected": _rejected(base, imported),
            "files": {**base.files, **_passed_on(source)},
        }
    )


def _next_metadata(old: CategoryMetadata | None, name: str, total_models: int, now: int) -> CategoryMetadata:
    if old is None:
        return CategoryMetadata(
            category=name,
            last_updated=now,
            total_models=total_models,
            initialization_time=now,
            last_successful_operation=now,
        )
    return old.model_copy(update={"last_updated": now, "total_models": total_models})


def _rejected(
    base: SideData, imported: Mapping[str, ImportedCategory]
) -> dict[str, tuple[RejectedRecord, ...]]:
    rejected = {name: items for name, items in base.rejected.items() if name not in imported}
    for name, item in imported.items():
        if item.rejected:
            rejected[name] = tuple(
                RejectedRecord(name=one.name, path=one.path, reason=one.reason) for one in item.rejected
            )
    return rejected


def _passed_on(source: SeedSource) -> dict[str, str]:
    files = {}
    for name, body in source.passed_on.items():
        parse_json_object(body, name)
        files[name] = body.decode()
    return files
