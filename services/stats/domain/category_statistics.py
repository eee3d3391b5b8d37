"""Figures about the records of a category, without the AI-Horde (statistics.md section 2)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from service_kit.slices import Steps, run_now
from stats.domain.category_traits import ModelTraits, joined_traits, traits_of
from stats.domain.record_facts import Records, record_of
from stats.domain.risk_rules import is_text

TOP_ENTRIES: Final = 20
"""So many tags and styles are listed."""

BILLION: Final = 1_000_000_000
PARAMETER_BUCKETS: Final[Sequence[tuple[str, int, int | None]]] = (
    ("< 3B", 0, 3 * BILLION),
    ("3B-6B", 3 * BILLION, 6 * BILLION),
    ("6B-9B", 6 * BILLION, 9 * BILLION),
    ("9B-13B", 9 * BILLION, 13 * BILLION),
    ("13B-20B", 13 * BILLION, 20 * BILLION),
    ("20B-35B", 20 * BILLION, 35 * BILLION),
    ("35B-70B", 35 * BILLION, 70 * BILLION),
    ("> 70B", 70 * BILLION, None),
)
"""Label, smallest number of parameters, and the first that is too large."""


def category_statistics(
    category: str, records: Records, *, computed_at: int, families: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the answer as it is without paging.

    `families` maps names of text models to groups that are counted as one; it has no effect elsewhere.
    """
    steps = category_statistics_steps(category, records, computed_at=computed_at, families=families)
    return run_now(steps)


def category_statistics_steps(
    category: str, records: Records, *, computed_at: int, families: Mapping[str, str] | None = None
) -> Steps[dict[str, Any]]:
    """Do as `category_statistics`, one record after the other."""
    groups: dict[str, list[ModelTraits]] = {}
    use_families = families if families is not None and is_text(category) else {}
    for name, record in records.items():
        groups.setdefault(use_families.get(name, name), []).append(traits_of(record_of(record)))
        yield
    counted = [joined_traits(members) if len(members) > 1 else members[0] for members in groups.values()]
    yield
    return _answer(category, counted, computed_at)


def _answer(category: str, models: Sequence[ModelTraits], computed_at: int) -> dict[str, Any]:
    total = len(models)
    images = models if category == MODEL_REFERENCE_CATEGORY.image_generation else ()
    texts = models if is_text(category) else ()
    return {
        "category": category,
        "total_models": total,
        "returned_models": total,
        "offset": 0,
        "limit": None,
        "nsfw_count": sum(one.nsfw for one in models),
        "baseline_distribution": {
            baseline: {"baseline": baseline, "count": count, "percentage": _percentage(count, total)}
            for baseline, count in _counted(one.baselines for one in models)
        },
        "download_stats": _download_stats(models),
        "top_tags": _top(total, (one.tags for one in models)),
        "top_styles": _top(total, (one.styles for one in models)),
        "parameter_buckets": _parameter_buckets(texts),
        "models_without_param_info": sum(one.parameters is None for one in texts),
        "models_with_trigger_words": sum(one.has_trigger_words for one in images),
        "models_with_inpainting": sum(one.has_inpainting for one in images),
        "models_with_requirements": sum(one.has_requirements for one in images),
        "models_with_showcases": sum(one.has_showcases for one in models),
        "computed_at": computed_at,
    }


def _download_stats(models: Sequence[ModelTraits]) -> dict[str, Any]:
    sizes = [one.size_bytes for one in models if one.size_bytes]
    return {
        "total_models_with_downloads": sum(one.download_count > 0 for one in models),
        "total_download_entries": sum(one.download_count for one in models),
        "total_size_bytes": sum(sizes),
        "models_with_size_info": len(sizes),
        "average_size_bytes": round(sum(sizes) / len(sizes), 2) if sizes else 0.0,
        "hosts": dict(_counted(one.download_hosts for one in models)),
    }


def _top(total: int, values: Iterable[Sequence[str]]) -> list[dict[str, Any]]:
    return [
        {"tag": tag, "count": count, "percentage": _percentage(count, total)}
        for tag, count in _counted(values)[:TOP_ENTRIES]
    ]


def _parameter_buckets(models: Sequence[ModelTraits]) -> list[dict[str, Any]]:
    buckets = []
    for label, smallest, beyond in PARAMETER_BUCKETS:
        count = sum(
            one.parameters is not None
            and smallest <= one.parameters
            and (beyond is None or one.parameters < beyond)
            for one in models
        )
        if count:
            buckets.append(
                {
                    "bucket_label": label,
                    "min_params": smallest,
                    "max_params": beyond,
                    "count": count,
                    "percentage": _percentage(count, len(models)),
                }
            )
    return buckets


def _counted(values: Iterable[Sequence[str]]) -> list[tuple[str, int]]:
    """Count the values; the most frequent come first, among equals what occurred first."""
    return Counter(chain.from_iterable(values)).most_common()


def _percentage(count: int, total: int) -> float:
    return round(count / total * 100, 2)
